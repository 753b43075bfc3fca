"""What the controls of a shot are made from: readers, keypoints, sizes. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from understudy.bridge.words import Mode
from understudy.inference.controls.face import FaceBox
from understudy.inference.controls.people import People
from understudy.inference.controls.wholebody import POINTS, Points, no_points

Picture = NDArray[np.float32]
Reader = Callable[[int], Picture]
PartReader = Callable[[int, FaceBox], Picture]
"""Frame and box to its pixels, (height, width, 3) float32 in the model's encoding."""


@dataclass(frozen=True, slots=True)
class FaceSource:
    """Pictures that faces are cut from, larger than the model's own: a driver's, before it is fitted into a format."""

    part: PartReader
    """Any height and width: a box is stretched to the model's square whatever its pixels are."""
    height: int
    width: int
    keypoints: Mapping[int, Points]
    """By frame, in pixels of these pictures."""


@dataclass(frozen=True, slots=True)
class Material:
    """What controls are made from. Readers take a frame of `frames`, in any order, as those of an engine's Footage.

    Pictures are (height, width, 3) float32 in the model's encoding, mattes (height, width) float32, 0 to 1; keypoints
    (133, 3) float32 in pixels of those pictures, where the centre of the first pixel is 0, 0. A frame without keypoints
    has nobody in it. Mode replace needs a plate and a matte. `reference`: (133, 3) in the letterboxed reference.
    """

    mode: Mode
    frames: tuple[int, ...]
    height: int
    width: int
    keypoints: Mapping[int, Points]
    plate: Reader | None = None
    """In mode animate the driver's pictures; without any, faces are neutral."""
    matte: Reader | None = None
    clean_plate: Reader | None = None
    reference: Points | None = None
    faces: FaceSource | None = None
    """Where faces are cut from; None = `plate`. The official code takes the driver's own frames in mode animate."""
    people: People | None = None
    """Who was detected in each frame, if anybody looked: to tell two people in one matte."""
    plate_scale: float | None = None
    """Model pixels a plate pixel."""

    @property
    def size(self) -> tuple[int, int]:
        """Return height and width."""
        return self.height, self.width

    def read_plate(self, frame: int) -> Picture:
        """Return the plate of `frame`. All of these raise ValueError, naming the frame, for what is of another size."""
        return self._read(self.plate, frame, "plate")

    def read_matte(self, frame: int) -> Picture:
        return self._read(self.matte, frame, "matte")

    def read_clean_plate(self, frame: int) -> Picture | None:
        return None if self.clean_plate is None else self._read(self.clean_plate, frame, "clean plate")

    def _read(self, reader: Reader | None, frame: int, what: str) -> Picture:
        if reader is None:
            raise ValueError(f"this shot has no {what}")
        return _of_size(reader(frame), self.size, frame, what)


def _of_size(picture: Picture, wanted: tuple[int, int], frame: int, what: str) -> Picture:
    if picture.shape[:2] != wanted:
        raise ValueError(f"frame {frame}: the {what} is {picture.shape[:2]}, not {wanted}")
    return picture


def whole_points(points: Points | None, whose: str) -> Points:
    """Return (133, 3) float32 in which what is lacking, or is no number, is not there: zeros. Raises ValueError."""
    if points is None:
        return no_points()
    if points.shape != (POINTS, 3):
        raise ValueError(f"{whose}: keypoints are ({POINTS}, 3), not {points.shape}")
    whole = points.astype(np.float32)
    whole[~np.isfinite(whole).all(axis=1)] = 0
    return whole
