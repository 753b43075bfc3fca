"""Read one picture file of any kind a plate, a matte or a reference comes in. First bytes tell the format, not names.

EXR is read by `exr_images`; DPX, Cineon, PNG, TIFF, JPEG, WebP, Radiance by `other_images`; movies by `movies`. Every
function may be called from any thread, shares nothing, and raises PlateError, which names the file, for what is wrong.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import PlateError
from understudy.inference.picture.exr_channels import ExrChannel
from understudy.inference.picture.exr_images import (
    default_alpha,
    exr_header,
    open_exr,
    part_header,
    read_exr,
    read_exr_channels,
)
from understudy.inference.picture.header import Header, Image, Window, damaged
from understudy.inference.picture.other_images import other_header, read_other, read_planes

__all__ = ["Header", "Image", "Window", "picture_format", "read_header", "read_image", "read_matte"]

_FIRST_BYTES = (
    (b"\x76\x2f\x31\x01", "exr"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
    (b"SDPX", "dpx"),
    (b"XPDS", "dpx"),
    (b"\x80\x2a\x5f\xd7", "cineon"),
    (b"\xd7\x5f\x2a\x80", "cineon"),
    (b"#?RADIANCE", "hdr"),
    (b"#?RGBE", "hdr"),
)
_MATTE_NAMES = ("matte", "mask", "coverage", "roto")
_LUMINANCE = (0.2126, 0.7152, 0.0722)  # ITU-R BT.709-6, item 3.2


def picture_format(path: str | os.PathLike[str]) -> str:
    """Return `exr`, `dpx`, `png`, ... by the file's first bytes. Raises PlateError for any other file, or none."""
    name = os.fspath(path)
    try:
        with Path(name).open("rb") as stream:
            first = stream.read(16)
    except OSError as problem:
        raise damaged(
            name, f"cannot be opened ({problem.strerror})", "Check that the file is there and readable."
        ) from None
    if not first:
        raise damaged(name, "the file is empty")
    for start, format_name in _FIRST_BYTES:
        if first.startswith(start):
            return format_name
    if first[:4] == b"RIFF" and first[8:12] == b"WEBP":
        return "webp"
    raise damaged(
        name, "not a picture of a known format", "Give EXR, DPX, Cineon, PNG, TIFF, JPEG, WebP or Radiance files."
    )


def read_header(path: str | os.PathLike[str], layer: str | None = None, view: str | None = None) -> Header:
    """Return what the file says of the chosen layer and view, without decoding a pixel."""
    name = os.fspath(path)
    format_name = picture_format(name)
    if format_name == "exr":
        return exr_header(open_exr(name), layer, view)
    _refuse_layers(name, format_name, layer, view)
    return other_header(name, format_name)


def read_image(path: str | os.PathLike[str], *, layer: str | None = None, view: str | None = None) -> Image:
    """Return the picture over its data window.

    Half EXR stays float16 and float EXR float32, every bit of them; all else is code / maximum in float32. EXR alpha is
    premultiplied by its specification, PNG, JPEG and WebP alpha is straight, TIFF as its tag says: see the header.
    """
    name = os.fspath(path)
    format_name = picture_format(name)
    if format_name == "exr":
        return read_exr(name, layer, view)
    _refuse_layers(name, format_name, layer, view)
    return read_other(name, format_name)


def read_matte(
    path: str | os.PathLike[str], *, channel: str | None = None, invert: bool = False
) -> tuple[NDArray[np.float32], Header]:
    """Return the matte (height, width) float32 over the data window: 1 = replace here, no curve applied.

    Taken from alpha if the file has one that is not all 1, else Y, else a channel named matte, mask, coverage or roto,
    else the luminance (BT.709) of R, G, B; or from `channel`. Integer codes are divided by their maximum; EXR values
    are used as they are, so those below 0 or above 1 stay. Values that are not finite become 0 after `invert` (the
    plate is kept there) and are counted in `header.repaired_pixels`.
    """
    name = os.fspath(path)
    format_name = picture_format(name)
    matte, header = _exr_matte(name, channel) if format_name == "exr" else _other_matte(name, format_name, channel)
    if invert:
        matte = np.float32(1) - matte
    finite = np.isfinite(matte)
    repaired = matte.size - int(np.count_nonzero(finite))
    if repaired:
        matte = np.where(finite, matte, np.float32(0))
        header = dataclasses.replace(header, repaired_pixels=repaired)
    return matte, header


