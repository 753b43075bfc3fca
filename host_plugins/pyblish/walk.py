"""The door through which a publish looks upstream: every file that goes into what is published, and where it is used.

One implementation a host (`nuke_walk.py`, `blender_walk.py`, `resolve_walk.py`). It knows nothing of layers: it names
files, and what it could not look into. Too much is harmless, too little is not: where a host cannot tell whether
something is used, it is yielded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from understudy.bridge.frames import FilePattern


class Use(NamedTuple):
    """Files that go into what is published, at one place of the document."""

    typed: str
    """A pattern (#### or %04d), a movie or a still, absolute."""
    where: str
    """The host's own words: a node, a strip, a clip, with the groups or timelines that it lies in."""
    frames: tuple[int, int] | None = None
    """The file numbers that are used, both ends included; None = every one on disk."""
    unseen: str = ""
    """Why the host could not look into it; then there are no files."""

    def files(self) -> Mapping[int | None, Path]:
        """Return file number to file, also of files that should be there and are not. Reads the folder.

        None is the number of a file without one. A pattern without any file gives the pattern itself.
        """
        pattern = FilePattern(self.typed)
        if not pattern.numbered or Path(self.typed).is_file():
            return {None: Path(self.typed)}
        if self.frames is not None:
            first, last = self.frames
            return {frame: pattern.path(frame) for frame in range(first, last + 1)}
        found: dict[int | None, Path] = {frame: path for frame, path in pattern.frames_on_disk().items()}  # noqa: C416
        return found or {None: Path(self.typed)}


class Upstream(Protocol):
    """A host's document, seen from what is published. Called on the host's main thread."""

    host: str

    def uses(self, published: str) -> Iterator[Use]:
        """Yield what goes into `published`, the host's name of a node, scene or timeline; empty = the whole document.

        What one place of the document renders and another reads again is followed on to what it was rendered from.
        Changes nothing. Raises HostError for a name that is not there.
        """


_NUMBER_FIELD = re.compile(r"#+|%0?\d*d")


def same_files(one: str, other: str) -> bool:
    """Say whether two texts name the same files, however each writes the number's place. Pure."""

    def plain(text: str) -> str:
        return _NUMBER_FIELD.sub("#", text.replace("\\", "/"))

    return bool(one) and plain(one) == plain(other)
