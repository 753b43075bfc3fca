"""A folder of ours on disk: written beside under another name, renamed when whole, removed exactly.

A tree lists its own files with their digests in `tree.json`, so that it can say what is missing or was changed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import msgspec
from blake3 import blake3

from understudy.bridge.errors import HostError
from understudy.host_plugins.plan import Code, Extension, Libraries, Part, Text

LIST_NAME = "tree.json"
PARTIAL = ".partial-"
SCHEMA = 1


class TreeList(msgspec.Struct, frozen=True, kw_only=True):
    """What lies in a tree: each file by its path with slashes, and the BLAKE3 of its bytes."""

    schema: int = SCHEMA
    host: str
    version: str
    files: dict[str, str]


class Makers(msgspec.Struct, frozen=True):
    """How the parts that are not text get onto the disk: the payload's functions, or a test's."""

    write_code: Callable[[Path, tuple[str, ...]], object]
    """(folder, hosts): put `understudy/...` there."""
    fetch_wheels: Callable[[str, str, Path], object]
    """(python, platform, folder): put wheel files there."""
    write_extension: Callable[[Path, str, tuple[str, ...]], object]
    """(zip file, python, platforms)."""
    compile_code: Callable[[Path, tuple[str, ...]], object] = lambda folder, pythons: None
    """(folder, pythons): leave beside the Python files what those Pythons would compile of them."""


def write_tree(parts: tuple[Part, ...], folder: Path, makers: Makers, *, host: str, version: str) -> None:
    """Write all parts, list them, and give the whole its name in one rename. Raises HostError; then nothing is left."""
    partial = folder.with_name(f"{PARTIAL}{folder.name}-{os.getpid()}")
    try:
        partial.mkdir(parents=True)
        for part in parts:
            _write_part(part, partial, makers)
        makers.compile_code(partial, tuple(part.python for part in parts if isinstance(part, Libraries)))
        listed = TreeList(host=host, version=version, files=_digests(partial))
        (partial / LIST_NAME).write_bytes(msgspec.json.format(msgspec.json.encode(listed), indent=1))
        flush_all(partial)
        partial.rename(folder)
        flush(folder.parent)
    except OSError as problem:
        remove_all(partial)
        raise HostError(
            f"{problem.filename or folder}: {problem.strerror}; what was installed before is as it was",
            remedy="Check the folder's rights and the room on the disk, then run this again.",
        ) from None
    except BaseException:
        remove_all(partial)
        raise


def _write_part(part: Part, folder: Path, makers: Makers) -> None:
    if isinstance(part, Code):
        makers.write_code(folder, part.hosts)
    elif isinstance(part, Text):
        (folder / part.name).write_bytes(part.text.encode())
    elif isinstance(part, Extension):
        _write_extension(part, folder / part.name, makers)
    else:
        _unpack_libraries(part, folder, makers)


def _write_extension(part: Extension, target: Path, makers: Makers) -> None:
    if not part.unpacked:
        makers.write_extension(target, part.python, part.platforms)
        return
    packed = target.parent / "packed.zip"
    packed.parent.mkdir(parents=True)
    makers.write_extension(packed, part.python, part.platforms)
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(target)
    packed.unlink()


def _unpack_libraries(part: Libraries, folder: Path, makers: Makers) -> None:
    wheels = folder / ".wheels"
    wheels.mkdir()
    makers.fetch_wheels(part.python, part.platform, wheels)
    found = sorted(wheels.glob("*.whl"))
    if not found:
        raise HostError(f"no libraries came for Python {part.python} on {part.platform}", remedy="Name --wheels DIR.")
    for wheel in found:
        unpack_wheel(wheel, folder / part.folder)
    shutil.rmtree(wheels)


def unpack_wheel(wheel: Path, folder: Path) -> None:
    """Unpack the importable part of a wheel. Raises HostError for a damaged one, or a name that leads outside."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.infolist():
                name = PurePosixPath(entry.filename)
                if name.is_absolute() or ".." in name.parts:
                    raise HostError(f"{wheel.name} holds the path {name}", remedy="Fetch that wheel again.")
                if not name.parts[0].endswith(".data"):
                    archive.extract(entry, folder)
    except zipfile.BadZipFile as problem:
        raise HostError(f"{wheel.name} is damaged: {problem}", remedy="Fetch that wheel again.") from None


def read_list(folder: Path) -> TreeList | None:
    """Return what a tree says of itself; None where it says nothing that can be read."""
    try:
        return msgspec.json.decode((folder / LIST_NAME).read_bytes(), type=TreeList)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def tree_faults(folder: Path) -> list[str]:
    """Return, in words, what is missing from a tree or changed in it; empty when it is as it was written."""
    listed = read_list(folder)
    if listed is None:
        return [f"{folder} is not there, or is no tree of ours"]
    faults = []
    for name, digest in listed.files.items():
        path = folder / name
        if not path.is_file():
            faults.append(f"{path} is missing")
        elif _digest(path) != digest:
            faults.append(f"{path} was changed")
    return faults


def remove_tree(folder: Path) -> list[Path]:
    """Remove what was written and what Python compiled of it; return what stays: changed, or not ours."""
    listed = read_list(folder)
    make_writable(folder)
    for name, digest in (listed.files if listed else {}).items():
        path = folder / name
        if path.is_file() and _digest(path) == digest:
            path.unlink()
            for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.cpython-*.pyc"):
                compiled.unlink()
    kept = [path for path in sorted(folder.rglob("*")) if path.is_file() and path != folder / LIST_NAME]
    if not kept:
        (folder / LIST_NAME).unlink(missing_ok=True)
    remove_empty_folders(folder)
    return kept


def remove_empty_folders(folder: Path) -> None:
    for path, _, _ in sorted(os.walk(folder), reverse=True):
        with contextlib.suppress(OSError):  # not empty
            Path(path).rmdir()


def remove_all(folder: Path) -> None:
    """Remove a folder that nobody but us ever wrote into."""
    make_writable(folder)
    shutil.rmtree(folder, ignore_errors=True)


def make_read_only(folder: Path) -> None:
    """Take everybody's right to write, folders included: a released tree is not changed, it is released again."""
    for path, _, files in os.walk(folder, topdown=False):
        for found in (*(Path(path) / name for name in files), Path(path)):
            found.chmod(stat.S_IMODE(found.stat().st_mode) & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))


def make_writable(folder: Path) -> None:
    for path, _, files in os.walk(folder):
        for found in (Path(path), *(Path(path) / name for name in files)):
            with contextlib.suppress(OSError):
                found.chmod(stat.S_IMODE(found.stat().st_mode) | stat.S_IWUSR)


def flush_all(folder: Path) -> None:
    """Have every file, and every folder's list of names, on the disk before the whole gets its name."""
    for path, _, files in os.walk(folder):
        for name in files:
            flush(Path(path) / name)
        flush(Path(path))


def flush(path: Path) -> None:
    if os.name == "nt" and path.is_dir():  # Windows opens no folder as a file
        return
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)  # Windows flushes what it may write
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _digests(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): _digest(path) for path in sorted(folder.rglob("*")) if path.is_file()}


def _digest(path: Path) -> str:
    return blake3(path.read_bytes()).hexdigest()
