"""How alike two pictures are: SSIM and PSNR of display codes, over all pixels that are numbers, or some. Pure.

SSIM is that of Wang, Bovik, Sheikh and Simoncelli, 2004 (Gaussian window of sigma 1.5, population covariance), the mean
of the three channels, as scikit-image computes it.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from understudy.inference.evaluation.rows import INFINITE, Number, Unbounded

Codes = NDArray[np.float32]
"""(height, width, 3), display codes from 0 to 1."""
Where = NDArray[np.bool_]

SIGMA_PIXELS = 1.5
WINDOW_PIXELS = 11
"""What scikit-image makes of that sigma: 2 * int(3.5 * 1.5 + 0.5) + 1."""


def similarity_map(result: Codes, plate: Codes) -> NDArray[np.float32] | None:
    """Return SSIM pixel by pixel (height, width); None for a picture that is smaller than the window."""
    if min(result.shape[:2]) < WINDOW_PIXELS:
        return None
    found = structural_similarity(
        result, plate, channel_axis=2, data_range=1.0, gaussian_weights=True, sigma=SIGMA_PIXELS,
        use_sample_covariance=False, full=True,
    )[1]  # fmt: skip
    similar: NDArray[np.float32] = np.asarray(found, np.float32).mean(axis=2)
    return similar


def judged_pixels(finite: Where) -> Where:
    """Return where a window fits into the picture and holds nothing that is no number."""
    judged = np.zeros(finite.shape, np.bool_)
    edge = WINDOW_PIXELS // 2
    kernel = np.ones((WINDOW_PIXELS, WINDOW_PIXELS), np.uint8)
    whole = finite if finite.all() else cv2.erode(finite.astype(np.uint8), kernel).astype(np.bool_)
    judged[edge:-edge, edge:-edge] = whole[edge:-edge, edge:-edge]
    return judged


def mean_where(values: NDArray[np.float32], where: Where) -> Number:
    """Return the mean of the values in double precision; None where there is none."""
    chosen = values[where]
    return float(chosen.mean(dtype=np.float64)) if chosen.size else None


def peak_signal_to_noise(result: Codes, plate: Codes, where: Where) -> Unbounded:
    """Return PSNR in decibels over the pixels `where`, peak 1: infinite for the same codes, None for no pixel."""
    here, there = result[where], plate[where]
    if not here.size:
        return None
    with np.errstate(divide="ignore"):
        decibels = float(peak_signal_noise_ratio(there, here, data_range=1.0))
    return INFINITE if np.isinf(decibels) else decibels
