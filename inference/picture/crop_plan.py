"""Planning the steady crop: one size for the whole shot, on a path that stands still or moves smoothly. Pure.

The reasons stand in docs/decisions/0003-steady-crop.md.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from understudy.inference.picture.crop_path import CropPath

Box = tuple[float, float, float, float]
"""Left, top, right, bottom edge in display pixels."""

PADDING_SHARE = 0.2
"""Context on every side, as a share of the larger side of the largest box: light and ground contact need neighbours."""
MINIMUM_PADDING_PIXELS = 32.0
"""The conditioning matte grows by 9 pixels and the blend edge by a few more; all of it must lie inside the crop."""
MINIMUM_SIDE_PIXELS = 256
"""A far performer still gets a picture in which an engine can find a face; small plates give what they have."""
LOCK_SLACK = 0.15
"""Standing still may cost this share of the scale: a background at rest is worth more than 15 % of resolution."""
SMOOTHING_FRAMES = 12.0
"""Standard deviation of the path's Gaussian: half a second at 24, so that steps and turns of a walk do not show."""

_SETTLING_ROUNDS = 2  # more only make the crop larger, to repeat fewer edge pixels
_SMOOTHING_REACH = 4.0  # standard deviations; what lies beyond weighs less than 1e-4


def plan_crop(
    boxes: Mapping[int, Box | None],
    plate_size: tuple[int, int],
    pixel_aspect: float = 1.0,
    size_multiple: int = 16,
    area_pixels: int = 1280 * 720,
    *,
    origin: tuple[int, int] = (0, 0),
    padding_share: float = PADDING_SHARE,
    minimum_side_pixels: int = MINIMUM_SIDE_PIXELS,
    smoothing_frames: float = SMOOTHING_FRAMES,
) -> CropPath:
    """Plan the crop of a shot.

    boxes: the performer in each frame in display pixels, None where there is none (then between its neighbours; a
    shot without any takes the whole picture). plate_size: width, height of the display window. The crop holds every
    box, and `padding_share` of context around it as far as the picture reaches. It is locked when that costs at most
    LOCK_SLACK of the scale, else its centre is the Gaussian average of the boxes' centres, whose second difference a
    frame is at most 0.97 / smoothing_frames**2 of half the way the performer goes (the L1 norm of the Gaussian's
    second derivative), and 2 pixels of rounding. The model's sides are multiples of `size_multiple`, their product at
    most `area_pixels`.
    """
    if not boxes or pixel_aspect <= 0 or area_pixels < size_multiple**2:
        raise ValueError(
            "a crop needs frames, a positive pixel aspect and an area of at least one size multiple squared"
        )
    fit = _Fit(plate_size, _squeeze(pixel_aspect), size_multiple, area_pixels, minimum_side_pixels)
    frames = tuple(sorted(boxes))
    edges = _filled([boxes[frame] for frame in frames], plate_size)
    sides = (edges[:, 2:] - edges[:, :2]).max(axis=0) * fit.squeeze
    padding = max(MINIMUM_PADDING_PIXELS, padding_share * float(sides.max())) / fit.squeeze
    still = np.tile((edges[:, :2].min(axis=0) + edges[:, 2:].max(axis=0)) / 2, (len(frames), 1))
    size, scale = fit.around(still, edges, padding)
    path = still
    moving, moving_size, moving_scale = _follow(edges, padding, fit, smoothing_frames)
    if scale < (1 - LOCK_SLACK) * moving_scale:
        path, size = moving, moving_size
    corners = _corners(path, size.crop, plate_size)
    return CropPath(
        frames, tuple(corners[:, 0].tolist()), tuple(corners[:, 1].tolist()), *size.crop, *size.model, *plate_size,
        pixel_aspect, origin,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Size:
    crop: tuple[int, int]
    model: tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Fit:
    """What sizes are allowed. `squeeze` is the model pixels a plate pixel at scale 1, across and down."""

    plate_size: tuple[int, int]
    squeeze: NDArray[np.float64]
    multiple: int
    area: int
    minimum: int

    def around(
        self, centres: NDArray[np.float64], edges: NDArray[np.float64], padding: NDArray[np.float64]
    ) -> tuple[_Size, float]:
        """Return the size that holds every box from every centre, padded inside the picture; and its scale."""
        before = centres - np.maximum(edges[:, :2] - padding, 0)
        after = np.minimum(edges[:, 2:] + padding, self.plate_size) - centres
        needed = np.maximum(2 * np.maximum(before, after).max(axis=0), self.minimum / self.squeeze)
        # One pixel for the rounding of the corner to whole pixels.
        needed = np.minimum(np.ceil(needed + 1), self.plate_size)
        return self.size(needed)

    def size(self, needed: NDArray[np.float64]) -> tuple[_Size, float]:
        """Return the model size that shows `needed` plate pixels largest, at most at scale 1, and that scale."""
        wide, high = needed * self.squeeze
        whole = (self._up(wide), self._up(high))
        best, scale = whole, 1.0
        if whole[0] * whole[1] > self.area:
            scale = 0.0
            for height in range(self.multiple, whole[1] + 1, self.multiple):
                width = min(whole[0], self.area // height // self.multiple * self.multiple)
                if width and min(width / wide, height / high) > scale:
                    scale = min(width / wide, height / high)
                    best = (width, height)
            best = (min(best[0], self._up(wide * scale)), min(best[1], self._up(high * scale)))
        across, down = self.squeeze * scale
        return _Size((_whole(best[0] / across), _whole(best[1] / down)), best), scale

    def _up(self, pixels: float) -> int:
        return math.ceil(round(pixels, 6) / self.multiple) * self.multiple


def _whole(pixels: float) -> int:
    return math.floor(pixels + 0.5)


def _squeeze(pixel_aspect: float) -> NDArray[np.float64]:
    """Return the stretch to square pixels that throws no pixel of either direction away."""
    return np.array([max(1.0, pixel_aspect), max(1.0, 1 / pixel_aspect)])


def _filled(boxes: list[Box | None], plate_size: tuple[int, int]) -> NDArray[np.float64]:
    """Return (frames, 4) edges inside the picture; frames without a box lie between their neighbours."""
    known = [index for index, box in enumerate(boxes) if box is not None]
    if not known:
        return np.tile(np.array([0.0, 0.0, *plate_size]), (len(boxes), 1))
    values = np.array([box for box in boxes if box is not None], dtype=np.float64)
    columns = [np.interp(np.arange(len(boxes)), known, values[:, side]) for side in range(4)]
    limits = np.array([*plate_size, *plate_size], dtype=np.float64)
    return np.clip(np.stack(columns, axis=1), 0, limits)


def _follow(
    edges: NDArray[np.float64], padding: NDArray[np.float64], fit: _Fit, smoothing_frames: float
) -> tuple[NDArray[np.float64], _Size, float]:
    """Return the smooth path of centres, and the size and scale that hold every box from there.

    Aiming only where the crop lies inside the picture (an average of such centres is one too) gives real context
    instead of repeated edges. Size and aim depend on each other; a few rounds settle them, and what is left over only
    pads more.
    """
    centres = (edges[:, :2] + edges[:, 2:]) / 2
    path = _smooth(centres, smoothing_frames)
    size, scale = fit.around(path, edges, padding)
    for _ in range(_SETTLING_ROUNDS):
        half = np.minimum(np.array(size.crop), fit.plate_size) / 2
        path = _smooth(np.clip(centres, half, np.array(fit.plate_size) - half), smoothing_frames)
        size, scale = fit.around(path, edges, padding)
    return path, size, scale


def _smooth(path: NDArray[np.float64], smoothing_frames: float) -> NDArray[np.float64]:
    """Return the Gaussian average over frames, the first and last held beyond the ends. path: (frames, 2)."""
    reach = max(1, math.ceil(_SMOOTHING_REACH * smoothing_frames))
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / max(smoothing_frames, 1e-6)) ** 2)
    weights /= weights.sum()
    held = np.pad(path, ((reach, reach), (0, 0)), mode="edge")
    return np.stack([np.convolve(held[:, axis], weights, mode="valid") for axis in (0, 1)], axis=1)


def _corners(path: NDArray[np.float64], crop: tuple[int, int], plate_size: tuple[int, int]) -> NDArray[np.int64]:
    """Return the top left corners on whole pixels; a side as long as the picture stands still over all of it."""
    corners = np.floor(path - np.array(crop) / 2 + 0.5).astype(np.int64)
    if len(path) and np.ptp(path, axis=0).max() == 0:
        # A locked crop looks inside the picture wherever it can.
        corners = np.clip(corners, 0, np.maximum(0, np.array(plate_size) - np.array(crop)))
    for axis in (0, 1):
        if crop[axis] >= plate_size[axis]:
            corners[:, axis] = -((crop[axis] - plate_size[axis]) // 2)
    return corners
