"""Grain: how strong at which brightness, how large, how alike in the three channels; measured, and made. Pure.

Measured on what a blur takes away in a picture's flattest places. What texture is left there counts as grain, so a
plate without any flat place is overrated; the callers' limit holds that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.engines.smooth import blur

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

LEVELS = (0.05, 0.2, 0.35, 0.5, 0.65, 0.85)
"""Codes at whose brightness grain is told."""
CUT_PIXELS = 2.0
"""Width of the blur that separates grain from picture: larger grain is not seen."""
SIZES = (0.0, 0.35, 0.5, 0.7, 0.9, 1.2, 1.6)
"""Gaussian widths in pixels of the grains that can be told apart."""
FLATTEST = 25.0
"""Per cent of a level's pixels whose surroundings change least."""
LEAST_PIXELS = 150


@dataclass(frozen=True, slots=True)
class Grain:
    strength: tuple[tuple[float, float, float], ...]
    """Standard deviation in codes, a row a level of LEVELS, red green blue."""
    size: float
    """Gaussian width in pixels."""
    alike: float
    """Correlation between channels, 0 to 1: 1 for grain of luminance alone."""

    @staticmethod
    def none() -> Grain:
        return Grain(((0.0, 0.0, 0.0),) * len(LEVELS), 0.0, 0.0)

    @staticmethod
    def median(grains: Sequence[Grain]) -> Grain:
        strength = np.median([grain.strength for grain in grains], axis=0)
        size, alike = (float(np.median([getattr(one, name) for one in grains])) for name in ("size", "alike"))
        return Grain(_rows(strength), size, alike)

    def through(self, gain: float) -> Grain:
        """Return the grain after the picture's detail was multiplied."""
        return Grain(_rows(np.array(self.strength) * gain), self.size, self.alike)

    def lacking(self, own: Grain, luma: Array, greatest: float) -> Array:
        """Return (h, w, 3) the deviation that must be added where `own` is there already; variances add."""
        missing = np.sqrt(np.maximum(np.square(self.strength) - np.square(own.strength), 0.0))
        missing = np.minimum(missing, greatest)
        channels = [np.interp(luma.ravel(), LEVELS, missing[:, index]) for index in range(3)]
        return np.stack(channels, axis=-1).reshape(*luma.shape, 3).astype(np.float32)


def measure_grain(picture: Array, place: Mask) -> Grain:
    """Return the grain of a picture (h, w, 3) where `place` (h, w) says so; levels that do not occur take the
    nearest's."""
    smooth = blur(picture, CUT_PIXELS)
    fine = picture - smooth
    luma = smooth.mean(axis=-1)
    change = cv2.morphologyEx(blur(np.asarray(luma, np.float32), 1.0), cv2.MORPH_GRADIENT, np.ones((5, 5), np.uint8))
    flat = np.zeros(place.shape, bool)
    edges = [-np.inf, *((np.array(LEVELS)[1:] + np.array(LEVELS)[:-1]) / 2), np.inf]
    deviations: list[Array | None] = []
    for low, high in pairwise(edges):
        mine = place & (luma >= low) & (luma < high)
        if int(mine.sum()) < LEAST_PIXELS:
            deviations.append(None)
            continue
        calm = mine & (change <= np.percentile(change[mine], FLATTEST))
        flat |= calm
        # 1.48: a normal distribution's deviation in median absolute deviations; edges that slipped in do not count.
        deviations.append(np.asarray(1.48 * np.median(np.abs(fine[calm]), axis=0), np.float32))
    if not flat.any():
        return Grain.none()
    size, kept = _size(fine, flat)
    known = [index for index, row in enumerate(deviations) if row is not None]
    table = np.array([row for row in deviations if row is not None]) / kept
    rows = np.stack([np.interp(np.arange(len(LEVELS)), known, table[:, index]) for index in range(3)], axis=-1)
    return Grain(_rows(rows), size, _alike(fine[flat]))


def grain_field(shape: tuple[int, ...], grain: Grain, frame: int, seed: int) -> Array:
    """Return grain of deviation 1, (h, w, 3), of the size and likeness asked for; the same for the same numbers."""
    random = np.random.default_rng((abs(seed), abs(frame), 0x6761))
    own = random.standard_normal(shape, dtype=np.float32)
    common = random.standard_normal(shape[:2], dtype=np.float32)[..., None]
    mixed = np.sqrt(1.0 - grain.alike) * own + np.sqrt(grain.alike) * common
    field = blur(np.asarray(mixed, np.float32), grain.size)
    return field / np.float32(_left(grain.size))


def _rows(table: NDArray[np.floating]) -> tuple[tuple[float, float, float], ...]:
    return tuple((float(row[0]), float(row[1]), float(row[2])) for row in table)


def _size(fine: Array, flat: Mask) -> tuple[float, float]:
    """Return the grain's size by how alike neighbours are, and the share of its deviation that the cut leaves."""
    pairs = flat[:, 1:] & flat[:, :-1]
    here, there = fine[:, 1:][pairs].ravel(), fine[:, :-1][pairs].ravel()
    energy = float((here.astype(np.float64) ** 2).sum())
    alike = float((here.astype(np.float64) * there).sum()) / energy if energy > 1e-12 else 0.0
    likeness, kept = _table()
    size = float(np.interp(alike, likeness, SIZES))
    return size, float(np.interp(size, SIZES, kept))


@cache
def _table() -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return for each of SIZES how alike neighbours are after the cut, and the share of deviation that is left."""
    random = np.random.default_rng(11)
    white = random.standard_normal((256, 256), dtype=np.float32)
    likeness, kept = [], []
    for size in SIZES:
        grain = blur(white, size)
        fine = grain - blur(grain, CUT_PIXELS)
        likeness.append(float((fine[:, 1:] * fine[:, :-1]).mean() / np.square(fine).mean()))
        kept.append(float(fine.std() / grain.std()))
    return tuple(likeness), tuple(kept)


@cache
def _left(size: float) -> float:
    """Return the deviation that white noise of deviation 1 keeps under the blur: the root of the kernel's energy."""
    impulse = np.zeros((65, 65), np.float32)
    impulse[32, 32] = 1.0
    return float(np.sqrt(np.square(blur(impulse, size)).sum()))


def _alike(fine: Array) -> float:
    if len(fine) < LEAST_PIXELS or float(fine.std(axis=0).min()) < 1e-6:
        return 0.0
    table = np.atleast_2d(np.corrcoef(fine.T.astype(np.float64)))
    return float(np.clip((table[0, 1] + table[0, 2] + table[1, 2]) / 3, 0.0, 1.0))
