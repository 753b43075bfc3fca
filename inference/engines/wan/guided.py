"""An average that stops at a picture's edges: the guided filter, by box averages alone. Pure; any thread.

He, Sun and Tang, Guided Image Filtering, PAMI 2013, equations 14 to 16 for a colour guide. The filter is linear in what
is filtered, so a guide's own statistics are worked out once and serve every call.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.engines.smooth import resized

Array = NDArray[np.float32]


class Line(NamedTuple):
    """The filter's answer as a straight line in the guide's colour, pixel by pixel."""

    slope: Array
    """(h, w, 3)."""
    level: Array
    """(h, w)."""

    def on(self, guide: Array) -> Array:
        """Return the answer for `guide` (height, width, 3), which may be a larger picture of the same thing.

        Coefficients of a small picture serve the large one: He and Sun, Fast Guided Filter, arXiv 1505.00996.
        """
        height, width = guide.shape[:2]
        slope, level = self.slope, self.level
        if level.shape != (height, width):
            slope, level = resized(slope, height, width), resized(level, height, width)
        return np.asarray((slope * guide).sum(axis=-1) + level, np.float32)


class Guide:
    """A colour picture whose edges are kept."""

    def __init__(self, picture: Array, radius: int, softness: float) -> None:
        """picture: (h, w, 3). radius: pixels. softness: variance, codes squared, from which on colour is an edge."""
        self._picture, self._side = picture, 2 * radius + 1
        self._mean = self._box(picture)
        self._inverse = self._inverted(softness)

    def filtered(self, values: Array) -> Array:
        """Return `values` (h, w) averaged, but not across the guide's edges."""
        return self.line(values).on(self._picture)

    def line(self, values: Array) -> Line:
        mean = self._box(values)
        together = self._box(self._picture * values[..., None]) - self._mean * mean[..., None]
        xx, xy, xz, yy, yz, zz = self._inverse
        x, y, z = together[..., 0], together[..., 1], together[..., 2]
        slope = np.dstack([xx * x + xy * y + xz * z, xy * x + yy * y + yz * z, xz * x + yz * y + zz * z])
        level = mean - (slope * self._mean).sum(axis=-1)
        return Line(self._box(slope), self._box(np.asarray(level, np.float32)))

    def _box(self, values: Array) -> Array:
        side = (self._side, self._side)
        return np.asarray(cv2.blur(values, side, borderType=cv2.BORDER_REFLECT), np.float32)

    def _inverted(self, softness: float) -> tuple[Array, ...]:
        """Return the six different entries of the inverse of the colour's covariance, softened."""
        red, green, blue = (self._picture[..., index].astype(np.float32) for index in range(3))
        mean = self._mean
        pairs = ((red, red, 0, 0), (red, green, 0, 1), (red, blue, 0, 2), (green, green, 1, 1), (green, blue, 1, 2),
                 (blue, blue, 2, 2))  # fmt: skip
        a, b, c, d, e, f = (
            self._box(one * other) - mean[..., i] * mean[..., j] + np.float32(softness if i == j else 0.0)
            for one, other, i, j in pairs
        )
        first, second, third = d * f - e * e, c * e - b * f, b * e - c * d
        # At least softness cubed in exact arithmetic; rounding may leave less where the guide is flat.
        scale = 1.0 / np.maximum(a * first + b * second + c * third, np.float32(0.25 * softness**3))
        parts = (first, second, third, a * f - c * c, b * c - a * e, a * d - b * b)
        return tuple(np.asarray(part * scale, np.float32) for part in parts)
