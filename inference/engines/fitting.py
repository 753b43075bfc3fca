"""Laying the character over the performer: first as it is, then bent so that the outlines meet. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.engines.contours import outline_of, paired
from understudy.inference.engines.landmarks import give_of, thickness_of
from understudy.inference.engines.silhouette import outline_points, overlap, place, signed_distance
from understudy.inference.engines.smooth import blur
from understudy.inference.engines.warp import (
    PlateFitter,
    local_area,
    places,
    sample,
    sample_field,
    sample_points,
    unfolded,
)

Array = NDArray[np.float32]
Matrix = NDArray[np.float64]

LANDMARKS = 96
STIFFNESS_FIRST = 3.0
STIFFNESS_LAST = 0.02
ROUNDS = 24
"""The plate softens from first to last over these rounds (after Chui and Rangarajan, TPS-RPM, CVIU 2003)."""
MARGIN = 0.35
"""How far past the picture the fit is known, as a share of its longer side: the performer may move that far."""
CLEARLY_BETTER = 0.015
"""By so much merit the way that bends most must win."""
ORDER_STIFFNESS = 0.3
EDGE_LEVEL = 0.5
"""A contour runs through the outermost pixels' centres: half a pixel inside the edge."""
TEAR_COST = 2.0
TIP, TIP_STIFFNESS, TIP_WEIGHT = 0.05, 0.05, 5.0
"""A part of the character that lies farther than this share of the figure's size from all that was reached is a tip."""
FARTHEST = 0.22
"""No point is bent farther than this share of the figure's size (the root of its area)."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How the character lies over the performer of one frame, at tracking size with a margin all round.

    A place x of the tracking picture shows the character's image at matrix @ (x + bend(x)), bend looked up at x + pad.
    """

    matrix: Matrix
    """(2, 3): tracking pixels to the character's image pixels."""
    bend: Array
    """(h + 2 pad, w + 2 pad, 2) in tracking pixels."""
    distance: Array
    """Signed distance to the fitted character's outline, same size."""
    pad: int
    overlap: float
    merit: float = 1.0
    """The overlap less what is torn."""


def fit(character: Array, performer: Array) -> Fit:
    """Lay `character` (alpha) over `performer` (matte at tracking size). The matte must not be empty.

    Three ways are tried, gentle ones first: each outline point goes to the nearest place on the character's outline; so
    do all but those that belong to a part which nothing reached that way, a bun or a hand; each goes to its partner in
    order along the outline. The first leaves a face in its place, the last follows a raised arm.
    """
    height, width = performer.shape
    pad = round(MARGIN * max(height, width))
    placing = place(character, performer)
    placed = _seen(character, placing.matrix, height, width, pad)

    def laid(bent: Array) -> Fit:
        field = unfolded(bent)
        across, down = places(*field.shape[:2])
        covered = sample(placed, across + field[..., 0], down + field[..., 1])
        shared = overlap(_inner(covered, pad), performer)
        merit = shared - TEAR_COST * torn(field, performer, pad)
        return Fit(placing.matrix, field, signed_distance(covered), pad, shared, merit)

    nearest = laid(_bent(placed, performer, pad))
    pairs = _pairs(placed, performer, pad)
    if pairs is None:
        return nearest
    gentle = laid(_bent_to_tips(placed, performer, pad, pairs, nearest.bend))
    ordered = laid(_bent_in_order(placed, performer, pad, pairs))
    found = max(nearest, gentle, key=lambda tried: tried.merit)
    return ordered if ordered.merit > found.merit + CLEARLY_BETTER else found


class _Pairs(NamedTuple):
    """The performer's outline points at tracking size, the way from each to its partner, the character's points."""

    points: Matrix
    ways: Matrix
    others: Matrix


