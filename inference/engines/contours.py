"""Which point of one outline is which of another: two figures in different poses, tip to tip and fold to fold. Pure.

Outlines are compared by how much of a small disc around each point is inside (integral invariants: Manay and others,
PAMI 2006), which a raised arm does not change, and paired in order by dynamic time warping.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.engines.smooth import blur
from understudy.inference.engines.warp import sample_points

Array = NDArray[np.float32]
Matrix = NDArray[np.float64]

POINTS = 128
RADII = (0.04, 0.09, 0.2)
"""Disc sizes as shares of the figure's size: a hand, a head, a torso."""
SHAPE_WEIGHT, PLACE_WEIGHT = 1.0, 0.55
STRETCH_COST = 0.012
"""What it costs to stay on one point of either outline: pairs are kept even."""
STARTS = 9
START_REACH = 0.12


class Outline(NamedTuple):
    points: Matrix
    """(n, 2), evenly along the longest contour."""
    shape: Matrix
    """(n, 3), the share inside of three discs around each point."""
    real: NDArray[np.bool_]
    """False along the picture's edge, which is no outline."""


def outline_of(coverage: Array, size: float) -> Outline | None:
    """Return the figure's longest outline; None where there is none to speak of. size: root of the figure's area."""
    found, _ = cv2.findContours((coverage > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    longest = max(found, key=len, default=None)
    if longest is None or len(longest) < 24:
        return None
    points = longest[:, 0].astype(np.float64)
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    wanted = np.linspace(0.0, length[-1], POINTS, endpoint=False)
    even = np.column_stack([np.interp(wanted, length, points[:, axis]) for axis in (0, 1)])
    shape = np.column_stack([sample_points(blur(coverage, radius * size), even) for radius in RADII])
    height, width = coverage.shape
    real = (even > 2).all(axis=1) & (even[:, 0] < width - 3) & (even[:, 1] < height - 3)
    return Outline(even, shape, real)


def paired(performer: Outline, character: Outline, size: float) -> Matrix:
    """Return for each point of the performer's outline (n, 2) its partner on the character's, already laid over it."""
    # Both begin near the same place: the topmost point of the performer, and several beginnings on the other.
    first = int(np.argmin(performer.points[:, 1]))
    near = int(np.argmin(np.linalg.norm(character.points - performer.points[first], axis=1)))
    reach = round(START_REACH * POINTS)
    best: tuple[float, Matrix] | None = None
    for shift in np.linspace(-reach, reach, STARTS).round().astype(int):
        order = (np.arange(POINTS) + near + shift) % POINTS
        cost, partner = _warped(_cost(performer, character, size, first, order))
        if best is None or cost < best[0]:
            partners = np.empty((POINTS, 2))
            partners[(np.arange(POINTS) + first) % POINTS] = _between(character.points[order], partner)
            best = cost, partners
    return performer.points if best is None else best[1]


def _cost(performer: Outline, character: Outline, size: float, first: int, order: NDArray[np.int64]) -> Matrix:
    mine = (np.arange(POINTS) + first) % POINTS
    shape = np.abs(performer.shape[mine][:, None] - character.shape[order][None]).sum(axis=-1)
    apart = np.linalg.norm(performer.points[mine][:, None] - character.points[order][None], axis=-1) / size
    edge = performer.real[mine][:, None] != character.real[order][None]
    return np.asarray(SHAPE_WEIGHT * shape + PLACE_WEIGHT * np.minimum(apart, 1.0) + 0.3 * edge)


def _warped(cost: Matrix) -> tuple[float, Matrix]:
    """Return the cheapest pairing's cost and, for each row, its mean column. A diagonal is worked out at once."""
    rows, columns = cost.shape
    total = np.full((rows + 1, columns + 1), np.inf)
    total[0, 0] = 0.0
    for diagonal in range(rows + columns - 1):
        row = np.arange(max(0, diagonal - columns + 1), min(rows, diagonal + 1))
        column = diagonal - row
        stretched = STRETCH_COST + np.minimum(total[row, column + 1], total[row + 1, column])
        total[row + 1, column + 1] = np.minimum(total[row, column], stretched) + cost[row, column]
    return float(total[rows, columns]), _traced(total, rows, columns)


def _traced(total: Matrix, rows: int, columns: int) -> Matrix:
    sums, counts = np.zeros(rows), np.zeros(rows)
    row, column = rows, columns
    while row > 0 and column > 0:
        sums[row - 1] += column - 1
        counts[row - 1] += 1
        straight, up, left = total[row - 1, column - 1], total[row - 1, column], total[row, column - 1]
        if straight <= min(up, left) + STRETCH_COST:
            row, column = row - 1, column - 1
        elif up <= left:
            row -= 1
        else:
            column -= 1
    return sums / np.maximum(counts, 1)


def _between(points: Matrix, places: Matrix) -> Matrix:
    """Look points up at fractional places along the outline."""
    low = np.clip(np.floor(places), 0, len(points) - 1).astype(int)
    high = np.minimum(low + 1, len(points) - 1)
    share = (places - low)[:, None]
    return np.asarray(points[low] * (1.0 - share) + points[high] * share)
