"""The performer's face as Wan-Animate sees it: a box around 68 points, its pixels stretched to a square. Pure.

Box and crop are those of the official preprocessing (Wan-Video/Wan2.2, commit 42bf4cf, `get_face_bboxes`), which fails
on a face of no width and on one outside the picture; here such a frame has no face, and `face_plan` says what is shown.
"""

from __future__ import annotations

import math
from typing import NamedTuple, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.controls.skeleton import CONFIDENT
from understudy.inference.controls.wholebody import FACE, Points

Place = NDArray[np.float64]
Pixels = TypeVar("Pixels", NDArray[np.uint8], NDArray[np.float32])

FACE_PIXELS = 512
"""Both sides of the crop that the motion encoder takes."""
GROWTH = 1.3
"""The box has this much more area than the points span."""
SEEN = 0.3
"""Mean confidence of the 68 points from which a face counts as seen; pose estimators draw points from there."""
EYES, EARS = slice(1, 3), slice(3, 5)
EARS_APART = 2.3
"""Distances of the eyes between the ears, on a face from the front."""
FACE_SHARES = (1.12, 0.5, 1.7)
"""How far the 68 points reach from between the eyes: to a side, up to the brows, down to the chin; in eye distances."""


class FaceBox(NamedTuple):
    """Whole pixels; `right` and `bottom` are past the end. The order is that of the official code."""

    left: int
    right: int
    top: int
    bottom: int


def face_box(keypoints: Points, height: int, width: int, seen: float = SEEN) -> FaceBox | None:
    """Return the box around the face, or None where there is none in the picture.

    keypoints: (133, 3) float32, x and y in pixels of a picture of `height` x `width`, confidence. The points' extent
    grows to GROWTH times its area in its own shape, half of the extra width to each side, of a half of the extra height
    three parts up and one down, clipped to the picture, truncated. Points of confidence 0 are not there and do not
    count. None where the mean confidence is below `seen`, or where less than one pixel of the box is left.
    """
    face = keypoints[FACE]
    if not has_face_points(keypoints) or float(face[:, 2].mean()) < seen:
        return None
    size = (width, height)
    # Positions travel as shares of the picture in the official code, in single precision: the last pixel hangs on it.
    places = (face[face[:, 2] > 0, :2] / np.array(size, np.float32)).astype(np.float64) * size
    return _grown(places.min(axis=0), places.max(axis=0), height, width)


def has_face_points(keypoints: Points) -> bool:
    """Return whether any of the 68 face points is there at all; a rig of bones has none."""
    return bool(keypoints[FACE, 2].any())


def head_box(keypoints: Points, height: int, width: int, confident: float = CONFIDENT) -> FaceBox | None:
    """Return a box about where `face_box` would have it, from eyes and ears; None without a pair of either.

    A pair counts where the left one lies to the right in the picture: else the head is seen from behind.

    For keypoints without any face points. Its unit is the distance of the eyes, or that of the ears over EARS_APART
    where that is more: a head that turns keeps one of the two. Shares are those of the mean 68-point face (300-W).
    """
    pairs = [
        (keypoints[pair, :2].astype(np.float64), share)
        for pair, share in ((EYES, 1.0), (EARS, EARS_APART))
        if keypoints[pair, 2].min() >= confident and keypoints[pair][0, 0] > keypoints[pair][1, 0]
    ]
    if not pairs:
        return None
    middle = np.mean([pair.mean(axis=0) for pair, _ in pairs], axis=0)
    unit = max(float(np.hypot(*(pair[1] - pair[0]))) / share for pair, share in pairs)
    aside, above, below = FACE_SHARES
    low = middle - np.array([aside, above]) * unit
    high = middle + np.array([aside, below]) * unit
    return _grown(low, high, height, width)


def _grown(low: Place, high: Place, height: int, width: int) -> FaceBox | None:
    """Return the extent from `low` to `high` (x, y), grown and clipped; None where nothing is left of it."""
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        return None
    across, down = (high - low).tolist()
    if across <= 0 or down <= 0:
        return None
    spread = math.sqrt(GROWTH) - 1
    aside, below = across * spread / 2, down * spread / 4
    box = FaceBox(
        int(max(low[0] - aside, 0)),
        int(min(high[0] + aside, width)),
        int(max(low[1] - 3 * below, 0)),
        int(min(high[1] + below, height)),
    )
    return box if box.left < box.right and box.top < box.bottom else None


def crop_face(picture: Pixels, box: FaceBox) -> Pixels:
    """Return the pixels of `box` stretched to (FACE_PIXELS, FACE_PIXELS, channels), in a shape of their own.

    picture: (height, width, channels). Bilinear both ways, as the official code does; uint8 gives the same codes as it.
    """
    return stretch_face(picture[box.top : box.bottom, box.left : box.right])


def stretch_face(pixels: Pixels) -> Pixels:
    """Return the pixels of a box, (height, width, channels), as `crop_face` does."""
    taken = np.ascontiguousarray(pixels)
    stretched: Pixels = cv2.resize(taken, (FACE_PIXELS, FACE_PIXELS), interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment]  # same kind
    return stretched


def neutral_face() -> NDArray[np.float32]:
    """Return (FACE_PIXELS, FACE_PIXELS, 3) of 0, which is black: what the official code shows a model that is to make
    a picture without any expression (pixels at -1 in the model's own range)."""
    return np.zeros((FACE_PIXELS, FACE_PIXELS, 3), np.float32)
