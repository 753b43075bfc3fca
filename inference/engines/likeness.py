"""Is the character the performer? Then the plate itself says where each point of it goes. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from understudy.inference.engines.fitting import Fit
from understudy.inference.engines.flow import drift
from understudy.inference.engines.smooth import blur, grey_levels, shrink, spread
from understudy.inference.engines.view import View
from understudy.inference.engines.warp import bend, chain

Array = NDArray[np.float32]

SAME_SURFACE = 0.72
"""Correlation of fine detail from which the character is taken for the performer. Two different people laid over each
other stay under 0.4."""
SAME_COLOURS = 0.45
"""Overlap of colour histograms from which all surveyed frames are compared: it may be the performer in another pose."""


def grey_of(bent: Array) -> Array:
    """Return the bent puppet (h, w, 4) as the tracker sees a frame: grey, 0 to 255, gone on with past its outline."""
    return spread(grey_levels(bent[..., :3]), (bent[..., 3] > 0.9).astype(np.float32))


def likeness(view: View, bent: Array) -> float:
    """Return the correlation, -1 to 1, of the fine detail of a frame's performer and the puppet laid over them."""
    both = (view.inside > 0.5) & (bent[..., 3] > 0.9)
    if int(both.sum()) < 50:
        return 0.0
    expected = grey_of(bent)
    aligned = bend(expected, drift(view, expected, bent[..., 3]))
    first, second = (_detail(grey)[both] for grey in (view.grey, aligned))
    first, second = first - first.mean(), second - second.mean()
    scale = float(np.sqrt((first**2).mean() * (second**2).mean()))
    return float((first * second).mean()) / scale if scale > 1e-6 else 0.0


def _detail(grey: Array) -> Array:
    return blur(grey, 1.0) - blur(grey, 6.0)


def matched(fit: Fit, view: View, bent: Array) -> Fit:
    """Return the fit with its bend corrected so that the puppet's detail falls on the performer's.

    view and bent (the puppet as the fit lays it) may be of any size: the larger, the finer the match.
    """
    pad = fit.pad
    height, width = (length - 2 * pad for length in fit.bend.shape[:2])
    offset = drift(view, grey_of(bent), bent[..., 3])
    ratio = np.array([width / view.grey.shape[1], height / view.grey.shape[0]], np.float32)
    offset = shrink(offset, (height, width)) * ratio
    field = fit.bend.copy()
    inner = np.ascontiguousarray(field[pad : pad + height, pad : pad + width])
    known = np.zeros(field.shape[:2], np.float32)
    known[pad : pad + height, pad : pad + width] = 1.0
    field[pad : pad + height, pad : pad + width] = chain(offset, inner)
    return Fit(fit.matrix, spread(field, known), fit.distance, pad, fit.overlap, fit.merit)


def same_colours(first: Array, first_cover: Array, second: Array, second_cover: Array) -> float:
    """Return the overlap, 0 to 1, of the colours of two cut-out pictures (h, w, 3) under their coverages."""
    histograms = []
    for picture, cover in ((first, first_cover), (second, second_cover)):
        steps = np.clip(picture[cover > 0.95] * 7.999, 0, 7).astype(np.int64)
        counts = np.bincount(steps @ np.array([64, 8, 1]), minlength=512).astype(np.float64)
        histograms.append(counts / max(float(counts.sum()), 1.0))
    return float(np.minimum(*histograms).sum())