def _refuse_layers(path: str, format_name: str, layer: str | None, view: str | None) -> None:
    for kind, asked in (("layer", layer), ("view", view)):
        if asked is not None and asked.lower() not in ("rgba", "rgb", ""):
            raise PlateError(
                f"{path}: no {kind} '{asked}'; a {format_name.upper()} file has one picture",
                remedy=f"Leave --{kind} out, or give an EXR.",
                facts={"file": path, kind: asked},
            )


def _exr_matte(path: str, channel: str | None) -> tuple[NDArray[np.float32], Header]:
    file = open_exr(path)
    if channel is not None:
        found = _named(path, channel, file.channels)
        return _plane(read_exr_channels(file, [found])), part_header(file, found)
    named = _data_channel(file.channels)
    alpha = default_alpha(file)
    if named is None:
        try:
            image = read_exr(path, None, None)  # decoded once: alpha and colour stand in the same chunks
        except PlateError:
            if alpha is None:
                raise
            return _plane(read_exr_channels(file, [alpha])), part_header(file, alpha)
        coverage = image.pixels[:, :, 3:]
        if coverage.shape[2] and not bool(np.all(coverage == 1)):
            return _plane(coverage), image.header
        return _luminance(image.pixels), image.header
    if alpha is not None and alpha != named:
        coverage = read_exr_channels(file, [alpha])
        if not bool(np.all(coverage == 1)):
            return _plane(coverage), part_header(file, alpha)
    return _plane(read_exr_channels(file, [named])), part_header(file, named)


def _data_channel(channels: tuple[ExrChannel, ...]) -> ExrChannel | None:
    """Return the channel that goes before luminance: Y, one with a matte's name, or the only one there is."""
    plain = [channel for channel in channels if channel.pixel_type != "uint"]
    luma = [channel for channel in plain if channel.name == "Y"]
    named = [channel for channel in plain if _says_matte(channel.name)]
    only = plain if len(plain) == 1 else []
    return next(iter(luma + named + only), None)


def _says_matte(name: str) -> bool:
    return any(word in _MATTE_NAMES for word in name.lower().split("."))


def _named(path: str, asked: str, channels: tuple[ExrChannel, ...]) -> ExrChannel:
    exact = [found for found in channels if found.name == asked]
    alike = [found for found in channels if found.name.lower() == asked.lower()]
    found = exact or alike
    if not found:
        held = ", ".join(channel.name for channel in channels)
        raise PlateError(
            f"{path}: no channel '{asked}'; the channels in it: {held}",
            remedy="Name one of these with --matte-channel.",
            facts={"file": path, "channel": asked},
        )
    return found[0]


def _other_matte(path: str, format_name: str, channel: str | None) -> tuple[NDArray[np.float32], Header]:
    header, planes = read_planes(path, format_name)
    names = [name.lower() for name in header.channels]
    if channel is not None:
        short = {"red": "r", "green": "g", "blue": "b", "alpha": "a"}.get(channel.lower(), channel.lower())
        if short not in names:
            raise PlateError(
                f"{path}: no channel '{channel}'; the channels in it: {', '.join(header.channels)}",
                remedy="Name one of these with --matte-channel.",
                facts={"file": path, "channel": channel},
            )
        return np.ascontiguousarray(planes[:, :, names.index(short)]), header
    if "a" in names:
        coverage = planes[:, :, names.index("a")]
        if not bool(np.all(coverage == 1)):
            return np.ascontiguousarray(coverage), header
    if "y" in names or len(names) < 3:
        return np.ascontiguousarray(planes[:, :, names.index("y") if "y" in names else 0]), header
    return _luminance(planes), header


def _plane(pixels: NDArray[np.float16] | NDArray[np.float32]) -> NDArray[np.float32]:
    return np.ascontiguousarray(pixels[:, :, 0], np.float32)


def _luminance(pixels: NDArray[np.float16] | NDArray[np.float32]) -> NDArray[np.float32]:
    """Return BT.709 luminance; where R, G and B are equal, that very value and not a rounded sum."""
    colour = pixels[:, :, :3].astype(np.float32)
    red, green, blue = colour[:, :, 0], colour[:, :, 1], colour[:, :, 2]
    mixed = red * np.float32(_LUMINANCE[0]) + green * np.float32(_LUMINANCE[1]) + blue * np.float32(_LUMINANCE[2])
    return np.where((red == green) & (green == blue), red, mixed)
