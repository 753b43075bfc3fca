"""Where the steady crop lies in every frame of a shot, in numbers. Pure; no pixels.

Two coordinate systems: *file pixels*, in which an EXR states its windows, and *display pixels*, which count from the
top left of the display window (boxes, mattes and keypoints). Edges, not centres: pixel 0 reaches from 0 to 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from understudy.inference.picture.header import Window


@dataclass(frozen=True, slots=True)
class CropPath:
    """The crop of every frame of a shot. Immutable; any thread.

    `lefts` and `tops` are display pixels, one a frame of `frames`; `width`, `height` the crop in plate pixels, the
    same in every frame; `model_width`, `model_height` the engine's picture in square pixels. `origin` is the display
    window's top left corner in file pixels.
    """

    frames: tuple[int, ...]
    lefts: tuple[int, ...]
    tops: tuple[int, ...]
    width: int
    height: int
    model_width: int
    model_height: int
    plate_width: int
    plate_height: int
    pixel_aspect: float = 1.0
    origin: tuple[int, int] = (0, 0)

    @property
    def scale(self) -> tuple[float, float]:
        """Return model pixels a plate pixel, across and down; above 1 only where the pixel aspect is unsqueezed."""
        return self.model_width / self.width, self.model_height / self.height

    @property
    def exact(self) -> bool:
        """Return whether `cut` and `put_back` are copies, bit for bit."""
        return (self.model_width, self.model_height) == (self.width, self.height)

    @property
    def locked(self) -> bool:
        return len(set(self.lefts)) <= 1 and len(set(self.tops)) <= 1

    @property
    def display(self) -> Window:
        """Return the display window in file pixels."""
        return Window(self.origin[0], self.origin[1], self.plate_width, self.plate_height)

    def window(self, frame: int) -> Window:
        """Return the crop of `frame` in file pixels; it may reach past the picture. KeyError for a frame not here."""
        index = self._index(frame)
        return Window(self.origin[0] + self.lefts[index], self.origin[1] + self.tops[index], self.width, self.height)

    def transform(self, frame: int) -> NDArray[np.float64]:
        """Return the 2 x 3 matrix from display pixels to model pixels, for positions measured from pixel edges."""
        index = self._index(frame)
        across, down = self.scale
        return np.array([[across, 0, -self.lefts[index] * across], [0, down, -self.tops[index] * down]])

    def keypoints(self, points: NDArray[np.float32], frame: int) -> NDArray[np.float32]:
        """Return `points` in the model's picture.

        points: (n, 2 or more) x, y in display pixels where the centre of the first pixel is 0, 0 (as detectors and COCO
        count); further columns, such as the confidence, are kept. The result counts the same way.
        """
        moved = np.array(points, dtype=np.float32)
        matrix = self.transform(frame)
        moved[:, :2] = (points[:, :2].astype(np.float64) + 0.5) @ matrix[:, :2].T + matrix[:, 2] - 0.5
        return moved

    def header(self, frame: int) -> str:
        """Return what a file's header says of the crop, as JSON: enough to do the way back without us."""
        window = self.window(frame)
        facts = {
            "frame": frame,
            "crop": [window.x, window.y, window.width, window.height],
            "size": [self.model_width, self.model_height],
            "scale": list(self.scale),
            "display": [*self.origin, self.plate_width, self.plate_height],
            "pixel_aspect": self.pixel_aspect,
            "locked": self.locked,
            "beyond": "edge",
        }
        return msgspec.json.encode(facts).decode()

    def _index(self, frame: int) -> int:
        index = frame - self.frames[0]
        if 0 <= index < len(self.frames) and self.frames[index] == frame:
            return index
        try:
            return self.frames.index(frame)
        except ValueError:
            raise KeyError(f"frame {frame} is not of this shot ({self.frames[0]}-{self.frames[-1]})") from None
