"""Mode animate, opened: the character's format, the driver fitted into it, and a backdrop where one is given.

The format is the named one, else the backdrop's, else the reference's shape at the engine's area. The result lies over
the backdrop (`clean_plate`), in its own light; without one it is in the reference's light and nothing is exposed.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from understudy.bridge.errors import Finding
from understudy.inference.driver import Driver
from understudy.inference.engines.door import Footage, Joints, Picture
from understudy.inference.picture.composite import RGB
from understudy.inference.picture.crop import CropPath, cut, plan_crop
from understudy.inference.picture.exposure import shot_exposure
from understudy.inference.picture.header import Window
from understudy.inference.picture.layers import fit_window
from understudy.inference.picture.letterbox import Letterbox, format_like, letterbox
from understudy.inference.picture.plate import PlateFrame, PlateReader
from understudy.inference.picture.tone import ModelColour
from understudy.inference.shot_pictures import Canvas, Kept, ShotPictures, Told, Views, floats
from understudy.inference.work_order import WorkOrder


class AnimatePictures(ShotPictures):
    """A driver, a character and perhaps a backdrop. The canvas is the format.

    No frame counts as empty: what a character does whom nobody drives is the engine's to say.
    """

    def __init__(self, order: WorkOrder) -> None:
        """Open all readers, choose the format, measure the exposures. Raises PlateError, RequestError."""
        super().__init__(order)
        shot = order.job.shot
        self.empty = frozenset()
        self.driver = Driver(shot, self.paths, self.config)
        self.rate = self.stated_rate(self.driver.pictures)
        self.backdrop: PlateReader | None = None
        if shot.clean_plate is not None:
            self.backdrop = PlateReader(shot.clean_plate, self.paths, shot.range, self.config, "backdrop")
        self.canvas = self._choose_canvas()
        self.crop = self._plan()
        self._behind = self._backdrop_box()
        self._into_canvas, self._into_model = self._driver_boxes()
        self.holdout = None
        if self.backdrop is not None and shot.holdout is not None:
            window = self.backdrop.display
            self.holdout = self.open_matte(shot.holdout, (window.width, window.height), "holdout")
        self.review_view = self.config.review_view(self.backdrop.space if self.backdrop else self.reference.space)
        self.colour = ModelColour(self.config, self.canvas.space, self._exposure())
        self._kept = Kept(self._ground)
        self.findings = (*self.findings, *self._worth_knowing())

    def ground(self, frame: int) -> PlateFrame:
        """Return the backdrop in the format, or black: always finite, over the whole canvas."""
        return self._kept.frame(frame)

    def in_front(self, frame: int) -> Picture | None:
        """Return the matte of what passes before the character in the backdrop, in the format; None without one."""
        if self.holdout is None or self._behind is None:
            return None
        return self._behind.picture(self.holdout.frame(frame), kind="matte")

    @property
    def joints(self) -> Joints | None:
        driver, box = self.driver, self._into_model
        return (lambda frame: driver.joints(frame, box)) if driver.points is not None else None

    def footage(self) -> Footage:
        driver, box = self.driver, self._into_model
        matte, holdout = driver.matte, driver.holdout
        return dataclasses.replace(
            self.bare_footage(),
            plate=(lambda frame: driver.picture(frame, box)) if driver.pictures else None,
            matte=(lambda frame: box.picture(matte.frame(frame), kind="matte")) if matte else None,
            clean_plate=self._model_backdrop if self.backdrop else None,
            holdout=(lambda frame: box.picture(holdout.frame(frame), kind="matte")) if holdout else None,
            closeup=driver.closeup(box),
        )

    def input_views(self, frame: int, plate: PlateFrame | None = None) -> Views:
        views = self.driver.views(frame, self._into_canvas)
        if self.backdrop is not None:
            views["backdrop"] = self.display(self.ground(frame).pixels)
        return views

    def told(self) -> Told:
        window = self.driver.window
        rows = [
            ("format", f"{self.size[0]} x {self.size[1]}, {self._format_from()}"),
            ("driver", f"{self.driver.told}, {window.width} x {window.height}"),
        ]
        if self.driver.pictures is not None:
            rows.append(("driver space", self.driver.pictures.space))
            rows.append(("exposure of the driver", f"{self.driver.exposure_stops:+.2f} stops, for the engine alone"))
        if self.backdrop is not None:
            rows.append(("backdrop space", self.backdrop.space))
            rows.append(("exposure to the engine", f"{self.colour.exposure_stops:+.2f} stops, undone after"))
        return tuple(rows)

    def _choose_canvas(self) -> Canvas:
        stated, backdrop, description = self.order.job.settings.format, self.backdrop, self.description
        own = None if backdrop is None else Canvas.of(backdrop)
        if own is not None and stated in (None, own.size):
            return own
        height, width = self.reference.pixels.shape[:2]
        size = stated or format_like(width / height, description.area_pixels, description.size_multiple)
        if own is not None:
            return dataclasses.replace(own, display=Window(0, 0, *size), pixel_aspect=1.0)
        space = self.config.scene_linear
        return Canvas(Window(0, 0, *size), 1.0, "half", space, self.config.interop_id(space))

    def _format_from(self) -> str:
        if self.order.job.settings.format is not None:
            return "as named"
        return "the backdrop's" if self.backdrop is not None else "in the reference's shape"

    def _plan(self) -> CropPath:
        """Return the way of the whole canvas to the engine's picture; the same in every frame."""
        display, description = self.canvas.display, self.description
        return plan_crop(
            dict.fromkeys(self.frames),
            self.size,
            self.canvas.pixel_aspect,
            description.size_multiple,
            description.area_pixels,
            origin=(display.x, display.y),
        )

    def _backdrop_box(self) -> Letterbox | None:
        if self.backdrop is None:
            return None
        return letterbox(self.backdrop.display, self.backdrop.pixel_aspect, self.size, self.canvas.pixel_aspect)

    def _driver_boxes(self) -> tuple[Letterbox, Letterbox]:
        """Return how the driver lies in the canvas, and in the engine's picture of that canvas."""
        driver, crop = self.driver, self.crop
        matrix = crop.transform(self.frames[0])
        across, down = float(matrix[0, 0]), float(matrix[1, 1])
        room = (float(matrix[0, 2]), float(matrix[1, 2]), self.size[0] * across, self.size[1] * down)
        return (
            letterbox(driver.window, driver.pixel_aspect, self.size, self.canvas.pixel_aspect),
            letterbox(driver.window, driver.pixel_aspect, (crop.model_width, crop.model_height), room=room),
        )

    def _exposure(self) -> float:
        """Return the stops of the backdrop, 0 without one; a stated exposure is the backdrop's, else the driver's."""
        stated = self.order.job.settings.exposure_stops
        if self.backdrop is None:
            self.driver.expose(stated)
            return 0.0
        self.driver.expose(None)
        return shot_exposure(self.backdrop, None) if stated is None else stated

    def _ground(self, frame: int) -> PlateFrame:
        display = self.canvas.display
        code = self.driver.timecode(frame)
        if self.backdrop is None or self._behind is None:
            black = np.zeros((display.height, display.width, 3), np.float16)
            return PlateFrame(frame, black, RGB, display, timecode=code)
        held = self.backdrop.frame(frame)
        if display == self.backdrop.display:
            pixels = fit_window(floats(held), held.data, display)
        else:
            pixels = self._behind.picture(floats(held), held.data)
        return PlateFrame(frame, pixels, RGB, display, held.attributes, held.timecode or code)

    def _model_backdrop(self, frame: int) -> Picture:
        pixels: Picture = self.ground(frame).pixels  # type: ignore[assignment]  # float32 wherever there is a backdrop
        return self.colour.to_model(cut(pixels, self.crop, frame, self.canvas.display))

    def _worth_knowing(self) -> list[Finding]:
        box = self._behind
        if self.backdrop is None or box is None or box.inside == box.target:
            return []
        shape = f"{self.backdrop.display.width}x{self.backdrop.display.height}"
        return [
            Finding(
                rule="backdrop_fills_the_format",
                outcome="warn",
                message=f"the backdrop is {shape}; in the format {self.size[0]}x{self.size[1]} black is left beside it",
                remedy="Leave --format out to take the backdrop's own, or name one of its shape.",
            )
        ]
