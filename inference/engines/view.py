"""One frame as the tracker sees it: the performer alone, small and grey. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from understudy.inference.engines.smooth import grey_levels, grown, spread, worn

Array = NDArray[np.float32]

TRACKING_AREA_PIXELS = 320 * 180
LEAST_PIXELS = 30
"""Fewer pixels that surely show the performer cannot be followed."""


@dataclass(frozen=True, slots=True)
class View:
    """One frame as the tracker sees it."""

    grey: Array
    """(h, w), 0 to 255; the performer goes on past the outline, so that no background moves with it."""
    matte: Array
    """(h, w), 0 to 1."""
    inside: Array
    """(h, w): 1 where the picture surely shows the performer."""
    covered: Array
    """(h, w): 1 at and beside what passes in front; an outline there is not the performer's."""
    joints: Array
    """(n, 3): x, y at tracking size and confidence, always the same n joints; n may be 0."""


def tracking_size(height: int, width: int) -> tuple[int, int]:
    """Return the (height, width) at which motion is followed; even, never larger than the picture."""
    factor = min(1.0, float(np.sqrt(TRACKING_AREA_PIXELS / (height * width))))
    return max(16, 2 * round(height * factor / 2)), max(16, 2 * round(width * factor / 2))


def view_of(picture: Array, matte: Array, holdout: Array | None, joints: Array) -> View | None:
    """Return what the tracker needs of a frame at tracking size; None where the matte shows nothing to follow."""
    covered = np.zeros_like(matte)
    if holdout is not None:
        covered = grown((holdout > 0.05).astype(np.uint8), 5).astype(np.float32)
    inside = worn((matte > 0.9).astype(np.uint8), 3).astype(np.float32) * (1.0 - covered)
    if float(inside.sum()) < LEAST_PIXELS:
        return None
    return View(spread(grey_levels(picture), inside), matte, inside, covered, joints)
