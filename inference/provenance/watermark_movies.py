"""Reading the mark out of a movie or a still: plainly, mirrored, within its black bars, then by a search for its place.

Deliberately less strict than `picture.movie_reader`: what is to be recognised has been through other hands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import RequestError
from understudy.inference.provenance.watermark_pattern import Pattern
from understudy.inference.provenance.watermark_reading import Reading, read_luma, read_plane, together
from understudy.inference.provenance.watermark_search import Place, active_picture, find_place, put_in_place

FRAMES = 24
"""So many of a movie are looked at unless more are asked for, evenly spread."""
STILLS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp")
_OPENING = {"format_whitelist": "mov,mp4,matroska,webm,mxf,avi", "protocol_whitelist": "file"}  # as in movie_reader

Luma = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class FileReading:
    """What a file says."""

    reading: Reading
    place: Place
    """Which part of the marked picture the file shows, as far as that was looked for."""
    how: str
    """`whole`, `mirrored`, `within bars` or `searched`: how it was read, or what was tried last."""


def read_file(path: Path, key: bytes, *, frames: int = FRAMES, search: bool = True) -> FileReading:
    """Return what the mark in a movie or a still says. `search` looks for cropped pictures too: a few seconds.

    Holds one picture at a time. Raises RequestError for a file that is neither.
    """
    return read_pictures(lambda: _luma(path, frames), key, search=search)


def read_pictures(again: Callable[[], Iterable[Luma]], key: bytes, *, search: bool = True) -> FileReading:
    """Return what the mark in pictures says. again: gives their luma, (height, width) uint8, all of one size, anew each
    time it is called, at most three times.
    """
    pattern = Pattern.of_key(key)
    plane, count = together(read_luma(luma) for luma in again())
    found = FileReading(read_plane(plane, pattern, frames=count), Place(), "whole")
    if found.reading.found or not search or not count:
        return found
    mirrored = read_plane(np.ascontiguousarray(plane[:, ::-1]), pattern, frames=count, tried=2)
    if mirrored.found:
        return FileReading(mirrored, Place(), "mirrored")
    tried = 2
    inside = _active(again())
    if inside is not None:
        tried += 1
        rows, columns = inside
        plane, count = together(read_luma(luma[rows, columns]) for luma in again())
        found = FileReading(read_plane(plane, pattern, frames=count, tried=tried), Place(), "within bars")
        if found.reading.found:
            return found
    place, _, places = find_place(plane, pattern)
    moved = read_plane(put_in_place(plane, place), pattern, frames=count, tried=tried + places)
    return FileReading(moved, place, "searched")


def _active(pictures: Iterable[Luma]) -> tuple[slice, slice] | None:
    """Return the rows and columns within black bars, None where there are none."""
    brightest = reduce(np.maximum, pictures)
    rows, columns = active_picture(brightest)
    whole = (rows.stop - rows.start, columns.stop - columns.start) == brightest.shape
    return None if whole else (rows, columns)


def _luma(path: Path, frames: int) -> Iterator[Luma]:
    """Yield the luma of at most `frames` pictures, evenly spread, (height, width) uint8, all of one size."""
    if path.suffix.lower() in STILLS:
        yield _still(path)
        return
    try:
        with av.open(str(path), container_options=_OPENING) as movie:
            if not movie.streams.video:
                raise _unreadable(path, "there is no picture in it")
            yield from _evenly(movie, frames)
    except (av.error.FFmpegError, OSError) as problem:
        raise _unreadable(path, str(problem.strerror)) from None


def _evenly(movie: av.container.InputContainer, frames: int) -> Iterator[Luma]:
    stream = movie.streams.video[0]
    stream.thread_type = "AUTO"
    length = stream.frames or int(float((movie.duration or 0) / 1e6) * float(stream.average_rate or 24))
    step = max(1, -(-length // frames))
    size: tuple[int, ...] | None = None
    for frame in islice(movie.decode(stream), 0, None, step):
        luma = np.asarray(frame.to_ndarray(format="gray"), np.uint8)
        if size is None or luma.shape == size:
            size = luma.shape
            yield luma


def _still(path: Path) -> Luma:
    try:
        decoded = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_GRAYSCALE)
    except (OSError, cv2.error) as problem:
        raise _unreadable(path, str(problem)) from None
    if decoded is None:
        raise _unreadable(path, "it is no picture")
    return np.asarray(decoded, np.uint8)


def _unreadable(path: Path, why: str) -> RequestError:
    return RequestError(
        f"{path} cannot be looked at for a mark: {why}",
        remedy="Give a review movie, or a PNG or JPEG picture of one. Layers and mattes carry no mark.",
    )
