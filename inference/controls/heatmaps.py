"""From a pose network's heatmaps to points, to a fraction of a heatmap's pixel. Pure; any thread.

Distribution-aware decoding (Zhang et al., CVPR 2020, section 3.2): near its peak the heatmap is taken for a Gaussian,
so its logarithm is a parabola, and one Newton step from the greatest pixel lands on the true peak. Equal to the
decoding of Wan-Animate's preprocessing wherever that stays within a pixel of the greatest.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

BLUR_PIXELS = 11
"""The kernel (sigma 2) that fits heatmaps trained with a sigma of 2: mmpose's modulate_kernel."""
LEAST = 1e-10
"""What stands for nothing under the logarithm."""
FARTHEST = 1.0
"""Pixels of the heatmap: a step beyond this comes from noise, not from a peak."""
EDGE = 2
"""A peak closer to the border than this has no neighbours to fit: it stays on its pixel."""


def decode_heatmaps(heatmaps: Floats) -> Floats:
    """Return (points, 3) float32 of (points, rows, columns): x, y in the heatmap's pixels, the peak's value 0 to 1.

    A heatmap without a positive value gives 0, 0 with confidence 0.
    """
    count, rows, columns = heatmaps.shape
    flat = heatmaps.reshape(count, -1)
    places = flat.argmax(axis=1)
    peaks = flat[np.arange(count), places]
    found: Floats = np.stack([places % columns, places // columns, np.clip(peaks, 0, 1)], axis=1).astype(np.float32)
    found[peaks <= 0] = 0
    inner = (
        (peaks > 0)
        & (found[:, 0] >= EDGE)
        & (found[:, 0] < columns - EDGE)
        & (found[:, 1] >= EDGE)
        & (found[:, 1] < rows - EDGE)
    )
    if inner.any():
        found[inner, :2] += _steps(_log_of_blurred(heatmaps[inner]), found[inner, :2].astype(np.intp))
    return found


def _log_of_blurred(heatmaps: Floats) -> Floats:
    size = (BLUR_PIXELS, BLUR_PIXELS)
    blurred = np.stack([cv2.GaussianBlur(each, size, 0, borderType=cv2.BORDER_CONSTANT) for each in heatmaps])
    before, after = (each.max(axis=(1, 2), keepdims=True) for each in (heatmaps, blurred))
    scaled: Floats = blurred * (before / np.maximum(after, LEAST))
    return np.asarray(np.log(np.maximum(scaled, LEAST)), np.float32)


def _steps(log: Floats, places: NDArray[np.intp]) -> Floats:
    """Return the Newton steps (n, 2) from `places` to the peaks of parabolas through their neighbours."""
    which = np.arange(len(log))
    x, y = places[:, 0], places[:, 1]

    def at(across: int, down: int) -> Floats:
        return log[which, y + down, x + across]

    slope_x, slope_y = (at(1, 0) - at(-1, 0)) / 2, (at(0, 1) - at(0, -1)) / 2
    bend_x = (at(2, 0) - 2 * at(0, 0) + at(-2, 0)) / 4
    bend_y = (at(0, 2) - 2 * at(0, 0) + at(0, -2)) / 4
    twist = (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1)) / 4
    determinant = bend_x * bend_y - twist**2
    sound = determinant != 0
    safe = np.where(sound, determinant, 1)
    step = -np.stack([bend_y * slope_x - twist * slope_y, bend_x * slope_y - twist * slope_x], axis=1) / safe[:, None]
    return np.clip(np.where(sound[:, None], step, 0), -FARTHEST, FARTHEST).astype(np.float32)
