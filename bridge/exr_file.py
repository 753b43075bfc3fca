"""What a picture file is, told by two digests, and the one edit that changes a header and no pixel.

`file_digest` names the bytes; `picture_digest` names the picture, so that a re-export of the same frame is recognised.
Nothing here decodes a pixel; the walk over the file is `exr_structure`'s.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator
from io import FileIO
from pathlib import Path

from blake3 import blake3

from understudy.bridge.errors import PlateError
from understudy.bridge.exr_structure import (
    AGAIN,
    ExrStructure,
    Part,
    UnknownLayoutError,
    is_exr,
    opened,
    read_exr_header,
    walk_exr,
)
from understudy.bridge.frames import FrameRate

__all__ = [
    "file_digest",
    "picture_digest",
    "read_attribute",
    "read_channels",
    "read_frame_rate",
    "set_state",
    "walk_exr",
]

STATE_ATTRIBUTE = "understudy/state"
READ_BYTES = 4 * 1024 * 1024
PARALLEL_FROM_BYTES = 32 * 1024 * 1024
"""Below this a second hashing thread costs more than it brings."""
PICTURE_ATTRIBUTES = (
    "name", "view", "multiView", "type", "channels", "compression", "dataWindow", "displayWindow", "lineOrder",
    "pixelAspectRatio", "tiles", "chromaticities", "whiteLuminance", "adoptedNeutral", "colorInteropID",
    "oiio:ColorSpace", "ocioColorSpace", "colorSpace", "acesImageContainerFlag", "timeCode", "framesPerSecond",
    "FramesPerSecond",
)  # fmt: skip
"""What the picture is, how its numbers are meant, and when it was taken: all that the daemon reads of a file that it
was not sent, having the picture already. Every other field may change without making another picture."""


def file_digest(path: Path) -> str:
    """Return the BLAKE3 of the file's bytes. Raises PlateError when it cannot be read. Any thread."""
    with opened(path) as file:
        size = file.seek(0, os.SEEK_END)
        hasher = blake3(max_threads=blake3.AUTO if size >= PARALLEL_FROM_BYTES else 1)
        for piece in _pieces(file, 0, size):
            hasher.update(piece)
        if file.read(1):
            raise PlateError(f"{path} grew while it was read", remedy="Wait until it is written, then try again.")
    return hasher.hexdigest()


def picture_digest(path: Path) -> str:
    """Return the BLAKE3 of what the picture is: windows, channels, colour and time as declared, compression, chunks.

    Volatile header fields (dates, owners, host hashes, previews, our own marks) are left out. A file that is not
    OpenEXR, or of a newer layout, has its file digest. Raises PlateError when truncated, damaged or deep. Any thread.
    """
    if not is_exr(path):
        return file_digest(path)
    try:
        structure = walk_exr(path)
    except UnknownLayoutError:
        return file_digest(path)
    hasher = blake3(b"understudy picture 1\0")
    with opened(path) as file:
        for part in structure.parts:
            hasher.update(_meaning(structure, part))
            for offset, size in _runs(part):
                for piece in _pieces(file, offset, size):
                    hasher.update(piece)
    return hasher.hexdigest()


def read_attribute(path: Path, name: str) -> str | None:
    """Return a string attribute of the first part that has it, without padding; None when no part has it."""
    return read_attributes(path, (name,)).get(name)


def read_attributes(path: Path, names: Iterable[str]) -> dict[str, str]:
    """Return several string attributes, each as `read_attribute` has it, with one reading of the header; those that no
    part has are left out. Raises PlateError.
    """
    structure = read_exr_header(path)
    values: dict[str, str] = {}
    for name in names:
        found = (part.find(name) for part in structure.parts)
        first = next((one for one in found if one is not None and one.type == "string"), None)
        if first is not None:
            values[name] = structure.value(first).decode("utf-8", "replace").rstrip(" \0")
    return values


def read_channels(path: Path) -> tuple[str, ...]:
    """Return the names of all channels, those of a layer with its name before a point. Raises PlateError."""
    structure = read_exr_header(path)
    names: list[str] = []
    for part in structure.parts:
        found = part.find("channels")
        rest = structure.value(found) if found is not None else b"\0"
        while rest and rest[0]:
            name, _, rest = rest.partition(b"\0")
            names.append(name.decode("utf-8", "replace"))
            rest = rest[16:]  # pixel type, linearity, two samplings
    return tuple(names)


def read_frame_rate(path: Path) -> FrameRate | None:
    """Return an OpenEXR header's `framesPerSecond`; None when it has none, or for a file of another kind."""
    if not is_exr(path):
        return None
    structure = read_exr_header(path)
    for attribute in structure.parts[0].attributes:
        if attribute.name.lower() == "framespersecond" and attribute.type == "rational" and attribute.size == 8:
            numerator, denominator = struct.unpack("<iI", structure.value(attribute))
            if numerator > 0 and denominator > 0:
                return FrameRate.parse(f"{numerator}/{denominator}")
    return None


def set_state(path: Path, state: str) -> None:
    """Overwrite the state attribute of every part where it stands, durably. No other byte changes.

    Raises PlateError when a part has none, ValueError when the word does not fit.
    """
    structure = read_exr_header(path)
    places = [part.find(STATE_ATTRIBUTE) for part in structure.parts]
    with path.open("r+b", buffering=0) as file:
        for place in places:
            if place is None or place.type != "string":
                raise PlateError(f"{path} has no state attribute", remedy="Only files that Understudy wrote have one.")
            file.seek(place.offset)
            file.write(_padded(state, place.size))
        os.fsync(file.fileno())


def _pieces(file: FileIO, offset: int, size: int) -> Iterator[memoryview]:
    """Yield `size` bytes from `offset` in views of one buffer. Raises PlateError when the file became shorter."""
    buffer = memoryview(bytearray(min(size, READ_BYTES)))
    file.seek(offset)
    while size:
        count = file.readinto(buffer[: min(size, READ_BYTES)])
        if not count:
            raise PlateError(f"{file.name} became shorter while it was read", remedy=AGAIN)
        yield buffer[:count]
        size -= count


def _meaning(structure: ExrStructure, part: Part) -> bytes:
    present = [found for name in PICTURE_ATTRIBUTES if (found := part.find(name)) is not None]
    fields = b"".join(_field(found.name, found.type, structure.value(found)) for found in present)
    return struct.pack("<II", len(fields), len(part.chunks)) + fields


def _runs(part: Part) -> Iterator[tuple[int, int]]:
    """Yield the part's chunks in table order, neighbours in the file joined into one (offset, size)."""
    start = end = 0
    for chunk in part.chunks:
        if chunk.offset != end:
            if end > start:
                yield start, end - start
            start = chunk.offset
        end = chunk.offset + chunk.size
    if end > start:
        yield start, end - start


def _padded(state: str, size: int) -> bytes:
    data = state.encode().ljust(size)
    if len(data) > size:
        raise ValueError(f"the state '{state}' does not fit in {size} bytes")
    return data


def _field(name: str, kind: str, value: bytes) -> bytes:
    encoded = name.encode("utf-8", "surrogateescape"), kind.encode("utf-8", "surrogateescape")
    return b"\0".join((*encoded, struct.pack("<i", len(value)) + value))
