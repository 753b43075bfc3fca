"""One frame at a time through the door: as pictures, and as the tracker sees it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from understudy.inference.engines.door import Footage
from understudy.inference.engines.limbs import joints_of
from understudy.inference.engines.smooth import shrink
from understudy.inference.engines.view import View, tracking_size, view_of

Array = NDArray[np.float32]


class Pictures(NamedTuple):
    """One frame at full size."""

    plate: Array
    matte: Array
    holdout: Array | None

    @property
    def hidden(self) -> Array:
        """Where the background is not seen: behind the performer and behind what passes in front."""
        return self.matte if self.holdout is None else np.maximum(self.matte, self.holdout)


class ShotReader:
    """Reads a shot's frames and keeps the last one, since the tracker and the layers ask for it in turn."""

    def __init__(self, footage: Footage) -> None:
        self._footage = footage
        self.size = tracking_size(footage.height, footage.width)
        self._kept: tuple[int, Pictures] | None = None
        self._seen: tuple[int, int, View | None] | None = None

    def pictures(self, frame: int) -> Pictures:
        """Decode a frame. Where the shot has no picture or no matte there is black, or nothing covered."""
        if self._kept is None or self._kept[0] != frame:
            footage = self._footage
            shape = (footage.height, footage.width)
            plate = footage.plate(frame) if footage.plate else np.zeros((*shape, 3), np.float32)
            matte = footage.matte(frame) if footage.matte else np.zeros(shape, np.float32)
            self._kept = frame, Pictures(plate, matte, footage.holdout(frame) if footage.holdout else None)
        return self._kept[1]

    def hidden(self, frame: int) -> tuple[Array, Array]:
        pictures = self.pictures(frame)
        return pictures.plate, pictures.hidden

    def view(self, frame: int, factor: int = 1) -> View | None:
        """Return what the tracker needs of a frame, at `factor` times tracking size; None where nobody is seen."""
        if self._seen is None or self._seen[:2] != (frame, factor):
            self._seen = frame, factor, self._view(frame, factor)
        return self._seen[2]

    def _view(self, frame: int, factor: int) -> View | None:
        pictures, footage = self.pictures(frame), self._footage
        size = (min(footage.height, factor * self.size[0]), min(footage.width, factor * self.size[1]))
        points = footage.keypoints(frame) if footage.keypoints else None
        joints = joints_of(points, size[1] / footage.width, size[0] / footage.height)
        holdout = None if pictures.holdout is None else shrink(pictures.holdout, size)
        return view_of(shrink(pictures.plate, size), shrink(pictures.matte, size), holdout, joints)

    def small(self, frame: int) -> tuple[Array, Array]:
        """Return plate and matte at tracking size."""
        pictures = self.pictures(frame)
        return shrink(pictures.plate, self.size), shrink(pictures.matte, self.size)
