"""Boxes around people: where a detector saw them, and the window that the pose network looks through. Pure.

All coordinates are those of points: the centre of the first pixel is 0, 0, so a picture reaches from -0.5 to its width
less 0.5.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Matrix = NDArray[np.float64]

NETWORK_WIDTH, NETWORK_HEIGHT = 192, 256
"""What ViTPose takes in, in pixels."""
BOX_PADDING = 1.25
"""How much larger than the person's box the window is: mmpose's figure for ViTPose, kept by Wan-Animate."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle by its edges; it may reach past the picture."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    @property
    def area(self) -> float:
        return max(self.width, 0.0) * max(self.height, 0.0)

    def edges(self) -> tuple[float, float, float, float]:
        """Return left, top, right, bottom counted from the picture's own edge, as windows and crops are."""
        return self.left + 0.5, self.top + 0.5, self.right + 0.5, self.bottom + 0.5

    def overlap(self, other: Box) -> float:
        """Return intersection over union, 0 to 1."""
        across = min(self.right, other.right) - max(self.left, other.left)
        down = min(self.bottom, other.bottom) - max(self.top, other.top)
        shared = max(across, 0.0) * max(down, 0.0)
        return shared / (self.area + other.area - shared) if shared else 0.0


@dataclass(frozen=True, slots=True)
class Detection:
    """What a source found in one picture."""

    points: NDArray[np.float32]
    """(133, 3) of the one who is meant."""
    people: tuple[Box, ...] | None = None
    """Everybody who was seen; None where nobody was looked for."""


def whole_picture(height: int, width: int) -> Box:
    return Box(-0.5, -0.5, width - 0.5, height - 0.5)


@dataclass(frozen=True, slots=True)
class PersonWindow:
    """The part of a picture that the network sees, in its shape: centre and size in the picture's pixels."""

    centre_x: float
    centre_y: float
    width: float
    height: float

    @classmethod
    def around(cls, box: Box) -> PersonWindow:
        """Return the least window of the network's shape around `box`, enlarged by BOX_PADDING."""
        aspect = NETWORK_HEIGHT / NETWORK_WIDTH
        height = max(box.width * aspect, box.height) * BOX_PADDING
        return cls((box.left + box.right) / 2, (box.top + box.bottom) / 2, height / aspect, height)

    def cut(self, picture: Picture) -> Picture:
        """Return (256, 192, 3) uint8: the window sampled linearly, black beyond the picture."""
        scale = NETWORK_WIDTH / self.width
        matrix: Matrix = np.array(
            [
                [scale, 0, (self.width / 2 - self.centre_x) * scale],
                [0, scale, (self.height / 2 - self.centre_y) * scale],
            ]
        )
        size = (NETWORK_WIDTH, NETWORK_HEIGHT)
        return np.asarray(cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR), np.uint8)

    def to_picture(self, points: NDArray[np.float32], columns: int, rows: int) -> NDArray[np.float32]:
        """Return points (n, 2 or more) of a heatmap of columns x rows as points of the picture.

        A heatmap's pixel h is the network's pixel h * 192 / columns, and that is the picture's left edge of the window
        + h * width / columns: the convention under which ViTPose's whole-body weights were trained (mmpose's
        TopDownAffine and TopDownGenerateTarget without UDP), and that of Wan-Animate's preprocessing.
        """
        moved = points.astype(np.float32, copy=True)
        moved[:, 0] = points[:, 0] * (self.width / columns) + (self.centre_x - self.width / 2)
        moved[:, 1] = points[:, 1] * (self.height / rows) + (self.centre_y - self.height / 2)
        return moved
