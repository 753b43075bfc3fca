"""What is asked of the reader, and what comes of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from understudy.ui.frames.exr import Picture
from understudy.ui.frames.remote import FrameFile
from understudy.ui.frames.view import BakeError, Codes, Kind, Look


class Key(NamedTuple):
    """What a reduced picture is made of."""

    path: FrameFile
    factor: int
    """0 where a frame elsewhere has part in it: of that one there is one proxy, whatever the zoom."""
    minus: FrameFile | None = None
    """The picture whose colours are taken from it."""
    rough: bool = False
    """For a head that moves: see `reduce`."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One picture to be shown. `place` names where on the screen: a newer wish for it replaces an older one."""

    place: str
    path: FrameFile
    frame: int
    factor: int
    look: Look
    kind: Kind = "picture"
    channel: str = "RGB"
    region: tuple[int, int, int, int] | None = None
    """Left, top, right, bottom in the display window's coordinates; None for all that there is."""
    rough: bool = False
    minus: FrameFile | None = None
    """Show the difference to this file, computed at full size before anything is reduced; of means of the same cells
    where one of the two lies elsewhere."""
    serial: int = 0
    """Counts the wishes of whoever asks: threads finish in any order."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What came of a wish: codes over a part of the frame, or why there is no picture."""

    wanted: Wanted
    codes: Codes | None
    rectangle: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Left, top, width, height that `codes` cover, in pixels of the display window's coordinates."""
    picture: Picture | None = None
    error: BakeError | None = None
    """Of the view that coloured it; None for one that is OCIO's own, and for data."""
    problem: str = ""


def settled(key: Key) -> Key:
    """Return by what a picture is kept."""
    here = isinstance(key.path, Path) and isinstance(key.minus, Path | None)
    return key if here else Key(key.path, 0, key.minus)


def anywhere(wanted: Wanted) -> Wanted:
    """Return a wish without its place and its number: whatever has the same wish gets the same codes."""
    return replace(wanted, place="", serial=0)


def cut(picture: Picture, region: tuple[int, int, int, int] | None) -> tuple[Picture, tuple[int, int, int, int]]:
    """Return the part of a reduced picture that covers `region`, and which rectangle that is."""
    factor, (height, width) = picture.factor, picture.pixels.shape[:2]
    across, down = picture.origin
    left, top, right, bottom = region or (across, down, across + width * factor, down + height * factor)
    left, top, right, bottom = left - across, top - down, right - across, bottom - down
    columns = (min(max(0, left // factor), width - 1), max(1, min(width, -(-right // factor))))
    rows = (min(max(0, top // factor), height - 1), max(1, min(height, -(-bottom // factor))))
    columns, rows = (columns[0], max(columns[0] + 1, columns[1])), (rows[0], max(rows[0] + 1, rows[1]))
    rectangle = (
        picture.origin[0] + columns[0] * factor,
        picture.origin[1] + rows[0] * factor,
        (columns[1] - columns[0]) * factor,
        (rows[1] - rows[0]) * factor,
    )
    pixels = picture.pixels[rows[0] : rows[1], columns[0] : columns[1]]
    part = Picture(
        pixels, factor, picture.channels, picture.origin, picture.display, picture.pixel_aspect, picture.marks
    )
    return part, rectangle
