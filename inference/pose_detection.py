"""The poses of a plate without a job: what detectors see, as a keypoints file to look at, to correct and to give back.

The pictures are those that a job would look at: exposed inside the matte, in the model's tone curve, square pixels.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.bridge.colour_config import find_colour_config
from understudy.bridge.errors import Finding, PlateError, RequestError
from understudy.bridge.frames import FrameRange, FrameRate
from understudy.bridge.input_files import Gatherer
from understudy.bridge.shot import Matte, Plate
from understudy.inference.controls.keypoints import keypoints_size, read_keypoints
from understudy.inference.controls.pose import HostKeypoints, Poses
from understudy.inference.controls.skeleton import draw_skeleton
from understudy.inference.controls.wholebody import FACE
from understudy.inference.picture.colour import ColourConfig
from understudy.inference.picture.exposure import shot_exposure
from understudy.inference.picture.half_floats import to_float
from understudy.inference.picture.letterbox import Letterbox, letterbox
from understudy.inference.picture.matte_reader import MatteReader
from understudy.inference.picture.movie_writer import MovieWriter
from understudy.inference.picture.plate import PlateFrame, PlateReader
from understudy.inference.picture.repair import repaired
from understudy.inference.picture.tone import ModelColour

Floats = NDArray[np.float32]
Picture = NDArray[np.uint8]

DIMMED = 0.55
"""How bright the plate stays under a skeleton."""
SURE_POINT = 0.3
"""A face point of lower confidence is not drawn."""
WHITE = (255, 255, 255)


@dataclass(frozen=True, slots=True)
class PlateOptions:
    """A plate as it is typed."""

    plate: str
    frames: str
    matte: str | None = None
    first: int = 0
    rate: str | None = None
    colour: str | None = None
    ocio: str | None = None


class WatchedPlate:
    """A plate and its matte as a source of poses sees them. For one thread; close it by leaving its `with` block.

    Raises RequestError, PlateError.
    """

    def __init__(self, options: PlateOptions) -> None:
        frames = FrameRange.parse(options.frames)
        self.frames = tuple(frames)
        gather = Gatherer(frames, lambda done, total: None)
        pictures = gather.pictures(options.plate, first=options.first, colour=options.colour)
        found = find_colour_config(options.ocio, os.environ)
        self._config = ColourConfig.open(str(found.path or found.name))
        self._plate = PlateReader(Plate(pictures=pictures), gather.paths, frames, self._config)
        self.findings: tuple[Finding, ...] = (*found.findings, *self._plate.findings)
        display = self._plate.display
        self.size = (display.width, display.height)
        self._matte: MatteReader | None = None
        if options.matte is not None:
            matte = Matte(pictures=gather.pictures(options.matte, first=options.first))
            self._matte = MatteReader(matte, gather.paths, frames, self.size)
        square = (max(1, round(display.width * self._plate.pixel_aspect)), display.height)
        self._box: Letterbox = letterbox(display, self._plate.pixel_aspect, square)
        self._stated_rate = options.rate
        self._colour: ModelColour | None = None

    def __enter__(self) -> WatchedPlate:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._plate.close()
        if self._matte is not None:
            self._matte.close()

    @property
    def rate(self) -> Fraction:
        """Return the rate that was stated, else the file's. Raises RequestError: nobody guesses one."""
        rate = FrameRate.parse(self._stated_rate).fraction if self._stated_rate is not None else self._plate.rate
        if rate is None:
            raise RequestError("the frame rate is not known", remedy="Say it: --rate 24 or --rate 24000/1001.")
        return rate

    @property
    def matte(self) -> Callable[[int], Floats] | None:
        """Return the reader of the matte in square pixels, if there is one."""
        reader = self._matte
        return None if reader is None else lambda frame: self._box.picture(reader.frame(frame), kind="matte")

    def picture(self, frame: int) -> Floats:
        """Return what the model would see, in square pixels."""
        if self._colour is None:
            stops = shot_exposure(self._plate, self._matte)
            self._colour = ModelColour(self._config, self._plate.working_space, stops)
        held = self._plate.frame(frame)
        return self._colour.to_model(self._box.picture(_colours(held), held.data))

    def in_plate(self, points: Floats) -> Floats:
        """Return points (..., 133, 3) of `picture` in the plate's own pixels."""
        stretch = self._box.target.width / self.size[0]
        moved = points.copy()
        known = moved[..., 2] > 0
        moved[..., 0] = np.where(known, (points[..., 0] + 0.5) / stretch - 0.5, points[..., 0])
        return moved

    def host_keypoints(self, file: Path) -> HostKeypoints:
        """Return the points of a file, which must be of a picture of the plate's size. Raises PlateError."""
        size = keypoints_size(file, str(file))
        if size != self.size:
            raise PlateError(
                f"{file} is for {size[0]}x{size[1]}, the plate is {self.size[0]}x{self.size[1]}",
                remedy="Give the keypoints that belong to this plate.",
            )
        points = read_keypoints(file, str(file), FrameRange(self.frames[0], self.frames[-1]))
        return HostKeypoints(lambda frame: points[frame])

    def shown(self, frame: int) -> Picture:
        """Return the plate as people see it, in its own pixels: (height, width, 3) uint8."""
        held = self._plate.frame(frame)
        view = self._config.review_view(self._plate.space)
        fitted = letterbox(self._plate.display, 1.0, self.size).picture(_colours(held), held.data)
        return self._config.display(fitted, self._plate.working_space, view.display, view.view)


def write_overlay(path: Path, plate: WatchedPlate, points: Callable[[int], Floats]) -> None:
    """Write a movie of the plate with the skeletons on it and the frames' numbers. points: in the plate's pixels."""
    width, height = plate.size
    with MovieWriter(path, plate.rate, width, height) as movie:
        for frame in plate.frames:
            movie.write(draw_over(plate.shown(frame), points(frame), str(frame)))


def draw_over(picture: Picture, points: Floats, label: str) -> Picture:
    """Return a dimmed copy of the picture with the skeleton, the face's points and a label on it."""
    height, width = picture.shape[:2]
    skeleton = draw_skeleton(points, height, width)
    drawn = np.where(skeleton.any(axis=2, keepdims=True), skeleton, (picture * DIMMED).astype(np.uint8))
    size = max(1, min(height, width) // 400)
    for x, y, confidence in points[FACE]:
        if confidence >= SURE_POINT:
            cv2.circle(drawn, (round(float(x)), round(float(y))), size, WHITE, -1)
    said = label if (points[:, 2] >= SURE_POINT).any() else f"{label}  nobody"
    cv2.putText(drawn, said, (8 * size, height - 8 * size), cv2.FONT_HERSHEY_SIMPLEX, 0.5 * size, WHITE, size)
    return np.asarray(drawn, np.uint8)


def by_frame(plate: WatchedPlate, found: Poses) -> dict[int, Floats]:
    """Return what was found in the plate's own pixels, by frame."""
    return dict(zip(found.frames, plate.in_plate(found.points), strict=True))


def _colours(held: PlateFrame) -> Floats:
    return repaired(to_float(np.ascontiguousarray(held.pixels[:, :, :3])))
