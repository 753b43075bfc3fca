"""What stands behind the performer: other frames that show it, else a piece of its surroundings.

Frames are brought together by the camera's move. A camera that stays about where it is needs one panel for the whole
shot; one that travels gets a panel every second or so, and a frame lies between two of them. Memory does not grow with
the shot.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.engines.camera import CameraMove, Look, move_between
from understudy.inference.engines.patches import fill_from_surroundings
from understudy.inference.engines.smooth import blur, disc, grey_levels, resized, shrink, spread

Array = NDArray[np.float32]
Mask = NDArray[np.uint8]
Matrix = NDArray[np.float64]
Window = tuple[slice, slice]

Read = Callable[[int], tuple[Array, Array]]
"""Frame number to plate (h, w, 3) and hidden part (h, w)."""

PANEL_STEP = 24
SOURCE_STEP = 12
SOURCES_EACH_WAY = 3
KEPT_SOURCES = 2 * SOURCES_EACH_WAY + 3
NEAR = 0.08
"""A camera that moves the picture by less than this share of its width over the whole shot needs one panel."""
EDGE_PIXELS_AT_1280 = 7.0
"""The performer's edge reaches this far past the matte: hair, motion blur, compression."""


@dataclass(frozen=True, slots=True)
class Source:
    """One frame kept for its background."""

    picture: NDArray[np.float16]
    hidden: Mask
    """(h, w): 1 where the performer, or what passes in front, covers the background."""
    look: Look


@dataclass(frozen=True, slots=True)
class Panel:
    """The whole background as seen from one frame."""

    picture: Array
    known: NDArray[np.bool_]
    """(h, w): False where no frame that was looked at shows the background, and it is made from its surroundings."""
    look: Look


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """A frame without its performer."""

    picture: Array
    """(h, w, 3)."""
    seen: Array
    """(h, w), 0 to 1: 1 where this frame or others show the background, 0 where it is invented."""
    found: bool
    """False where the camera's move was not found, and everything behind the performer is invented."""


