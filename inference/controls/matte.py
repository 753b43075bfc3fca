"""The three mattes: what the host sent, what conditions the model, and what may change the plate. Pure; any thread.

`matte_in` is the user's. `matte_used` is hard, grown and gridded: it tells a model where to draw and is never a blend
edge. `matte_effective` is soft and decides every pixel of the result: where it is zero the plate's own bits stand.
All are (height, width) float32, 0 to 1, of one size; values outside that range are clipped. docs/layers.md has the
formulas.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Matte = NDArray[np.float32]
Mask = NDArray[np.uint8]

KERNEL_PIXELS = 7
DILATIONS = 3
"""A 7 x 7 kernel three times, so 9 pixels: the augmentation that Wan-Animate's own preprocessing applies."""
FAINT = 2.5 / 255
"""Below this a matte is what compression leaves of black; `matte_used_around` gives it no room of its own."""
EDGE_LEVELS = (0.2, 0.5, 0.65)
"""Where a soft matte's edge is measured: one level alone jumps by whole pixels, in space and in time. Unevenly
spaced, so that edges 1 to 5 pixels soft do not cross all three at once.
"""
FAR = np.float32(1024)
"""Pixels; more than any growing and feathering that a job may ask for."""
_HALF = 0.5  # the 8-bit rule of the original, code > 127, is the same for every code


def matte_used(
    matte: Matte,
    *,
    kernel_pixels: int = KERNEL_PIXELS,
    dilations: int = DILATIONS,
    columns: int = 1,
    rows: int = 1,
) -> Matte:
    """Return the model's conditioning matte, 0 or 1: `matte` above 0.5, dilated, its box filled cell by cell.

    The box around it is divided into `columns` x `rows` cells, and a cell with any matte becomes all matte: 1 x 1
    fills the box, 0 x 0 fills nothing. Finer cells keep more plate and tell more of the old silhouette. Equal, pixel
    for pixel, to the preprocessing of Wan-Animate (`columns`, `rows` are its w_len, h_len), whose last row and column
    of the box are not part of any cell. Where that fails, on an empty matte and on one narrower than its grid, this
    gives nothing and cells of one pixel.
    """
    mask: Mask = (matte > _HALF).astype(np.uint8)
    if dilations:
        mask = _dilated(mask, kernel_pixels, dilations)
    if columns and rows:
        _fill_cells(mask, columns, rows)
    return mask.astype(np.float32)


def matte_used_around(matte: Matte, grow: float, feather: float, coverage: Matte | None = None) -> Matte:
    """Return a matte, 0 or 1, that leaves `matte_effective` room: for engines that are not conditioned by one.

    Everything within `grow` + `feather` + 1 pixels of what is not faint in `matte`, or in `coverage` when it is given
    (only in frames in which the matte has anything).
    """
    seen = matte >= FAINT
    if coverage is not None and seen.any():
        seen |= coverage >= FAINT
    used = np.zeros(matte.shape, np.float32)
    region = _region(seen, math.ceil(grow + feather) + 2)
    if region is not None:
        used[region] = _distance(~seen[region]) <= grow + feather + 1
    return used


def matte_effective(
    matte_in: Matte, coverage: Matte | None, holdout: Matte | None, grow: float, feather: float, used: Matte
) -> Matte:
    """Return the soft matte of what may change, exactly 0 where `used` is 0.

    The union u = max(matte_in, coverage) has its edge where it crosses a level; d is the distance outwards from it. The
    ramp is 1 up to d = grow - feather, 0 from d = grow on, smoothstep 3t^2 - 2t^3 between: it feathers inwards from
    the grown edge. It is the mean over EDGE_LEVELS, so that a soft edge that moves by part of a pixel moves the result
    with it. The same step ends the result at the edge of `used`, so that a character who reaches past it fades
    instead of being cut. What the user painted stays as it was painted, soft hair too:

        max(matte_in, min(max(u, ramp), limit)) * (1 - holdout)     where used > 0

    Monotone in `matte_in` and in `coverage`: more of either never gives less. grow and feather are pixels.
    """
    effective = np.zeros(matte_in.shape, np.float32)
    region = _region(used > 0, math.ceil(grow) + 2)
    if region is None:
        return effective
    performer = _clipped(matte_in[region])
    union = performer if coverage is None else np.maximum(performer, _clipped(coverage[region]))
    inside: NDArray[np.bool_] = used[region] > 0
    grown = np.maximum(union, _ramp(union, grow, feather))
    np.minimum(grown, _limit(inside, feather), out=grown)
    np.maximum(grown, performer, out=grown)
    if holdout is not None:
        grown *= 1 - _clipped(holdout[region])
    effective[region] = np.where(inside, grown, np.float32(0))
    return effective


