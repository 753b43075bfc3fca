"""SHA-256 of files of many gigabytes: read once, remembered until the file changes.

A digest is remembered by path with the size, the time of the last write and the inode that the file had; where any of
them differs the file is read again. That notices every ordinary change (a download, an editor, a copy over it, rot that
a file system repairs), not one by someone who sets the times back: `understudy weights verify` reads everything anew.
One small file a digest, under HOME/weights-digests, so that workers side by side never wait for each other.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from understudy.bridge.errors import WeightsError

CHUNK_BYTES = 8 * 2**20
THREADS = 4
"""One disk feeds no more; hashing leaves Python's lock alone."""

Told = Callable[[int, int], None]
"""Bytes read, bytes in all. Called from several threads, one after the other."""


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    size: int
    modified_ns: int
    inode: int
    sha256: str


class DigestCache:
    """Digests of files on this machine. `folder` = None remembers nothing and reads everything. Any thread."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def recall(self, path: Path) -> str | None:
        """Return the digest if the file is, by size, time and inode, the one that was read."""
        if self._folder is None:
            return None
        try:
            found = msgspec.json.decode(_place(self._folder, path).read_bytes(), type=Remembered)
        except (OSError, msgspec.MsgspecError):
            return None
        now = path.stat()
        same = (found.size, found.modified_ns, found.inode) == (now.st_size, now.st_mtime_ns, now.st_ino)
        return found.sha256 if same else None

    def remember(self, path: Path, before: os.stat_result, sha256: str) -> None:
        """Keep a digest. `before`: what the file was when reading began; a change meanwhile shows the next time."""
        if self._folder is None:
            return
        kept = Remembered(size=before.st_size, modified_ns=before.st_mtime_ns, inode=before.st_ino, sha256=sha256)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = _place(self._folder, path)
        temporary = place.with_name(f".{place.name}.{os.urandom(6).hex()}")
        temporary.write_bytes(msgspec.json.encode(kept))
        temporary.replace(place)


def _place(folder: Path, path: Path) -> Path:
    """Return where a file's digest is kept; a symlink and what it leads to are one."""
    return folder / f"{hashlib.sha256(str(path.resolve()).encode()).hexdigest()}.json"


class _Count:
    """Adds up what the threads have read."""

    def __init__(self, total: int, told: Told) -> None:
        self.done, self._total, self._told = 0, total, told

    def add(self, size: int) -> None:
        self.done += size
        self._told(self.done, self._total)


def sha256_of(path: Path, cache: DigestCache, told: Callable[[int], None] = lambda size: None) -> str:
    """Return a file's SHA-256 in hex, remembered or read. Raises WeightsError where it cannot be read."""
    try:
        remembered = cache.recall(path)
        before = path.stat()
        if remembered is not None:
            told(before.st_size)
            return remembered
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
                told(len(chunk))
    except OSError as problem:
        raise WeightsError(
            f"{path} cannot be read: {problem.strerror}", remedy="Check the disk and the file's rights."
        ) from None
    cache.remember(path, before, digest.hexdigest())
    return digest.hexdigest()


def sha256_of_all(paths: Iterable[Path], cache: DigestCache, told: Told = lambda done, total: None) -> dict[Path, str]:
    """Return the SHA-256 of every file, in the order given."""
    files = list(paths)
    count = _Count(sum(path.stat().st_size for path in files), told)
    with ThreadPoolExecutor(THREADS, thread_name_prefix="digest") as threads:
        return dict(zip(files, threads.map(lambda path: sha256_of(path, cache, count.add), files), strict=True))


def set_digest(files: dict[str, str]) -> str:
    """Return one SHA-256 over names and digests, in the order of the names. Pure."""
    lines = "".join(f"{name}\t{sha256}\n" for name, sha256 in sorted(files.items()))
    return hashlib.sha256(lines.encode()).hexdigest()