class Background:
    """Rebuilds the background behind the performer. One thread; the same answer in any order of frames."""

    def __init__(self, read: Read, frames: tuple[int, ...], size: tuple[int, int], seed: int) -> None:
        """`size` (height, width) is the small size at which the camera is followed."""
        self._read = read
        self._frames = frames
        self._size = size
        self._seed = seed
        self._sources: OrderedDict[int, Source] = OrderedDict()
        self._panels: OrderedDict[int, Panel] = OrderedDict()
        self._looked_at: list[int] = []
        self.near = True
        """One panel does for the whole shot."""

    def look_at(self, position: int) -> None:
        """Take a surveyed frame into account. Called for a few positions in order, before any `clean`."""
        source = self._source(position)
        if self._looked_at and self.near:
            move = move_between(self._source(self._looked_at[0]).look, source.look)
            self.near = _farthest(move, self._size) < NEAR * self._size[1]
        self._looked_at.append(position)

    def clean(self, frame: int, plate: Array, hidden: Array) -> tuple[Array, bool]:
        """Return `plate` (h, w, 3) with what is `hidden` (h, w) replaced by the background.

        The second value is False where the camera's move was not found and all of it had to be invented.
        """
        rebuilt = self.rebuild(frame, plate, hidden)
        return rebuilt.picture, rebuilt.found

    def rebuild(self, frame: int, plate: Array, hidden: Array) -> Rebuilt:
        """Return the same as `clean`, with where it was seen."""
        hole = _hole(hidden)
        seen = np.ones(hole.shape, np.float32)
        if not hole.any():
            return Rebuilt(plate, seen, True)
        reach = _reach(plate.shape)
        window = _around(hole, 4 * reach)
        shown = self._behind(frame, _look(plate, hole, self._size), window, hole.shape)
        if shown is None:
            invented = fill_from_surroundings(plate, hole == 0, self._seed)[window]
            behind, known = invented, np.zeros(invented.shape[:2], np.float32)
        else:
            behind, known = shown
        result = plate.copy()
        result[window] = _laid_in(plate[window], behind, hole[window], reach)
        seen[window] = np.where(hole[window] > 0, known, np.float32(1))
        return Rebuilt(result, seen, shown is not None)

    def _source(self, position: int) -> Source:
        """Return a frame's background, read again when it is no longer kept."""
        if position not in self._sources:
            picture, hidden = self._read(self._frames[position])
            hole = _hole(hidden)
            self._sources[position] = Source(picture.astype(np.float16), hole, _look(picture, hole, self._size))
            while len(self._sources) > KEPT_SOURCES:
                self._sources.popitem(last=False)
        self._sources.move_to_end(position)
        return self._sources[position]

    def _behind(self, frame: int, look: Look, window: Window, shape: tuple[int, ...]) -> tuple[Array, Array] | None:
        """Return the window's background from the panels near the frame, and where they know it; None where the
        camera's move was not found."""
        seen = []
        for position, weight in self._panels_for(self._frames.index(frame)):
            panel = self._panel(position)
            move = move_between(look, panel.look)
            if move.found or self.near:
                picture = _cut(panel.picture, move.matrix, window, self._size, shape)
                known = _open((~panel.known).astype(np.uint8), move.matrix, window, self._size)
                seen.append((picture, known, weight))
        if not seen:
            return None
        total = sum(weight for _, _, weight in seen)
        return (
            np.asarray(sum(picture * np.float32(weight / total) for picture, _, weight in seen), np.float32),
            np.asarray(sum(known * np.float32(weight / total) for _, known, weight in seen), np.float32),
        )

    def _panels_for(self, position: int) -> list[tuple[int, float]]:
        if self.near:
            return [(self._looked_at[0], 1.0)]
        last = len(self._frames) - 1
        before = position // PANEL_STEP * PANEL_STEP
        after = min(before + PANEL_STEP, last)
        share = (position - before) / max(after - before, 1)
        return [(place, weight) for place, weight in ((before, 1.0 - share), (after, share)) if weight > 0.0]

    def _panel(self, position: int) -> Panel:
        if position not in self._panels:
            while len(self._panels) >= 2:
                self._panels.popitem(last=False)
            centre = self._source(position)
            others = self._looked_at[1:] if self.near else None
            around = self._nearby(position, centre) if others is None else self._direct(centre, others)
            picture, known = _median([(centre, np.eye(3)), *around])
            if self.near:
                self._sources.clear()
            filled = fill_from_surroundings(picture, known, self._seed)
            self._panels[position] = Panel(filled, known, centre.look)
        self._panels.move_to_end(position)
        return self._panels[position]

    def _direct(self, centre: Source, positions: list[int]) -> list[tuple[Source, Matrix]]:
        sources = [self._source(position) for position in positions]
        moves = [move_between(centre.look, source.look) for source in sources]
        return [(source, move.matrix) for source, move in zip(sources, moves, strict=True) if move.found]

    def _nearby(self, position: int, centre: Source) -> list[tuple[Source, Matrix]]:
        """Return the sources on both sides with the move from the panel to each; a side ends where a move is lost."""
        found: list[tuple[Source, Matrix]] = []
        for way in (-1, 1):
            path, previous = np.eye(3), centre
            for step in range(1, SOURCES_EACH_WAY + 1):
                other = position + way * step * SOURCE_STEP
                if not 0 <= other < len(self._frames):
                    break
                source = self._source(other)
                move = move_between(previous.look, source.look)
                if not move.found:
                    break
                path, previous = move.matrix @ path, source
                found.append((source, path))
        return found


def _reach(shape: tuple[int, ...]) -> int:
    return max(3, round(EDGE_PIXELS_AT_1280 * max(shape[:2]) / 1280))


def _hole(hidden: Array) -> Mask:
    """Return the hidden part with the performer's soft edge, as 0 and 1."""
    covered = (hidden > 0.02).astype(np.uint8)
    return np.asarray(cv2.dilate(covered, disc(2 * _reach(hidden.shape) + 1)), np.uint8)


def _look(picture: Array, hole: Mask, size: tuple[int, int]) -> Look:
    return Look(grey_levels(shrink(picture, size)).astype(np.uint8), shrink(hole.astype(np.float32), size) > 0.02)


def _around(hole: Mask, margin: int) -> Window:
    rows, columns = np.nonzero(hole.any(axis=1))[0], np.nonzero(hole.any(axis=0))[0]
    top, left = max(0, int(rows[0]) - margin), max(0, int(columns[0]) - margin)
    return slice(top, int(rows[-1]) + margin + 1), slice(left, int(columns[-1]) + margin + 1)


def _farthest(move: CameraMove, size: tuple[int, int]) -> float:
    """Return how far the move carries a corner of the picture; a move that was not found counts as none."""
    height, width = size
    corners = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]], np.float64)
    there = corners @ move.matrix.T
    return float(np.linalg.norm(there[:, :2] / there[:, 2:] - corners[:, :2], axis=1).max())


