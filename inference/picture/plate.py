"""A plate frame by frame, in the space it is comped in, whatever its files are.

By class of plate: a scene-linear half or float EXR is handed on bit for bit, in its own space. All else (integers, log
and display encodings, movies) is converted once, to the config's scene_linear, as OCIO alone would.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import Finding, PlateError
from understudy.bridge.frames import FrameRange
from understudy.bridge.shot import PictureFile, Plate
from understudy.inference.picture.attributes import MOMENT
from understudy.inference.picture.colour import ColourConfig
from understudy.inference.picture.header import Header, Image, Window
from understudy.inference.picture.images import read_header, read_image
from understudy.inference.picture.movies import MovieReader
from understudy.inference.picture.source_colour import decide_colour
from understudy.inference.picture.sources import files_by_frame, named_as_typed, path_of
from understudy.inference.picture.timecode import later_timecode

Kind = Literal["half", "float", "converted"]


@dataclass(frozen=True, slots=True)
class PlateFrame:
    """One frame of a plate. Do not write into `pixels`: a still gives the same array for every frame."""

    frame: int
    pixels: NDArray[np.float16] | NDArray[np.float32]
    """(data.height, data.width, channels) in the reader's `working_space`: the file's own half or float, or float32."""
    channels: tuple[str, ...]
    """R, G, B or R, G, B, A; alpha as the file holds it."""
    data: Window
    attributes: dict[str, Any] = field(default_factory=dict)
    """The frame's own header, all of it, but of a still that is several frames its moment:
    `attributes.kept_attributes` says what a layer takes over.
    """
    timecode: str | None = None


class PlateReader:
    """A sequence, a movie or a still as frames. Safe on any thread; frames of a sequence decode side by side.

    `space` is declared, tagged or assumed (then `findings` says so); `working_space` is what `frame` gives.
    Raises PlateError for what is missing, damaged or disagrees, naming files as typed; RequestError for a colour space
    that the config lacks.
    """

    def __init__(
        self,
        plate: Plate,
        paths: Mapping[str, Path | str],
        frames: FrameRange,
        config: ColourConfig,
        role: str = "plate",
    ) -> None:
        self.frames = frames
        self.config = config
        self._pictures = plate.pictures
        self._role = role
        self._paths = paths
        self._files = files_by_frame(plate.pictures, frames, role)
        self._lock = threading.Lock()
        self._still: Image | None = None
        self._movie = self._open_movie() if plate.pictures.kind == "movie" else None
        self.header = self._first_header()
        self.space, assumed = decide_colour(self.header, plate.pictures, config, role)
        self.findings: tuple[Finding, ...] = () if assumed is None else (assumed,)
        own = self.header.format == "exr" and config.is_linear(self.space)
        self.kind: Kind = ("half" if self.header.pixel_type == "half" else "float") if own else "converted"
        self.working_space = self.space if own else config.scene_linear
        self.display = self.header.display
        self.pixel_aspect = plate.pixel_aspect or self.header.pixel_aspect
        self.rate: Fraction | None = self.header.rate

    @property
    def display_referred(self) -> bool:
        """Say whether the source was made for a display: then its exposure is left alone."""
        return self.config.is_display_referred(self.space)

    @property
    def interop_id(self) -> str | None:
        """Return the id of `working_space` for the headers of picture layers; None leaves them the plate's own tags."""
        return self.config.interop_id(self.working_space)

    def frame(self, number: int) -> PlateFrame:
        """Return frame `number`, one of `frames`, decoded anew (but for a still)."""
        file = self._file(number)
        if self._movie is not None:
            return self._movie_frame(self._movie, number, file)
        image = self._image(file)
        pixels: NDArray[Any] = image.pixels
        if self.kind == "converted":
            pixels = self.config.convert(pixels, self.space, self.working_space)
        attributes, code = image.header.attributes, image.header.timecode
        if self._pictures.kind == "still":
            code = None
            if len(self.frames) > 1:
                attributes = {name: value for name, value in attributes.items() if name not in MOMENT}
        return PlateFrame(number, pixels, image.channels, image.header.data, attributes, code)

    def close(self) -> None:
        """Close a movie's decoder."""
        if self._movie is not None:
            self._movie.close()

    def _file(self, number: int) -> PictureFile:
        try:
            return self._files[number]
        except KeyError:
            raise ValueError(f"frame {number} is not in {self.frames}") from None

    def _image(self, file: PictureFile) -> Image:
        if self._pictures.kind != "still":
            return self._decode(file)
        with self._lock:
            if self._still is None:
                self._still = self._decode(file)
            return self._still

    def _decode(self, file: PictureFile) -> Image:
        path = path_of(file, self._paths)
        with named_as_typed(path, file.typed):
            image = read_image(path, layer=self._pictures.layer, view=self._pictures.view)
        self._refuse_change(file, image.header)
        return image

    def _refuse_change(self, file: PictureFile, header: Header) -> None:
        """Every frame agrees with the first in size, pixel type and shape; data windows may move."""
        first = next(iter(self._files.values()))
        told = (
            ("picture size", _size(self.header.display), _size(header.display)),
            ("pixel type", self.header.pixel_type, header.pixel_type),
            ("pixel aspect", f"{self.header.pixel_aspect:g}", f"{header.pixel_aspect:g}"),
        )
        for what, before, now in told:
            if before != now:
                raise PlateError(
                    f"{file.typed}: its {what} is {now}, but {first.typed} has {before}",
                    remedy="Render the whole range alike, or submit the parts as shots of their own.",
                    facts={"file": file.typed, "first": first.typed, what: now},
                )

    def _first_header(self) -> Header:
        if self._movie is not None:
            return self._movie.header
        file = next(iter(self._files.values()))
        path = path_of(file, self._paths)
        with named_as_typed(path, file.typed):
            return read_header(path, self._pictures.layer, self._pictures.view)

    def _open_movie(self) -> MovieReader:
        file = self._pictures.files[0]
        path = path_of(file, self._paths)
        with named_as_typed(path, file.typed):
            movie = MovieReader(path)
        first = self._pictures.movie_first
        last = first + movie.count - 1
        if self.frames.first < first or self.frames.last > last:
            movie.close()
            raise PlateError(
                f"{self._role} {file.typed} has frames {first}-{last}, asked for {self.frames}",
                remedy="Ask for frames within the movie, or say with --first which number its first picture has.",
                facts={"file": file.typed, "first": str(first), "last": str(last)},
            )
        return movie

    def _movie_frame(self, movie: MovieReader, number: int, file: PictureFile) -> PlateFrame:
        index = number - self._pictures.movie_first
        with self._lock, named_as_typed(movie.path, file.typed):
            codes = movie.read(index)
        pixels = self.config.convert(codes, self.space, self.working_space)
        start = self.header.timecode
        code = None if start is None else later_timecode(start, index, movie.rate)
        return PlateFrame(number, pixels, ("R", "G", "B"), self.header.data, {}, code)


def _size(window: Window) -> str:
    return f"{window.width}x{window.height}"
