"""Holding one frame's stored layers against the plate and each other, bit by bit where bits are promised. Pure."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from understudy.inference.picture.half_floats import HALF_MAX, to_float, to_half
from understudy.inference.picture.header import Image, Window
from understudy.inference.picture.plate import PlateFrame

BAND_ROWS = 16
MERGED_ROWS = 32
SMALLEST_NORMAL_HALF = 2.0**-14  # below it a half has fewer digits, so errors are held against this instead


def touched_pixels(comp: Image, plate: PlateFrame, matte: Image, kind: str) -> int:
    """Return how many pixels of `comp` differ in a bit from the plate where `matte` (the effective one) is 0.

    `kind` is the plate's class: `half` and `float` hold their own bits, `converted` the conversion rounded to half.
    A comp of another data window, pixel type or count of channels than the plate's is touched all over.
    """
    stored = stored_plate(plate, kind)
    window = plate.data
    if comp.header.data != window or comp.pixels.dtype != stored.dtype or comp.pixels.shape != stored.shape:
        return window.width * window.height
    mine, theirs = bits(comp.pixels), bits(stored)
    kept = over(matte.pixels[:, :, 0], matte.header.data, window) == 0
    touched = 0
    for row in range(0, window.height, BAND_ROWS):
        band = slice(row, row + BAND_ROWS)
        if not np.array_equal(mine[band], theirs[band]):  # most bands hold no matte and are equal: no mask is needed
            touched += int(np.count_nonzero(any_channel(mine[band] != theirs[band]) & kept[band]))
    return touched


def patch_error(patch: Image, comp: Image, plate: PlateFrame, matte: Image, kind: str) -> float:
    """Return the greatest difference between patch over plate and comp, relative to the largest term.

    Looked at is the box that holds the patch and the effective matte: `touched_pixels` looks at all beyond it.

    Over is premultiplied: patch + (1 - alpha) * plate (Porter and Duff 1984), in float32 as hosts merge. Pixels whose
    plate is not finite are left out: no merge can give back what was repaired there.
    """
    window = intersection(comp.header.data, plate.data)
    inked = _hull(_box(_inked(patch.pixels), patch.header.data), _box(_inked(matte.pixels), matte.header.data))
    window = intersection(window, inked) if window is not None and inked is not None else None
    if window is None:
        return 0.0
    stored = view(stored_plate(plate, kind), plate.data, window)
    ink = view(patch.pixels, patch.header.data, window)
    wanted = view(comp.pixels, comp.header.data, window)
    bands = (slice(row, row + MERGED_ROWS) for row in range(0, window.height, MERGED_ROWS))
    return max(_merge_error(ink[band], stored[band], wanted[band]) for band in bands)


def _merge_error(ink: NDArray[Any], stored: NDArray[Any], wanted: NDArray[Any]) -> float:
    """Return the greatest relative error of a few rows, small enough to stay in the core's cache; plane by plane, for
    numpy is several times slower on a last axis of three."""
    front, plate, held = (np.moveaxis(to_float(pixels), 2, 0) for pixels in (ink, stored, wanted))
    rest = 1 - front[3]
    worst = 0.0
    with np.errstate(invalid="ignore", over="ignore"):
        for channel in range(3):
            behind = plate[channel] * rest
            scale = np.maximum(np.maximum(np.abs(front[channel]), np.abs(behind)), np.abs(held[channel]))
            error = np.abs(front[channel] + behind - held[channel])
            error /= np.maximum(scale, np.float32(SMALLEST_NORMAL_HALF))
            # A comp that is not finite over a finite plate has no error that can be told: it is as wrong as can be.
            error[~np.isfinite(error)] = np.float32(1e30)
            error[~np.isfinite(plate[channel])] = 0.0
            worst = max(worst, float(error.max(initial=0.0)))
    return worst


def made_non_finite(image: Image, plate: PlateFrame | None, matte: Image | None) -> int:
    """Return how many values of a layer are NaN or infinite, apart from the plate's own outside the effective matte."""
    values = non_finite(image.pixels)
    if not values.any():
        return 0
    made = any_channel(values)
    if plate is not None and matte is not None:
        window = image.header.data
        own = over(any_channel(non_finite(plate.pixels)), plate.data, window)
        made &= ~(own & (over(matte.pixels[:, :, 0], matte.header.data, window) == 0))
    return int(np.count_nonzero(values & made[:, :, None]))


