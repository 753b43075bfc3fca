"""What is to be verified: a file, a numbered sequence, a folder, and the signed list above it, wherever that was moved.

Reads names alone. Nothing that is no plain file is ever opened, and no link is followed.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from understudy.bridge.errors import RequestError
from understudy.bridge.take import EARLIER, PROVISIONAL
from understudy.inference.provenance.frame_list import FINAL_LIST, FINAL_SEAL, LIST_NAME, SEAL_NAME

SEALS = ((LIST_NAME, SEAL_NAME), (FINAL_LIST, FINAL_SEAL))
"""A version's list and its seal, and those that lie beside a published final."""
CLIMB = 8
"""How far above a file its version is looked for: a show's template may put several folders between them."""
FILES_LIMIT = 200_000
_NUMBER = re.compile(r"#+|%0?\d*d")


@dataclass(frozen=True, slots=True)
class Subject:
    """What a person asked about. Paths are relative to `base`, with forward slashes."""

    asked: str
    base: Path
    """The folder of the list; where there is none, the folder that was asked about, or the file's."""
    seal: tuple[str, str] | None
    """Names of the list and of its seal; None = there is neither."""
    paths: tuple[str, ...]
    """Every file on disk that is meant, in order; never the list and its seal."""
    inside: Callable[[str], bool]
    """Whether a path that a list has is meant."""
    whole: bool
    """Whether all of a version is meant, and not a part of it."""


def subject_of(path: Path) -> Subject:
    """Return what is at `path`: a file, a folder, or `name.####.exr`. Raises RequestError where there is nothing."""
    place = path.absolute()
    if ".." in place.parts and "\0" not in str(place):
        place = place.resolve()  # else what lies above it would be looked for below
    number = _NUMBER.search(place.name)
    if number is not None and not _exists(place):
        expression = re.escape(place.name[: number.start()]) + r"-?\d+" + re.escape(place.name[number.end() :])
        matches = re.compile(expression + r"\Z")
        found = [one for one in _files_under(place.parent, deep=False) if matches.match(one.name)]
        return _subject(path, place.parent, found, lambda name: matches.match(name) is not None)
    if not _exists(place):
        raise RequestError(f"{path} is not there", remedy="Name a file, a folder, or a sequence as name.####.exr.")
    if place.is_dir() and not place.is_symlink():
        return _subject(path, place, list(_files_under(place, deep=True)), None)
    if not stat.S_ISREG(place.lstat().st_mode):
        raise RequestError(f"{path} is no plain file", remedy="Name the file itself, not a link or a device.")
    return _subject(path, place.parent, [place], lambda name: name == place.name)


def _subject(asked: Path, folder: Path, found: list[Path], named: Callable[[str], bool] | None) -> Subject:
    """`named`: whether a file's name in `folder` is meant; None = everything below it is."""
    base, seal = _sealed_above(folder)
    at = "" if base == folder else folder.relative_to(base).as_posix() + "/"

    def inside(path: str) -> bool:
        rest = path.removeprefix(at) if path.startswith(at) else None
        return rest is not None and (named is None or named(rest))

    names = (one.relative_to(base).as_posix() for one in found)
    return Subject(
        asked=str(asked),
        base=base,
        seal=seal,
        paths=tuple(sorted(name for name in names if seal is None or name not in seal)),
        inside=inside,
        whole=named is None and base == folder and seal == SEALS[0],
    )


def _sealed_above(folder: Path) -> tuple[Path, tuple[str, str] | None]:
    """Return the nearest folder that holds a list or a seal, and their names; else `folder` itself."""
    for place in [folder, *folder.parents][:CLIMB]:
        for seal in SEALS:
            if any(_exists(place / name) for name in seal):
                return place, seal
        if place.name == EARLIER:
            break  # what lies above is another take
    return folder, None


def _files_under(folder: Path, *, deep: bool) -> Iterator[Path]:
    """Yield all that is no folder, links too. A take in an artist's folder has earlier ones beside it: not theirs."""
    count = 0
    found = folder.rglob("*") if deep else folder.iterdir()
    try:
        for path in found:
            first = path.relative_to(folder).parts[0]
            if first in (EARLIER, PROVISIONAL) or (path.is_dir() and not path.is_symlink()):
                continue
            count += 1
            if count > FILES_LIMIT:
                raise RequestError(f"{folder} holds more than {FILES_LIMIT} files", remedy="Name one version.")
            yield path
    except OSError as problem:
        raise RequestError(f"{folder} cannot be read: {problem.strerror}", remedy="Check its rights.") from None


def _exists(path: Path) -> bool:
    try:
        path.lstat()
    except (OSError, ValueError):  # a name that no file can have
        return False
    return True
