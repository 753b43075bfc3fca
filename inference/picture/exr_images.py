"""OpenEXR files through the OpenEXR module: whole frames, bit for bit. Deep data and subsampled channels are refused.

Any thread may call in; nothing is shared. A read of plain RGB or RGBA holds one decoded copy.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import OpenImageIO
from numpy.typing import NDArray

from understudy.bridge.errors import PlateError
from understudy.bridge.exr_structure import ExrStructure, read_exr_header, walk_exr
from understudy.inference.picture.exr_channels import ChannelGroup, ExrChannel, ExrPart, choose_group, group_channels
from understudy.inference.picture.frame_rates import stated_rate
from understudy.inference.picture.header import Header, Image, Window, damaged

_PIXEL_TYPES = {0: "uint", 1: "half", 2: "float"}
_RGB, _RGBA = ("R", "G", "B"), ("R", "G", "B", "A")
_FEW_PARTS = 2  # up to here decoding all parts by the module is quicker than one by OpenImageIO
_LARGEST_PIXELS = 1 << 28  # 16k x 16k; a data window that claims more is damage, and decoding it would end the process


@dataclass(frozen=True, slots=True)
class ExrFile:
    """The opened header of a file: its parts' attributes and its channels by layer and view."""

    path: str
    headers: tuple[dict[str, Any], ...]
    groups: tuple[ChannelGroup, ...]
    channels: tuple[ExrChannel, ...]
    views: tuple[str, ...]


def open_exr(path: str) -> ExrFile:
    """Return the header of the file. Raises PlateError when it is damaged, deep, or no EXR."""
    with _as_plate_error(path):
        structure = read_exr_header(Path(path))
        channels = tuple(_read_channels(structure))
        opened = OpenEXR.File(path, header_only=True)
        headers = tuple(dict(part.header) for part in opened.parts)
    if len(headers) != len(structure.parts):
        raise damaged(path, "not every part of this EXR can be read")
    parts = [ExrPart(str(header.get("name", "")), str(header.get("view", ""))) for header in headers]
    views = _views(headers)
    return ExrFile(path, headers, group_channels(channels, parts, views), channels, views)


def exr_header(file: ExrFile, layer: str | None, view: str | None) -> Header:
    """Return the header of the chosen layer. Raises PlateError naming the layers or views that exist."""
    return _header(file, choose_group(file.groups, file.path, layer, view))


def read_exr(path: str, layer: str | None, view: str | None) -> Image:
    """Return R, G, B and A where the layer has it; a lone Y becomes three equal channels."""
    file = open_exr(path)
    group = choose_group(file.groups, path, layer, view)
    header = _header(file, group)
    colour = "RGBA" if "R" in group.components else "YA"
    names = tuple(name for name in colour if name in group.components)
    wanted = [group.components[name] for name in names]
    if "RY" in group.components or "BY" in group.components:
        raise damaged(path, "its colour is luminance and chroma (Y, RY, BY)", "Write the frame as R, G, B.")
    pixels = read_exr_channels(file, wanted)
    if names[0] == "Y":
        return Image(header, ("R", "G", "B", "A")[: len(names) + 2], pixels[:, :, [0, 0, 0, 1][: len(names) + 2]])
    return Image(header, names, pixels)


def read_exr_channels(file: ExrFile, wanted: Sequence[ExrChannel]) -> NDArray[np.float16] | NDArray[np.float32]:
    """Return (height, width, wanted) of channels of one part, in the order asked for."""
    _refuse_unreadable(file.path, wanted)
    for header in file.headers:
        window = _window(header["dataWindow"])
        if window.width * window.height > _LARGEST_PIXELS:
            raise damaged(file.path, f"its data window claims {window.width}x{window.height} pixels")
    with _as_plate_error(file.path):
        pixels = _one_part(file, wanted) if len(file.headers) > _FEW_PARTS else None
        return _every_part(file, wanted) if pixels is None else pixels


def default_alpha(file: ExrFile) -> ExrChannel | None:
    """Return the alpha of the picture itself: of the plain layer in the default view, or a lone A."""
    try:
        group = choose_group(file.groups, file.path, None, None)
    except PlateError:
        return next((channel for channel in file.channels if channel.name in ("A", "a", "alpha")), None)
    return group.components.get("A")


def part_header(file: ExrFile, channel: ExrChannel) -> Header:
    """Return the header as `channel` alone would have it: its part's windows and its own type."""
    return _header(file, ChannelGroup(channel.part, "", None, "", {channel.base: channel}))


def _header(file: ExrFile, group: ChannelGroup) -> Header:
    attributes = file.headers[group.part]
    kinds = {channel.pixel_type for name, channel in group.components.items() if name in "RGBAY"} or {
        channel.pixel_type for channel in group.components.values()
    }
    timecode = attributes.get("timeCode")
    return Header(
        path=file.path,
        format="exr",
        pixel_type="float" if "float" in kinds else "half" if "half" in kinds else "uint32",
        display=_window(attributes["displayWindow"]),
        data=_window(attributes["dataWindow"]),
        channels=tuple(channel.name for channel in file.channels if channel.part == group.part),
        pixel_aspect=float(attributes.get("pixelAspectRatio", 1.0)),
        attributes={name: value for name, value in attributes.items() if name != "channels"},
        colour_hint=_colour_hint(attributes),
        rate=stated_rate(attributes.get("framesPerSecond", attributes.get("FramesPerSecond"))),
        timecode=None if timecode is None else _timecode(timecode),
        layer=None if group.label == "rgba" else group.label,
        view=group.view,
        views=file.views,
        alpha_is_premultiplied=True,
    )


