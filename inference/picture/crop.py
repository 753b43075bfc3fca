"""The steady crop: the way of pictures to the engine and back. Pure; any thread.

One window follows the performer: its size is constant over the shot and its path is smooth (or it stands still), so
that the engine's picture neither breathes nor shakes. Windows lie on whole plate pixels: the way there and back is a
plain copy at scale 1, and an aligned resampling at any other, never a shift by part of a pixel. `crop_plan` finds the
path, `crop_path` holds it.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.picture.crop_path import CropPath
from understudy.inference.picture.crop_plan import Box, plan_crop
from understudy.inference.picture.header import Window

__all__ = [
    "Box",
    "CropPath",
    "boxes_from_matte",
    "cut",
    "place",
    "plan_crop",
    "put_back",
    "scale_error",
    "window_of_matte",
]

Floats = NDArray[np.float32]
Kind = Literal["picture", "matte", "mask"]
"""How values between pixels are made: `picture` area or cubic, `matte` area or linear, `mask` nearest."""

_GROWING = {"picture": cv2.INTER_CUBIC, "matte": cv2.INTER_LINEAR, "mask": cv2.INTER_NEAREST_EXACT}
_SHRINKING = {"picture": cv2.INTER_AREA, "matte": cv2.INTER_AREA, "mask": cv2.INTER_NEAREST_EXACT}


def boxes_from_matte(matte: Floats, threshold: float = 0.5) -> tuple[int, int, int, int] | None:
    """Return left, top, right, bottom (the last two past the end) of the values above `threshold`, or None without any.

    matte: (height, width) float32. Values that are not numbers count as nothing.
    """
    rows = np.flatnonzero(np.fmax.reduce(matte, axis=1) > threshold)
    if rows.size == 0:
        return None
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(np.fmax.reduce(matte[top:bottom], axis=0) > threshold)
    return int(columns[0]), top, int(columns[-1]) + 1, bottom


def window_of_matte(matte: Floats, over: Window) -> Window | None:
    """Return where `matte`, which lies over the window `over`, is above zero; None where it is nowhere."""
    box = boxes_from_matte(matte, 0.0)
    if box is None:
        return None
    left, top, right, bottom = box
    return Window(over.x + left, over.y + top, right - left, bottom - top)


def place(pixels: NDArray[np.generic], source: Window, target: Window) -> NDArray[np.generic]:
    """Return `pixels`, which lie over the window `source`, over the window `target`.

    pixels: (source.height, source.width[, channels]), any type; the bits stay. Cut where they reach past the target,
    zero where they do not reach. The result shares memory only where the windows are equal.
    """
    if source == target:
        return pixels
    placed = np.zeros((target.height, target.width, *pixels.shape[2:]), pixels.dtype)
    left, right = max(source.x, target.x), min(source.x + source.width, target.x + target.width)
    top, bottom = max(source.y, target.y), min(source.y + source.height, target.y + target.height)
    if left < right and top < bottom:
        placed[top - target.y : bottom - target.y, left - target.x : right - target.x] = pixels[
            top - source.y : bottom - source.y, left - source.x : right - source.x
        ]
    return placed


def cut(
    pixels: Floats, crop: CropPath, frame: int, data_window: Window | None = None, *, kind: Kind = "picture"
) -> Floats:
    """Return what the engine sees of `pixels`: (model height, model width[, channels]) float32, its own memory.

    pixels: (height, width) or (height, width, up to 4) float32 over `data_window` (file pixels; the display window
    when None). The picture is what either window covers, zero where pixels are missing in the display window, its
    edge pixels repeated beyond. Shrinks by area, grows (the unsqueeze alone does) by `kind`. A copy of the bits where
    the crop is `exact`.
    """
    data = data_window or crop.display
    box = crop.window(frame)
    picture = _hull(data, crop.display)
    inside = _overlap(box, picture)
    if inside is None:
        raise ValueError(f"frame {frame}: the crop {box} does not touch the picture {picture}")
    around = (
        (inside.y - box.y, box.y + box.height - inside.y - inside.height),
        (inside.x - box.x, box.x + box.width - inside.x - inside.width),
    )
    taken = _view(pixels, data, inside)
    if any(sum(pair) for pair in around):
        taken = np.pad(taken, (*around, *[(0, 0)] * (pixels.ndim - 2)), mode="edge")
    return _resized(taken, crop.model_width, crop.model_height, kind)


def put_back(
    model_pixels: Floats, crop: CropPath, frame: int, window: Window | None = None, *, kind: Kind = "picture"
) -> Floats:
    """Return what an engine made, over `window` of the plate: (height, width[, channels]) float32, its own memory.

    model_pixels: (model height, model width) or (..., up to 4) float32. window: file pixels, the display window when
    None; give the window of the effective matte to handle only that much. Zero outside the crop. Grows by `kind`, a
    picture by Keys' cubic convolution (coefficient -0.75), held between the values of the pixels around.
    """
    if model_pixels.shape[:2] != (crop.model_height, crop.model_width):
        raise ValueError(f"frame {frame}: {model_pixels.shape} is not {crop.model_width} x {crop.model_height} pixels")
    target = window or crop.display
    box = crop.window(frame)
    back = model_pixels if crop.exact else _resized(model_pixels, crop.width, crop.height, kind)
    found: Floats = place(back, box, target)  # type: ignore[assignment]
    return found.copy() if np.may_share_memory(found, model_pixels) else found


def scale_error(crop: CropPath, wavelength_pixels: float = 32.0) -> float:
    """Return the greatest error of `cut` and `put_back` on waves of this length in plate pixels, their height being 1.

    0 where the crop is exact. Measured, not estimated: a chart of waves across and down goes both ways through this
    crop. Detail finer than two model pixels is lost by any method.
    """
    if crop.exact:
        return 0.0
    across = np.cos((np.arange(crop.width) + 0.5) * (2 * math.pi / wavelength_pixels)) / 4
    down = np.cos((np.arange(crop.height) + 0.5) * (2 * math.pi / wavelength_pixels)) / 4
    chart = (0.5 + across[None, :] + down[:, None]).astype(np.float32)
    still = CropPath(
        (0,), (0,), (0,), crop.width, crop.height, crop.model_width, crop.model_height, crop.width, crop.height
    )
    error = np.abs(put_back(cut(chart, still, 0), still, 0) - chart)
    # The outermost pixels have no neighbours to be made from; in a plate the crop's context is there.
    margin = min(8, (min(crop.width, crop.height) - 1) // 2)
    return float(error[margin : crop.height - margin, margin : crop.width - margin].max())


def _hull(one: Window, other: Window) -> Window:
    left, top = min(one.x, other.x), min(one.y, other.y)
    right = max(one.x + one.width, other.x + other.width)
    bottom = max(one.y + one.height, other.y + other.height)
    return Window(left, top, right - left, bottom - top)


def _overlap(one: Window, other: Window) -> Window | None:
    left, top = max(one.x, other.x), max(one.y, other.y)
    right = min(one.x + one.width, other.x + other.width)
    bottom = min(one.y + one.height, other.y + other.height)
    return Window(left, top, right - left, bottom - top) if left < right and top < bottom else None


def _view(pixels: Floats, data: Window, inside: Window) -> Floats:
    """Return the pixels of `inside`, without a copy where the data window covers it."""
    if _overlap(data, inside) == inside:
        top, left = inside.y - data.y, inside.x - data.x
        return pixels[top : top + inside.height, left : left + inside.width]
    placed: Floats = place(pixels, data, inside)  # type: ignore[assignment]
    return placed


def _resized(pixels: Floats, width: int, height: int, kind: Kind) -> Floats:
    """Return a resampled copy; one direction at a time, because one may shrink while the other grows."""
    resized: NDArray[Any] = pixels
    for size in ((width, resized.shape[0]), (width, height)):
        if (resized.shape[1], resized.shape[0]) != size:
            shrinks = size[0] < resized.shape[1] or size[1] < resized.shape[0]
            method = _SHRINKING[kind] if shrinks else _GROWING[kind]
            before = np.ascontiguousarray(resized)
            resized = cv2.resize(before, size, interpolation=method)
            if method == cv2.INTER_CUBIC:
                _hold_within(resized, before)
    return resized.reshape(height, width, *pixels.shape[2:]) if resized is not pixels else np.array(pixels, order="C")


def _hold_within(grown: NDArray[Any], source: NDArray[Any]) -> None:
    """Hold every grown value between the least and the greatest of the 3 x 3 source pixels around it, in place.

    Without that, a cubic beside a lamp of 100 swings to -12: a black halo around every highlight.
    """
    size = (grown.shape[1], grown.shape[0])
    around = np.ones((3, 3), np.uint8)
    least = cv2.resize(cv2.erode(source, around), size, interpolation=cv2.INTER_NEAREST_EXACT)
    most = cv2.resize(cv2.dilate(source, around), size, interpolation=cv2.INTER_NEAREST_EXACT)
    np.maximum(grown, least, out=grown)
    np.minimum(grown, most, out=grown)
