"""Dense motion of the performer between two frames, and between a frame and what it should look like. Pure."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.engines.smooth import blur, blur_known, spread
from understudy.inference.engines.view import View
from understudy.inference.engines.warp import bend, centre_of

Array = NDArray[np.float32]

LIKENESS_LEVELS = 10.0
"""Grey levels (of 255) of difference at which a match is trusted by 1/e."""


def flow(here: Array, there: Array, start: Array | None = None) -> Array:
    """Return the field from each pixel of `here` to the same thing in `there` (both 0 to 255), by DIS optical flow."""
    finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    finder.setFinestScale(1)
    first, second = (np.clip(grey, 0, 255).astype(np.uint8) for grey in (here, there))
    begin = np.zeros((*here.shape, 2), np.float32) if start is None else start.copy()
    return np.asarray(finder.calc(first, second, begin), np.float32)


def motion_to(here: View, there: View) -> Array:
    """Return the field from `here` to `there`: measured inside the performer, smooth beyond the outline."""
    start = np.empty((*here.grey.shape, 2), np.float32)
    start[:] = centre_of(there.matte) - centre_of(here.matte)
    measured = flow(here.grey, there.grey, start)
    settled = blur_known(measured, here.inside + 1e-4, 1.5)
    return spread(settled, here.inside, stiffness=0.02)


def drift(view: View, expected: Array, certainty: Array) -> Array:
    """Return the field from a frame to `expected` (grey, 0 to 255), a picture of the same performer that should match.

    Zero where the two do not look alike, where it is far, or where `certainty` (h, w, 0 to 1) is low.
    """
    offset = flow(view.grey, expected)
    error = blur(np.abs(bend(expected, offset) - view.grey), 2.0)
    near = np.exp(-((offset**2).sum(axis=-1)) / 16.0)
    trust = np.exp(-((error / LIKENESS_LEVELS) ** 2)) * near * view.inside * certainty
    return blur_known(offset, trust + 1e-4, 1.5) * np.minimum(1.0, blur(trust, 1.5))[..., None]
