"""One look at every picture and matte of a shot, of which only small facts are kept: what `preflight` judges."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from understudy.inference.controls.cuts import THUMBNAIL, find_cuts, thumbnail
from understudy.inference.controls.grid import Grid
from understudy.inference.controls.matte import Matte
from understudy.inference.picture.crop import boxes_from_matte

Reader = Callable[[int], NDArray[np.float32]]
Step = Callable[[int, int], None]
WholeBox = tuple[int, int, int, int]
"""Left, top, right, bottom in whole pixels, the last two past the end."""


@dataclass(frozen=True, slots=True)
class Survey:
    """Immutable and small. `used` has one entry a frame, in order."""

    frames: tuple[int, ...]
    cuts: tuple[int, ...] = ()
    """The frames that begin another shot."""
    used: tuple[WholeBox | None, ...] = ()
    """The box around the dilated matte, None where it is empty; () without mattes."""

    def at(self, positions: Sequence[int]) -> tuple[int, ...]:
        return tuple(self.frames[position] for position in positions)

    @property
    def empty(self) -> tuple[int, ...]:
        """Return the frames whose matte shows nobody."""
        return self.at([position for position, box in enumerate(self.used) if box is None])


def survey(
    frames: Sequence[int],
    plate: Reader | None,
    matte: Reader | None,
    grid: Grid | None = None,
    step: Step = lambda done, total: None,
) -> Survey:
    """Read every picture and every matte once, one at a time; of the pictures, thumbnails of 9 KB stay till the end.

    plate, matte: as an engine's Footage has them. step(done, total) is called after each frame and may raise to stop.
    """
    thumbnails = np.empty((len(frames) if plate else 0, THUMBNAIL[1], THUMBNAIL[0]), np.float32)
    used: list[WholeBox | None] = []
    for position, frame in enumerate(frames):
        if plate is not None:
            thumbnails[position] = thumbnail(plate(frame))
        if matte is not None:
            used.append(_used_box(matte(frame), grid or Grid()))
        step(position + 1, len(frames))
    cuts = tuple(frames[position] for position in find_cuts(thumbnails))
    return Survey(tuple(frames), cuts, tuple(used))


def _used_box(matte: Matte, grid: Grid) -> WholeBox | None:
    """Return the box around the matte once dilated, inside the picture; None for an empty one."""
    box = boxes_from_matte(matte)
    if box is None:
        return None
    reach = grid.kernel_pixels // 2 * grid.dilations
    height, width = matte.shape
    left, top, right, bottom = box
    return max(left - reach, 0), max(top - reach, 0), min(right + reach, width), min(bottom + reach, height)
