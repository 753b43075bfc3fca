"""A plain `config.ocio` and the LUTs beneath its folder as one archive (.ocioz), the same bytes on every machine.

What goes in is what OCIO's own `ocioarchive` takes: every file of a kind that OCIO reads as a LUT or a CDL. The archive
is kept on the artist's machine under a name by its content, so that an upload can be taken up again.
"""

from __future__ import annotations

import os
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

from understudy.bridge.errors import RequestError
from understudy.bridge.exr_file import file_digest

MEMBER = "config.ocio"
LONGEST_CONFIG_BYTES = 16 << 20
LARGEST_ARCHIVE_BYTES = 1 << 30
"""Eight times the LUTs of the ACES 1.0.3 config, the largest that is common."""
FILES_LIMIT = 10_000
VISITED_LIMIT = 100_000
"""Names looked at: a config that lies in a home folder would have us walk all of it."""
KEPT_ARCHIVES = 8
ABANDONED_SECONDS = 24 * 3600
"""An archive that nobody has finished in a day is a killed client's."""
LUT_SUFFIXES = frozenset({
    ".3dl", ".cc", ".ccc", ".cdl", ".clf", ".csp", ".ctf", ".cub", ".cube", ".hdl", ".icc", ".icm", ".itx", ".look",
    ".lut", ".m3d", ".mga", ".pf", ".spi1d", ".spi3d", ".spimtx", ".vf",
})  # fmt: skip
"""What OCIO 2.1 to 2.6 reads as files of transforms."""


def pack(config: Path, shelf: Path) -> Path:
    """Write the archive of `config` into the folder `shelf`, unless it is there, and return its path.

    Raises RequestError for a folder too large to be a config's, and for files that cannot be read or written.
    """
    members = _members(config)
    unfinished = shelf / f".{os.getpid()}-{threading.get_ident()}.part"
    try:
        shelf.mkdir(parents=True, exist_ok=True, mode=0o700)
        with zipfile.ZipFile(unfinished, "w") as archive:
            for name, path in members:
                # Stored: what deflate makes of the same bytes depends on the library that Python was built with.
                entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
                entry.create_system, entry.external_attr = 3, 0o100644 << 16
                archive.writestr(entry, path.read_bytes())
        target = shelf / f"{file_digest(unfinished)}.ocioz"
        unfinished.replace(target)
        _forget_old_ones(shelf, target)
    except OSError as problem:
        unfinished.unlink(missing_ok=True)
        where = problem.filename or shelf
        raise RequestError(
            f"the colour config {config} cannot be archived: {where}: {problem.strerror}",
            remedy="Check the rights of the config's files and of the folder that UNDERSTUDY_HOME names.",
            facts={"config": str(config)},
        ) from None
    return target


def _members(config: Path) -> list[tuple[str, Path]]:
    """Return names in the archive and the files behind them, the config first, LUTs by name."""
    luts: list[tuple[str, Path]] = []
    size = config.stat().st_size
    for path in _luts_beneath(config, config.parent):
        size += path.stat().st_size
        luts.append((path.relative_to(config.parent).as_posix(), path))
        if size > LARGEST_ARCHIVE_BYTES or len(luts) > FILES_LIMIT:
            raise _too_large(
                config, f"more than {FILES_LIMIT} LUTs or {LARGEST_ARCHIVE_BYTES >> 20} MiB lie beneath its folder"
            )
    return [(MEMBER, config), *sorted(luts)]


def _luts_beneath(config: Path, root: Path) -> Iterator[Path]:
    """Yield every LUT beneath a folder, through links, each folder once; names that begin with a dot are left out."""
    visited, seen, waiting = 0, {root.resolve()}, [root]
    while waiting:
        folder = waiting.pop()
        for entry in sorted(_listed(config, folder), key=lambda entry: entry.name):
            visited += 1
            if visited > VISITED_LIMIT:
                raise _too_large(config, f"more than {VISITED_LIMIT} files lie beneath its folder")
            path = folder / entry.name
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                if path.resolve() not in seen:
                    seen.add(path.resolve())
                    waiting.append(path)
            elif path.suffix.lower() in LUT_SUFFIXES and path.is_file():
                yield path


def _listed(config: Path, folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as problem:
        raise RequestError(
            f"the colour config {config} cannot be archived: {folder}: {problem.strerror}",
            remedy="Check the folder's rights.",
            facts={"config": str(config)},
        ) from None


def _too_large(config: Path, why: str) -> RequestError:
    return RequestError(
        f"the colour config {config} cannot be archived: {why}",
        remedy="Move the config and its LUTs into a folder of their own, or make an .ocioz with ocioarchive.",
        facts={"config": str(config)},
    )


def _forget_old_ones(shelf: Path, newest: Path) -> None:
    """Keep the archives that were packed last; an older one is packed again when it is asked for."""
    kept = sorted(shelf.glob("*.ocioz"), key=lambda path: path.stat().st_mtime, reverse=True)
    abandoned = newest.stat().st_mtime - ABANDONED_SECONDS
    parts = (path for path in shelf.glob(".*.part") if path.stat().st_mtime < abandoned)
    for path in (*kept[KEPT_ARCHIVES:], *parts):
        if path != newest:
            path.unlink(missing_ok=True)