def stored_plate(plate: PlateFrame, kind: str) -> NDArray[Any]:
    """Return the plate's pixels as a comp must hold them: its own bits, or the conversion rounded to half.

    A finite value that no half can hold must be the largest half.
    """
    if kind != "converted":
        return plate.pixels
    halves = to_half(plate.pixels)
    if non_finite(halves).any():  # looked at as bits: numpy's own answer for halves takes five times as long
        beyond = np.isinf(halves) & np.isfinite(plate.pixels)
        halves[beyond] = np.copysign(HALF_MAX, plate.pixels[beyond])
    return halves


def non_finite(pixels: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which values are NaN or infinite: all exponent bits set (IEEE 754)."""
    if pixels.dtype == np.float16:
        exponent = np.uint16(0x7C00)
        return np.asarray((np.ascontiguousarray(pixels).view(np.uint16) & exponent) == exponent)
    return np.asarray(~np.isfinite(pixels))


def bits(pixels: NDArray[Any]) -> NDArray[Any]:
    return np.ascontiguousarray(pixels).view(np.uint16 if pixels.dtype == np.float16 else np.uint32)


def intersection(one: Window, other: Window) -> Window | None:
    x, y = max(one.x, other.x), max(one.y, other.y)
    right = min(one.x + one.width, other.x + other.width)
    bottom = min(one.y + one.height, other.y + other.height)
    return Window(x, y, right - x, bottom - y) if right > x and bottom > y else None


def view(pixels: NDArray[Any], source: Window, window: Window) -> NDArray[Any]:
    """Return the part of `pixels` (over `source`) that lies in `window`, which `source` holds. No copy."""
    top, left = window.y - source.y, window.x - source.x
    return pixels[top : top + window.height, left : left + window.width]


def over(plane: NDArray[Any], source: Window, window: Window) -> NDArray[Any]:
    """Return `plane` (over `source`) laid over `window`, 0 where there is no data."""
    laid = np.zeros((window.height, window.width), plane.dtype)
    shared = intersection(source, window)
    if shared is not None:
        view(laid, window, shared)[:] = view(plane, source, shared)
    return laid


def _box(mask: NDArray[Any], area: Window) -> Window | None:
    """Return the box in which `mask`, over `area`, is set."""
    rows, columns = np.flatnonzero(np.any(mask, axis=1)), np.flatnonzero(np.any(mask, axis=0))
    if rows.size == 0:
        return None
    left, top = int(columns[0]), int(rows[0])
    return Window(area.x + left, area.y + top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1)


def _hull(one: Window | None, other: Window | None) -> Window | None:
    if one is None or other is None:
        return one or other
    x, y = min(one.x, other.x), min(one.y, other.y)
    right = max(one.x + one.width, other.x + other.width)
    return Window(x, y, right - x, max(one.y + one.height, other.y + other.height) - y)


def _inked(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return which pixels hold anything but 0 or -0. The four halves of a patch are looked at as one number."""
    if pixels.dtype == np.float16 and pixels.shape[2] == 4 and pixels.flags.c_contiguous:
        return np.asarray((pixels.view(np.uint64)[:, :, 0] & np.uint64(0x7FFF7FFF7FFF7FFF)) != 0)
    sign = np.uint16(0x8000) if pixels.dtype == np.float16 else np.uint32(0x80000000)
    return any_channel((bits(pixels) & ~sign) != 0)


def any_channel(values: NDArray[Any]) -> NDArray[Any]:
    """Return where any channel is true; numpy's own `any` over a last axis of three is five times slower."""
    found = values[:, :, 0].copy()
    for channel in range(1, values.shape[2]):
        found |= values[:, :, channel]
    return found
