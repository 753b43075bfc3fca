"""The files of a version without what is signed: the same job makes the same bytes, but for its signatures.

A signature, and the salts of what it is over, differ from run to run. Left out are exactly the seal, the box of
credentials in a movie, and in the lists the digests of the movies (and of a list in a list), which become those of
what is left of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from blake3 import blake3

C2PA_BOX = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")  # C2PA 2.4, embedding in BMFF
MOVIES = (".mp4", ".mov")


def unsigned_files(folder: Path) -> dict[str, bytes]:
    """Return the files under `folder` by their path, in the order of this module's first lines."""
    found = sorted(path for path in folder.rglob("*") if path.is_file() and ".scratch" not in path.parts)
    content = {path.relative_to(folder).as_posix(): path.read_bytes() for path in found if path.suffix != ".c2pa"}
    for last in (*MOVIES, "manifest.json", "frames.json"):
        for path in [path for path in content if path.endswith(last)]:
            bare = without_credentials(content[path]) if last in MOVIES else content[path]
            for other in [one for one in content if one.endswith(".json")]:
                content[other] = _said_of(content[other], (content[path], (folder / path).read_bytes()), bare)
            content[path] = bare
    return content


def _said_of(text: bytes, before: tuple[bytes, ...], after: bytes) -> bytes:
    for content in before:
        for kind in (hashlib.sha256, blake3):
            text = text.replace(kind(content).hexdigest().encode(), kind(after).hexdigest().encode())
    return text


def without_credentials(movie: bytes) -> bytes:
    """Return a movie with its box of credentials emptied; all else stays where it is."""
    bare = bytearray(movie)
    for start, end in boxes(movie):
        if movie[start + 4 : start + 8] == b"uuid" and movie[start + 8 : start + 24] == C2PA_BOX:
            bare[start + 24 : end] = bytes(end - start - 24)
    return bytes(bare)


def boxes(movie: bytes) -> Iterator[tuple[int, int]]:
    """Yield where each top-level box begins and ends (ISO/IEC 14496-12, 4.2)."""
    start = 0
    while start + 8 <= len(movie):
        size = int.from_bytes(movie[start : start + 4], "big")
        size = int.from_bytes(movie[start + 8 : start + 16], "big") if size == 1 else size or len(movie) - start
        yield start, start + size
        start += max(size, 8)
