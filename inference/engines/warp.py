"""Smooth warps: thin plates through landmarks, displacement fields, and pictures bent by them. Pure.

A field is (h, w, 2) float32: what to add to a pixel's own x and y to reach where its picture comes from.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.engines.smooth import blur, grown

Array = NDArray[np.float32]
Matrix = NDArray[np.float64]

LEAST_AREA = 1.0 / 16.0
"""Least local area, as a share, that a field may leave of a picture: below it the picture would fold."""


@dataclass(frozen=True, slots=True)
class ThinPlate:
    """A thin-plate spline over landmarks (Bookstein, Principal Warps, PAMI 1989; stiffness after Wahba 1990)."""

    landmarks: Matrix
    """(n, 2), divided by `unit`."""
    weights: Matrix
    """(n + 3, 2)."""
    unit: float

    def at(self, points: Matrix) -> Matrix:
        """Return the displacement at `points` (m, 2)."""
        scaled = points / self.unit
        bent = _bending(scaled, self.landmarks) @ self.weights[:-3]
        return bent + np.column_stack([np.ones(len(scaled)), scaled]) @ self.weights[-3:]

    def field(self, height: int, width: int, left: float = 0.0, top: float = 0.0, step: float = 1.0) -> Array:
        """Return the displacement on a grid that begins at (left, top), its pixels `step` apart."""
        # Evaluated on every seventh pixel: a plate has no finer detail than its landmarks.
        small_height, small_width = max(3, -(-height // 7)), max(3, -(-width // 7))
        rows = (np.arange(small_height) + 0.5) * height / small_height - 0.5
        columns = (np.arange(small_width) + 0.5) * width / small_width - 0.5
        across, down = np.meshgrid(left + step * columns, top + step * rows)
        values = self.at(np.column_stack([across.ravel(), down.ravel()])).reshape(small_height, small_width, 2)
        return enlarge(values.astype(np.float32), height, width)


def _bending(points: Matrix, landmarks: Matrix) -> Matrix:
    squared = ((points[:, None] - landmarks[None]) ** 2).sum(axis=-1)
    return np.asarray(0.5 * squared * np.log(np.maximum(squared, 1e-12)))


class PlateFitter:
    """Fits many plates over the same landmarks; the distances are worked out once."""

    def __init__(self, points: Matrix, unit: float) -> None:
        self._landmarks = points / unit
        self._unit = unit
        count = len(points)
        self._system = np.zeros((count + 3, count + 3))
        self._system[:count, :count] = _bending(self._landmarks, self._landmarks)
        self._system[:count, count:-2] = 1.0
        self._system[:count, -2:] = self._landmarks
        self._system[count:, :count] = self._system[:count, count:].T

    def fit(self, displacements: Matrix, stiffness: float, weights: Matrix | None = None) -> ThinPlate:
        """Return the plate that comes near `displacements` (n, 2). A stiff one bends little; 0 goes through them all.

        A landmark of small weight (n,) pulls little.
        """
        return ThinPlate(self._landmarks, self._solve(displacements, stiffness, weights), self._unit)

    def smooth(self, displacements: Matrix, stiffness: float, weights: Matrix | None = None) -> Matrix:
        """Return what `fit` would give at the landmarks themselves, without working any distance out again."""
        count = len(self._landmarks)
        return np.asarray(self._system[:count] @ self._solve(displacements, stiffness, weights))

    def _solve(self, displacements: Matrix, stiffness: float, weights: Matrix | None) -> Matrix:
        count = len(self._landmarks)
        system = self._system.copy()
        give = stiffness + 1e-6 if weights is None else stiffness / np.maximum(weights, 1e-3) + 1e-6
        system[np.arange(count), np.arange(count)] += give
        system[np.arange(count, count + 3), np.arange(count, count + 3)] -= 1e-9
        # cv2's solver runs on one thread: the result does not hang on how many there are, and small systems go faster.
        _, solution = cv2.solve(system, np.vstack([displacements, np.zeros((3, 2))]), flags=cv2.DECOMP_LU)
        return np.asarray(solution, np.float64)


def places(height: int, width: int) -> tuple[Array, Array]:
    """Return every pixel's own x and y."""
    across, down = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    return across, down


def enlarge(values: Array, height: int, width: int, factor: float = 1.0) -> Array:
    """Resize a field smoothly (cubic) and multiply its values, say by the ratio of the two pixel sizes."""
    grown = np.asarray(cv2.resize(values, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
    return grown * np.float32(factor) if factor != 1.0 else grown


def sample(values: Array, across: Array, down: Array, *, outside: int = cv2.BORDER_REPLICATE) -> Array:
    """Look `values` up at fractional places, linearly; past the edge the edge goes on."""
    return np.asarray(cv2.remap(values, across, down, cv2.INTER_LINEAR, borderMode=outside), np.float32)


def sample_points(values: Array, points: Matrix) -> Matrix:
    """Look a (h, w) picture up at (n, 2) points."""
    where = points.astype(np.float32)
    found = cv2.remap(values, where[None, :, 0], where[None, :, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found[0], np.float64)


def chain(first: Array, second: Array) -> Array:
    """Return the field that goes along `first` and from there along `second`."""
    across, down = places(*first.shape[:2])
    return first + sample(second, across + first[..., 0], down + first[..., 1])


def bend(picture: Array, field: Array) -> Array:
    """Return `picture` with each pixel taken from where `field` points; linear, the edge goes on."""
    across, down = places(*field.shape[:2])
    return sample(picture, across + field[..., 0], down + field[..., 1])


def local_area(field: Array) -> Array:
    """Return how many pixels of the source each pixel covers (the Jacobian's determinant); negative where it folds."""
    across_across, down_across = np.gradient(field[..., 0], axis=1), np.gradient(field[..., 0], axis=0)
    across_down, down_down = np.gradient(field[..., 1], axis=1), np.gradient(field[..., 1], axis=0)
    return np.asarray((1.0 + across_across) * (1.0 + down_down) - down_across * across_down, np.float32)


def centre_of(matte: Array) -> Array:
    across, down = places(*matte.shape)
    total = max(float(matte.sum()), 1e-6)
    return np.array([float((across * matte).sum()) / total, float((down * matte).sum()) / total], np.float32)


def sample_field(field: Array, points: Matrix) -> Matrix:
    return np.column_stack([sample_points(np.ascontiguousarray(field[..., axis]), points) for axis in (0, 1)])


def unfolded(field: Array) -> Array:
    """Smooth the field where it would fold or crush the picture, in wider circles until it does not."""
    for sigma in (3.0, 6.0, 12.0):
        area = local_area(field)
        crushed = (area < LEAST_AREA) | (area > 1.0 / LEAST_AREA)
        if not bool(np.any(crushed)):
            break
        where = np.minimum(1.0, blur(grown(crushed.astype(np.uint8), 4 * sigma).astype(np.float32), sigma))
        field = field + (blur(field, sigma) - field) * where[..., None]
    return field
