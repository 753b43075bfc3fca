"""One look at every picture and matte of a shot, of which only small facts are kept: what `preflight` judges."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from understudy.inference.controls.cuts import THUMBNAIL, thumbnail
from understudy.inference.controls.grid import Grid
from understudy.inference.controls.matte import Matte
from understudy.inference.picture.crop import Box, boxes_from_matte

Reader = Callable[[int], NDArray[np.float32]]
Step = Callable[[int, int], None]
People = Mapping[int, Sequence[Box]]
"""By frame the boxes (left, top, right, bottom) of all whom a detector found, in pixels of the model's picture."""

SAME_PERSON = 0.6
"""Two boxes that share this much (intersection over union) are two findings of one person."""
OWN_SHARE = 0.15
"""Who has this much of the matte in their box, and in nobody else's, is in the matte: more than an arm that passes."""


@dataclass(frozen=True, slots=True)
class Survey:
    """Immutable; about 9 KB a frame. All tuples have one entry a frame, in order."""

    frames: tuple[int, ...]
    thumbnails: NDArray[np.float32]
    """(frames, 36, 64), or no frames where there is no plate."""
    used_sizes: tuple[tuple[int, int] | None, ...] = ()
    """Width and height of the dilated matte, None where it is empty; () without mattes."""
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
    """Read every picture and every matte once, one at a time.

    plate, matte: as an engine's Footage has them. step(done, total) is called after each frame and may raise to stop.
    """
    thumbnails = np.empty((len(frames) if plate else 0, THUMBNAIL[1], THUMBNAIL[0]), np.float32)
    sizes: list[tuple[int, int] | None] = []
    counts: list[int] = []
    for position, frame in enumerate(frames):
        if plate is not None:
            thumbnails[position] = thumbnail(plate(frame))
        if matte is not None:
            read = matte(frame)
            sizes.append(_used_size(read, grid or Grid()))
            if people is not None:
                counts.append(people_in(read, people.get(frame, ())))
        step(position + 1, len(frames))
    return Survey(tuple(frames), thumbnails, tuple(sizes), tuple(counts) if people is not None and matte else None)


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


def _persons(boxes: Sequence[Box], shape: tuple[int, ...]) -> list[tuple[int, int, int, int]]:
    """Return the boxes inside the picture in whole pixels, those of one person once."""
    limits = (shape[1], shape[0], shape[1], shape[0])
    persons: list[tuple[int, int, int, int]] = []
    for box in boxes:
        left, top, right, bottom = (
            int(np.clip(round(edge), 0, limit)) for edge, limit in zip(box, limits, strict=True)
        )
        person = (left, top, right, bottom)
        if left < right and top < bottom and all(_overlap(person, other) < SAME_PERSON for other in persons):
            persons.append(person)
    return persons


def _overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return width * height / (sum(areas) - width * height)


def _used_size(matte: Matte, grid: Grid) -> tuple[int, int] | None:
    """Return width and height of the matte once dilated, inside the picture; None for an empty one."""
    box = boxes_from_matte(matte)
    if box is None:
        return None
    reach = grid.kernel_pixels // 2 * grid.dilations
    height, width = matte.shape
    across, down = (
        min(last + reach, side) - max(first - reach, 0)
        for first, last, side in ((box[0], box[2], width), (box[1], box[3], height))
    )
    return across, down
