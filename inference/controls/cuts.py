"""Cuts inside what should be one shot, found on thumbnails. Pure; any thread.

Two neighbours are of one shot when one of them, moved, looks like the other; brightness and contrast do not count. So a
pan is no cut, nor is a lamp that comes on. A cut stands out from what the frames around it do (in a whip pan all
neighbours are unlike), and stays: after a flash the picture from before comes back.

Not found: a dissolve or a fade, which has no one frame; a cut between two pictures of the same layout.
"""

from __future__ import annotations

import itertools

import cv2
import numpy as np
from numpy.typing import NDArray

Thumbnail = NDArray[np.float32]

THUMBNAIL = (64, 36)
"""Width and height in pixels: performer and set are still there, grain and small motion are not."""
UNLIKE = 0.4
"""From here on two pictures may be of two shots. Sets drawn at random come out at 0.43 and more; a pan at 0.03, a zoom
of 10 % a frame at 0.16, the frames of a slow dolly at 0.01."""
STANDS_OUT = 2.0
"""A cut is so many times more unlike than what comes right before and after it."""
AROUND_FRAMES = 2
"""How many neighbours to either side count for that: a whip pan is as unlike from the next frame to its next."""
FLASH_FRAMES = 3
"""The longest flash, lamp or passer-by after which the picture from before is waited for."""
_REACH = 0.2  # a picture is moved by so much of its size each way; a pan of 20 % a frame is a blur to the eye
_FLAT = 0.004  # a spread below one 8-bit code holds no picture that could be compared
_DETAIL_PIXELS = 3.0
# Standard deviation of the blur that is taken off. What is broader is the layout of light and dark that many pictures
# share: compared whole, half of all strangers correlate by 0.6 somewhere.


def thumbnail(picture: NDArray[np.float32]) -> Thumbnail:
    """Return (36, 64) float32: the luma of a picture (height, width, 3) in the model's encoding, slightly soft.

    The weights are those of Rec.709. What is not finite counts as black.
    """
    small = cv2.resize(picture, THUMBNAIL, interpolation=cv2.INTER_AREA)
    luma = np.nan_to_num(small, posinf=1.0, neginf=0.0) @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    return np.asarray(cv2.GaussianBlur(luma, (3, 3), 0), np.float32)


def find_cuts(thumbnails: NDArray[np.float32]) -> tuple[int, ...]:
    """Return the positions of the pictures that begin another shot, in order; never 0.

    thumbnails: (frames, height, width) float32, as `thumbnail` makes them.
    """
    unlike = np.array([unlikeness(before, after) for before, after in itertools.pairwise(thumbnails)])
    return tuple(
        int(place) + 1
        for place in np.flatnonzero(unlike > UNLIKE)
        if _stands_out(unlike, int(place)) and _stays(thumbnails, int(place))
    )


def unlikeness(one: Thumbnail, other: Thumbnail) -> float:
    """Return 0 for pictures that are the same but for brightness, contrast and a shift, up to 1 for strangers.

    One less the best correlation of the middle of either's detail with any part of the other's. Two pictures without
    anything in them are alike; one with and one without are strangers.
    """
    spreads = float(one.std()), float(other.std())
    if min(spreads) < _FLAT:
        return 0.0 if max(spreads) < 2 * _FLAT else 1.0
    first, second = _detail(one), _detail(other)
    return 1 - max(_best_match(first, second), _best_match(second, first), 0.0)


def _detail(picture: Thumbnail) -> Thumbnail:
    """Return what is finer than _DETAIL_PIXELS, as strong in the shade as in the light."""
    fine = picture - cv2.GaussianBlur(picture, (0, 0), _DETAIL_PIXELS)
    strength = np.sqrt(cv2.GaussianBlur(fine * fine, (0, 0), 2 * _DETAIL_PIXELS)) + _FLAT
    return np.asarray(fine / strength, np.float32)


def _best_match(whole: Thumbnail, other: Thumbnail) -> float:
    """Return the best correlation of the middle of `other` with a part of `whole`. Neither is empty."""
    height, width = whole.shape
    down, across = round(height * _REACH), round(width * _REACH)
    middle = other[down : height - down, across : width - across]
    if float(middle.std()) < _FLAT:
        middle = other  # all there is lies at the rim: compared where it stands
    found = cv2.matchTemplate(whole, np.ascontiguousarray(middle), cv2.TM_CCOEFF_NORMED)
    # A part of `whole` without anything in it divides by nothing.
    return float(np.nan_to_num(found, nan=0.0, posinf=0.0, neginf=0.0).max())


def _stands_out(unlike: NDArray[np.float64], place: int) -> bool:
    before = unlike[max(0, place - AROUND_FRAMES) : place]
    around = np.concatenate([before, unlike[place + 1 : place + 1 + AROUND_FRAMES]])
    return bool(unlike[place] >= STANDS_OUT * around.max(initial=0.0))


def _stays(thumbnails: NDArray[np.float32], place: int) -> bool:
    """Return whether no picture shortly before `place` looks like one shortly after it."""
    before = thumbnails[max(0, place - FLASH_FRAMES) : place + 1]
    after = thumbnails[place + 1 : place + 2 + FLASH_FRAMES]
    return all(unlikeness(one, other) > UNLIKE for one, other in itertools.product(before, after))
