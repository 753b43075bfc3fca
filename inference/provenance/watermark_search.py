"""Finding where a cropped or padded picture lay in the one that was marked, by the pilot in it. Pure.

The pilot's chips are others than those that carry the id: a place chosen by the pilot says nothing of the id by chance,
so that search costs the reading nothing in certainty. The last pixels are then found by the bits themselves, and every
place that was tried so is counted.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.provenance.watermark_pattern import PLANE_HEIGHT, PLANE_WIDTH, Pattern, Plane
from understudy.inference.provenance.watermark_reading import whitened

STEP = 0.005
"""Of the picture's size: at its edge a quarter of the pilot's shortest wave."""
ALIKE = (0.8, 1.02)
"""How much of the marked picture may be seen, both ways alike."""
APART = (0.9, 1.02)
"""The same where it may differ between across and down."""
SURE = 6.0
"""Standard deviations of the pilot above which no further place is looked for; its own chance, over 2,000 places of
100,000 shifts each, is below one in ten."""
_COARSE, _FINE = (0.004, 0.002, 0.001), (0.004, 0.002, 0.001, 0.0005)
"""Steps in which a place is put right, first by the pilot, then by the bits: down to a quarter of a plane's pixel."""
_NOTHING = 1e-6
"""The norm of a plane in which nothing is: a flat picture."""
_MARGIN = 12
"""Plane pixels by which a picture may reach over the marked one: 2 %."""
_DARK_CODES = 24
"""Black of video, 16, and what compression leaves around it."""


class Place(NamedTuple):
    """Which part of the marked picture is seen, in parts of its size; left and top are where it begins."""

    left: float = 0.0
    top: float = 0.0
    width: float = 1.0
    height: float = 1.0


class Found(NamedTuple):
    place: Place
    deviations: float
    """How surely the pilot says so, in standard deviations."""
    tried: int
    """In how many places the bits were looked at."""


def active_picture(brightest: NDArray[np.uint8]) -> tuple[slice, slice]:
    """Return rows and columns within black bars. brightest: luma, at each pixel the most of all frames.

    All of it where there are no bars, or where everything is dark.
    """
    rows = np.flatnonzero(np.mean(brightest > _DARK_CODES, axis=1) > 0.02)
    columns = np.flatnonzero(np.mean(brightest > _DARK_CODES, axis=0) > 0.02)
    if not rows.size or not columns.size:
        return slice(0, brightest.shape[0]), slice(0, brightest.shape[1])
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def find_place(plane: Plane, pattern: Pattern) -> Found:
    """Return where the pilot says that the mean of evened planes lies in the marked picture. One to five seconds."""
    seen = _pilot_part(plane, pattern)
    alike = [(size, size) for size in _sizes(ALIKE)]
    best = max(_at_size(seen, pattern, *sizes) for sizes in alike)
    if best[0] < SURE:
        apart = [sizes for sizes in product(_sizes(APART), _sizes(APART)) if sizes[0] != sizes[1]]
        best = max(best, max(_at_size(seen, pattern, *sizes) for sizes in apart))
    near, deviations, _ = _refined(lambda place: _fit(seen, pattern, place), best[1], _COARSE)
    place, _, tried = _refined(lambda place: _said(plane, pattern, place), near, _FINE)
    return Found(place, deviations, tried)


def put_in_place(plane: Plane, place: Place) -> Plane:
    """Return a plane of the whole marked picture with what is seen of it where it belongs, and nothing around that."""
    across, down = place.width, place.height
    matrix = np.array(
        [
            [across, 0, place.left * PLANE_WIDTH + (across - 1) / 2],
            [0, down, place.top * PLANE_HEIGHT + (down - 1) / 2],
        ],
        np.float64,
    )
    return np.asarray(cv2.warpAffine(plane, matrix, (PLANE_WIDTH, PLANE_HEIGHT), flags=cv2.INTER_CUBIC), np.float32)


def _sizes(between: tuple[float, float]) -> list[float]:
    return [float(size) for size in np.arange(between[0], between[1] + STEP / 2, STEP)]


def _pilot_part(plane: Plane, pattern: Pattern) -> Plane:
    """Return what the plane holds in the pilot's band, each wave by how far it stands out."""
    spectrum = whitened(np.asarray(cv2.dct(np.ascontiguousarray(plane)), np.float32))
    return np.asarray(cv2.idct(spectrum * pattern.pilot_band), np.float32)


def _at_size(seen: Plane, pattern: Pattern, width: float, height: float) -> tuple[float, Place]:
    """Return how well the pilot fits at the best shift of this size, and where that is."""
    size = (round(PLANE_WIDTH * width), round(PLANE_HEIGHT * height))
    flag = cv2.INTER_AREA if width < 1 else cv2.INTER_LINEAR
    part = np.asarray(cv2.resize(seen, size, interpolation=flag), np.float32)
    whole = cv2.copyMakeBorder(pattern.pilot, _MARGIN, _MARGIN, _MARGIN, _MARGIN, cv2.BORDER_CONSTANT, value=0)
    _, most, _, (across, down) = cv2.minMaxLoc(cv2.matchTemplate(whole, part, cv2.TM_CCORR))
    place = Place((across - _MARGIN) / PLANE_WIDTH, (down - _MARGIN) / PLANE_HEIGHT, width, height)
    return most / _noise(part, pattern), place


def _refined(fits: Callable[[Place], float], place: Place, steps: tuple[float, ...]) -> tuple[Place, float, int]:
    """Return the place near by that fits best, how well, and how many were tried: one number at a time, in ever
    smaller steps.
    """
    best, tried = fits(place), 1
    for step in steps:
        for name, sign in product(("width", "height", "left", "top"), (-1, 1)):
            while True:
                moved = _moved(place, name, sign * step)
                fit = fits(moved)
                tried += 1
                if fit <= best:
                    break
                place, best = moved, fit
    return place, best, tried


def _moved(place: Place, name: str, step: float) -> Place:
    """Return a place changed in one number; a size grows about the middle."""
    if name == "width":
        return place._replace(width=place.width + step, left=place.left - step / 2)
    if name == "height":
        return place._replace(height=place.height + step, top=place.top - step / 2)
    return place._replace(**{name: getattr(place, name) + step})


def _fit(seen: Plane, pattern: Pattern, place: Place) -> float:
    put = put_in_place(seen, place)
    return float(np.vdot(put, pattern.pilot)) / _noise(put, pattern)


def _said(plane: Plane, pattern: Pattern, place: Place) -> float:
    """Return how much all bits together say, whatever each says."""
    spectrum = whitened(np.asarray(cv2.dct(put_in_place(plane, place)), np.float32))
    return float(np.sum(pattern.project(spectrum) ** 2))


def _noise(part: Plane, pattern: Pattern) -> float:
    """Return the standard deviation of what a plane says of a pilot that is not in it: both lie in the same band, so
    their neighbouring pixels are alike, and that counts for more than so many free ones.
    """
    return max(float(np.linalg.norm(part)), _NOTHING) * pattern.pilot_spread