def _pairs(placed: Array, performer: Array, pad: int) -> _Pairs | None:
    size = float(np.sqrt(performer.sum()))
    around = cv2.copyMakeBorder(performer, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    mine, theirs = outline_of(np.asarray(around, np.float32), size), outline_of(placed, size)
    if mine is None or theirs is None or int(mine.real.sum()) < 16:
        return None
    ways = (paired(mine, theirs, size) - mine.points)[mine.real]
    return _Pairs(mine.points[mine.real] - pad, ways, theirs.points[theirs.real] - pad)


def _inner(padded: Array, pad: int) -> Array:
    return padded[pad : padded.shape[0] - pad, pad : padded.shape[1] - pad]


def _seen(character: Array, matrix: Matrix, height: int, width: int, pad: int) -> Array:
    """Return the character's coverage, placed but not bent, on the padded tracking picture."""
    onto = np.vstack([matrix, (0, 0, 1)]) @ np.array([[1, 0, -pad], [0, 1, -pad], [0, 0, 1]], np.float64)
    spacing = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    soft = blur(character, 0.4 * spacing) if spacing > 1.0 else character
    size = (width + 2 * pad, height + 2 * pad)
    # A figure cut by its image's edge goes on past it: its cut is no outline to be followed.
    return cv2.warpAffine(
        soft, onto[:2], size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
    ).astype(np.float32)


def _bent(placed: Array, performer: Array, pad: int) -> Array:
    """Return the field that carries the performer's outline onto the placed character's."""
    points = outline_points(performer, LANDMARKS)
    height, width = placed.shape
    if len(points) == 0:
        return np.zeros((height, width, 2), np.float32)
    size = float(np.sqrt(performer.sum()))
    fitter = PlateFitter(points, size)
    distance = np.clip(signed_distance(placed), -size, size)
    moved = attract(fitter, points, distance, pad, np.geomspace(STIFFNESS_FIRST, STIFFNESS_LAST, ROUNDS))
    field = fitter.fit(moved, STIFFNESS_LAST).field(height, width, -pad, -pad)
    return bounded(field, FARTHEST * size)


def _bent_to_tips(placed: Array, performer: Array, pad: int, pairs: _Pairs, nearest: Array) -> Array:
    """Return the nearest way bent on, so that parts of the character which it did not reach come inside the outline."""
    size = float(np.sqrt(performer.sum()))
    gone = sample_field(nearest, pairs.points + pad)
    missed = pairs.others[_apart(pairs.others, pairs.points + gone) > TIP * size]
    if len(missed) == 0:
        return nearest
    tips = _apart(pairs.points + pairs.ways, missed) < TIP * size
    fitter = PlateFitter(pairs.points, size)
    weights = np.where(tips, TIP_WEIGHT, 1.0)
    begun = fitter.smooth(np.where(tips[:, None], pairs.ways, gone), TIP_STIFFNESS, weights)
    distance = np.clip(signed_distance(placed), -size, size)
    stiffnesses = np.geomspace(TIP_STIFFNESS, STIFFNESS_LAST, 5)
    moved = begun + attract(fitter, pairs.points, distance, pad, stiffnesses, begun, weights=weights)
    return fitter.fit(moved, STIFFNESS_LAST, weights).field(placed.shape[0], placed.shape[1], -pad, -pad)


def _apart(points: Matrix, others: Matrix) -> Matrix:
    """Return each point's distance to the nearest of the others."""
    return np.asarray(np.linalg.norm(points[:, None] - others[None], axis=-1).min(axis=1))


def _bent_in_order(placed: Array, performer: Array, pad: int, pairs: _Pairs) -> Array:
    """Return the field that carries each point of the performer's outline to its partner on the placed character's."""
    size = float(np.sqrt(performer.sum()))
    fitter = PlateFitter(pairs.points, size)
    weights = 1.0 / give_of(sample_points(thickness_of(performer, size), pairs.points), size)
    begun = fitter.smooth(pairs.ways, ORDER_STIFFNESS, weights)
    distance = np.clip(signed_distance(placed), -size, size)
    stiffnesses = np.geomspace(ORDER_STIFFNESS, ORDER_STIFFNESS / 4, 5)
    moved = begun + attract(fitter, pairs.points, distance, pad, stiffnesses, begun, weights=weights)
    return fitter.fit(moved, ORDER_STIFFNESS / 8, weights).field(placed.shape[0], placed.shape[1], -pad, -pad)


def torn(field: Array, performer: Array, pad: int) -> float:
    """Return the share of the performer where the field folds or crushes the character's picture."""
    inner = field[pad : field.shape[0] - pad, pad : field.shape[1] - pad]
    area = local_area(inner)
    return float((performer * ((area < 0.15) | (area > 6.0))).sum()) / max(float(performer.sum()), 1.0)


def attract(
    fitter: PlateFitter,
    points: Matrix,
    distance: Array,
    pad: int,
    stiffnesses: Matrix,
    start: Matrix | None = None,
    *,
    level: Matrix | float = EDGE_LEVEL,
    inner: NDArray[np.bool_] | None = None,
    held: NDArray[np.bool_] | None = None,
    weights: Matrix | None = None,
    surprise: float = np.inf,
) -> Matrix:
    """Move outline points (n, 2) to where `distance` is `level`, in small steps; return how far each one went.

    Each step goes along the distance's slope and is then smoothed by a plate, so that neighbours go together. The way
    begins at `start` (n, 2) beside the points, or at the points. Points marked `inner` need only come inside,
    those marked `held` should stay where they are. A point that is farther off than `surprise` pixels hardly pulls.
    """
    smooth = blur(distance, 1.5)
    slope_across = np.asarray(np.gradient(smooth, axis=1), np.float32)
    slope_down = np.asarray(np.gradient(smooth, axis=0), np.float32)
    begin = points + pad if start is None else points + start + pad
    moved = np.zeros_like(points)
    for stiffness in stiffnesses:
        reached = begin + moved
        off = sample_points(distance, reached) - level
        if inner is not None:
            off = np.where(inner, np.minimum(off, 0.0), off)
        slope = np.column_stack([sample_points(slope_across, reached), sample_points(slope_down, reached)])
        steep = np.maximum((slope**2).sum(axis=1), 0.3)
        wanted = moved - slope * (off / steep)[:, None]
        if held is not None:
            wanted[held] = 0.0
        belief = 1.0 / (1.0 + (off / surprise) ** 2)
        moved = fitter.smooth(wanted, float(stiffness), belief if weights is None else belief * weights)
    return moved


def bounded(field: Array, farthest: float) -> Array:
    """Return the field with every displacement softly held under `farthest`."""
    length = np.sqrt((field**2).sum(axis=-1, keepdims=True))
    return np.asarray(field / (1.0 + (length / farthest) ** 4) ** 0.25, np.float32)


def touches_bottom(coverage: Array) -> bool:
    """Say whether the figure is cut by the picture's lower edge."""
    return bool((coverage[-1] > 0.5).mean() > 0.05)


def unbent(performer: Array) -> Fit:
    """Return the fit of a performer (matte at tracking size) to themselves."""
    pad = round(MARGIN * max(performer.shape))
    wide = cv2.copyMakeBorder(performer, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
    field = np.zeros((*wide.shape, 2), np.float32)
    return Fit(np.eye(2, 3), field, signed_distance(np.asarray(wide, np.float32)), pad, 1.0)
