"""Movies of layers that were asked for: ProRes or DNxHR, encoded while a take is read back.

A picture is seen through the review's view; data, a matte, has no colour and keeps its stored values, as far as 0 to 1.
A layer with alpha is unmultiplied before the view (a view is no linear operation) and multiplied again afterwards where
premultiplied was asked for; the file's name says which of the two it holds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from understudy.bridge.shot import DATA_LAYERS, RequestedMovie
from understudy.inference.picture.half_floats import to_float
from understudy.inference.picture.header import Image
from understudy.inference.picture.label import Label
from understudy.inference.picture.layers import fit_window
from understudy.inference.picture.movies import MovieWriter
from understudy.inference.shot_pictures import ShotPictures
from understudy.inference.version import Version

FOLDER = "movies"
VIEW = "understudy_view"
"""What a movie's metadata calls the view that its pictures are seen through."""
NO_VIEW = "none: data, as it is stored"

Codes = NDArray[np.float32]


def movie_path(wanted: RequestedMovie) -> str:
    """Return where a requested movie lies in the version's folder."""
    alpha = f"_{wanted.alpha}" if wanted.kind == "prores_4444" else ""
    return f"{FOLDER}/{wanted.layer}_{wanted.kind}{alpha}.mov"


def opening(frames: tuple[int, ...], pictures: ShotPictures, version: Version) -> tuple[int, ...]:
    """Return the frames of a movie that show the label, where there is one: its first seconds, begun ones whole."""
    return frames[: math.ceil(version.order.label_seconds * pictures.rate)]


class RequestedMovies:
    """The movies of one take, handles included. `codes` is for any thread, the rest for one."""

    def __init__(
        self,
        pictures: ShotPictures,
        version: Version,
        metadata: Mapping[str, str],
        trailer: bytes = b"",
        label: Label | None = None,
    ) -> None:
        """trailer: what follows the last box of each movie. label: what movies of the finished picture open with; one
        of a layer is for a comp and never has it."""
        self._label, self._labelled = label, frozenset(opening(pictures.frames, pictures, version))
        self._picture_layer = version.picture_layer
        self._pictures = pictures
        self.wanted = version.order.job.output.movies
        self.paths = tuple(version.folder / movie_path(wanted) for wanted in self.wanted)
        first = pictures.ground(pictures.frames[0]).timecode if self.wanted else None
        self._writers = [
            MovieWriter(
                _in_folder(path),
                pictures.rate,
                *pictures.size,
                kind=wanted.kind,
                metadata={**metadata, VIEW: NO_VIEW} if wanted.layer in DATA_LAYERS else metadata,
                timecode=first,
                trailer=trailer,
                pixel_aspect=pictures.canvas.pixel_aspect,
            )
            for wanted, path in zip(self.wanted, self.paths, strict=True)
        ]

    def codes(self, frame: int, images: Mapping[str, Image]) -> list[Codes | None]:
        """Return what each movie shows of one frame; None for a layer that cannot be read."""
        return [
            self._opened(frame, wanted, self._codes(wanted, images[wanted.layer])) if wanted.layer in images else None
            for wanted in self.wanted
        ]

    def write(self, codes: list[Codes | None]) -> None:
        for writer, picture in zip(self._writers, codes, strict=True):
            if picture is not None:
                writer.write(picture)

    def close(self) -> None:
        """Finish the movies; one without a single picture never gets its name."""
        for writer in self._writers:
            writer.close() if writer.count else writer.abandon()

    def abandon(self) -> None:
        for writer in self._writers:
            writer.abandon()

    def _opened(self, frame: int, wanted: RequestedMovie, codes: Codes) -> Codes:
        """Return the picture with the label in it where the movie opens with that."""
        if self._label is None or wanted.layer != self._picture_layer or frame not in self._labelled:
            return codes
        labelled = self._label.draw_codes(np.ascontiguousarray(codes[:, :, :3]))
        return labelled if codes.shape[2] == 3 else np.concatenate([labelled, codes[:, :, 3:]], axis=2)

    def _codes(self, wanted: RequestedMovie, image: Image) -> Codes:
        """Return (height, width, 3 or 4) codes 0 to 1 over the display window."""
        pictures = self._pictures
        pixels = to_float(fit_window(image.pixels, image.header.data, pictures.canvas.display))
        alpha = pixels[:, :, 3:] if image.channels[-1] == "A" else None
        colour = np.ascontiguousarray(pixels[:, :, :3])
        if alpha is not None and wanted.kind == "prores_4444":
            np.divide(colour, alpha, out=colour, where=alpha > 0)
        codes = np.clip(np.nan_to_num(self._seen(wanted.layer, colour)), 0, 1)
        if wanted.kind != "prores_4444":
            return np.ascontiguousarray(codes)
        coverage = np.ones_like(codes[:, :, :1]) if alpha is None else np.clip(alpha, 0, 1)
        if wanted.alpha == "premultiplied":
            codes = codes * coverage
        return np.concatenate([codes, coverage], axis=2)

    def _seen(self, layer: str, colour: Codes) -> Codes:
        """Return float codes of straight (height, width, 3); data as it is, for a view would move every edge."""
        if layer in DATA_LAYERS:
            return colour
        pictures, view = self._pictures, self._pictures.review_view
        return pictures.config.display_codes(colour, pictures.canvas.space, view.display, view.view)[:, :, :3]


def _in_folder(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
