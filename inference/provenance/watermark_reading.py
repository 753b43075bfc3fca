"""Reading the mark: what many pictures say together, and how likely that is by chance. Pure.

The chance needs no footage to be believed in: the chips follow from a secret key, so what they sum to over a picture
that does not know the key is a sum of random signs, and Hoeffding's inequality bounds its tail for any picture
whatever: P(sum >= t |a|) <= exp(-t^2 / 2). All 2^32 ids that might have been read, and every place that was tried,
count against it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.provenance.watermark import evened, luma_plane
from understudy.inference.provenance.watermark_code import ID_BITS, decode
from understudy.inference.provenance.watermark_pattern import PLANE_HEIGHT, PLANE_WIDTH, Pattern, Plane

MOST_CHANCE = 1e-6
_CLIP = 3.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of some pictures. `content_id` None: no word of the code fits."""

    content_id: int | None
    chance: float
    """The most that the chance is of reading any id this surely where there is no mark of this key."""
    bits: NDArray[np.float64]
    """(64,) what each bit says, in standard deviations of pure chance."""
    frames: int
    deviations: float = 0.0
    """How far the word that was read stands out of pure chance, in standard deviations."""

    @property
    def found(self) -> bool:
        return self.content_id is not None and self.chance <= MOST_CHANCE


def read_luma(luma: NDArray[np.uint8]) -> Plane:
    """Return a picture's luma as the plane in which the mark is of one strength everywhere."""
    return np.clip(evened(luma_plane(luma))[0], -_CLIP, _CLIP)


def together(planes: Iterable[Plane]) -> tuple[Plane, int]:
    """Return the mean of evened planes and how many there were: the mark is the same in every frame."""
    total, count = np.zeros((PLANE_HEIGHT, PLANE_WIDTH), np.float32), 0
    for plane in planes:
        total += plane
        count += 1
    return total / np.float32(max(count, 1)), count


def read_plane(plane: Plane, pattern: Pattern, *, frames: int = 1, tried: int = 1) -> Reading:
    """Return what the mean of evened planes says. tried: in how many places this was looked for."""
    spectrum = whitened(np.asarray(cv2.dct(np.ascontiguousarray(plane)), np.float32))
    said = pattern.project(spectrum)
    chips = spectrum.ravel()[pattern.places].astype(np.float64)
    power = np.bincount(pattern.bits, weights=chips * chips, minlength=said.size)
    word = decode(said)
    bits = said / np.sqrt(np.maximum(power, 1e-12))
    if word is None or not power.any():
        return Reading(None, 1.0, bits, frames)
    deviations = float(word.signs @ said) / math.sqrt(power.sum())
    return Reading(word.content_id, chance(deviations, tried), bits, frames, deviations)


def chance(deviations: float, tried: int = 1) -> float:
    """Return the bound on the chance of a false reading: Hoeffding over every id and every try."""
    if deviations <= 0:
        return 1.0
    exponent = ID_BITS * math.log(2) + math.log(tried) - deviations**2 / 2
    return min(1.0, math.exp(max(exponent, -700.0)))


def whitened(spectrum: Plane) -> Plane:
    """Return coefficients by how far they stand out of their neighbours: a strong edge says no more than a weak one."""
    around = cv2.blur(np.abs(spectrum), (7, 7), borderType=cv2.BORDER_REFLECT)
    return np.clip(spectrum / (around + np.float32(1e-6)), -_CLIP, _CLIP)
