"""Where everything lies in an OpenEXR file: attributes, offset tables, chunks. Decodes no pixel, needs no library.

The layout is that of the OpenEXR file layout document (openexr.com, "OpenEXR File Layout"). Files are read, never
mapped: a file that somebody truncates while it is mapped would kill the host that this runs in.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from understudy.bridge.errors import PlateError

MAGIC = b"\x76\x2f\x31\x01"
TILED_FLAG, DEEP_FLAG, MULTIPART_FLAG = 0x200, 0x800, 0x1000
FIRST_READ_BYTES = 64 * 1024
HEADER_LIMIT_BYTES = 64 * 1024 * 1024
"""A header with the largest preview images in use is under 1 MiB; more is not a header."""
CHUNK_LIMIT = 4_000_000
"""A 64k x 64k picture in tiles of 32 has this many; more is damage, not a picture."""
LINES_OF_A_CHUNK = {0: 1, 1: 1, 2: 1, 3: 16, 4: 32, 5: 16, 6: 32, 7: 32, 8: 32, 9: 256, 10: 256, 11: 32, 12: 256, 13: 1}
"""By the number of the compression; the last four joined in OpenEXR 3.4 and 3.5."""
AGAIN = "Render or copy this frame again."


class UnknownLayoutError(PlateError):
    """A healthy OpenEXR file of a kind that is newer than this code."""

    code = "plate_layout"


class Attribute(NamedTuple):
    """One header field: its value is `header[offset : offset + size]`."""

    name: str
    type: str
    offset: int
    size: int


class Chunk(NamedTuple):
    """One block of pixels with its own small header."""

    offset: int
    size: int


class Part(NamedTuple):
    # No dataclass: that would bring `inspect` along, a tenth of what a host's start may cost.
    attributes: tuple[Attribute, ...]
    chunks: tuple[Chunk, ...]
    """In the order of the offset table: lines top down, or tiles by level, row and column."""

    def find(self, name: str) -> Attribute | None:
        return next((attribute for attribute in self.attributes if attribute.name == name), None)


class ExrStructure(NamedTuple):
    """The map of one file. `header` is everything before the offset tables, `pixels_offset` is where they end."""

    path: Path
    flags: int
    header: bytes
    parts: tuple[Part, ...]
    pixels_offset: int
    size: int

    def value(self, attribute: Attribute) -> bytes:
        return self.header[attribute.offset : attribute.offset + attribute.size]


def is_exr(path: Path) -> bool:
    """Say whether the file starts as an OpenEXR file does, whatever its name is."""
    with opened(path) as file:
        return file.read(len(MAGIC)) == MAGIC


def walk_exr(path: Path) -> ExrStructure:
    """Return the map of a scan line or tiled file of one or more parts; every chunk is known to lie inside the file.

    Raises PlateError when it is not OpenEXR, truncated, damaged in its structure, or deep; UnknownLayoutError for a
    compression that this code does not know.
    """
    header = read_exr_header(path)
    try:
        with opened(path) as file:
            return _with_chunks(header, file)
    except (struct.error, ValueError, IndexError) as problem:
        raise PlateError(f"{path} is damaged: {problem}", remedy=AGAIN) from None


def read_exr_header(path: Path) -> ExrStructure:
    """Return the map without chunks: the header alone is read. Raises PlateError as `walk_exr` does."""
    with opened(path) as file:
        size = file.seek(0, 2)
        wanted = FIRST_READ_BYTES
        while True:
            data = read_at(file, 0, min(wanted, size))
            if data[:4] != MAGIC:
                raise PlateError(f"{path} is not an OpenEXR file", remedy="Check the file; its name may be wrong.")
            try:
                return _parse(path, data, size)
            except (IndexError, struct.error):
                if wanted >= min(size, HEADER_LIMIT_BYTES):
                    raise PlateError(f"{path} is truncated or damaged in its header", remedy=AGAIN) from None
            except ValueError as problem:
                raise PlateError(f"{path} is damaged: {problem}", remedy=AGAIN) from None
            wanted *= 8


def read_at(file: FileIO, offset: int, size: int) -> bytes:
    """Return up to `size` bytes from `offset`: fewer only at the end of the file."""
    file.seek(offset)
    data = file.read(size) or b""
    while len(data) < size:
        more = file.read(size - len(data))
        if not more:
            break
        data += more
    return data


@contextmanager
def opened(path: Path) -> Iterator[FileIO]:
    """Open a picture for reading; whatever the disk says becomes a PlateError that names it."""
    try:
        with FileIO(path, "rb") as file:
            yield file
    except OSError as problem:
        raise PlateError(
            f"{path} cannot be read: {problem.strerror}", remedy="Check the path and its rights."
        ) from None


def _parse(path: Path, data: bytes, size: int) -> ExrStructure:
    (flags,) = struct.unpack_from("<I", data, 4)
    if flags & 0xFF != 2:
        raise UnknownLayoutError(f"{path} is of OpenEXR file version {flags & 0xFF}", remedy="Write it as version 2.")
    parts, position = [], 8
    while True:
        attributes, position = _attributes(data, position)
        if not attributes:
            break
        parts.append(Part(attributes, ()))
        if not flags & MULTIPART_FLAG:
            break
    if not parts:
        raise ValueError("it has no part")
    structure = ExrStructure(path, flags, data[:position], tuple(parts), position, size)
    if flags & DEEP_FLAG or any(_text(structure, part, "type").startswith("deep") for part in parts):
        raise PlateError(f"{path} holds deep pixels", remedy="Flatten it (DeepToImage) and render it again.")
    return structure


def _attributes(data: bytes, position: int) -> tuple[tuple[Attribute, ...], int]:
    found = []
    while data[position]:
        name, position = _name(data, position)
        kind, position = _name(data, position)
        (size,) = struct.unpack_from("<i", data, position)
        position += 4
        if size < 0:
            raise ValueError(f"its attribute {name} has a size of {size} bytes")
        data[position + size]  # IndexError: more of the file is needed
        found.append(Attribute(name, kind, position, size))
        position += size
    return tuple(found), position + 1


def _name(data: bytes, position: int) -> tuple[str, int]:
    end = data.find(b"\0", position, position + 256)
    if end < 0:
        if len(data) < position + 256:
            raise IndexError(position)
        raise ValueError("its header holds a name of more than 255 bytes")
    return data[position:end].decode("utf-8", "surrogateescape"), end + 1


def _with_chunks(header: ExrStructure, file: FileIO) -> ExrStructure:
    """Read the offset tables and visit every chunk's own header."""
    places = [_places(header, part) for part in header.parts]
    table_offset = len(header.header)
    pixels_offset = table_offset + 8 * sum(len(of_part) for of_part in places)
    if pixels_offset > header.size:
        raise PlateError(f"{header.path} is truncated in its offset table", remedy=AGAIN)
    parts = []
    for number, (part, of_part) in enumerate(zip(header.parts, places, strict=True)):
        table = struct.unpack(f"<{len(of_part)}Q", read_at(file, table_offset, 8 * len(of_part)))
        table_offset += 8 * len(of_part)
        prefix = (number,) if header.flags & MULTIPART_FLAG else ()
        chunks = (
            _chunk(header, file, offset, pixels_offset, (*prefix, *place), where)
            for where, (offset, place) in enumerate(zip(table, of_part, strict=True), start=1)
        )
        parts.append(Part(part.attributes, tuple(chunks)))
    return ExrStructure(header.path, header.flags, header.header, tuple(parts), pixels_offset, header.size)


