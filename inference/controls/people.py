"""How many people a matte covers, by the boxes of a detector. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from understudy.inference.controls.matte import Matte
from understudy.inference.controls.survey import WholeBox
from understudy.inference.picture.crop import Box

People = Mapping[int, Sequence[Box]]
"""By frame the boxes (left, top, right, bottom) of all whom a detector found, in pixels of the model's picture."""

SAME_PERSON = 0.6
"""Two boxes that share this much (intersection over union) are two findings of one person."""
OWN_SHARE = 0.15
"""Who has this much of the matte in their box, and in nobody else's, is in the matte: more than an arm that passes."""


def count_people(people: People, matte: Callable[[int], Matte]) -> dict[int, int]:
    """Return by frame how many people the matte covers; mattes are read only where more than one was found."""
    return {frame: people_in(matte(frame), boxes) if len(boxes) > 1 else len(boxes) for frame, boxes in people.items()}


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
