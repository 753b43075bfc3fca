"""A frame as a small picture, and one pixel of it. Pure but for reading: no socket, no cache.

Layers are read as they are stored; inputs by the reader that the pipeline has, so that a plate's proxy lies beside the
comp's to the number.
"""

from __future__ import annotations

import io
import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
from numpy.typing import NDArray

from understudy.bridge.errors import PlateError
from understudy.bridge.shot import Plate
from understudy.inference.picture.colour import ColourConfig
from understudy.inference.picture.colour_configs import OpenedConfig, open_archive, open_built_in
from understudy.inference.picture.plate import PlateReader
from understudy.inference.proxy_order import InputSource

Floats = NDArray[np.float16] | NDArray[np.float32]
MARK_PREFIX = "understudy/"
_HALF_MOST = 65504.0  # IEEE 754 binary16
_COLOURS = ("R", "G", "B", "A")


@dataclass(frozen=True, slots=True)
class WholeFrame:
    """A frame over its data window, every value as it was stored or, of an input, in the take's working space."""

    pixels: Floats
    """(height, width, channels)."""
    channels: tuple[str, ...]
    origin: tuple[int, int]
    """Left and top of the data window in the display window's coordinates."""
    display: tuple[int, int, int, int]
    """Left, top, width, height."""
    pixel_aspect: float
    marks: dict[str, str]
    """Header attributes that begin with `understudy/`, whole names."""


def read_layer(path: Path) -> WholeFrame:
    """Return a layer's frame. Raises PlateError for a file that is damaged or gone."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            part = OpenEXR.File(str(path)).parts[0]
            header, stored = part.header, part.channels
        names, pixels = _chosen(stored)
        low, high = header["displayWindow"]
        left, top = (int(value) for value in header["dataWindow"][0])
    except (OSError, RuntimeError, ValueError, IndexError, KeyError, StopIteration) as problem:
        raise PlateError(
            f"{path.name} cannot be read: {problem}", remedy="Is it written whole? Retry the job, or ask again."
        ) from None
    marks = {name: value for name, value in header.items() if name.startswith(MARK_PREFIX) and isinstance(value, str)}
    display = (int(low[0]), int(low[1]), int(high[0] - low[0]) + 1, int(high[1] - low[1]) + 1)
    return WholeFrame(pixels, names, (left, top), display, float(header.get("pixelAspectRatio", 1.0)), marks)


def open_input(source: InputSource) -> PlateReader:
    """Return a reader of an input. Raises PlateError, RequestError."""
    plate = Plate(pictures=source.pictures, pixel_aspect=source.pixel_aspect)
    return PlateReader(plate, source.paths, source.frames, _config(source), role=source.role)


def read_input(reader: PlateReader, frame: int, into: str) -> WholeFrame:
    """Return a frame of an input in the space `into` (empty = the reader's own)."""
    read = reader.frame(frame)
    pixels: Floats = read.pixels
    space = reader.working_space
    if into and into != space:
        pixels, space = reader.config.convert(pixels, space, into), into
    shown = reader.display
    display = (shown.x, shown.y, shown.width, shown.height)
    marks = {f"{MARK_PREFIX}working_space": space}
    return WholeFrame(pixels, read.channels, (read.data.x, read.data.y), display, reader.pixel_aspect, marks)


def pixel(frame: WholeFrame, x: int, y: int) -> bytes:
    """Return a pixel's values as little-endian 32-bit floats; nothing outside the data window."""
    row, column = y - frame.origin[1], x - frame.origin[0]
    if not (0 <= row < frame.pixels.shape[0] and 0 <= column < frame.pixels.shape[1]):
        return b""
    values: bytes = frame.pixels[row, column].astype("<f4").tobytes()
    return values


def proxy(frame: WholeFrame, width: int) -> bytes:
    """Return `frame`, no wider than `width`, as an EXR file of half floats.

    zip: of a grainy plate DWAA makes half the bytes, but takes three to ten times as long and is wrong by half a stop
    in places (docs/decisions/0056-proxies-are-exact.md).
    """
    high, wide = frame.pixels.shape[:2]
    factor = max(1, min(-(-wide // width), high, wide))
    small = area_mean(frame.pixels, factor)
    told = {
        "factor": factor,
        "data": [*frame.origin, wide, high],
        "display": frame.display,
    }
    header = {
        **frame.marks,
        "compression": OpenEXR.ZIP_COMPRESSION,
        "type": OpenEXR.scanlineimage,
        "pixelAspectRatio": frame.pixel_aspect,
        f"{MARK_PREFIX}proxy": json.dumps(told),
    }
    written = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        OpenEXR.File(header, _named(small, frame.channels)).write(written)
    return written.getvalue()


def area_mean(pixels: Floats, factor: int) -> NDArray[np.float16]:
    """Return the mean of each `factor` x `factor` cell, summed in 32 bits; rows and columns beyond the last whole cell
    are left out. What no half can hold becomes the largest one.
    """
    if factor == 1:
        return _half(pixels)
    height, width = pixels.shape[0] // factor, pixels.shape[1] // factor
    whole = pixels[: height * factor, : width * factor]
    with np.errstate(invalid="ignore", over="ignore"):
        rows = whole[0::factor].astype(np.float32)
        for row in range(1, factor):
            rows += whole[row::factor]
        cells = rows[:, 0::factor].copy()
        for column in range(1, factor):
            cells += rows[:, column::factor]
        cells *= np.float32(1 / (factor * factor))
    return _half(cells)


def _half(pixels: Floats) -> NDArray[np.float16]:
    if pixels.dtype == np.float16:
        return np.ascontiguousarray(pixels, np.float16)
    with np.errstate(invalid="ignore", over="ignore"):
        finite = np.where(np.isfinite(pixels), np.clip(pixels, -_HALF_MOST, _HALF_MOST), pixels)
        return np.ascontiguousarray(finite, np.float16)


def _named(pixels: NDArray[np.float16], channels: tuple[str, ...]) -> dict[str, Any]:
    if channels[:3] == ("R", "G", "B"):
        return {"".join(channels): pixels}
    return {channels[0]: np.ascontiguousarray(pixels[..., 0])}


def _chosen(stored: dict[str, Any]) -> tuple[tuple[str, ...], Floats]:
    """Return the bare R, G, B [, A]; else Y, else the first channel that there is: as the panel's own reader does."""
    for group in ("RGBA", "RGB"):
        if group in stored:
            return _COLOURS[: len(group)], _floats(stored[group].pixels)
    if all(name in stored for name in "RGB"):
        names = tuple(name for name in _COLOURS if name in stored)
        return names, _floats(np.stack([stored[name].pixels for name in names], axis=-1))
    name = "Y" if "Y" in stored else next(iter(stored))
    pixels = _floats(stored[name].pixels)
    return (name,), pixels[..., None] if pixels.ndim == 2 else pixels[..., :1]


def _floats(pixels: NDArray[Any]) -> Floats:
    if pixels.dtype == np.float16:
        return np.asarray(pixels, np.float16)
    return np.asarray(pixels, np.float32)


def _config(source: InputSource) -> ColourConfig:
    """Open the config as `ColourConfig.of_job` does for the worker: the job's own archive, or a built-in one."""
    name, own = source.colour_config, source.archive
    if own is None or own.files[0].file != name or name not in source.paths:
        return ColourConfig(name, OpenedConfig(open_built_in(name)))
    return ColourConfig(own.typed, open_archive(Path(source.paths[name]), own.typed, name, source.context))
