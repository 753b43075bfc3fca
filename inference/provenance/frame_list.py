"""frames.json: every file of a version with its SHA-256 and size; what the version's signature is over.

One list for all says more than a signature a frame: a frame that is missing, too many or renamed is seen as well as one
that was altered. SHA-256 and not the BLAKE3 of the vault, because whoever checks it may have no tool of ours.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated

import msgspec

LIST_SCHEMA = 1
LIST_NAME = "frames.json"
SEAL_NAME = "provenance.c2pa"
FINAL_LIST, FINAL_SEAL = "understudy_final.frames.json", "understudy_final.c2pa"
"""The same for a published final, which lies among files of other kinds."""
LIST_LIMIT_BYTES = 64 * 2**20  # 100,000 files have twenty megabytes
THREADS = 4
READ_BYTES = 2**20
SUBMITTED_AT_ONCE = 64

Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]


class ListedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file. `path` is relative to the version's folder, with forward slashes."""

    path: Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]
    sha256: Sha256
    size: Annotated[int, msgspec.Meta(ge=0)]


class FrameList(msgspec.Struct, frozen=True, kw_only=True):
    schema: Annotated[int, msgspec.Meta(ge=1, le=LIST_SCHEMA)] = LIST_SCHEMA
    job: str
    version: int
    files: tuple[ListedFile, ...]


@dataclass(frozen=True, slots=True)
class Differences:
    """Where a folder is not what its list says. All empty = it is."""

    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()
    """The listed name, and the name under which the same bytes lie there now."""
    altered: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.missing or self.extra or self.renamed or self.altered)


def list_files(folder: Path, paths: Iterable[str], *, job: str, version: int) -> FrameList:
    """Return the list of these files as they are on disk, sorted by path. Raises OSError for one that is not there."""
    ordered = sorted(paths)
    return FrameList(job=job, version=version, files=tuple(_listed_all(folder, ordered)))


def write_list(listed: FrameList) -> bytes:
    """Return the list as JSON: one form for one content, as its bytes are what is signed."""
    return msgspec.json.encode(listed, order="deterministic") + b"\n"


def read_list(data: bytes) -> FrameList:
    """Return the list in `data`. Raises msgspec.ValidationError, also for a path that leads out of the folder."""
    listed = msgspec.json.decode(data, type=FrameList)
    seen: set[str] = set()
    for file in listed.files:
        parts = PurePosixPath(file.path).parts
        if not parts or parts[0] == "/" or ".." in parts or "\0" in file.path or file.path in seen:
            raise msgspec.ValidationError(f"a path that no list has: {file.path[:200]!r}")
        seen.add(file.path)
    return listed


def differences(listed: FrameList, found: Mapping[str, ListedFile]) -> Differences:
    """Return where what was found in a folder, by path, is not what is listed. Pure."""
    said = {file.path: file for file in listed.files}
    missing = [path for path in said if path not in found]
    extra = [path for path in found if path not in said]
    altered = [
        path for path, file in said.items() if path in found and (found[path].sha256, found[path].size) != _same(file)
    ]
    by_content: dict[tuple[str, int], list[str]] = defaultdict(list)
    for path in sorted(extra):
        by_content[_same(found[path])].append(path)
    renamed = []
    for path in sorted(missing):
        others = by_content[_same(said[path])]
        if others:
            renamed.append((path, others.pop(0)))
    gone, come = {old for old, _ in renamed}, {new for _, new in renamed}
    return Differences(
        missing=tuple(sorted(path for path in missing if path not in gone)),
        extra=tuple(sorted(path for path in extra if path not in come)),
        renamed=tuple(renamed),
        altered=tuple(sorted(altered)),
    )


def look_at(folder: Path, paths: Iterable[str]) -> dict[str, ListedFile]:
    """Return these files as they are on disk, by path.

    A link, a device or what cannot be read has an empty digest: no list has that, so it counts as altered.
    """
    return {file.path: file for file in _listed_all(folder, sorted(paths), forgiving=True)}


def files_under(folder: Path) -> list[str]:
    """Return the path of every file of a version, links too, but its list and its seal."""
    paths = [path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()]
    names = {path.relative_to(folder).as_posix() for path in paths} - {LIST_NAME, SEAL_NAME}
    return sorted(names)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, read in pieces. Releases the interpreter's lock."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while piece := file.read(READ_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def _same(file: ListedFile) -> tuple[str, int]:
    return file.sha256, file.size


def _listed_all(folder: Path, paths: list[str], *, forgiving: bool = False) -> list[ListedFile]:
    def listed(path: str) -> ListedFile:
        return _listed_or_not(folder, path) if forgiving else _listed(folder, path)

    with ThreadPoolExecutor(THREADS, thread_name_prefix="frame-list") as pool:
        return [
            file
            for start in range(0, len(paths), SUBMITTED_AT_ONCE)
            for file in pool.map(listed, paths[start : start + SUBMITTED_AT_ONCE])
        ]


def _listed(folder: Path, path: str) -> ListedFile:
    return ListedFile(path=path, sha256=sha256_of(folder / path), size=(folder / path).stat().st_size)


def _listed_or_not(folder: Path, path: str) -> ListedFile:
    try:
        if (folder / path).is_symlink() or not (folder / path).is_file():
            return ListedFile(path=path, sha256="", size=0)
        return _listed(folder, path)
    except OSError:
        return ListedFile(path=path, sha256="", size=0)
