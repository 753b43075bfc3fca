"""Small values that nodes give: formats, boxes, ranges of frames."""

from __future__ import annotations

from nuke_stand_in.application import api


class Format:
    said = ""

    def __init__(self, width: int, height: int, aspect: float = 1.0) -> None:
        self._width, self._height, self._aspect = width, height, aspect

    @api("Format.width")
    def width(self) -> int:
        return self._width

    @api("Format.height")
    def height(self) -> int:
        return self._height

    @api("Format.pixelAspect")
    def pixelAspect(self) -> float:  # noqa: N802
        return self._aspect


class Info:
    """A box: x and y of its lower left corner, width and height."""

    said = ""

    def __init__(self, x: float, y: float, w: float, h: float) -> None:
        self._box = (float(x), float(y), float(w), float(h))

    @api("Info.x")
    def x(self) -> float:
        return self._box[0]

    @api("Info.y")
    def y(self) -> float:
        return self._box[1]

    @api("Info.w")
    def w(self) -> float:
        return self._box[2]

    @api("Info.h")
    def h(self) -> float:
        return self._box[3]


class FrameRange:
    said = ""

    def __init__(self, first: int, last: int, increment: int = 1) -> None:
        self._first, self._last, self._increment = first, last, increment

    @api("FrameRange.first")
    def first(self) -> int:
        return self._first

    @api("FrameRange.last")
    def last(self) -> int:
        return self._last
