"""Fitting a picture into a canvas of another shape: whole, centred, unstretched, black around it. Pure; any thread."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from understudy.inference.picture.crop import Kind, cut, place
from understudy.inference.picture.crop_path import CropPath
from understudy.inference.picture.header import Window

Floats = NDArray[np.float32]
Room = tuple[float, float, float, float]
"""Left, top, width, height in the target's pixels: where the canvas lies in it."""


@dataclass(frozen=True, slots=True)
class Letterbox:
    """The way of a source's pictures into a target. `inside` is what the source fills of it, on whole pixels."""

    path: CropPath
    """The whole source, scaled to the size of `inside`."""
    inside: Window
    target: Window

    def picture(self, pixels: Floats, data: Window | None = None, *, kind: Kind = "picture") -> Floats:
        """Return (target height, target width[, channels]) float32, zero around the source.

        pixels: over the window `data` (file pixels), the source's display window when None. Shrinks by area, grows by
        `kind` as `crop.cut` does; a copy of the bits at scale 1.
        """
        fitted: Floats = place(cut(pixels, self.path, 0, data, kind=kind), self.inside, self.target)  # type: ignore[assignment]
        return fitted

    def keypoints(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return points (n, 2 or more), counted from the centre of the first pixel, in the target; confidence kept."""
        moved = self.path.keypoints(points, 0)
        moved[:, 0] += self.inside.x
        moved[:, 1] += self.inside.y
        return moved

    def points_back(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return points (n, 2 or more) of the target in the source's square pixels: the way back of `keypoints`."""
        moved = np.array(points, np.float32)
        scale = self.inside.height / self.path.plate_height
        corner = np.array([self.inside.x, self.inside.y], np.float64)
        across = np.array([self.inside.width / (self.path.plate_width * self.path.pixel_aspect), scale])
        moved[:, :2] = (points[:, :2].astype(np.float64) + 0.5 - corner) / across - 0.5
        return moved


def letterbox(
    source: Window, source_aspect: float, target: tuple[int, int], target_aspect: float = 1.0, room: Room | None = None
) -> Letterbox:
    """Return how `source` (a display window) is fitted into `room` of a target (width, height); all of it when None.

    Both aspects are pixel aspects: what is kept is the shape that people see. The edges land on whole pixels, so the
    shape may be off by part of one.
    """
    left, top, width, height = room or (0.0, 0.0, float(target[0]), float(target[1]))
    wide, high = source.width * source_aspect / target_aspect, float(source.height)
    scale = min(width / wide, height / high)
    size = max(1, _whole(wide * scale)), max(1, _whole(high * scale))
    inside = Window(_whole(left + (width - size[0]) / 2), _whole(top + (height - size[1]) / 2), *size)
    path = CropPath(
        (0,), (0,), (0,), source.width, source.height, *size, source.width, source.height, source_aspect,
        (source.x, source.y),
    )  # fmt: skip
    return Letterbox(path, inside, Window(0, 0, *target))


def format_like(aspect: float, area_pixels: int, multiple: int) -> tuple[int, int]:
    """Return the width and height of this aspect (width over height) and at most this area, in whole multiples."""
    width, height = (
        max(1, math.floor(round(math.sqrt(side) / multiple, 6))) * multiple
        for side in (area_pixels * aspect, area_pixels / aspect)
    )
    return width, height


def _whole(pixels: float) -> int:
    return math.floor(pixels + 0.5)