def _chunk(
    header: ExrStructure, file: FileIO, offset: int, earliest: int, place: tuple[int, ...], number: int
) -> Chunk:
    """Return the chunk at `offset`, whose own words must say that it is the one expected in this place."""
    words = len(place) + 1
    if offset == 0:
        raise PlateError(f"{header.path} is incomplete: chunk {number} was never written", remedy=AGAIN)
    own = read_at(file, offset, 4 * words) if earliest <= offset < header.size else b""
    if len(own) < 4 * words:
        raise PlateError(f"{header.path} is truncated: chunk {number} starts at byte {offset}", remedy=AGAIN)
    *found, size = struct.unpack(f"<{words}i", own)
    if tuple(found) != place or size < 0:
        raise PlateError(f"{header.path} is damaged: chunk {number} is not what its offset table says", remedy=AGAIN)
    if offset + 4 * words + size > header.size:
        raise PlateError(f"{header.path} is truncated: chunk {number} goes past its end", remedy=AGAIN)
    return Chunk(offset, 4 * words + size)


def _places(header: ExrStructure, part: Part) -> list[tuple[int, ...]]:
    """Return what each chunk of a part says of its place, in the order of the offset table."""
    left, top, right, bottom = struct.unpack("<4i", _value(header, part, "dataWindow"))
    width, height = right - left + 1, bottom - top + 1
    if width < 1 or height < 1:
        raise ValueError(f"its data window is {width} x {height}")
    kind = _text(header, part, "type") or ("tiledimage" if header.flags & TILED_FLAG else "scanlineimage")
    if kind == "tiledimage":
        places = _bounded(_tiles(header, part, width, height))
    else:
        places = _bounded((line,) for line in range(top, bottom + 1, _lines(header, part)))
    stated = part.find("chunkCount")
    if stated is not None and struct.unpack("<i", header.value(stated)) != (len(places),):
        raise ValueError("its chunk count does not fit its data window")
    return places


