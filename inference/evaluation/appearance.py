"""Whether a character looks like its reference: colours of what is covered, whatever its pose. Pure.

No pixel is compared with another: histograms and means are, in CIE L*a*b* of D65. A result takes on the plate's light
and a reference has its own, so a distance of zero is not to be had; takes of one shot compare with each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000

Lab = NDArray[np.float32]
Weights = NDArray[np.float32]

LIGHTNESS_BINS, LIGHTNESS_TOP = 128, 128.0
"""A bin a unit of L*; lights above diffuse white reach past 100, and what is beyond counts in the last bin."""
CHROMA_BINS, CHROMA_TOP = 32, 96.0
"""Bins of six units of a* and b*: half a step that a person would call another colour, wide enough for grain."""


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of a covered region, in shares that add up to 1."""

    mean: NDArray[np.float64]
    """L*, a*, b*."""
    lightness: NDArray[np.float64]
    """(LIGHTNESS_BINS,)."""
    chroma: NDArray[np.float64]
    """(CHROMA_BINS, CHROMA_BINS), by a* and b*."""


def palette_of(lab: Lab, coverage: Weights) -> Palette | None:
    """Return the colours of (pixels, 3) weighted by their coverage (pixels,); None where nothing is covered."""
    weights = coverage.astype(np.float64)
    total = float(weights.sum())
    if total <= 0:
        return None
    lightness, _ = np.histogram(
        np.clip(lab[:, 0], 0, LIGHTNESS_TOP), bins=LIGHTNESS_BINS, range=(0, LIGHTNESS_TOP), weights=weights
    )
    edges = np.linspace(-CHROMA_TOP, CHROMA_TOP, CHROMA_BINS + 1)
    near = np.clip(lab[:, 1:], -CHROMA_TOP, CHROMA_TOP)
    chroma, _, _ = np.histogram2d(near[:, 0], near[:, 1], bins=(edges, edges), weights=weights)
    mean = (lab.astype(np.float64) * weights[:, None]).sum(axis=0) / total
    return Palette(mean, lightness / total, chroma / total)


def mean_colour_difference(result: Palette, reference: Palette) -> float:
    """Return CIEDE2000 between the mean colours."""
    return float(deltaE_ciede2000(result.mean, reference.mean))


def lightness_distance(result: Palette, reference: Palette) -> float:
    """Return the earth mover's distance of the lightness histograms, in L*: the area between their running sums."""
    between = np.abs(np.cumsum(result.lightness) - np.cumsum(reference.lightness))
    return float(between.sum() * LIGHTNESS_TOP / LIGHTNESS_BINS)


def chroma_distance(result: Palette, reference: Palette) -> float:
    """Return the Hellinger distance of the chroma histograms: sqrt(1 - sum sqrt(p q))."""
    shared = float(np.sqrt(result.chroma * reference.chroma).sum())
    return float(np.sqrt(max(0.0, 1.0 - shared)))
