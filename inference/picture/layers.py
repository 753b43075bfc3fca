"""Layers on disk: single-part EXR, zip, bare channel names, the same bytes for the same picture; whole or not there.

The encoder works in memory and its bytes are written in one go: the digest costs no second read, no half file ever
carries a frame's name, and two frames written on two threads take the time of one. Reading back is images.read_image.
"""

from __future__ import annotations

import contextlib
import errno
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import blake3
import numpy as np
import OpenEXR
from numpy.typing import NDArray

from understudy.bridge.errors import JobParked, PlateError
from understudy.inference.picture.attributes import storable
from understudy.inference.picture.header import Window, damaged

STATE_ATTRIBUTE = "understudy/state"
STATE_BYTES = 16
"""The state is padded with spaces to this, so that its final word can be set in place."""
CHANNEL_SETS = (("R", "G", "B"), ("R", "G", "B", "A"))
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_THREADS = 0  # of the encoder itself: frames are written side by side instead


class WrittenLayer(NamedTuple):
    """One file as it lies on disk. `digest` is BLAKE3 of its bytes, 64 hex digits."""

    path: Path
    size: int
    digest: str


def write_layer(
    path: Path,
    pixels: NDArray[np.float16] | NDArray[np.float32],
    channels: Sequence[str] = ("R", "G", "B"),
    *,
    data: Window,
    display: Window,
    pixel_aspect: float = 1.0,
    attributes: Mapping[str, Any] | None = None,
    state: str = "provisional",
) -> WrittenLayer:
    """Write one frame of a layer; half pixels make a half file, float32 ones a float file.

    pixels: (height, width, channels) over the window `data`, or (height, width): a matte, written to each of R, G, B.
    channels: R, G, B or R, G, B, A. attributes: as `layer_attributes` makes them; JSON for what EXR cannot hold.
    Makes missing folders. Any thread; the lock of the interpreter is free while it encodes.
    Raises JobParked when the disk is full (nothing is left behind), PlateError when the file cannot be written.
    """
    planes = _planes(pixels, tuple(channels), data)
    encoded = _encode(planes, _header(data, display, pixel_aspect, attributes or {}, state))
    return _placed(path, encoded)


def write_parts(
    path: Path,
    parts: Mapping[str, tuple[NDArray[Any], Sequence[str]]],
    *,
    data: Window,
    display: Window,
    pixel_aspect: float = 1.0,
    attributes: Mapping[str, Any] | None = None,
    state: str = "provisional",
) -> WrittenLayer:
    """Write one frame of several layers as the parts of one file, by name, in order; each as `write_layer` takes it."""
    header = _header(data, display, pixel_aspect, attributes or {}, state)
    made = [
        OpenEXR.Part(dict(header), _planes(pixels, tuple(channels), data), name)
        for name, (pixels, channels) in parts.items()
    ]
    stream = io.BytesIO()
    OpenEXR.File(made).write(stream)
    return _placed(path, stream.getbuffer())


def tell_anew(path: Path, marks: Mapping[str, str]) -> None:
    """Write these string attributes into the header of every part of a layer's file; all else stays, every bit.

    Raises PlateError for pixels that cannot be decoded, JobParked when the disk is full: the file is as it was.
    """
    try:
        count = len(OpenEXR.File(str(path), header_only=True).parts)
        file = OpenEXR.File(str(path), num_threads=_THREADS)
        # The module drops a part that it could not decode: a line on stdout, no exception.
        if len(file.parts) != count:
            raise RuntimeError("its pixels cannot be decoded")
        for part in file.parts:
            part.header.update(marks)
        stream = io.BytesIO()
        file.write(stream)
    except (RuntimeError, ValueError, TypeError, OSError) as problem:  # whatever the module raises over damage
        raise damaged(str(path), f"its marks cannot be told anew ({problem})") from problem
    _place(path, stream.getbuffer())


def fit_window(pixels: NDArray[Any], source: Window, target: Window, fill: float = 0.0) -> NDArray[Any]:
    """Return the pixels of `source` cut or padded with `fill` to `target`: outside its data window a picture is black.

    pixels: (height, width) or (height, width, channels), any type; returned as they are when the windows agree.
    """
    if source == target:
        return pixels
    fitted = np.full((target.height, target.width, *pixels.shape[2:]), fill, pixels.dtype)
    left, top = max(source.x, target.x), max(source.y, target.y)
    right = min(source.x + source.width, target.x + target.width)
    bottom = min(source.y + source.height, target.y + target.height)
    if left < right and top < bottom:
        fitted[top - target.y : bottom - target.y, left - target.x : right - target.x] = pixels[
            top - source.y : bottom - source.y, left - source.x : right - source.x
        ]
    return fitted


def _planes(pixels: NDArray[Any], channels: tuple[str, ...], data: Window) -> dict[str, NDArray[Any]]:
    if pixels.dtype not in (np.float16, np.float32):
        raise TypeError(f"a layer is half or float32, not {pixels.dtype}")
    if channels not in CHANNEL_SETS:
        raise ValueError(f"a layer has the channels R, G, B or R, G, B, A, not {', '.join(channels)}")
    if pixels.shape[:2] != (data.height, data.width):
        raise ValueError(f"pixels {pixels.shape[:2]} do not fill the data window {data.height} x {data.width}")
    if pixels.ndim == 2:
        plane = np.ascontiguousarray(pixels)
        return dict.fromkeys(channels, plane)
    if pixels.shape[2] != len(channels):
        raise ValueError(f"{pixels.shape[2]} channels of pixels for {', '.join(channels)}")
    return {"".join(channels): np.ascontiguousarray(pixels)}


def _header(
    data: Window, display: Window, pixel_aspect: float, attributes: Mapping[str, Any], state: str
) -> dict[str, Any]:
    if len(state.encode()) > STATE_BYTES:
        raise ValueError(f"the state '{state}' is longer than {STATE_BYTES} bytes")
    return {
        **{name: value if isinstance(value, tuple) else storable(value) for name, value in attributes.items()},
        STATE_ATTRIBUTE: state.ljust(STATE_BYTES),
        "compression": OpenEXR.ZIP_COMPRESSION,
        "type": OpenEXR.scanlineimage,
        "dataWindow": _bounds(data),
        "displayWindow": _bounds(display),
        "pixelAspectRatio": float(pixel_aspect),
    }


def _bounds(window: Window) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    last = (window.x + window.width - 1, window.y + window.height - 1)
    return np.array((window.x, window.y), np.int32), np.array(last, np.int32)


def _encode(planes: dict[str, NDArray[Any]], header: dict[str, Any]) -> memoryview:
    stream = io.BytesIO()
    OpenEXR.File(header, planes, num_threads=_THREADS).write(stream)
    return stream.getbuffer()


def _placed(path: Path, encoded: memoryview) -> WrittenLayer:
    _place(path, encoded)
    return WrittenLayer(path, len(encoded), blake3.blake3(encoded).hexdigest())


def _place(path: Path, encoded: memoryview) -> None:
    """Write under a name of its own, then rename: a frame that has its name is whole."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as stream:
            stream.write(encoded)
        partial.replace(path)
    except OSError as problem:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        if problem.errno in _NO_ROOM:
            raise JobParked(
                f"no room on disk for {path.name}: {problem.strerror}",
                remedy="Make room on the daemon's disk; the job goes on by itself.",
                facts={"file": path.name},
            ) from None
        raise PlateError(
            f"{path} cannot be written: {problem.strerror}",
            remedy="Check the folder and its rights.",
            facts={"file": str(path)},
        ) from None
