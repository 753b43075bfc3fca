"""What can be told of a shot before anything expensive runs, each as one finding with its frames. Pure.

docs/preflight.md is the list, with what to do. Nothing here stops a job but a shot in which nobody is to be replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from understudy.bridge.errors import Finding
from understudy.inference.controls.cuts import find_cuts
from understudy.inference.controls.face_plan import FacePlan
from understudy.inference.controls.grid import Grid
from understudy.inference.controls.proportions import typical_size
from understudy.inference.controls.skeleton import CONFIDENT, HANDS, Points
from understudy.inference.controls.survey import Survey

FRAMED_APART = 1.5
"""A reference whose character is this much larger or smaller than the performer: the body comes out misproportioned."""
COARSE = 0.5
"""Model pixels a plate pixel, each way: below, two pixels of the plate and more become one."""
SMALLEST_SIDE_PIXELS = 200
"""The model's authors name 200 pixels as the least for the shorter side."""
SMALLEST_FACE_PIXELS = 64
"""A face of fewer is enlarged more than eight times for the motion encoder: its expression is guesswork."""
SURE_HAND = 0.3
"""Mean confidence of the 21 points of a hand; the same bound as for a face."""
WRISTS = (9, 10)
BODY = slice(0, 17)


@dataclass(frozen=True, slots=True)
class PreflightFacts:
    """What the checks look at. Keypoints are in pixels of the model's picture, as the skeleton is drawn from them."""

    survey: Survey
    keypoints: Mapping[int, Points]
    faces: FacePlan
    height: int
    width: int
    grid: Grid | None = None
    """Of the conditioning matte; None in mode animate."""
    reference: Points | None = None
    """(133, 3) in the letterboxed reference; None where a retarget makes its framing no matter, or nobody found it."""
    plate_scale: float | None = None
    """Model pixels a plate pixel; None where there is no plate."""


def preflight(shot: PreflightFacts) -> tuple[Finding, ...]:
    """Return what the artist should know, most grave first; nothing where all is well. Faces are told by their plan."""
    found = (check(shot) for check in _CHECKS)
    return tuple(finding for finding in found if finding is not None)


def no_matte(shot: PreflightFacts) -> Finding | None:
    survey = shot.survey
    empty = survey.at([n for n, size in enumerate(survey.used_sizes) if size is None])
    if not empty:
        return None
    everywhere = len(empty) == len(survey.frames)
    return Finding(
        rule="matte_shows_somebody",
        outcome="refuse" if everywhere else "warn",
        message=f"nothing in the matte is above one half in {_share(empty, survey.frames)}: "
        + ("there is nobody to replace" if everywhere else "the plate stays as it is there"),
        remedy="Check the matte's channel and polarity (--matte-channel, --matte-invert), or paint it there.",
        frames=empty,
    )


def cut_inside(shot: PreflightFacts) -> Finding | None:
    cuts = shot.survey.at(find_cuts(shot.survey.thumbnails))
    if not cuts:
        return None
    return Finding(
        rule="one_shot",
        outcome="warn",
        message=f"the picture cuts to another shot {'once' if len(cuts) == 1 else f'{len(cuts)} times'}; "
        "what is made before a cut is carried over it",
        remedy="Recast each shot by itself; the frames named are the first of a new one.",
        frames=cuts,
    )


def more_than_one_person(shot: PreflightFacts) -> Finding | None:
    survey = shot.survey
    if survey.people is None:
        return None
    crowded = survey.at([n for n, people in enumerate(survey.people) if people > 1])
    if not crowded:
        return None
    return Finding(
        rule="one_person_in_the_matte",
        outcome="warn",
        message=f"up to {max(survey.people)} people are in the matte in {_share(crowded, survey.frames)}; "
        "one character comes in for all of them",
        remedy="Paint the matte around the one who is replaced; another performer is a job of its own.",
        frames=crowded,
    )


def body_outside(shot: PreflightFacts) -> Finding | None:
    def outside(points: Points) -> bool:
        body = points[BODY]
        sure = body[:, 2] >= CONFIDENT
        return bool(sure.any()) and not (sure & _inside(body, shot)).any()

    frames = _frames(shot, outside)
    if not frames:
        return None
    return Finding(
        rule="body_in_the_picture",
        outcome="warn",
        message=f"no point of the body lies inside the picture in {_share(frames, shot.keypoints)}",
        remedy="Check the size that the keypoints state, or frame the reference wider.",
        frames=frames,
    )


def nobody_found(shot: PreflightFacts) -> Finding | None:
    frames = _frames(shot, lambda points: not (points[BODY, 2] >= CONFIDENT).any())
    if not frames:
        return None
    return Finding(
        rule="body_is_seen",
        outcome="warn",
        message=f"no body was found in {_share(frames, shot.keypoints)}: the model is shown no pose there",
        remedy="Give keypoints of your own with --keypoints.",
        frames=frames,
    )


