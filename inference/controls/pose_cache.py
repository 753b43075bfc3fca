"""Poses that were found before, by what was looked at: a folder of small files, bounded in size.

A key is the BLAKE3 digest of everything that decides the answer: the picture's bytes as the source sees them, the
matte's, and the source's identity, which names its version and the digests of its models. So nothing ever goes stale.
A damaged file counts as absent. Several processes may share a folder: a file that has its name is whole.
"""

from __future__ import annotations

import os
from pathlib import Path

import blake3
import msgspec
import numpy as np
from numpy.typing import NDArray

from understudy.inference.controls.person_box import Box, Detection
from understudy.inference.controls.wholebody import POINTS

FORMAT = 1
SUFFIX = ".pose"
LIMIT_BYTES = 256 * 2**20
"""140,000 frames."""
TRIMMED_EVERY = 500
"""Files written between two looks at the folder's size: listing it takes longer than writing one."""


class _Entry(msgspec.Struct, frozen=True, array_like=True):
    """One file: msgpack of these fields. `points`: 133 x 3 float32, little-endian, as detected, not smoothed."""

    format: int
    points: bytes
    people: tuple[tuple[float, float, float, float], ...] | None
    """The boxes of everybody who was seen, by their edges."""
    digest: bytes
    """BLAKE3 of `points` and `people`."""


def pose_key(picture: NDArray[np.uint8], matte: NDArray[np.float32] | None, identity: str) -> str:
    """Return the name under which the pose of this picture, by this source, is kept."""
    digest = blake3.blake3(f"{FORMAT} {identity}\n{picture.shape}\n".encode())
    digest.update(np.ascontiguousarray(picture).data)
    if matte is not None:
        digest.update(f"\n{matte.dtype.str} {matte.shape}\n".encode())
        digest.update(np.ascontiguousarray(matte).view(np.uint8).data)
    return str(digest.hexdigest())


def _digest(points: bytes, people: tuple[tuple[float, float, float, float], ...] | None) -> bytes:
    return bytes(blake3.blake3(points + msgspec.msgpack.encode(people)).digest())


class PoseCache:
    """One folder of poses. One thread a cache; any number of caches a folder."""

    def __init__(self, folder: Path, limit_bytes: int = LIMIT_BYTES) -> None:
        self.folder = folder
        self._limit_bytes = limit_bytes
        self._written = 0
        folder.mkdir(parents=True, exist_ok=True)
        self._trim()

    def load(self, key: str) -> Detection | None:
        """Return the pose, or None for one that is not here or damaged; a use makes it younger."""
        path = self._path(key)
        try:
            entry = msgspec.msgpack.decode(path.read_bytes(), type=_Entry)
            os.utime(path)
        except (OSError, msgspec.MsgspecError):
            return None
        if entry.format != FORMAT or _digest(entry.points, entry.people) != entry.digest:
            return None
        if len(entry.points) != POINTS * 3 * 4:
            return None
        points = np.frombuffer(entry.points, "<f4").reshape(POINTS, 3).astype(np.float32)
        return Detection(points, None if entry.people is None else tuple(Box(*edges) for edges in entry.people))

    def save(self, key: str, found: Detection) -> None:
        """Keep a pose. A full disk is no reason to stop: then it is not kept."""
        data = np.ascontiguousarray(found.points, "<f4").tobytes()
        people = None
        if found.people is not None:
            people = tuple(
                (float(box.left), float(box.top), float(box.right), float(box.bottom)) for box in found.people
            )
        unfinished = self._path(key).with_suffix(f".{os.getpid()}")
        try:
            entry = _Entry(FORMAT, data, people, _digest(data, people))
            unfinished.write_bytes(msgspec.msgpack.encode(entry))
            unfinished.replace(self._path(key))
        except OSError:
            unfinished.unlink(missing_ok=True)
            return
        self._written += 1
        if self._written % TRIMMED_EVERY == 0:
            self._trim()

    def _path(self, key: str) -> Path:
        return self.folder / (key + SUFFIX)

    def _trim(self) -> None:
        """Remove the poses that were not used for longest, until nine tenths of the limit are left."""
        held = []
        for entry in os.scandir(self.folder):
            if entry.name.endswith(SUFFIX):
                try:
                    status = entry.stat()
                except FileNotFoundError:  # another process trims too
                    continue
                held.append((status.st_mtime_ns, entry.path, status.st_size))
        total = sum(size for _, _, size in held)
        if total <= self._limit_bytes:
            return
        for _, path, size in sorted(held):
            Path(path).unlink(missing_ok=True)
            total -= size
            if total <= self._limit_bytes * 0.9:
                return
