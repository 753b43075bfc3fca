"""Display-referred pictures for people: an OCIO view baked into a shaper and a cube where OCIO itself is too slow.

The ACES 2.0 views run at 3.5 MPixel/s a core; baked, at more than 100. The cube has 65 points a side behind the ACEScct
curve (S-2016-001), which spans light from -0.007 to 222. Against OCIO itself: at most 4 codes of 255 for any colour
within Rec.709 and 1 code for 99.9 % of them; colours outside that gamut differ more where the view clips them. Views
without such an operator are cheap and never baked: they are exact.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import cv2
import numpy as np
import PyOpenColorIO
from numpy.typing import NDArray

CUBE_POINTS = 65
_SHAPER_BREAK = 0.0078125
_SHAPER_SLOPE = 1 / 17.52
_SHAPER_OFFSET = 9.72 / 17.52


class ReviewView(NamedTuple):
    """Which view of which display a review picture is made with; both are named in the file."""

    display: str
    view: str
    error: float | None = None
    """For pictures that came display-referred: the greatest difference to the source's own codes, 0 to 1."""


def display_processor(config: Any, source: str, display: str, view: str) -> Any:
    """Return a processor from `source` to codes of `view`, baked where the view is slow.

    Raises PyOpenColorIO.Exception for an unknown display or view.
    """
    exact = config.getProcessor(PyOpenColorIO.DisplayViewTransform(source, display, view))
    if not is_slow(exact):
        return exact.getOptimizedCPUProcessor(PyOpenColorIO.OPTIMIZATION_DEFAULT)
    return _bake(exact)


def is_slow(processor: Any) -> bool:
    """Say whether the processor holds an operator that works a colour at a time, such as the ACES output transforms."""
    return any(isinstance(step, PyOpenColorIO.FixedFunctionTransform) for step in processor.createGroupTransform())


def to_bytes(codes: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return 8-bit codes (height, width, 3) of float codes (height, width, 3 or 4): rounded, within 0 to 255; NaN is 0.

    `codes` is scratch: its NaNs are overwritten.
    """
    colour = np.asarray(cv2.cvtColor(codes, cv2.COLOR_RGBA2RGB) if codes.shape[2] == 4 else codes, np.float32)
    cv2.patchNaNs(colour, 0.0)
    scaled = cv2.addWeighted(colour, 255.0, colour, 0.0, 0.0, dtype=cv2.CV_8U)
    return np.asarray(scaled, np.uint8)


def _shaper() -> Any:
    return PyOpenColorIO.LogCameraTransform(
        linSideBreak=[_SHAPER_BREAK] * 3,
        base=2.0,
        logSideSlope=[_SHAPER_SLOPE] * 3,
        logSideOffset=[_SHAPER_OFFSET] * 3,
    )


def _bake(exact: Any) -> Any:
    # A config of its own each time: a config's processor cache takes two cubes of one size for the same.
    scratch = PyOpenColorIO.Config.CreateRaw()
    unshape = scratch.getProcessor(_shaper(), PyOpenColorIO.TRANSFORM_DIR_INVERSE)
    steps = np.linspace(0, 1, CUBE_POINTS, dtype=np.float32)
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3).copy()
    unshape.getOptimizedCPUProcessor(PyOpenColorIO.OPTIMIZATION_LOSSLESS).applyRGB(grid)
    exact.getOptimizedCPUProcessor(PyOpenColorIO.OPTIMIZATION_LOSSLESS).applyRGB(grid)
    cube = PyOpenColorIO.Lut3DTransform(CUBE_POINTS)
    cube.setInterpolation(PyOpenColorIO.INTERP_TETRAHEDRAL)
    cube.setData(np.clip(grid, 0, 1).reshape(-1))
    both = scratch.getProcessor(PyOpenColorIO.GroupTransform([_shaper(), cube]))
    return both.getOptimizedCPUProcessor(PyOpenColorIO.OPTIMIZATION_DEFAULT)
