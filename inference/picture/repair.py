"""Values that are no numbers: finding them, and making new ones from their neighbours. Pure; any thread."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

_HALF_EXPONENT = np.uint16(0x7C00)  # all five exponent bits: infinity or not a number (IEEE 754 binary16)


def not_finite(pixels: NDArray[np.float16] | NDArray[np.float32]) -> NDArray[np.bool_] | None:
    """Return (height, width) where any channel is infinite or not a number; None, quickly, where all are finite."""
    if pixels.dtype == np.float16:
        wrong = (pixels.view(np.uint16) & _HALF_EXPONENT) == _HALF_EXPONENT
    else:
        wrong = ~np.isfinite(pixels)
    if not wrong.any():
        return None
    found: NDArray[np.bool_] = wrong.reshape(*pixels.shape[:2], -1).any(axis=2)
    return found


def repaired(pixels: Floats) -> Floats:
    """Return `pixels` with every value that is not finite made from its finite neighbours, channel by channel.

    pixels: (height, width, channels) float32. A new value is the mean of the finite ones in the smallest square around
    it, of 3, 5, 9, 17 ... pixels, that has any; 0 in a channel without any. Returns `pixels` itself when all finite.
    """
    if np.isfinite(pixels).all():
        return pixels
    whole = pixels.copy()
    for channel in range(pixels.shape[2]):
        _repair_plane(whole[..., channel])
    return whole


def _repair_plane(plane: Floats) -> None:
    finite = np.isfinite(plane)
    left = ~finite
    # In double precision, because sums of the largest floats would not be finite themselves.
    values = np.where(finite, plane, 0).astype(np.float64)
    weights = finite.astype(np.float64)
    side = 3
    while left.any() and finite.any():
        total = cv2.boxFilter(values, -1, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT)
        count = cv2.boxFilter(weights, -1, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT)
        filled = left & (count > 0.5)
        plane[filled] = (total[filled] / count[filled]).astype(np.float32)
        left &= ~filled
        side = 2 * side - 1
    plane[left] = 0
