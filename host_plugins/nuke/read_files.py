"""Whether a Read shows its files as they say they are: their size, the shape of their pixels, their channels.

The artist may have set another `format` on it, or let it add a solid alpha: the files alone would then be another
picture. Reads one header, decodes no picture. Proxy mode must be off.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import NamedTuple

import nuke

from understudy.bridge.errors import PlateError
from understudy.bridge.exr_structure import is_exr, read_exr_header
from understudy.bridge.frames import FilePattern

ASPECT_TOLERANCE = 1e-4
"""A pixel aspect is a single float in a file, and typed with a few decimals in a format."""


class _Facts(NamedTuple):
    """What an OpenEXR file says of itself."""

    width: int
    height: int
    aspect: float
    has_alpha: bool


def shows_otherwise(read: nuke.Node, pattern: FilePattern) -> bool:
    """Say whether the Read shows another picture than its first file holds; of a file that is not there, no."""
    first = pattern.path(int(read["first"].value()))
    if not first.is_file():
        return False  # whoever opens it says that it is missing
    shape, knob = read.format(), read.knob("auto_alpha")
    adds_alpha = knob is not None and bool(knob.value())
    facts = _facts(first)
    if facts is None:
        return adds_alpha or not _alike(shape.pixelAspect(), 1.0) or _resized(read, shape)
    size = shape.width(), shape.height()
    return (
        size != (facts.width, facts.height)
        or not _alike(shape.pixelAspect(), facts.aspect)
        or (adds_alpha and not facts.has_alpha)
    )


def _resized(read: nuke.Node, shape: nuke.Format) -> bool:
    """Say whether Nuke knows the file's own size to be another one."""
    own = read.metadata("input/width"), read.metadata("input/height")
    return all(own) and (int(own[0]), int(own[1])) != (shape.width(), shape.height())


def _alike(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=ASPECT_TOLERANCE)


def _facts(path: Path) -> _Facts | None:
    """Return None for what is no OpenEXR file; the daemon says what is wrong with a damaged one."""
    try:
        if not is_exr(path):
            return None
        header = read_exr_header(path)
    except (OSError, PlateError):
        return None
    part = header.parts[0]
    found = {name: part.find(name) for name in ("displayWindow", "pixelAspectRatio", "channels")}
    values = {name: header.value(attribute) for name, attribute in found.items() if attribute is not None}
    x0, y0, x1, y1 = struct.unpack("<4i", values["displayWindow"])  # box2i, OpenEXR File Layout
    (aspect,) = struct.unpack("<f", values.get("pixelAspectRatio", struct.pack("<f", 1.0)))
    return _Facts(x1 - x0 + 1, y1 - y0 + 1, aspect, b"\0A\0" in b"\0" + values["channels"])
