"""Mattes frame by frame at the plate's display size, whatever their files are: data from 0 to 1, no curve."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import PlateError
from understudy.bridge.frames import FrameRange
from understudy.bridge.shot import Matte, PictureFile
from understudy.inference.picture.images import read_matte
from understudy.inference.picture.layers import fit_window
from understudy.inference.picture.movies import MovieReader
from understudy.inference.picture.sources import files_by_frame, named_as_typed, path_of

Float = NDArray[np.float32]


class MatteReader:
    """A matte's sequence, movie or still as frames. Safe on any thread; frames of a sequence decode side by side.

    `size` is the (width, height) of the plate's display window: a matte of another size is refused, not stretched.
    Raises PlateError, naming files as typed.
    """

    def __init__(
        self,
        matte: Matte,
        paths: Mapping[str, Path | str],
        frames: FrameRange,
        size: tuple[int, int],
        role: str = "matte",
    ) -> None:
        self.frames = frames
        self.size = size
        self._matte = matte
        self._role = role
        self._paths = paths
        self._files = files_by_frame(matte.pictures, frames, role)
        self._lock = threading.Lock()
        self._still: Float | None = None
        self._movie: MovieReader | None = None

    def frame(self, number: int) -> Float:
        """Return (height, width) float32 at the plate's display size, 1 = replace here. Do not write into it."""
        file = self._files.get(number)
        if file is None:
            raise ValueError(f"frame {number} is not in {self.frames}")
        if self._matte.pictures.kind == "movie":
            return self._movie_frame(number, file)
        if self._matte.pictures.kind == "sequence":
            return self._decode(file)
        with self._lock:
            if self._still is None:
                self._still = self._decode(file)
            return self._still

    def close(self) -> None:
        """Close a movie's decoder."""
        with self._lock:
            if self._movie is not None:
                self._movie.close()
                self._movie = None

    def _decode(self, file: PictureFile) -> Float:
        path = path_of(file, self._paths)
        with named_as_typed(path, file.typed):
            pixels, header = read_matte(path, channel=self._matte.channel, invert=self._matte.invert)
        self._refuse_size(file, header.display.width, header.display.height)
        # Outside its data window a matte is black; inverted, that is white.
        whole: Float = fit_window(pixels, header.data, header.display, fill=1.0 if self._matte.invert else 0.0)
        return np.clip(whole, 0.0, 1.0)

    def _movie_frame(self, number: int, file: PictureFile) -> Float:
        path = path_of(file, self._paths)
        index = number - self._matte.pictures.movie_first
        with self._lock, named_as_typed(path, file.typed):
            if self._movie is None:
                self._movie = MovieReader(path)
                self._refuse_size(file, self._movie.width, self._movie.height)
            if not 0 <= index < self._movie.count:
                first = self._matte.pictures.movie_first
                raise PlateError(
                    f"{self._role} {file.typed} has frames {first}-{first + self._movie.count - 1}, not {number}",
                    remedy="Ask for frames within the movie, or say with --first which number its first picture has.",
                    facts={"file": file.typed, "frame": str(number)},
                )
            return self._movie.read_matte(index, channel=self._matte.channel, invert=self._matte.invert)

    def _refuse_size(self, file: PictureFile, width: int, height: int) -> None:
        if (width, height) != self.size:
            raise PlateError(
                f"{self._role} {file.typed} is {width}x{height}, the plate is {self.size[0]}x{self.size[1]}",
                remedy="Render the matte at the plate's size: a stretched matte would not lie on its edges.",
                facts={"file": file.typed, "size": f"{width}x{height}", "plate": f"{self.size[0]}x{self.size[1]}"},
            )
