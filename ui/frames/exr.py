"""One OpenEXR file as a picture: its pixels as they were stored, both windows, and what its header says of it.

Other formats are not read here: every layer of a take is OpenEXR, and a plate of another kind is told by name.
Any thread; nothing is shared.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
from numpy.typing import NDArray

from understudy.bridge.errors import PlateError, UnderstudyError
from understudy.bridge.exr_structure import is_exr

Pixels = NDArray[np.float16] | NDArray[np.float32]
MARK_PREFIX = "understudy/"
_PICTURE_CHANNELS = ("R", "G", "B", "A")


@dataclass(frozen=True, slots=True)
class Frame:
    """A file's picture over its data window, every bit as it was stored."""

    pixels: Pixels
    """(height, width, channels) float16 or float32, scene-linear in the layer's working space, or data."""
    channels: tuple[str, ...]
    """`R G B [A]`, or the one channel that there is."""
    origin: tuple[int, int]
    """Left and top of the data window, in pixels of the display window's own coordinates."""
    display: tuple[int, int, int, int]
    """Left, top, width and height of the display window."""
    pixel_aspect: float
    marks: dict[str, str]
    """The header's `understudy/` attributes without that prefix, unpadded."""
    tag: str = ""
    """The colour space that the header names; empty = none."""

    def values(self, x: int, y: int) -> tuple[float, ...] | None:
        """Return the stored values at a pixel, widened to 32 bits without rounding; None outside the data window."""
        row, column = y - self.origin[1], x - self.origin[0]
        if not (0 <= row < self.pixels.shape[0] and 0 <= column < self.pixels.shape[1]):
            return None
        return tuple(float(value) for value in self.pixels[row, column].astype(np.float32))


@dataclass(frozen=True, slots=True)
class Picture:
    """A frame made small enough for a window: each pixel stands for `factor` x `factor` of the frame's."""

    pixels: Pixels
    factor: int
    channels: tuple[str, ...]
    origin: tuple[int, int]
    display: tuple[int, int, int, int]
    pixel_aspect: float
    marks: dict[str, str]


