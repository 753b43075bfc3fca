"""Two things that every step on a picture's pixels needs. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def finite(values: NDArray[np.floating]) -> Array:
    """Return float32 without NaN (0) and infinities (1 and 0); the very array where there is nothing to mend."""
    plain = np.asarray(values, np.float32)
    if np.isfinite(plain).all():
        return plain
    return np.nan_to_num(plain, nan=0.0, posinf=1.0, neginf=0.0)


def dot(one: Array, other: Array) -> Array:
    """Return the product summed over the last axis of three: numpy's own sum over so short an axis is eight times
    slower."""
    total = one[..., 0] * other[..., 0]
    total += one[..., 1] * other[..., 1]
    total += one[..., 2] * other[..., 2]
    return np.asarray(total, np.float32)
