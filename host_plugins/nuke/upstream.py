"""Where an input's pictures come from: the untouched files of a Read, or something that only Nuke can make.

Whatever is not certain counts as touched: then Nuke renders it, which is right by construction.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import nuke

from understudy.bridge.errors import HostError
from understudy.bridge.frames import FilePattern, FrameRange
from understudy.bridge.host import Footage
from understudy.bridge.typed_files import MOVIE_SUFFIXES
from understudy.host_plugins.nuke.colour import source_space
from understudy.host_plugins.nuke.file_text import counts_in_folders, source_pattern
from understudy.host_plugins.nuke.read_files import shows_otherwise

STILL_SUFFIXES = frozenset((".exr", ".dpx", ".cin", ".tif", ".tiff", ".png", ".jpg", ".jpeg", ".webp", ".hdr"))
_TRANSPARENT = ("Dot", "NoOp")
_HELD = "hold"


class Untouched(NamedTuple):
    """A Read whose files are what the pipe shows, and how its frames are counted."""

    read: nuke.Node
    pattern: FilePattern
    shift: int
    """The script's frame number less the file's."""
    space: str

    @property
    def suffix(self) -> str:
        return Path(self.pattern.text).suffix.lower()


def source_of(pipe: nuke.Node) -> nuke.Node:
    """Return the node that makes what `pipe` shows, past dots, disabled nodes and the inputs of groups around."""
    seen = {pipe.fullName()}
    while True:
        above = _above(pipe)
        if above is None or above.fullName() in seen:
            return pipe
        seen.add(above.fullName())
        pipe = above


def untouched(pipe: nuke.Node, view: str) -> Untouched | None:
    """Return the Read whose files can be handed over for this pipe as they are, or None. Proxy mode must be off.

    Raises nothing but what Nuke raises for a broken file text.
    """
    read = source_of(pipe)
    if read.Class() != "Read" or _off(read) or _switched(read):
        return None
    pattern = source_pattern(read, view)
    if pattern is None or counts_in_folders(pattern):
        return None
    space = source_space(read)
    shift = _shift(read)
    if space is None or shift is None or _curve_unpremultiplies(read) or shows_otherwise(read, pattern):
        return None
    found = Untouched(read, pattern, shift, space)
    return found if found.suffix in STILL_SUFFIXES | MOVIE_SUFFIXES else None


def footage(source: Untouched, frames: FrameRange) -> Footage | None:
    """Return the files for these frames of the script; None when the Read makes frames up beyond its own range.

    Every frame is named, whether its file is there or not: whoever opens it, in another thread, says which is missing.
    """
    read, pattern = source.read, source.pattern
    first, last = int(read["first"].value()) + source.shift, int(read["last"].value()) + source.shift
    if not pattern.numbered and source.suffix not in MOVIE_SUFFIXES:
        return _still(source, frames, first, last)
    if frames.first < first or frames.last > last:
        return None
    if source.suffix in MOVIE_SUFFIXES:
        opening = int(read["origfirst"].value()) if read.knob("origfirst") is not None else 1
        return Footage(typed=pattern.text, first=opening + source.shift, colour=source.space)
    texts = pattern.texts(frame - source.shift for frame in frames)
    files = {number + source.shift: text for number, text in texts.items()}
    # What is typed tells two Reads of the same files apart that count them otherwise.
    typed = f"{pattern.text} ({source.shift:+})" if source.shift else pattern.text
    return Footage(typed=typed, files=files, colour=source.space)


def still_file(source: Untouched, frame: int) -> str:
    """Return the one file that the Read shows at `frame`, held at its ends. Raises HostError when it is not there."""
    read = source.read
    inside = min(max(frame - source.shift, int(read["first"].value())), int(read["last"].value()))
    path = source.pattern.path(inside)
    if not path.is_file():
        raise HostError(
            f"{read.fullName()}: there is no file {path}", remedy="Point the Read at a picture that is there."
        )
    return str(path)


def _above(node: nuke.Node) -> nuke.Node | None:
    """Return what stands above a node that changes no pixel; None for one that does, or where nothing is above."""
    if node.Class() == "Input":
        group = node.parent()
        number = node.knob("number")
        return group.input(int(number.value())) if group is not None and number is not None else None
    if node.Class() in _TRANSPARENT or (_off(node) and not _switched(node) and node.Class() != "Read"):
        return node.input(0)
    return None


def _off(node: nuke.Node) -> bool:
    knob = node.knob("disable")
    return knob is not None and bool(knob.value())


def _switched(node: nuke.Node) -> bool:
    """Say whether the node is on at one frame and off at another, or in a render and not here."""
    knob = node.knob("disable")
    return knob is not None and (knob.hasExpression() or knob.isAnimated())


def _shift(read: nuke.Node) -> int | None:
    """Return how far the Read moves its frames; None where that cannot be told for certain.

    The sign of `offset` is not documented: what Nuke says the Read's first frame is decides, and must agree.
    """
    mode, said = str(read["frame_mode"].value()), str(read["frame"].value() or "").strip()
    moved = read.firstFrame() - int(read["first"].value())
    if mode == "expression":
        return 0 if said in ("", "frame") else None
    try:
        number = int(float(said)) if said else 0
    except ValueError:
        return None
    if mode == "start at":
        return moved if read.firstFrame() == number else None
    if mode == "offset":
        return moved if abs(moved) == abs(number) else None
    return None


def _curve_unpremultiplies(read: nuke.Node) -> bool:
    """Say whether the Read divides by alpha around its curve, as the daemon would not."""
    knob = read.knob("premultiplied")
    return knob is not None and bool(knob.value()) and not read["raw"].value()


def _still(source: Untouched, frames: FrameRange, first: int, last: int) -> Footage | None:
    held = all(source.read[end].value() == _HELD for end in ("before", "after"))
    if not held and (frames.first < first or frames.last > last):
        return None
    return Footage(typed=still_file(source, frames.first), colour=source.space)
