"""The performance that drives a character in mode animate: pictures, a rig's keypoints, or both.

It is looked at and never seen in the result. Everything of it lies in one window, the pictures' own or the one that the
keypoints state, and is letterboxed from there into whatever picture asks.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import RequestError
from understudy.bridge.shot import Matte, Shot
from understudy.inference.controls.keypoints import keypoints_size, read_keypoints
from understudy.inference.controls.skeleton import draw_skeleton
from understudy.inference.engines.door import Closeup, Picture
from understudy.inference.picture.blend import Stored
from understudy.inference.picture.colour import ColourConfig
from understudy.inference.picture.crop import place
from understudy.inference.picture.exposure import shot_exposure
from understudy.inference.picture.header import Window
from understudy.inference.picture.letterbox import Letterbox
from understudy.inference.picture.matte_reader import MatteReader
from understudy.inference.picture.plate import PlateReader
from understudy.inference.picture.tone import ModelColour
from understudy.inference.shot_pictures import Kept, Views, floats, grey_picture

SURE_POINT = 0.3
"""A keypoint of lower confidence is not drawn for people."""
BONES = (
    (5, 7), (7, 9), (6, 8), (8, 10), (5, 6), (5, 11), (6, 12), (11, 12), (11, 13), (13, 15), (12, 14), (14, 16),
    (0, 5), (0, 6),
)  # fmt: skip
"""Which body points a line joins in the drawing: arms, trunk, legs, neck, by their COCO-WholeBody numbers."""


class Driver:
    """Readers of everything that drives. For one thread."""

    def __init__(self, shot: Shot, paths: Mapping[str, str], config: ColourConfig) -> None:
        """Raises RequestError when nothing drives, PlateError for what cannot be read."""
        self._config = config
        self.pictures = PlateReader(shot.plate, paths, shot.range, config, "driver") if shot.plate else None
        self.points: dict[int, NDArray[np.float32]] | None = None
        if shot.keypoints is not None:
            typed = shot.keypoints.pictures.typed
            file = Path(paths[shot.keypoints.pictures.files[0].file])
            self.points = read_keypoints(file, typed, shot.range)
            self.window, self.pixel_aspect = Window(0, 0, *keypoints_size(file, typed)), 1.0
        if self.pictures is not None:
            self.window, self.pixel_aspect = self.pictures.display, self.pictures.pixel_aspect
            self._kept = Kept(self.pictures.frame)
        elif self.points is None:
            raise RequestError("mode animate needs a driver", remedy="Add --plate or --keypoints.")
        self.matte = self._open_matte(shot, shot.performers[0].matte, paths, "matte")
        # With a backdrop the holdout lies on that: it is what passes in front of the new character there.
        self.holdout = self._open_matte(shot, shot.holdout if not shot.clean_plate else None, paths, "holdout")
        self.exposure_stops = 0.0
        self._colour: ModelColour | None = None

    @property
    def told(self) -> str:
        return " and ".join(
            name for name, there in (("pictures", self.pictures), ("keypoints", self.points)) if there is not None
        )

    def expose(self, stops: float | None) -> None:
        """Choose how much the engine's view is brightened: `stops`, or measured inside the matte. Never undone."""
        if self.pictures is None:
            return
        self.exposure_stops = shot_exposure(self.pictures, self.matte) if stops is None else stops
        self._colour = ModelColour(self._config, self.pictures.working_space, self.exposure_stops)

    def picture(self, frame: int, box: Letterbox) -> Picture:
        """Return the driver's picture in the model's encoding, black around it. Call `expose` first."""
        if self.pictures is None or self._colour is None:
            raise ValueError("a driver of keypoints alone has no pictures")
        held = self._kept.frame(frame)
        return self._colour.to_model(box.picture(floats(held), held.data))

    def closeup(self, box: Letterbox) -> Closeup | None:
        """Return the pictures at their own size; None where there are none. box: the way into the footage's picture."""
        if self.pictures is None:
            return None
        width = max(1, round(self.window.width * self.pixel_aspect))
        return Closeup(self.window.height, width, self.part, box.points_back)

    def part(self, frame: int, edges: tuple[int, int, int, int]) -> Picture:
        """Return what lies between the edges (left, right, top, bottom, square pixels) as `Closeup.part` says."""
        if self.pictures is None or self._colour is None:
            raise ValueError("a driver of keypoints alone has no pictures")
        left, right, top, bottom = edges
        start = math.floor(left / self.pixel_aspect)
        across = max(1, math.ceil(right / self.pixel_aspect) - start)
        window = Window(self.window.x + start, self.window.y + top, across, bottom - top)
        held = self._kept.frame(frame)
        pixels: Stored = place(held.pixels, held.data, window)  # type: ignore[assignment]  # the type that came in
        return self._colour.to_model(floats(dataclasses.replace(held, pixels=pixels)))

    def joints(self, frame: int, box: Letterbox) -> NDArray[np.float32]:
        """Return (133, 3): x, y in the box's target, confidence."""
        if self.points is None:
            raise ValueError("this driver has no keypoints")
        return box.keypoints(self.points[frame])

    def timecode(self, frame: int) -> str | None:
        return self._kept.frame(frame).timecode if self.pictures is not None else None

    def views(self, frame: int, box: Letterbox) -> Views:
        """Return the driver, and its matte where it has one, as people see them."""
        views = {"driver": self._shown(frame, box)}
        if self.matte is not None:
            views["matte"] = grey_picture(box.picture(self.matte.frame(frame), kind="matte"))
        return views

    def _shown(self, frame: int, box: Letterbox) -> NDArray[np.uint8]:
        if self.pictures is None:
            return draw_skeleton(self.joints(frame, box), box.target.height, box.target.width)
        held = self._kept.frame(frame)
        view = self._config.review_view(self.pictures.space)
        fitted = box.picture(floats(held), held.data)
        return self._config.display(fitted, self.pictures.working_space, view.display, view.view)

    def _open_matte(self, shot: Shot, matte: Matte | None, paths: Mapping[str, str], role: str) -> MatteReader | None:
        if matte is None:
            return None
        return MatteReader(matte, paths, shot.range, (self.window.width, self.window.height), role)


def draw_joints(points: NDArray[np.float32], target: Window) -> NDArray[np.uint8]:
    """Return a drawing of keypoints for people: (height, width, 3) uint8."""
    canvas = np.full((target.height, target.width, 3), 24, np.uint8)
    size = max(1, round(max(target.width, target.height) / 240))

    def at(index: int) -> tuple[int, int]:
        return round(float(points[index, 0])), round(float(points[index, 1]))

    for start, end in BONES:
        if min(points[start, 2], points[end, 2]) > SURE_POINT:
            cv2.line(canvas, at(start), at(end), (90, 120, 150), 2 * size, cv2.LINE_AA)
    for index in np.flatnonzero(points[:, 2] > SURE_POINT):
        cv2.circle(canvas, at(int(index)), 2 * size, (240, 220, 160), -1, cv2.LINE_AA)
    return canvas
