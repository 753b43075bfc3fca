"""One look at every picture and matte of a shot, of which only small facts are kept: what `preflight` judges."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from understudy.inference.controls.cuts import THUMBNAIL, find_cuts, thumbnail
from understudy.inference.controls.grid import Grid
from understudy.inference.controls.matte import Matte
from understudy.inference.picture.crop import Box, boxes_from_matte

Reader = Callable[[int], NDArray[np.float32]]
Step = Callable[[int, int], None]
People = Mapping[int, Sequence[Box]]
"""By frame the boxes (left, top, right, bottom) of all whom a detector found, in pixels of the model's picture."""

WholeBox = tuple[int, int, int, int]
"""Left, top, right, bottom in whole pixels, the last two past the end."""

SAME_PERSON = 0.6
"""Two boxes that share this much (intersection over union) are two findings of one person."""
OWN_SHARE = 0.15
"""Who has this much of the matte in their box, and in nobody else's, is in the matte: more than an arm that passes."""


@dataclass(frozen=True, slots=True)
class Survey:
    """Immutable and small. `used` and `people` have one entry a frame, in order."""

    frames: tuple[int, ...]
    cuts: tuple[int, ...] = ()
    """The frames that begin another shot."""
    used: tuple[WholeBox | None, ...] = ()
    """The box around the dilated matte, None where it is empty; () without mattes."""
    people: tuple[int, ...] | None = None
    """How many people are in the matte; None where nobody was looked for."""

    def at(self, positions: Sequence[int]) -> tuple[int, ...]:
        return tuple(self.frames[position] for position in positions)


def survey(
    frames: Sequence[int],
    plate: Reader | None,
    matte: Reader | None,
    grid: Grid | None = None,
    people: People | None = None,
    step: Step = lambda done, total: None,
) -> Survey:
    """Read every picture and every matte once, one at a time; of the pictures, thumbnails of 9 KB stay till the end.

    plate, matte: as an engine's Footage has them. step(done, total) is called after each frame and may raise to stop.
    """
    thumbnails = np.empty((len(frames) if plate else 0, THUMBNAIL[1], THUMBNAIL[0]), np.float32)
    used: list[WholeBox | None] = []
    counts: list[int] = []
    for position, frame in enumerate(frames):
        if plate is not None:
            thumbnails[position] = thumbnail(plate(frame))
        if matte is not None:
            read = matte(frame)
            used.append(_used_box(read, grid or Grid()))
            if people is not None:
                counts.append(people_in(read, people.get(frame, ())))
        step(position + 1, len(frames))
    cuts = tuple(frames[position] for position in find_cuts(thumbnails))
    return Survey(tuple(frames), cuts, tuple(used), tuple(counts) if people is not None and matte else None)


def people_in(matte: Matte, boxes: Sequence[Box]) -> int:
    """Return how many of the people in `boxes` the matte covers; a person who only overlaps another is not counted."""
    persons = _persons(boxes, matte.shape)
    inside = matte > 0.5
    total = int(inside.sum())
    if not total:
        return 0
    if len(persons) == 1:
        return 1
    owners = np.zeros(matte.shape, np.int32)
    for left, top, right, bottom in persons:
        owners[top:bottom, left:right] += 1
    own = inside & (owners == 1)
    return sum(int(own[top:bottom, left:right].sum()) >= OWN_SHARE * total for left, top, right, bottom in persons)


def _persons(boxes: Sequence[Box], shape: tuple[int, ...]) -> list[WholeBox]:
    """Return the boxes inside the picture in whole pixels, those of one person once."""
    limits = (shape[1], shape[0], shape[1], shape[0])
    persons: list[WholeBox] = []
    for box in boxes:
        left, top, right, bottom = (
            int(np.clip(round(edge), 0, limit)) for edge, limit in zip(box, limits, strict=True)
        )
        person = (left, top, right, bottom)
        if left < right and top < bottom and all(_overlap(person, other) < SAME_PERSON for other in persons):
            persons.append(person)
    return persons


def _overlap(one: WholeBox, other: WholeBox) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return width * height / (sum(areas) - width * height)


def _used_box(matte: Matte, grid: Grid) -> WholeBox | None:
    """Return the box around the matte once dilated, inside the picture; None for an empty one."""
    box = boxes_from_matte(matte)
    if box is None:
        return None
    reach = grid.kernel_pixels // 2 * grid.dilations
    height, width = matte.shape
    left, top, right, bottom = box
    return max(left - reach, 0), max(top - reach, 0), min(right + reach, width), min(bottom + reach, height)
