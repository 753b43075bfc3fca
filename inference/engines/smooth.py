"""Spreading what is known over what is not: the one tool behind hole filling, edge colour and dense motion. Pure."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


def spread(values: Array, weight: Array, *, stiffness: float = 0.0) -> Array:
    """Return `values` everywhere, from where `weight` (h, w) says that they are known.

    values: (h, w) or (h, w, c) float32. Where weight is 1 the value stays, where it is 0 it is taken from ever coarser
    averages of the known ones: the push-pull of Gortler et al., The Lumigraph, SIGGRAPH 1996, section 3.4.
    `stiffness` adds the coarser level's answer with that weight, so that lone values bend towards their neighbours.
    """
    if values.ndim == 2:
        return spread(values[..., None], weight, stiffness=stiffness)[..., 0]
    return _pull(values * weight[..., None], weight.astype(np.float32), stiffness)


def _pull(weighted: Array, weight: Array, stiffness: float) -> Array:
    height, width = weight.shape
    if max(height, width) <= 2 or (stiffness == 0.0 and float(weight.min()) >= 1.0):
        total = float(weight.sum())
        mean = weighted.reshape(-1, weighted.shape[2]).sum(axis=0) / max(total, 1e-12)
        known = weight[..., None]
        filled = (weighted + (1.0 - np.minimum(known, 1.0)) * mean) / np.maximum(known, 1.0)
        return np.asarray(filled, np.float32)
    size = ((height + 1) // 2, (width + 1) // 2)
    channels = weighted.shape[2]
    coarse_weight = shrink(weight, size)
    coarse = shrink(weighted, size).reshape(*size, channels)
    # Knowledge saturates: a coarse pixel that holds one known fine pixel is known.
    gain = np.minimum(4.0, 1.0 / np.maximum(coarse_weight, 1e-12))
    below = _pull(coarse * gain[..., None], coarse_weight * gain, stiffness)
    filled = resized(below, height, width).reshape(height, width, channels)
    doubt = np.maximum(1.0 - weight, 0.0) + stiffness
    total = weight + doubt
    return np.asarray((weighted + doubt[..., None] * filled) / np.maximum(total, 1e-12)[..., None], np.float32)


def blur(values: Array, sigma: float) -> Array:
    """Return a Gaussian blur; the border is mirrored without repeating the edge pixel."""
    if sigma <= 0:
        return values
    return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101), np.float32)


def blur_known(values: Array, weight: Array, sigma: float) -> Array:
    """Return the Gaussian average of the known values only (Knutsson and Westin, normalised convolution, CVPR 1993)."""
    total = blur(weight, sigma)
    scaled = values * (weight if values.ndim == 2 else weight[..., None])
    averaged = blur(scaled, sigma)
    divisor = np.maximum(total, 1e-6)
    return np.asarray(averaged / (divisor if values.ndim == 2 else divisor[..., None]), np.float32)


def disc(diameter: float) -> NDArray[np.uint8]:
    """Return a round structuring element of an odd size, at least 3."""
    size = max(3, int(diameter) | 1)
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)


def shrink(picture: Array, size: tuple[int, int]) -> Array:
    """Average a picture down to (height, width)."""
    return np.asarray(cv2.resize(picture, (size[1], size[0]), interpolation=cv2.INTER_AREA), np.float32)


def resized(picture: Array, height: int, width: int) -> Array:
    """Resize linearly, pixel centres kept in place."""
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def fitted(picture: Array, side: int) -> Array:
    """Average a picture down until its longer side is at most `side`; never up, never under 8 pixels."""
    height, width = picture.shape[:2]
    factor = min(1.0, side / max(height, width))
    return shrink(picture, (max(8, round(height * factor)), max(8, round(width * factor))))


def grey_levels(picture: Array) -> Array:
    """Return the luma of (h, w, 3), 0 to 255."""
    grey = cv2.cvtColor(np.clip(picture, 0.0, 1.0).astype(np.float32), cv2.COLOR_RGB2GRAY)
    return np.asarray(grey, np.float32) * np.float32(255.0)


def grown(mask: NDArray[np.uint8], diameter: float) -> NDArray[np.uint8]:
    """Return a mask of 0 and 1 dilated by a disc."""
    return np.asarray(cv2.dilate(mask, disc(diameter)), np.uint8)


def worn(mask: NDArray[np.uint8], diameter: float) -> NDArray[np.uint8]:
    """Return a mask of 0 and 1 eroded by a disc; past the picture's edge it is taken to go on."""
    return np.asarray(cv2.erode(mask, disc(diameter)), np.uint8)


def clusters(samples: Array, count: int) -> tuple[NDArray[np.int32], Array]:
    """Return each sample's (n, c) cluster and the clusters' centres, always the same for the same samples."""
    cv2.setRNGSeed(3)
    labels = np.zeros((len(samples), 1), np.int32)
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 20, 1e-3)
    _, found, centres = cv2.kmeans(samples, count, labels, criteria, 1, cv2.KMEANS_PP_CENTERS)
    return np.asarray(found, np.int32)[:, 0], np.asarray(centres, np.float32)
