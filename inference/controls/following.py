"""Who of several people is meant: the one in the matte. Pure; any thread.

Nothing is remembered from frame to frame: the matte says it anew in each, so a cut or a crossing cannot swap people.
Without a matte it is the largest, as in Wan-Animate's preprocessing.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.controls.matte import FAINT
from understudy.inference.controls.person_box import Box
from understudy.inference.controls.wholebody import BODY, Points
from understudy.inference.picture.crop import boxes_from_matte

Matte = NDArray[np.float32]

LEAST_LIKENESS = 0.1
"""A box that matches the matte less than this is somebody else's. One person fills 30 to 60 % of their box, which
gives 0.45 to 0.75 for the right one.
"""
SURE_POINT = 0.3
"""Below this confidence a point says nothing about where a person is."""
BELONGS = 0.8
"""A pose with this share of its sure body points in the matte is the matte's person: no other is looked for."""
SLACK = 0.04
"""How far outside the matte a joint may lie, over the matte's longer side: cloth, hair, a tight roto."""


def matte_box(matte: Matte) -> Box | None:
    """Return the box of everything in the matte that is not faint; None for an empty one."""
    found = boxes_from_matte(matte, FAINT)
    return None if found is None else Box(*(edge - 0.5 for edge in found))


def likeness(box: Box, matte: Matte) -> float:
    """Return how well `box` frames the matte, 0 to 1: twice what is inside, over the box's and the matte's area (Dice).

    A box that holds a second person too, or only half of this one, scores less than the right one; a matte in several
    pieces does not mind.
    """
    height, width = matte.shape
    rows = slice(max(0, round(box.top + 0.5)), max(0, min(height, round(box.bottom + 0.5))))
    columns = slice(max(0, round(box.left + 0.5)), max(0, min(width, round(box.right + 0.5))))
    inside, total = float(matte[rows, columns].sum()), float(matte.sum())
    return 2 * inside / (box.area + total) if inside > 0 else 0.0


def candidates(boxes: Sequence[Box], matte: Matte | None) -> list[Box]:
    """Return the boxes to look into, the likeliest first; the matte's own last. Empty when nothing is known."""
    if matte is None:
        return sorted(boxes, key=lambda box: box.area, reverse=True)[:1]
    own = matte_box(matte)
    if own is None:
        return []
    ranked = sorted(((likeness(box, matte), box) for box in boxes), key=lambda pair: pair[0], reverse=True)
    return [*(box for score, box in ranked[:2] if score >= LEAST_LIKENESS), own]


def share_in_matte(points: Points, matte: Matte) -> float:
    """Return which share of the sure body points inside the picture lies in the matte or close by; 0 without any."""
    height, width = matte.shape
    sure = points[BODY][points[BODY, 2] >= SURE_POINT]
    places = np.floor(sure[:, :2] + 0.5).astype(np.intp)
    places = places[(places >= 0).all(axis=1) & (places[:, 0] < width) & (places[:, 1] < height)]
    box = matte_box(matte)
    if box is None or not len(places):
        return 0.0
    room = widened(matte, SLACK * max(box.width, box.height))
    return float(room[places[:, 1], places[:, 0]].mean())


def widened(matte: Matte, pixels: float) -> NDArray[np.bool_]:
    """Return what is within about `pixels` of the matte: (height, width) bool."""
    side = 2 * round(pixels) + 1
    mask = (matte >= FAINT).astype(np.uint8)
    return np.asarray(cv2.dilate(mask, np.ones((side, side), np.uint8)), np.uint8) > 0