def hands_outside(shot: PreflightFacts) -> Finding | None:
    def outside(points: Points) -> bool:
        wrists = points[list(WRISTS)]
        return bool(((wrists[:, 2] >= CONFIDENT) & ~_inside(wrists, shot)).any())

    frames = _frames(shot, outside)
    if not frames:
        return None
    return Finding(
        rule="hands_in_the_picture",
        outcome="note",
        message=f"a hand is out of the picture in {_share(frames, shot.keypoints)}",
        remedy="What comes back into the picture is invented: look at the hands there.",
        frames=frames,
    )


def hands_unsure(shot: PreflightFacts) -> Finding | None:
    def unsure(points: Points) -> bool:
        wrists = points[list(WRISTS)]
        seen = (wrists[:, 2] >= CONFIDENT) & _inside(wrists, shot)
        return any(wrist and float(points[hand, 2].mean()) < SURE_HAND for wrist, hand in zip(seen, HANDS, strict=True))

    frames = _frames(shot, unsure)
    if not frames:
        return None
    return Finding(
        rule="hands_are_seen",
        outcome="note",
        message=f"the fingers of a hand in the picture were not found in {_share(frames, shot.keypoints)}",
        remedy="The model invents them: look at the hands there, or give keypoints of your own with --keypoints.",
        frames=frames,
    )


def reference_framed_apart(shot: PreflightFacts) -> Finding | None:
    found = typical_size(shot.reference, shot.keypoints) if shot.reference is not None else None
    if found is None or 1 / FRAMED_APART < found[0] < FRAMED_APART:
        return None
    size, basis = found
    larger = size > 1
    return Finding(
        rule="reference_scale",
        outcome="warn",
        message=f"the reference shows its character {size if larger else 1 / size:.1f} times "
        f"{'larger' if larger else 'smaller'} than the performer is in the picture, by the {basis}",
        remedy="Leave more room around the character." if larger else "Crop the reference closer to the character.",
        facts={"reference over performer": f"{size:.3f}", "measured by": basis},
    )


def small_picture(shot: PreflightFacts) -> Finding | None:
    if min(shot.height, shot.width) > SMALLEST_SIDE_PIXELS:
        return None
    return Finding(
        rule="picture_is_large_enough",
        outcome="warn",
        message=f"the model's picture is {shot.width}x{shot.height}; it expects sides above {SMALLEST_SIDE_PIXELS}",
        remedy="Ask for a larger area, or recast from a larger plate.",
    )


def coarse_picture(shot: PreflightFacts) -> Finding | None:
    scale = shot.plate_scale
    if scale is None or scale >= 1:
        return None
    plate = f"{round(shot.width / scale)}x{round(shot.height / scale)}"
    return Finding(
        rule="picture_scale",
        outcome="note" if scale >= COARSE else "warn",
        message=f"the model makes {shot.width}x{shot.height} pixels for {plate} of the plate: {scale:.0%} each way",
        remedy="A larger area makes more of them and takes longer; a tighter matte makes the crop smaller.",
        facts={"model pixels a plate pixel": f"{scale:.3f}"},
    )


def small_faces(shot: PreflightFacts) -> Finding | None:
    sides = {
        frame: min(box.right - box.left, box.bottom - box.top)
        for frame, box in shot.faces.boxes.items()
        if box is not None
    }
    small = tuple(frame for frame, side in sides.items() if side < SMALLEST_FACE_PIXELS)
    if not small:
        return None
    return Finding(
        rule="face_is_large_enough",
        outcome="note",
        message=f"the face is only {min(sides.values())} pixels at its smallest, in {_share(small, sides)} under "
        f"{SMALLEST_FACE_PIXELS}: its expression is hard to read",
        remedy="A tighter matte or a larger area makes it larger.",
        frames=small,
    )


def matte_under_the_grid(shot: PreflightFacts) -> Finding | None:
    grid, survey = shot.grid, shot.survey
    if grid is None:
        return None
    narrow = survey.at([n for n, size in enumerate(survey.used_sizes) if size and grid.is_finer_than(size)])
    if not narrow:
        return None
    return Finding(
        rule="matte_holds_the_grid",
        outcome="note",
        message=f"the matte is smaller than its {grid.columns} x {grid.rows} cells in {_share(narrow, survey.frames)}: "
        "cells of one pixel are used there",
        remedy="Use fewer cells, or check the matte there.",
        frames=narrow,
    )


_CHECKS: tuple[Callable[[PreflightFacts], Finding | None], ...] = (
    no_matte, cut_inside, more_than_one_person, nobody_found, body_outside, reference_framed_apart, small_picture,
    coarse_picture, small_faces, hands_outside, hands_unsure, matte_under_the_grid,
)  # fmt: skip


def _frames(shot: PreflightFacts, holds: Callable[[Points], bool]) -> tuple[int, ...]:
    return tuple(frame for frame in sorted(shot.keypoints) if holds(shot.keypoints[frame]))


def _inside(points: Points, shot: PreflightFacts) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Return which points lie in the picture, whose pixels reach half a pixel around their centres."""
    limits = np.array([shot.width - 0.5, shot.height - 0.5])
    return np.asarray(((points[:, :2] >= -0.5) & (points[:, :2] < limits)).all(axis=1))


def _share(some: tuple[int, ...], of: Iterable[int]) -> str:
    total = len(tuple(of))
    return f"all {total} frames" if len(some) == total else f"{len(some)} of {total} frames"