def _full(matrix: Matrix, size: tuple[int, int], shape: tuple[int, ...]) -> Matrix:
    """Return a move measured at the small size as one of full-size pixels."""
    down, across = size[0] / shape[0], size[1] / shape[1]
    small = np.array([[across, 0, 0.5 * across - 0.5], [0, down, 0.5 * down - 0.5], [0, 0, 1]], np.float64)
    return np.asarray(np.linalg.inv(small) @ matrix @ small)


def _cut(picture: Array, matrix: Matrix, window: Window, size: tuple[int, int], shape: tuple[int, ...]) -> Array:
    """Return the window of `picture` as it is seen after the move."""
    rows, columns = (range(*part.indices(length)) for part, length in zip(window, shape, strict=False))
    if np.array_equal(matrix, np.eye(3)):
        return picture[window]
    onto = _full(matrix, size, shape) @ np.array([[1, 0, columns[0]], [0, 1, rows[0]], [0, 0, 1]], np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    seen = cv2.warpPerspective(picture, onto, (len(columns), len(rows)), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen, np.float32)


def _median(sources: list[tuple[Source, Matrix]]) -> tuple[Array, NDArray[np.bool_]]:
    """Return the first source's picture with its hidden part from the median of those that show it, and what is known.

    Each comes with the small-size move from the first one to it.
    """
    centre = sources[0][0]
    shape, size = centre.hidden.shape, centre.look.grey.shape
    picture, known = centre.picture.astype(np.float32), np.ones(shape, bool)
    if not centre.hidden.any():
        return picture, known
    window = _around(centre.hidden, 2 * _reach(shape))
    stack, shown = [], []
    for source, matrix in sources:
        stack.append(_cut(source.picture.astype(np.float32), matrix, window, size, shape))
        shown.append(_open(source.hidden, matrix, window, size))
    seen = np.stack(shown)
    count = seen.sum(axis=0)
    values = np.where(seen[..., None], np.stack(stack), np.float32(np.inf))
    values.sort(axis=0)
    middle = np.broadcast_to(np.maximum(0, (count - 1) // 2)[None, ..., None], (1, *values.shape[1:]))
    found = np.take_along_axis(values, middle, axis=0)[0]
    own = centre.hidden[window] == 0
    picture[window] = np.where(own[..., None] | (count == 0)[..., None], picture[window], found)
    known[window] = own | (count > 0)
    return picture, known


def _open(hidden: Mask, matrix: Matrix, window: Window, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Return where, in the window after the move, the source shows its background; not so past its edge."""
    bordered = cv2.copyMakeBorder(hidden.astype(np.float32), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=1.0)
    if np.array_equal(matrix, np.eye(3)):
        return np.asarray(hidden[window] == 0)
    rows, columns = (range(*part.indices(length)) for part, length in zip(window, hidden.shape, strict=False))
    onto = _full(matrix, size, hidden.shape) @ np.array([[1, 0, columns[0]], [0, 1, rows[0]], [0, 0, 1]], np.float64)
    onto = np.array([[1, 0, 1], [0, 1, 1], [0, 0, 1]], np.float64) @ onto
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    covered = cv2.warpPerspective(bordered, onto, (len(columns), len(rows)), flags=flags, borderValue=1.0)
    return np.asarray(covered < 0.01)


def _laid_in(plate: Array, behind: Array, hole: Mask, reach: int) -> Array:
    """Return the plate with `behind` in the hole, brought to the level of this frame's rim and faded in at the edge."""
    rim = ((cv2.dilate(hole, disc(4 * reach + 1)) > 0) & (hole == 0)).astype(np.float32)
    size = (max(4, round(plate.shape[0] / reach)), max(4, round(plate.shape[1] / reach)))
    difference = np.asarray(plate - behind, np.float32)
    weight = shrink(rim, size)
    offset = shrink(difference * rim[..., None], size) / np.maximum(weight, 1e-6)[..., None]
    level = resized(blur(spread(np.asarray(offset, np.float32), np.minimum(1.0, weight)), 1.0), *plate.shape[:2])
    inside = cv2.erode(hole, disc(reach), borderValue=1).astype(np.float32)
    fade = np.minimum(blur(inside, reach / 2.5), hole)[..., None]
    return np.asarray(plate + (level - difference) * fade, np.float32)