def read_frame(path: Path, layer: str | None = None) -> Frame:
    """Return the picture in `path`, of a layer where one is named. Raises PlateError for a file that is missing,
    damaged or not OpenEXR.
    """
    try:
        if not is_exr(path):
            raise PlateError(
                f"{path} is not OpenEXR", remedy="The viewer shows OpenEXR: convert the plate to look at it."
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # colour tags that disagree are the writer's affair, not the viewer's
            file = OpenEXR.File(str(path))
            part = file.parts[0]
            header, stored = part.header, part.channels
        return frame_of(header, stored if layer is None else _of_layer(stored, layer))
    except UnderstudyError:
        raise
    except (OSError, RuntimeError, ValueError, IndexError, KeyError) as problem:
        raise PlateError(
            f"{path} cannot be read: {problem}", remedy="Is it written whole? Fetch the take again."
        ) from None


def reduce(frame: Frame, factor: int, *, rough: bool = False) -> Picture:
    """Return `frame` made smaller by a whole factor, as float32: each pixel the mean of two on its cell's diagonal.

    Two and not all: at UHD the conversion from half is what costs, as much for four of them as the decoding does. Rows
    and columns beyond the last whole cell are left out: less than one pixel of the window.

    rough: one pixel of each cell as it is stored, while the head moves: a sixth of the time, and half the memory.
    """
    factor = max(1, min(factor, *frame.pixels.shape[:2]))
    if factor == 1:
        pixels = frame.pixels
    else:
        pixels = _one_of_each(frame.pixels, factor) if rough else _mean_of_two(frame.pixels, factor)
    return Picture(pixels, factor, frame.channels, frame.origin, frame.display, frame.pixel_aspect, frame.marks)


def _one_of_each(pixels: Pixels, factor: int) -> Pixels:
    height, width = pixels.shape[0] // factor * factor, pixels.shape[1] // factor * factor
    # Whole pixels are copied, not values: twice as quick.
    whole = np.ascontiguousarray(pixels).view(np.dtype((np.void, pixels.itemsize * pixels.shape[2])))[..., 0]
    picked = np.ascontiguousarray(whole[factor // 2 : height : factor, factor // 2 : width : factor])
    return _floats(picked.view(pixels.dtype).reshape(*picked.shape, pixels.shape[2]))


def _mean_of_two(pixels: Pixels, factor: int) -> NDArray[np.float32]:
    height, width = pixels.shape[0] // factor * factor, pixels.shape[1] // factor * factor
    near, far = factor // 4, factor // 2 + factor // 4
    with np.errstate(invalid="ignore", over="ignore"):
        mean = pixels[near:height:factor, near:width:factor].astype(np.float32)
        mean += pixels[far:height:factor, far:width:factor]
        mean *= np.float32(0.5)
    return mean


def frame_of(header: dict[str, Any], stored: dict[str, Any]) -> Frame:
    """Return the frame that a part's header and channels hold."""
    names, pixels = _chosen(stored)
    low, high = header["displayWindow"]
    left, top = (int(value) for value in header["dataWindow"][0])
    marks = {
        name.removeprefix(MARK_PREFIX): value.rstrip(" \0")
        for name, value in header.items()
        if name.startswith(MARK_PREFIX) and isinstance(value, str)
    }
    display = (int(low[0]), int(low[1]), int(high[0] - low[0]) + 1, int(high[1] - low[1]) + 1)
    return Frame(pixels, names, (left, top), display, float(header.get("pixelAspectRatio", 1.0)), marks, _tag(header))


def _tag(header: dict[str, Any]) -> str:
    """Return the space by the same attributes, in the same order, by which the daemon knows a plate's."""
    for name in ("colorInteropID", "oiio:ColorSpace", "ocioColorSpace", "colorSpace"):
        if header.get(name):
            return str(header[name])
    if header.get("acesImageContainerFlag") == 1:
        return "lin_ap0_scene"
    if "chromaticities" in header:
        return str(OpenEXR.chromaticitiesToColorInteropID(header["chromaticities"]) or "")
    return ""


def _of_layer(stored: dict[str, Any], layer: str) -> dict[str, Any]:
    """Return a layer's channels by their bare names. Raises KeyError where the first part has none."""
    found = {name.removeprefix(f"{layer}."): one for name, one in stored.items() if name.startswith(f"{layer}.")}
    if not found and layer in stored:
        found = {"RGBA"[: stored[layer].pixels.shape[-1]]: stored[layer]}
    if not found:
        raise KeyError(f"its first part has no layer {layer}")
    return found


def difference_of(front: Frame, back: Frame) -> Frame:
    """Return the colours of `front` minus those of `back` in 32 bits, over the pixels that both have."""
    left, top = (max(front.origin[axis], back.origin[axis]) for axis in (0, 1))
    cut = [_from(frame, left, top) for frame in (front, back)]
    height, width = (min(pixels.shape[axis] for pixels in cut) for axis in (0, 1))
    depth = min(pixels.shape[2] for pixels in cut)
    depth = 3 if depth >= 3 else 1
    if height < 1 or width < 1:
        raise PlateError("the two pictures have no pixel in common", remedy="Compare pictures of one shot.")
    with np.errstate(invalid="ignore", over="ignore"):
        apart = cut[0][:height, :width, :depth].astype(np.float32)
        apart -= cut[1][:height, :width, :depth]
    return replace(front, pixels=apart, channels=front.channels[:depth], origin=(left, top))


def _from(frame: Frame, left: int, top: int) -> Pixels:
    return frame.pixels[top - frame.origin[1] :, left - frame.origin[0] :]


def _chosen(stored: dict[str, Any]) -> tuple[tuple[str, ...], Pixels]:
    """Return the bare R, G, B [, A]; else Y, else the first channel that there is."""
    for group in ("RGBA", "RGB"):
        if group in stored:
            return _PICTURE_CHANNELS[: len(group)], _floats(stored[group].pixels)
    if all(name in stored for name in "RGB"):
        names = tuple(name for name in _PICTURE_CHANNELS if name in stored)
        return names, _floats(np.stack([stored[name].pixels for name in names], axis=-1))
    name = "Y" if "Y" in stored else next(iter(stored))
    pixels = _floats(stored[name].pixels)
    return (name,), pixels[..., None] if pixels.ndim == 2 else pixels[..., :1]


def _floats(pixels: NDArray[Any]) -> Pixels:
    if pixels.dtype == np.float16:
        return np.asarray(pixels, np.float16)
    return np.asarray(pixels, np.float32)