def _every_part(file: ExrFile, wanted: Sequence[ExrChannel]) -> NDArray[np.float16] | NDArray[np.float32]:
    """Decode by the module. Its own RGBA array is taken as it is where it is just what was asked for."""
    part, names = wanted[0].part, tuple(channel.name for channel in wanted)
    own = [channel for channel in file.channels if channel.part == part]
    alike = len({channel.pixel_type for channel in own}) == 1  # the module refuses to join channels of two types
    joined = "".join(names) if alike and len(own) == len(names) and names in (_RGB, _RGBA) else ""
    opened = OpenEXR.File(file.path, separate_channels=not joined)
    # The module drops a part that it could not decode: a line on stdout, no exception.
    if len(opened.parts) != len(file.headers):
        walk_exr(Path(file.path))  # says which chunk is missing, where that is the fault
        raise damaged(file.path, "its pixels cannot be decoded")
    held = opened.parts[part].channels
    if joined:
        return _as_floats(held[joined].pixels)
    return _as_floats(np.stack([held[name].pixels for name in names], axis=2))


def _one_part(file: ExrFile, wanted: Sequence[ExrChannel]) -> NDArray[np.float16] | NDArray[np.float32] | None:
    """Decode one part of many by OpenImageIO, as the module decodes them all; None where it cannot keep every bit."""
    kinds = {channel.pixel_type for channel in wanted}
    opened = OpenImageIO.ImageInput.open(file.path)
    if opened is None or len(kinds) != 1:
        return None
    try:
        held = list(opened.spec(wanted[0].part, 0).channelnames)
        places = [held.index(channel.name) for channel in wanted if channel.name in held]
        if len(places) != len(wanted):
            return None
        first, last = min(places), max(places) + 1
        pixels = opened.read_image(wanted[0].part, 0, first, last, kinds.pop())
        problem = opened.geterror()
    finally:
        opened.close()
    if pixels is None or problem:
        walk_exr(Path(file.path))
        raise damaged(file.path, f"its pixels cannot be decoded ({' '.join(problem.split())[:200]})")
    return _as_floats(np.ascontiguousarray(pixels[:, :, [place - first for place in places]]))


def _as_floats(pixels: NDArray[Any]) -> NDArray[np.float16] | NDArray[np.float32]:
    return pixels if pixels.dtype == np.float16 else pixels.astype(np.float32, copy=False)


def _refuse_unreadable(path: str, wanted: Sequence[ExrChannel]) -> None:
    for channel in wanted:
        if channel.pixel_type == "uint":
            raise damaged(
                path, f"channel {channel.name} holds whole numbers (ids), not a picture", "Name another layer."
            )
        if (channel.x_sampling, channel.y_sampling) != (1, 1):
            raise damaged(
                path,
                f"channel {channel.name} is subsampled {channel.x_sampling}x{channel.y_sampling}",
                "Write the frame as R, G, B at full resolution.",
            )


def _window(bounds: tuple[Any, Any]) -> Window:
    (left, top), (right, bottom) = bounds
    return Window(int(left), int(top), int(right) - int(left) + 1, int(bottom) - int(top) + 1)


def _views(headers: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    listed = [str(view) for header in headers for view in header.get("multiView", ())]
    own = [str(header["view"]) for header in headers if header.get("view")]
    return tuple(dict.fromkeys(listed + own))


def _colour_hint(attributes: dict[str, Any]) -> str | None:
    for name in ("colorInteropID", "oiio:ColorSpace", "ocioColorSpace", "colorSpace"):
        if attributes.get(name):
            return str(attributes[name])
    if attributes.get("acesImageContainerFlag") == 1:
        return "lin_ap0_scene"
    if "chromaticities" in attributes:
        return OpenEXR.chromaticitiesToColorInteropID(attributes["chromaticities"]) or None
    return None


def _timecode(code: Any) -> str:
    separator = ";" if code.dropFrame else ":"
    return f"{code.hours:02}:{code.minutes:02}:{code.seconds:02}{separator}{code.frame:02}"


@contextmanager
def _as_plate_error(path: str) -> Iterator[None]:
    """Turn whatever the module raises over a damaged file into a PlateError that names it."""
    try:
        yield
    except PlateError:
        raise
    except (RuntimeError, ValueError, TypeError, KeyError, OSError, MemoryError, struct.error) as problem:
        raise damaged(path, f"not readable as EXR ({str(problem)[:200]})") from problem


def _read_channels(structure: ExrStructure) -> Iterator[ExrChannel]:
    """Yield every part's channels with their types, which the module does not tell before it decodes.

    Layout ("OpenEXR File Layout", channel list): name 0, int32 type, byte linear, 3 bytes, int32 x and y sampling.
    """
    for number, part in enumerate(structure.parts):
        attribute = part.find("channels")
        value = b"\0" if attribute is None else structure.value(attribute)
        at = 0
        while value[at]:
            end = value.index(0, at)
            name = value[at:end].decode("utf-8", "surrogateescape")
            kind, _linear, x_sampling, y_sampling = struct.unpack_from("<iIii", value, end + 1)
            yield ExrChannel(number, name, _PIXEL_TYPES[kind], x_sampling, y_sampling)
            at = end + 17
