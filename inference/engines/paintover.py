"""A reference that is the performer's own picture, retouched or not: what changes on the performer is carried over.

Blinks, speech, a hand that comes up, a moving shadow: none of them is in the one still, but the plate shows them on the
same surface. The difference of the plate now and the plate at home is what changed, and the reference takes it on (as
ratio images do: Liu, Shan and Zhang, Expressive Expression Mapping, SIGGRAPH 2001; a difference, in the model's near
logarithmic code, does not blow up small misfits in the dark). Paint on the reference stays.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.engines.puppet import Drawing
from understudy.inference.engines.smooth import blur, blur_known, disc, spread
from understudy.inference.engines.warp import enlarge, places

Array = NDArray[np.float32]

FINENESS_PIXELS = 0.5
"""Detail of the change that is carried over, as a blur in pixels of a 1280-pixel picture: finer is noise and grain."""
STRAY = 0.05
"""The performer's own matte is believed as far as this share of the width from where the puppet is drawn."""


class Paintover:
    """Holds the performer of the home frame at full size."""

    def __init__(self, plate: Array, matte: Array) -> None:
        inside = (matte > 0.95).astype(np.float32)
        self._home = spread(plate, inside)

    def carry_over(self, drawing: Drawing, motion: Array, plate: Array, matte: Array) -> Drawing:
        """Return the drawing with the performer's change since the home frame, inside the performer's own outline.

        motion: (h, w, 2) at tracking size, from this frame to the home frame.
        """
        height, width = matte.shape
        window = _window(matte)
        if window is None:
            return drawing
        sigma = FINENESS_PIXELS * width / 1280
        then = blur(self._moved(motion, height, width, window), sigma)
        inside = (matte[window] > 0.95).astype(np.float32)
        now = blur_known(plate[window], inside + 1e-6, sigma)
        colour, coverage = drawing.colour.copy(), drawing.coverage.copy()
        reach = disc(2 * STRAY * width)
        colour[window] = np.clip(colour[window] + now - then, 0.0, 1.0)
        coverage[window] = matte[window] * (cv2.dilate(coverage[window], reach) > 0.5)
        return Drawing(colour, coverage)

    def _moved(self, motion: Array, height: int, width: int, window: tuple[slice, slice]) -> Array:
        """Return the home frame's performer where they are now."""
        across, down = places(height, width)
        grown = enlarge(motion, height, width)
        ratio = np.array([width / motion.shape[1], height / motion.shape[0]], np.float32)
        return np.asarray(
            cv2.remap(
                self._home,
                across[window] + grown[window][..., 0] * ratio[0],
                down[window] + grown[window][..., 1] * ratio[1],
                cv2.INTER_CUBIC,
                borderMode=cv2.BORDER_REPLICATE,
            ),
            np.float32,
        )


def _window(matte: Array) -> tuple[slice, slice] | None:
    rows, columns = np.nonzero((matte > 0).any(axis=1))[0], np.nonzero((matte > 0).any(axis=0))[0]
    if rows.size == 0:
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
