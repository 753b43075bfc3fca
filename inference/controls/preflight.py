"""What can be told of a shot before anything expensive runs, each as one finding with its frames. Pure.

docs/preflight.md is the list, with what to do. Nothing here stops a job but a shot in which nobody is to be replaced.
"""

from __future__ import annotations

from understudy.bridge.errors import Finding
from understudy.inference.controls.picture_checks import (
    coarse_picture,
    cut_inside,
    matte_under_the_grid,
    more_than_one_person,
    no_matte,
    small_picture,
)
from understudy.inference.controls.pose_checks import (
    body_outside,
    hands_outside,
    hands_unsure,
    nobody_found,
    pose_jumps,
    pose_of_somebody_else,
    reference_framed_apart,
    small_faces,
)
from understudy.inference.controls.preflight_facts import PreflightFacts

CHECKS = (
    no_matte,
    cut_inside,
    more_than_one_person,
    pose_of_somebody_else,
    pose_jumps,
    nobody_found,
    body_outside,
    reference_framed_apart,
    small_picture,
    coarse_picture,
    small_faces,
    hands_outside,
    hands_unsure,
    matte_under_the_grid,
)
"""Most grave first."""


def preflight(shot: PreflightFacts) -> tuple[Finding, ...]:
    """Return what the artist should know; nothing where all is well. What faces lack is told by their plan."""
    found = (check(shot) for check in CHECKS)
    return tuple(finding for finding in found if finding is not None)
