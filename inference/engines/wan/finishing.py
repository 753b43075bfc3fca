"""From the model's opaque pictures to what the pipeline takes: the coverage of the new character and the skeleton."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.controls.conditioning import Controls
from understudy.inference.engines.door import Footage, GeneratedFrame
from understudy.inference.segments import Segment

Picture = NDArray[np.float32]


class Finisher:
    """One shot; one thread."""

    def __init__(self, footage: Footage, controls: Controls) -> None:
        self._footage, self._controls = footage, controls

    def frames(self, segment: Segment, pictures: NDArray[np.float32]) -> Iterator[GeneratedFrame]:
        """Yield the frames of a segment. pictures: (frames, height, width, 3), 0 to 1."""
        for frame, picture in zip(segment.frames, pictures, strict=True):
            yield self._frame(frame, picture)

    def _frame(self, frame: int, picture: Picture) -> GeneratedFrame:
        skeleton = self._controls.skeleton(frame).astype(np.float32) / np.float32(255)
        if self._footage.mode == "animate":
            coverage = np.ones(picture.shape[:2], np.float32)
        else:
            seen = self._controls.pictures(frame)
            coverage = _difference(picture, seen.background, seen.matte_used)  # type: ignore[arg-type]
        return GeneratedFrame(frame, coverage, picture=picture, layers={"skeleton": skeleton})


def _difference(picture: Picture, background: Picture, used: Picture) -> Picture:
    apart = np.abs(picture - background).max(axis=2)
    soft: Picture = cv2.GaussianBlur(np.clip((apart - 0.03) / 0.09, 0, 1), (0, 0), 1.5) * used
    return soft
