"""What was typed for an input, told by its name alone: a sequence, a movie or a still, and how its frames are counted.

Apart from `input_files`, which opens and hashes: this much a host needs before anything is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from understudy.bridge.frames import FilePattern

MOVIE_SUFFIXES = frozenset({".mov", ".mp4", ".m4v", ".mxf", ".mkv", ".avi", ".webm"})


class Numbering(NamedTuple):
    """How a host counts frames where its numbers are not those of the files; both by what was typed."""

    files: Mapping[str, Mapping[int, Path]] = {}
    """A sequence's files by frame number."""
    firsts: Mapping[str, int] = {}
    """The frame number of a movie's first picture."""


BY_NAME = Numbering()
"""Files are what their names say."""


def kind_of(typed: str) -> Literal["sequence", "movie", "still"]:
    if Path(typed).suffix.lower() in MOVIE_SUFFIXES:
        return "movie"
    # A file of exactly this name is that file: `hero#2.png` and `100%done.png` are names too.
    return "sequence" if FilePattern(typed).numbered and not Path(typed).is_file() else "still"