def _ramp(union: Matte, grow: float, feather: float) -> Matte:
    """Return the smooth step from the grown edge inwards, averaged over the edges of a soft matte."""
    if grow == 0 and feather == 0:
        return union
    total = np.zeros(union.shape, np.float32)
    for level in EDGE_LEVELS:
        total += _ramp_from(union >= level, grow, feather)
    total *= np.float32(1 / len(EDGE_LEVELS))
    return np.minimum(total, 1, out=total)


def _ramp_from(inside: NDArray[np.bool_], grow: float, feather: float) -> Matte:
    """Return the ramp for one hard edge. Distances run between pixel centres; the edge lies half way between two."""
    if not inside.any():
        return np.zeros(inside.shape, np.float32)
    distance = _distance(~inside) - np.float32(0.5)
    if feather > grow + 0.5:
        distance = np.where(inside, np.float32(0.5) - _distance(inside), distance)
    return _smoothstep(np.float32(grow) - distance, feather)


def _limit(inside: NDArray[np.bool_], feather: float) -> Matte:
    return _smoothstep(_distance(inside) - np.float32(0.5), feather)


def _smoothstep(distance: Matte, width: float) -> Matte:
    """Return 0 where `distance` is 0 or less, 1 from `width` on, 3t^2 - 2t^3 between (Hermite, level at both ends)."""
    if width <= 0:
        return (distance > 0).astype(np.float32)
    share = np.clip(distance * np.float32(1 / width), 0, 1, out=distance)
    return share * share * (3 - 2 * share)


def _distance(mask: NDArray[np.bool_]) -> Matte:
    """Return how far each pixel of `mask` is from the nearest that is not of it, between centres; 0 for the others.

    FAR at the most, and everywhere when there is no other pixel. OpenCV 5's precise transform takes its square roots
    by an approximation that depends on where the result lies in memory, so the same mask gives other last bits from
    run to run; squared distances are whole numbers, and from those the root is exact.
    """
    if mask.all():
        return np.full(mask.shape, FAR, np.float32)
    distance = np.asarray(
        cv2.distanceTransform(mask.view(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE), dtype=np.float32
    )
    np.minimum(distance, FAR, out=distance)
    np.square(distance, out=distance)
    np.rint(distance, out=distance)
    return np.sqrt(distance, out=distance)


def _region(mask: NDArray[np.bool_], margin: int) -> tuple[slice, slice] | None:
    """Return the rows and columns that hold `mask` and `margin` pixels around it; None for an empty mask."""
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return None
    columns = np.flatnonzero(mask.any(axis=0))
    first, last = max(0, int(rows[0]) - margin), int(rows[-1]) + 1 + margin
    left, right = max(0, int(columns[0]) - margin), int(columns[-1]) + 1 + margin
    return slice(first, min(last, mask.shape[0])), slice(left, min(right, mask.shape[1]))


def _clipped(matte: Matte) -> Matte:
    return np.clip(matte, 0, 1)


def _dilated(mask: Mask, kernel_pixels: int, dilations: int) -> Mask:
    kernel = np.ones((kernel_pixels, kernel_pixels), np.uint8)
    return np.asarray(cv2.dilate(mask, kernel, iterations=dilations), np.uint8)


def _fill_cells(mask: Mask, columns: int, rows: int) -> None:
    region = _region(mask.view(np.bool_), 0)
    if region is None:
        return
    # The original measures the box from first to last pixel, not past it: one row and one column stay as they are.
    box = mask[region][:-1, :-1]
    height, width = box.shape
    if not height or not width:
        return
    tops = np.arange(0, height, max(1, height // rows))
    lefts = np.arange(0, width, max(1, width // columns))
    cells = np.maximum.reduceat(np.maximum.reduceat(box, tops, axis=0), lefts, axis=1)
    tall = np.repeat(cells, np.diff(tops, append=height), axis=0)
    box[...] = np.repeat(tall, np.diff(lefts, append=width), axis=1)
