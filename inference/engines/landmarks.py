"""Points on a performer that carry a warp: close together and free on limbs, far apart and stiff on the trunk. Pure."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.engines.smooth import disc
from understudy.inference.engines.view import View
from understudy.inference.engines.warp import sample_points

Array = NDArray[np.float32]
Matrix = NDArray[np.float64]

SPACING = 11
"""A performer is this many landmarks across; a limb's lie 2.2 times as close."""
THICK, THIN = 0.2, 0.09
"""Half a body part's thickness over the figure's size: from the first on it is stiff, under the second a limb."""
LEAST_GIVE = 0.02
"""A limb's stiffness, as a share of a trunk's."""


def landmarks(view: View, size: float) -> tuple[Matrix, Matrix]:
    """Return points inside the performer (n, 2), close together on limbs, and how thick the body is there (n,)."""
    thick = thickness_of(view.inside, size)
    found, depths = [], []
    coarse, limit = size / SPACING, THIN * size
    for step, low, high in ((coarse, limit, np.inf), (coarse / 2.2, 0.0, limit)):
        rows, columns = (np.arange(step / 2, length, max(2.0, step)) for length in view.matte.shape)
        points = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
        thickness = sample_points(thick, points)
        chosen = (sample_points(view.inside, points) > 0.5) & (thickness >= low) & (thickness < high)
        found.append(points[chosen])
        depths.append(thickness[chosen])
    return np.vstack(found), np.concatenate(depths)


def thickness_of(inside: Array, size: float) -> Array:
    """Return half the thickness (h, w) of the body part at or near each pixel."""
    depth = cv2.distanceTransform((inside > 0.5).astype(np.uint8), cv2.DIST_L2, 3)
    return np.asarray(cv2.dilate(depth, disc(0.12 * size)), np.float32)


def give_of(thickness: Matrix, size: float) -> Matrix:
    """Return how stiff a body part is against a trunk."""
    return np.asarray(np.clip((thickness / (THICK * size)) ** 2, LEAST_GIVE, 1.0))
