"""What both modes have in common: an opened shot, the canvas that its layers are drawn on, and how people see it."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from understudy.bridge.engine_description import EngineDescription
from understudy.bridge.errors import Finding, RequestError
from understudy.bridge.shot import Matte
from understudy.inference.cadence import Cadence
from understudy.inference.controls.matte import FAINT
from understudy.inference.engines.door import EarlierVersion, Footage, Joints, Picture
from understudy.inference.engines.roster import describe_for
from understudy.inference.picture.colour import ColourConfig
from understudy.inference.picture.crop import Box, CropPath, boxes_from_matte
from understudy.inference.picture.display import ReviewView
from understudy.inference.picture.half_floats import to_float
from understudy.inference.picture.header import Window
from understudy.inference.picture.matte_reader import MatteReader
from understudy.inference.picture.plate import Kind, PlateFrame, PlateReader
from understudy.inference.picture.reference import read_reference
from understudy.inference.picture.repair import repaired
from understudy.inference.picture.tone import ModelColour
from understudy.inference.segments import kept_segments, plan_segments
from understudy.inference.work_order import WorkOrder

KEPT_FRAMES = 2
"""The engine and the layers ask for one frame in turn; a third would only cost memory."""

Step = Callable[[int, int], None]
Boxes = Mapping[int, Box | None]
"""The performer's box by frame, None where the matte is empty."""
Views = dict[str, NDArray[np.uint8]]
Told = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Canvas:
    """What layers are drawn on: the plate's display window, or in mode animate the format."""

    display: Window
    pixel_aspect: float
    kind: Kind
    """`float` layers for a float plate, else half."""
    space: str
    """The linear space of picture layers."""
    interop_id: str | None

    @classmethod
    def of(cls, plate: PlateReader) -> Canvas:
        return cls(plate.display, plate.pixel_aspect, plate.kind, plate.working_space, plate.interop_id)

    @property
    def size(self) -> tuple[int, int]:
        return self.display.width, self.display.height


