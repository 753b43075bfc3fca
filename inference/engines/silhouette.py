"""Outlines: where they are, and the similarity that lays one figure over another. Pure."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.engines.smooth import shrink

Array = NDArray[np.float32]
Matrix = NDArray[np.float64]

SEARCH_HEIGHT = 56
"""Height in pixels of the pictures in which a placing is searched: 25 scales take about 30 ms."""
SCALES = np.geomspace(0.5, 2.4, 27)
FINER_STEPS = (0.97, 0.985, 1.0, 1.015, 1.03)
ANGLES = (-18.0, -9.0, 9.0, 18.0)


class Placing(NamedTuple):
    """`matrix` (2, 3) takes a pixel of the footage to the character's image; `overlap` is the IoU it reaches."""

    matrix: Matrix
    overlap: float


def signed_distance(coverage: Array) -> Array:
    """Return the distance in pixels to the outline of a soft coverage, positive inside, soft at the edge itself."""
    inside = (coverage > 0.5).astype(np.uint8)
    if not inside.any():
        return np.full(coverage.shape, -float(max(coverage.shape)), np.float32)
    if inside.all():
        return np.full(coverage.shape, float(max(coverage.shape)), np.float32)
    within = cv2.distanceTransform(inside, cv2.DIST_L2, 5)
    beyond = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    distance = np.where(inside > 0, within - 0.5, 0.5 - beyond)
    # Next to the outline the coverage itself knows better than whole pixels do.
    soft = np.clip(coverage - 0.5, -0.5, 0.5)
    return np.where(np.abs(distance) < 1.0, 0.5 * distance + soft, distance).astype(np.float32)


def overlap(first: Array, second: Array) -> float:
    """Return the intersection over union of two soft coverages; 0 when both are empty."""
    union = float(np.maximum(first, second).sum())
    return float(np.minimum(first, second).sum()) / union if union > 0 else 0.0


def place(character: Array, performer: Array) -> Placing:
    """Find the similarity that lays `character` (its alpha, any size) best over `performer` (its matte) by IoU.

    Every position at 27 scales is tried by correlation, then a few turns, then finer scales at twice the size. What
    falls outside the performer's picture is not counted, so a full figure fits a close shot. The performer's matte must
    not be empty.
    """
    shrink = min(1.0, SEARCH_HEIGHT / performer.shape[0])
    target = _resized(performer, shrink)
    cut = _bounds(character)
    figure = character[cut[1] : cut[3], cut[0] : cut[2]]
    unit = float(np.sqrt(target.sum() / max(float(figure.sum()), 1e-6)))
    best = max((_best_position(figure, target, unit * scale, 0.0) for scale in SCALES), key=lambda found: found[0])
    turned = [_best_position(figure, target, best[1], angle) for angle in ANGLES]
    best = max([best, *turned], key=lambda found: found[0] - 0.0015 * abs(found[2]))
    target = _resized(performer, min(1.0, 2.0 * shrink))
    unit = best[1] * target.shape[0] / max(1, round(performer.shape[0] * shrink))
    finer = [_best_position(figure, target, unit * step, best[2]) for step in FINER_STEPS]
    score, scale, angle, across, down = max(finer, key=lambda found: found[0])
    onto = _figure_matrix(figure.shape, scale, angle)
    onto[:, 2] += (across, down)
    # From the small figure-to-target map to full footage pixels -> full image pixels, pixel centres kept in place.
    grow = _scaling(target.shape[1] / performer.shape[1], target.shape[0] / performer.shape[0])
    matrix = _shifted(cut[0], cut[1]) @ np.linalg.inv(np.vstack([onto, (0, 0, 1)])) @ grow
    return Placing(matrix[:2], score)


def _resized(picture: Array, factor: float) -> Array:
    return shrink(picture, (max(4, round(picture.shape[0] * factor)), max(4, round(picture.shape[1] * factor))))


def _bounds(coverage: Array) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero((coverage > 0.5).any(axis=1))[0], np.nonzero((coverage > 0.5).any(axis=0))[0]
    if rows.size == 0:
        return 0, 0, coverage.shape[1], coverage.shape[0]
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _figure_matrix(shape: tuple[int, ...], scale: float, angle: float) -> Matrix:
    """Return the map from figure pixels to a canvas that just holds it, scaled and turned."""
    turn = np.deg2rad(angle)
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    corners = np.array([(-0.5, -0.5), (shape[1] - 0.5, -0.5), (-0.5, shape[0] - 0.5), (shape[1] - 0.5, shape[0] - 0.5)])
    low = (corners @ linear.T).min(axis=0)
    return np.column_stack([linear, -low - 0.5])


def _best_position(figure: Array, target: Array, scale: float, angle: float) -> tuple[float, float, float, int, int]:
    """Return (IoU, scale, angle, x, y) of the best whole-pixel position of the scaled figure over the target."""
    matrix = _figure_matrix(figure.shape, scale, angle)
    corners = np.array([(0, 0), (figure.shape[1], 0), (0, figure.shape[0]), (figure.shape[1], figure.shape[0])])
    extent = np.ptp(corners @ matrix[:, :2].T, axis=0)
    size = (max(2, round(float(extent[0]))), max(2, round(float(extent[1]))))
    soft = cv2.GaussianBlur(figure, (0, 0), max(0.3, 0.35 / scale))
    small = cv2.warpAffine(soft, matrix, size, flags=cv2.INTER_LINEAR).astype(np.float32)
    width, height = size[0], size[1]
    padded = cv2.copyMakeBorder(target, height, height, width, width, cv2.BORDER_CONSTANT, value=0)
    frame = cv2.copyMakeBorder(np.ones_like(target), height, height, width, width, cv2.BORDER_CONSTANT, value=0)
    shared = cv2.matchTemplate(padded, small, cv2.TM_CCORR)
    seen = cv2.matchTemplate(frame, small, cv2.TM_CCORR)
    score = shared / np.maximum(float(target.sum()) + seen - shared, 1e-6)
    _, value, _, where = cv2.minMaxLoc(score)
    return float(value), scale, angle, where[0] - width, where[1] - height


def _scaling(across: float, down: float) -> Matrix:
    """Return the map from big pixels to small ones that keeps pixel centres (cv2.resize's convention)."""
    return np.array([[across, 0, 0.5 * across - 0.5], [0, down, 0.5 * down - 0.5], [0, 0, 1]], np.float64)


def _shifted(across: float, down: float) -> Matrix:
    return np.array([[1, 0, across], [0, 1, down], [0, 0, 1]], np.float64)


def outline_points(coverage: Array, count: int) -> Matrix:
    """Return `count` points (n, 2) evenly along the outlines of a soft coverage.

    Where the picture's edge cuts the figure there is no outline. Fewer than 8 usable points give an empty array.
    """
    height, width = coverage.shape
    contours, _ = cv2.findContours((coverage > 0.5).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    longest = max((len(contour) for contour in contours), default=0)
    kept = [contour[:, 0] for contour in contours if len(contour) >= max(12, 0.08 * longest)]
    if not kept:
        return np.zeros((0, 2))
    points = np.vstack(kept).astype(np.float64)
    within = (points > 2).all(axis=1) & (points[:, 0] < width - 3) & (points[:, 1] < height - 3)
    points = points[within]
    if len(points) < 8:
        return np.zeros((0, 2))
    chosen = np.linspace(0, len(points) - 1, min(count, len(points))).round().astype(int)
    return np.asarray(points[chosen], np.float64)