def _bounded(places: Iterator[tuple[int, ...]]) -> list[tuple[int, ...]]:
    found = []
    for place in places:
        found.append(place)
        if len(found) > CHUNK_LIMIT:
            raise ValueError(f"its data window needs more than {CHUNK_LIMIT} chunks")
    return found


def _lines(header: ExrStructure, part: Part) -> int:
    compression = _value(header, part, "compression")[0]
    lines = LINES_OF_A_CHUNK.get(compression)
    if lines is None:
        raise UnknownLayoutError(
            f"{header.path} has the unknown compression {compression}", remedy="Write it with zip."
        )
    return lines


def _tiles(header: ExrStructure, part: Part, width: int, height: int) -> Iterator[tuple[int, ...]]:
    """Yield (column, row, level x, level y) of every tile of every level."""
    across, down, mode = struct.unpack("<IIB", _value(header, part, "tiles"))
    level_mode, up = mode & 0x0F, bool(mode >> 4)
    if not across or not down or level_mode > 2:
        raise ValueError("its tiles have no size")
    levels = {
        0: [(0, 0)],
        1: [(level, level) for level in range(_levels(max(width, height), up))],
        2: [(x, y) for y in range(_levels(height, up)) for x in range(_levels(width, up))],
    }[level_mode]
    for x, y in levels:
        columns = -(-_shrunk(width, x, up) // across)
        for row in range(-(-_shrunk(height, y, up) // down)):
            for column in range(columns):
                yield column, row, x, y


def _levels(size: int, up: bool) -> int:
    return ((size - 1).bit_length() if up else size.bit_length() - 1) + 1


def _shrunk(size: int, level: int, up: bool) -> int:
    return max(1, -(-size >> level) if up else size >> level)


def _value(header: ExrStructure, part: Part, name: str) -> bytes:
    attribute = part.find(name)
    if attribute is None:
        raise ValueError(f"its header has no {name}")
    return header.value(attribute)


def _text(header: ExrStructure, part: Part, name: str) -> str:
    attribute = part.find(name)
    return "" if attribute is None else header.value(attribute).decode("utf-8", "replace").rstrip("\0")
