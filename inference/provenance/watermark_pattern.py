"""What a key makes of the plane: which coefficient carries which bit, and with which sign. Pure.

The plane is the luma of a picture of any size, resampled to 512 x 288. Its discrete cosine transform (DCT) is used in a
band: below it lies what pictures are made of, above it what compression and a small copy throw away.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from blake3 import blake3
from numpy.typing import NDArray

from understudy.inference.provenance.watermark_code import CODE_BITS

PLANE_WIDTH, PLANE_HEIGHT = 512, 288
KEY_BYTES = 32
BAND = (0.05, 0.34)
"""Of the plane's own limit of resolution; a quarter of a 1080p picture, 480 x 270, still holds all of it."""
PILOT_BAND = (0.08, 0.2)
"""Where the pilot lies, which says where the picture is: low, so that it is found a little beside its place."""
PILOT_SHARE = 0.5
"""Of that band's coefficients: half find the place, and half stay for the bits."""

Plane = NDArray[np.float32]


@dataclass(frozen=True)
class Pattern:
    """A key's pattern, made once a process: about 4 ms."""

    places: NDArray[np.intp]
    """Flat places in the DCT of the plane of the coefficients that carry bits."""
    bits: NDArray[np.intp]
    """Which of the 64 bits each carries."""
    signs: Plane
    """-1 or 1, the chip of each."""
    pilot_places: NDArray[np.intp]
    pilot_signs: Plane

    @classmethod
    def of_key(cls, key: bytes) -> Pattern:
        """Raises ValueError for a key of another length than 32 bytes."""
        if len(key) != KEY_BYTES:
            raise ValueError(f"a watermark's key has {KEY_BYTES} bytes, not {len(key)}")
        band = np.flatnonzero(_within(BAND))
        low = np.flatnonzero(_within(PILOT_BAND))
        shuffled = low[np.argsort(_random(key, "pilot", low.size), kind="stable")]
        pilot = np.sort(shuffled[: round(low.size * PILOT_SHARE)])
        places = np.setdiff1d(band, pilot)
        # Each bit has coefficients of every frequency: they are dealt out ring by ring.
        rings = np.argsort(_radius().ravel()[places], kind="stable")
        dealt = _dealt(_random(key, "bits", places.size))
        bits = np.empty(places.size, np.intp)
        bits[rings] = dealt
        return cls(places, bits, _chips(key, "chips", places.size), pilot, _chips(key, "pilot chips", pilot.size))

    @cached_property
    def pilot(self) -> Plane:
        """The pilot as a plane of unit mean square."""
        spectrum = np.zeros((PLANE_HEIGHT, PLANE_WIDTH), np.float32)
        spectrum.ravel()[self.pilot_places] = self.pilot_signs
        plane = np.asarray(cv2.idct(spectrum), np.float32)
        return plane / np.float32(plane.std())

    @cached_property
    def pilot_band(self) -> Plane:
        """1 where the pilot's band is in the DCT, else 0."""
        return _within(PILOT_BAND).astype(np.float32)

    @cached_property
    def pilot_spread(self) -> float:
        """The standard deviation of the pilot's correlation with a plane of its band and of norm 1."""
        return float(np.sqrt(PLANE_WIDTH * PLANE_HEIGHT / self.pilot_band.sum()))

    @cached_property
    def counts(self) -> NDArray[np.float64]:
        """How many coefficients carry each bit."""
        return np.bincount(self.bits, minlength=CODE_BITS).astype(np.float64)

    def project(self, spectrum: Plane) -> NDArray[np.float64]:
        """Return (64,): what the coefficients of each bit say together."""
        said = spectrum.ravel()[self.places] * self.signs
        return np.bincount(self.bits, weights=said, minlength=CODE_BITS).astype(np.float64)


def _dealt(random: NDArray[np.uint64]) -> NDArray[np.intp]:
    """Return the bit of each coefficient: in every run of 64, each bit once, in an order of the key's."""
    runs = np.array_split(random, range(CODE_BITS, random.size, CODE_BITS))
    return np.concatenate([np.argsort(run, kind="stable") for run in runs])


def _random(key: bytes, what: str, count: int) -> NDArray[np.uint64]:
    """Return numbers that follow from a key, the same with every version of every library."""
    data = blake3(f"understudy watermark 1\n{what}".encode(), key=key).digest(length=8 * count)
    return np.frombuffer(data, "<u8").astype(np.uint64)


def _chips(key: bytes, what: str, count: int) -> Plane:
    return (_random(key, what, count) & 1).astype(np.float32) * 2 - 1


def _radius() -> Plane:
    """Return the frequency of each coefficient, 1 = the plane's limit along an axis."""
    across = np.arange(PLANE_WIDTH, dtype=np.float32) / PLANE_WIDTH
    down = np.arange(PLANE_HEIGHT, dtype=np.float32) / PLANE_HEIGHT
    return np.hypot(*np.meshgrid(across, down))


def _within(band: tuple[float, float]) -> NDArray[np.bool_]:
    radius = _radius()
    return (radius >= band[0]) & (radius < band[1])
