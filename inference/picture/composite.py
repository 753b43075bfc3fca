"""The layers of one frame from what an engine made, per pixel, in linear light. Pure; any thread.

Every layer is computed from what the others *store* (half, or float for a float plate), so what a compositor merges
from the files is what `comp` holds, bit for bit. docs/layers.md states each formula and each bound; `blend` computes
them. Work is done in the box of the effective matte only: everywhere else layers are zero, or the plate's own bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.picture.blend import (
    Blend,
    Floats,
    Made,
    Store,
    Stored,
    blend_layers,
    store_float,
    store_half,
)
from understudy.inference.picture.crop import window_of_matte
from understudy.inference.picture.half_floats import HALF_MAX, to_half
from understudy.inference.picture.header import Window
from understudy.inference.picture.repair import not_finite

Channels = tuple[str, ...]
Layer = tuple[Stored, Channels]
Slices = tuple[slice, slice]

RGB = ("R", "G", "B")
RGBA = ("R", "G", "B", "A")

_LIMIT = float(HALF_MAX)
_PAST_LIMIT = float(np.nextafter(HALF_MAX, np.float32(np.inf)))


@dataclass(frozen=True, slots=True)
class Generated:
    """What an engine made of one frame, in the plate's working space (linear), put back to the plate's pixels.

    coverage: (height, width) float32, 0 to 1. Either `picture` (background included), or `character` (straight
    colour) with `clean` where the engine made one; all (height, width, 3) float32 over `window` (file pixels), which
    must hold the whole effective matte. Without a `clean` the plate is what stands behind a `character`. A
    `character` beside a `picture` gives the colour of the layer `character` and no more.
    """

    window: Window
    coverage: Floats
    picture: Floats | None = None
    character: Floats | None = None
    clean: Floats | None = None


@dataclass(frozen=True, slots=True)
class FrameLayers:
    """The layers of one frame by name, each (pixels over the plate's data window, channel names), and what was met."""

    layers: dict[str, Layer]
    repaired: int = 0
    """Plate pixels inside the effective matte that were not finite: made anew from their neighbours."""
    passed: int = 0
    """Plate pixels outside it that are not finite: they stand as they were."""
    clipped: int = 0
    """Generated pixels inside it that were no number (now 0), or beyond the largest half (held at it)."""


def compose(
    plate: Stored, data: Window, generated: Generated, matte_effective: Floats, *, kind: str = "half"
) -> FrameLayers:
    """Return `patch`, `character`, `clean` (if the engine made one), `comp`, `matte`, `matte_effective`, `difference`.

    plate: (height, width, 3 or 4) over `data`, half or float, linear; where it has A it is premultiplied.
    matte_effective: (height, width) float32 over `data`. kind: `half` and `converted` store half (a converted plate
    is rounded to half first), `float` stores float. Raises ValueError when the matte reaches past what was generated.
    """
    store = store_float if kind == "float" else store_half
    stored = stored_plate(plate, kind)
    strange = not_finite(stored)
    names = _names(generated, stored.shape[2])
    window = window_of_matte(matte_effective, data)
    if window is None:
        return FrameLayers(_untouched(names, stored), passed=_count(strange))
    there = _slices(window, data)
    blend = Blend.of(stored[there], matte_effective[there], store)
    made, wrong = _made(generated, window)
    layers = _untouched(names, stored)
    for name, pixels in blend_layers(made, blend).items():
        _paint(layers[name][0][there], pixels, blend.mask)
    repaired = 0 if strange is None else _count(strange[there] & blend.mask)
    return FrameLayers(layers, repaired, _count(strange) - repaired, _count(wrong & blend.mask))


def compose_beauty(generated: Generated, *, kind: str = "half") -> FrameLayers:
    """Return `beauty`, `character` and `matte` of a job without a plate, over `generated.window`.

    `beauty` is the picture, or the character over its clean plate, over black where the engine made none; opaque.
    """
    store: Store = store_float if kind == "float" else store_half
    made, wrong = _made(generated, generated.window)
    height, width = made.coverage.shape
    blend = Blend.of(np.zeros((height, width, 3), np.float32), np.ones((height, width), np.float32), store)
    parts = blend_layers(made, blend)
    return FrameLayers(
        {"beauty": (parts["comp"], RGB), "character": (parts["character"], RGBA), "matte": (parts["matte"], RGB)},
        clipped=_count(wrong),
    )


def _names(generated: Generated, plate_channels: int) -> dict[str, Channels]:
    """Return the layers in the order in which they are listed."""
    plate = RGB if plate_channels == 3 else RGBA
    names: dict[str, Channels] = {"patch": RGBA, "character": RGBA, "clean": plate, "comp": plate}
    if generated.clean is None:
        del names["clean"]
    return names | {"matte": RGB, "matte_effective": RGB, "difference": RGB}


def _untouched(names: dict[str, Channels], plate: Stored) -> dict[str, Layer]:
    """Return every layer as it is where the effective matte is 0: the plate's own bits, or zero."""
    height, width = plate.shape[:2]
    return {
        name: (
            plate.copy() if name in ("comp", "clean") else np.zeros((height, width, len(channels)), plate.dtype),
            channels,
        )
        for name, channels in names.items()
    }


def stored_plate(plate: Stored, kind: str) -> Stored:
    """Return the plate in the type of its comp. A finite value that half cannot hold becomes the largest half."""
    if kind == "float":
        return store_float(plate)
    halves = to_half(plate)
    if plate.dtype != np.float16:
        beyond = np.isinf(halves) & np.isfinite(plate)
        if beyond.any():
            halves[beyond] = np.copysign(HALF_MAX, plate[beyond])
    return halves


def _made(generated: Generated, window: Window) -> tuple[Made, NDArray[np.bool_]]:
    """Return what was generated in `window`, finite and in range, and where it was not."""
    area = generated.window
    there = _slices(window, area)
    height, width = generated.coverage.shape
    if (height, width) != (area.height, area.width):
        raise ValueError(f"what was generated is {width} x {height} pixels, not those of {area}")
    if there[0].start < 0 or there[1].start < 0 or there[0].stop > height or there[1].stop > width:
        raise ValueError(f"the effective matte reaches over {window}, past what was generated: {area}")
    wrong = np.zeros((window.height, window.width), np.bool_)
    picture, character, clean = (
        None if pixels is None else _tamed(pixels[there], wrong)
        for pixels in (generated.picture, generated.character, generated.clean)
    )
    coverage = np.clip(np.nan_to_num(generated.coverage[there], nan=0.0), 0, 1)
    return Made(coverage, picture, character, clean), wrong


def _tamed(pixels: Floats, wrong: NDArray[np.bool_]) -> Floats:
    """Return `pixels` finite and within the halves, and mark in `wrong` where they were not."""
    pixels = np.ascontiguousarray(pixels)
    if cv2.checkRange(pixels, True, minVal=-_LIMIT, maxVal=_PAST_LIMIT)[0]:
        return pixels
    wrong |= ~(np.abs(pixels) <= HALF_MAX).all(axis=2)
    return np.clip(np.nan_to_num(pixels, nan=0.0), -_LIMIT, _LIMIT)


def _paint(target: Any, pixels: Stored, mask: NDArray[np.bool_]) -> None:
    """Copy `pixels` into `target` where `mask` is set; elsewhere `target` keeps its bits. Halves move as 16-bit
    codes.
    """
    code = np.uint16 if pixels.dtype == np.float16 else np.float32
    cv2.copyTo(pixels.view(code), mask.view(np.uint8), target.view(code))


def _slices(window: Window, area: Window) -> Slices:
    """Return the rows and columns of `window` in an array over `area`."""
    top, left = window.y - area.y, window.x - area.x
    return slice(top, top + window.height), slice(left, left + window.width)


def _count(mask: NDArray[np.bool_] | None) -> int:
    return 0 if mask is None else int(np.count_nonzero(mask))