class ShotPictures(ABC):
    """Every input of a job, opened. For the worker's own thread, but for `display`."""

    canvas: Canvas
    crop: CropPath
    """From the canvas to the engine's picture and back."""
    colour: ModelColour
    """From the canvas' space to the model's encoding and back."""
    rate: Fraction
    review_view: ReviewView
    empty: frozenset[int]
    """Frames in which nobody is recast: they never reach an engine."""
    findings: tuple[Finding, ...]
    """What was found while opening that the artist should know."""

    def __init__(self, order: WorkOrder) -> None:
        """Open what every mode has. Raises PlateError, RequestError."""
        self.order = order
        self.frames = tuple(order.job.shot.range)
        self.paths = order.blobs
        self.config = ColourConfig.of_job(order.job, order.blobs)
        self.reference = read_reference(order.job.shot.performers[0].character, self.paths, self.config)
        self.findings = self.reference.findings

    @abstractmethod
    def ground(self, frame: int) -> PlateFrame:
        """Return what stands behind the layers of `frame`, over their data window: the plate, the backdrop, black."""

    @abstractmethod
    def footage(self) -> Footage:
        """Return the shot as an engine sees it: in square pixels of one size, in the model's encoding."""

    @property
    @abstractmethod
    def joints(self) -> Joints | None:
        """Return the reader of a rig's keypoints, (133, 3) in the engine's picture; None where none were given."""

    def bare_footage(self) -> Footage:
        """Return what an engine is told in every mode; a mode adds its pictures."""
        return Footage(
            mode=self.order.job.settings.mode,
            frames=self.cadence.made,
            height=self.crop.model_height,
            width=self.crop.model_width,
            rate=self.rate * self.cadence.share,
            settings=self.order.job.settings,
            reference=self.reference.pixels,
            reference_has_alpha=self.reference.has_alpha,
            plate=None,
            matte=None,
            clean_plate=None,
            holdout=None,
            keypoints=self.joints,
            scratch=self.scratch(),
            carried=self.carried(),
            earlier=self.earlier(),
        )

    @abstractmethod
    def input_views(self, frame: int, plate: PlateFrame | None = None) -> Views:
        """Return what went in at `frame`, as a display shows it, by name; canvas size, (height, width, 3) uint8.

        plate: the plate's frame where it has been decoded already. Any thread.
        """

    @abstractmethod
    def told(self) -> Told:
        """Return names and values that only this mode's report has."""

    @cached_property
    def cadence(self) -> Cadence:
        """Which frames the engine makes: those of its footage and of its segments. The others are in-betweens."""
        return Cadence.of(self.frames, self.rate, self.description)

    @property
    def description(self) -> EngineDescription:
        return describe_for(self.order.job.settings)

    @property
    def size(self) -> tuple[int, int]:
        return self.canvas.size

    def display(self, pixels: NDArray[np.generic]) -> NDArray[np.uint8]:
        """Return pixels of the canvas' space (height, width, 3) as the review's view shows them. Any thread."""
        return self.config.display(pixels, self.canvas.space, self.review_view.display, self.review_view.view)

    def reference_shown(self) -> NDArray[np.uint8]:
        """Return the character's image as 8-bit sRGB over mid grey, for people: (height, width, 3)."""
        colour, alpha = self.reference.pixels[:, :, :3], self.reference.pixels[:, :, 3:]
        return np.clip((colour * alpha + 0.35 * (1 - alpha)) * 255 + 0.5, 0, 255).astype(np.uint8)

    def scratch(self) -> Path:
        folder = Path(self.order.scratch)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def carried(self) -> Path:
        """Return the folder of what stays with the version; in the scratch where the order names none."""
        folder = Path(self.order.carried) if self.order.carried else self.scratch()
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def earlier(self) -> EarlierVersion | None:
        """Return what an engine may know of the version that a redo goes on from."""
        redo, earlier = self.order.job.redo, self.order.earlier
        if redo is None or earlier is None:
            return None
        count = len(plan_segments(self.cadence.made, self.description.segment))
        return EarlierVersion(Path(earlier.carried), kept_segments(redo, count), redo.repeatable, redo.unrepeatable)

    def open_matte(self, matte: Matte, size: tuple[int, int], role: str = "matte") -> MatteReader:
        return MatteReader(matte, self.paths, self.order.job.shot.range, size, role)

    def stated_rate(self, reader: PlateReader | None) -> Fraction:
        """Return the rate that was stated, else that of the pictures. Raises RequestError: nobody guesses one."""
        stated = self.order.job.shot.rate
        rate = stated.fraction if stated is not None else reader.rate if reader is not None else None
        if rate is None:
            raise RequestError("the frame rate is not known", remedy="Say it: --rate 24 or --rate 24000/1001.")
        return rate


class Kept:
    """The last frames of a reader, so that a frame is decoded once while the engine and the layers work on it.

    Any thread; one reads at a time.
    """

    def __init__(self, read: Callable[[int], PlateFrame]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._frames: dict[int, PlateFrame] = {}

    def frame(self, number: int) -> PlateFrame:
        with self._lock:
            if number not in self._frames:
                while len(self._frames) >= KEPT_FRAMES:
                    del self._frames[next(iter(self._frames))]
                self._frames[number] = self._read(number)
            return self._frames[number]


def read_boxes(
    matte: MatteReader, frames: tuple[int, ...], step: Step, known: Boxes | None = None
) -> dict[int, Box | None]:
    """Return the performer's box in every frame, None where the matte is empty. Reads the mattes that are not known."""
    boxes = {frame: (known or {})[frame] for frame in frames if frame in (known or {})}
    lacking = [frame for frame in frames if frame not in boxes]
    for done, frame in enumerate(lacking, start=1):
        boxes[frame] = boxes_from_matte(matte.frame(frame), FAINT)
        step(done, len(lacking))
    return {frame: boxes[frame] for frame in frames}


def floats(picture: PlateFrame) -> Picture:
    """Return the colour channels as float32; what is not finite is made from its neighbours."""
    return repaired(to_float(np.ascontiguousarray(picture.pixels[:, :, :3])))


def grey_picture(matte: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return a matte (height, width) as people see it: (height, width, 3) uint8."""
    codes = np.clip(matte * 255 + 0.5, 0, 255).astype(np.uint8)
    return np.repeat(codes[:, :, None], 3, axis=2)
