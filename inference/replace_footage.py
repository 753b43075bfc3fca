"""Mode replace, opened: the plate, its mattes, the steady crop, the exposure inside the matte."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import cached_property
from pathlib import Path

from understudy.bridge.errors import RequestError
from understudy.inference.controls.keypoints import read_keypoints
from understudy.inference.engines.door import Footage, Joints, Picture
from understudy.inference.picture.crop import cut, plan_crop
from understudy.inference.picture.exposure import shot_exposure
from understudy.inference.picture.layers import fit_window
from understudy.inference.picture.matte_reader import MatteReader
from understudy.inference.picture.plate import PlateFrame, PlateReader
from understudy.inference.picture.tone import ModelColour
from understudy.inference.shot_pictures import (
    Boxes,
    Canvas,
    Kept,
    ShotPictures,
    Step,
    Told,
    Views,
    floats,
    grey_picture,
    read_boxes,
)
from understudy.inference.work_order import WorkOrder


class ReplacePictures(ShotPictures):
    """The plate with who is to be replaced in it. The canvas is the plate's display window."""

    def __init__(self, order: WorkOrder, step: Step, boxes: Boxes | None = None) -> None:
        """Open all readers, plan the crop, measure the exposure.

        Mattes whose boxes are not given are read once; step(done, total) is called as they are and may raise to stop.
        Raises PlateError, RequestError.
        """
        super().__init__(order)
        shot = order.job.shot
        if shot.plate is None or shot.performers[0].matte is None:
            raise RequestError("mode replace needs a plate and a matte", remedy="Add --plate and --matte.")
        self.plate = PlateReader(shot.plate, self.paths, shot.range, self.config)
        self.canvas = Canvas.of(self.plate)
        self.rate = self.stated_rate(self.plate)
        self.review_view = self.config.review_view(self.plate.space)
        self.matte = self.open_matte(shot.performers[0].matte, self.size)
        self.holdout = self.open_matte(shot.holdout, self.size, "holdout") if shot.holdout is not None else None
        self.clean_plate = (
            PlateReader(shot.clean_plate, self.paths, shot.range, self.config, "clean_plate")
            if shot.clean_plate is not None
            else None
        )
        self._kept = Kept(lambda frame: self._windowed(self.plate.frame(frame)))
        boxes = read_boxes(self.matte, self.frames, step, boxes)
        self.empty = frozenset(frame for frame, box in boxes.items() if box is None)
        display, description = self.plate.display, self.description
        self.crop = plan_crop(
            boxes,
            self.size,
            self.plate.pixel_aspect,
            description.size_multiple,
            description.area_pixels,
            origin=(display.x, display.y),
        )
        self.colour = ModelColour(self.config, self.plate.working_space, self._exposure())

    def ground(self, frame: int) -> PlateFrame:
        """Return the plate of `frame` over the window that layers are asked for."""
        return self._kept.frame(frame)

    def _windowed(self, picture: PlateFrame) -> PlateFrame:
        plate = self.order.job.shot.plate
        if plate is None or plate.window == "plate":
            return picture
        display = self.plate.display
        return dataclasses.replace(picture, pixels=fit_window(picture.pixels, picture.data, display), data=display)

    def footage(self) -> Footage:
        holdout = self.holdout
        return dataclasses.replace(
            self.bare_footage(),
            plate=lambda frame: self._model_picture(self.ground(frame), frame, self.colour),
            matte=lambda frame: self._model_matte(self.matte, frame),
            clean_plate=self._model_clean_plate(),
            holdout=(lambda frame: self._model_matte(holdout, frame)) if holdout else None,
            plate_scale=min(self.crop.model_width / self.crop.width, self.crop.model_height / self.crop.height),
        )

    def input_views(self, frame: int, plate: PlateFrame | None = None) -> Views:
        plate = self.ground(frame) if plate is None else plate
        shown = self.display(fit_window(plate.pixels[:, :, :3], plate.data, self.plate.display))
        return {"plate": shown, "matte": grey_picture(self.matte.frame(frame))}

    def told(self) -> Told:
        crop = self.crop
        return (
            ("plate", f"{self.size[0]} x {self.size[1]}, pixel aspect {self.plate.pixel_aspect:g}"),
            ("plate space", self.plate.space),
            ("crop", f"{crop.width} x {crop.height}, {'locked' if crop.locked else 'following'}"),
            ("exposure to the engine", f"{self.colour.exposure_stops:+.2f} stops, undone after"),
            ("frames without a matte", str(len(self.empty))),
        )

    def _exposure(self) -> float:
        """Return the stops that were asked for, else those measured inside the matte, on frames that have one."""
        stated = self.order.job.settings.exposure_stops
        if stated is not None:
            return stated
        with_matte = tuple(frame for frame in self.frames if frame not in self.empty)
        return shot_exposure(self.plate, self.matte, with_matte or self.frames)

    def _model_clean_plate(self) -> Callable[[int], Picture] | None:
        """Return the reader of the clean plate: by way of its own space, which need not be the plate's."""
        reader = self.clean_plate
        if reader is None:
            return None
        colour = ModelColour(self.config, reader.working_space, self.colour.exposure_stops)
        return lambda frame: self._model_picture(reader.frame(frame), frame, colour)

    def _model_picture(self, picture: PlateFrame, frame: int, colour: ModelColour) -> Picture:
        return colour.to_model(cut(floats(picture), self.crop, frame, picture.data))

    def _model_matte(self, reader: MatteReader, frame: int) -> Picture:
        return cut(reader.frame(frame), self.crop, frame, kind="matte")

    @cached_property
    def joints(self) -> Joints | None:
        keypoints = self.order.job.shot.keypoints
        if keypoints is None:
            return None
        path = Path(self.paths[keypoints.pictures.files[0].file])
        points = read_keypoints(path, keypoints.pictures.typed, self.order.job.shot.range)
        return lambda frame: self.crop.keypoints(points[frame], frame)
