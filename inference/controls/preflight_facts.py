"""What is known of a shot before it runs: what the checks of `preflight` look at. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from understudy.inference.controls.face_plan import FacePlan
from understudy.inference.controls.grid import Grid
from understudy.inference.controls.survey import Survey
from understudy.inference.controls.wholebody import Points


@dataclass(frozen=True, slots=True)
class PreflightFacts:
    """Keypoints are in pixels of the model's picture, as the skeleton is drawn from them."""

    survey: Survey
    keypoints: Mapping[int, Points]
    faces: FacePlan
    height: int
    width: int
    grid: Grid
    """Of the conditioning mattes, where the survey has any."""
    reference: Points | None = None
    """(133, 3) in the letterboxed reference; None where a retarget makes its framing no matter, or nobody found it."""
    plate_scale: float | None = None
    """Model pixels a plate pixel; None where there is no plate."""
    people: Mapping[int, int] | None = None
    """How many people the matte covers, by frame; None where nobody looked."""

    def frames(self, holds: Callable[[Points], bool]) -> tuple[int, ...]:
        """Return the frames of whose points this holds."""
        return tuple(frame for frame in sorted(self.keypoints) if holds(self.keypoints[frame]))

    def inside(self, points: Points) -> NDArray[np.bool_]:
        """Return which points lie in the picture, whose pixels reach half a pixel around their centres."""
        limits = np.array([self.width - 0.5, self.height - 0.5])
        return np.asarray(((points[:, :2] >= -0.5) & (points[:, :2] < limits)).all(axis=1))


def share(some: tuple[int, ...], of: Iterable[int]) -> str:
    """Return `3 of 90 frames`, or `all 90 frames`."""
    total = len(tuple(of))
    return f"all {total} frames" if len(some) == total else f"{len(some)} of {total} frames"
