"""How a result sits in its plate along the matte: colour and gradient just inside, on and just outside the soft edge.

Pure. Colours are CIE L*a*b* of D65 made from scene-linear light, diffuse white = 100; differences are CIEDE2000 (CIE
142-2001) by scikit-image. Gradients are of display luma, in codes a pixel: sharpness is what people see.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.color import deltaE_ciede2000

from understudy.inference.evaluation.likeness import Codes, Where, mean_where
from understudy.inference.evaluation.rows import Number

Lab = NDArray[np.float32]
"""(height, width, 3)."""
Matte = NDArray[np.float32]

SOLID = 0.99
"""From here up the plate shows through by less than one part in a hundred."""
LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)  # ITU-R BT.709-6, item 3.2


@dataclass(frozen=True, slots=True)
class Bands:
    """Three bands along the matte, each (rows, columns) of the part `rows`, `columns` of the picture."""

    rows: slice
    columns: slice
    inside: Where
    edge: Where
    """The soft edge itself, and a pixel to each side, so that a hard edge has one too."""
    outside: Where
    reach: int
    """How many pixels wide the two others are."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One picture along the bands; see `PictureRow` for the units."""

    colour_step: Number
    gradient_inside: Number
    gradient_edge: Number
    gradient_outside: Number


def bands_along(matte: Matte, finite: Where, reach: int, clear: float = 0.0) -> Bands | None:
    """Return the bands of a matte (height, width), `reach` pixels wide; None for one that covers nothing.

    finite: pixels that are no numbers belong to no band. clear: up to this a matte counts as nothing; 0 for our own,
    whose zero means the plate's own bits.
    """
    covered = matte > clear
    if not covered.any():
        return None
    rows, columns = (_around(np.asarray(covered.any(axis=axis)), reach + 2) for axis in (1, 0))
    part, known = matte[rows, columns], finite[rows, columns]
    solid, nothing = part >= SOLID, part <= clear
    into, out = _depth(solid), _depth(nothing)
    return Bands(
        rows=rows,
        columns=columns,
        inside=(into > 1) & (into <= reach + 1) & known,
        edge=((into <= 1) & (out <= 1)) & known,
        outside=(out > 1) & (out <= reach + 1) & known,
        reach=reach,
    )


def colour_difference(result: Lab, plate: Lab, where: Where) -> Number:
    """Return the mean CIEDE2000 of two pictures over the pixels `where`; None for no pixel."""
    if not where.any():
        return None
    return float(np.mean(deltaE_ciede2000(result[where], plate[where]), dtype=np.float64))


def edge_of(lab: Lab, codes: Codes, bands: Bands) -> Edge:
    """Return what one picture does along the bands. lab, codes: of the bands' part of the picture."""
    gradient = gradient_of(codes)
    return Edge(
        colour_step=_colour_step(lab, bands),
        gradient_inside=mean_where(gradient, bands.inside),
        gradient_edge=mean_where(gradient, bands.edge),
        gradient_outside=mean_where(gradient, bands.outside),
    )


def gradient_of(codes: Codes) -> NDArray[np.float32]:
    """Return the length of the gradient of luma (height, width), by central differences."""
    if min(codes.shape[:2]) < 2:
        return np.zeros(codes.shape[:2], np.float32)
    down, across = np.gradient(codes @ LUMINANCE)
    return np.asarray(np.hypot(down, across), np.float32)


def _colour_step(lab: Lab, bands: Bands) -> Number:
    """Return the mean over the edge of the difference between the mean colours near by, inside and outside.

    Near by = within a square of 4 * reach + 1 pixels, so that both bands lie in it. An average over the whole outline
    would hide an error that is light on one side and dark on the other.
    """
    side = 4 * bands.reach + 1
    inside, some_inside = _mean_near(lab, bands.inside, side)
    outside, some_outside = _mean_near(lab, bands.outside, side)
    return colour_difference(inside, outside, bands.edge & some_inside & some_outside)


def _mean_near(lab: Lab, where: Where, side: int) -> tuple[Lab, Where]:
    weight = where.astype(np.float32)
    total, count = _sum_near(lab * weight[:, :, None], side), _sum_near(weight, side)
    return np.asarray(total / np.maximum(count, 1)[:, :, None], np.float32), count >= 1


def _sum_near(values: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    found = cv2.boxFilter(values, -1, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(found, np.float32)


def _depth(where: Where) -> NDArray[np.float32]:
    """Return how many pixels deep each pixel lies in `where`: 1 at its border, 0 outside. A picture's edge is none."""
    if where.all():
        return np.full(where.shape, np.inf, np.float32)
    return np.asarray(cv2.distanceTransform(where.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5), np.float32)


def _around(hits: Where, margin: int) -> slice:
    found = np.flatnonzero(hits)
    return slice(max(0, int(found[0]) - margin), min(len(hits), int(found[-1]) + 1 + margin))
