"""A network that finds people, as one more witness of what is character: any that a studio has, as an ONNX file.

Input (1, 3, height, width), RGB codes normalised by ImageNet's mean and deviation; a size that is fixed in the file is
kept to. The first output is (1, 1, height, width): how surely a pixel shows a person, from 0 to 1, or its log odds
where any value lies outside of that. U2-Net, BiRefNet and most of their kin are exported so.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.networks import IMAGENET_DEVIATION, IMAGENET_MEAN, Network

Array = NDArray[np.float32]

REMEDY = "docs/wan-coverage.md says which input and output such a file must have."
USUAL_SIDE = 1024
"""Pixels on a side, where the network takes any size: what the larger ones of today were trained at."""
SIDES_STEP = 32


class Segmenter:
    """Any thread."""

    def __init__(self, path: Path) -> None:
        """Raises RequestError, EngineError for a file that is no such network."""
        self._network = Network.open(path, REMEDY)
        takes = self._network.takes()
        if len(takes) != 1 or len(takes[0]) != 4 or (takes[0][1] not in (3, None) and isinstance(takes[0][1], int)):
            raise self._network.unfit(f"it takes {takes}, not one picture (1, 3, height, width)")
        self._height, self._width = (side if isinstance(side, int) else None for side in takes[0][2:])

    def seen(self, picture: Array) -> Array:
        """Return how surely each pixel shows a person, (h, w) from 0 to 1, of (h, w, 3) codes. Raises EngineError."""
        height, width = picture.shape[:2]
        size = self._size(height, width)
        small = cv2.resize(np.clip(picture, 0, 1), size[::-1], interpolation=cv2.INTER_AREA)
        planes = ((small - IMAGENET_MEAN) / IMAGENET_DEVIATION).astype(np.float32).transpose(2, 0, 1)
        found = self._network.run([np.ascontiguousarray(planes[None])])
        if found.ndim != 4 or found.shape[:2] != (1, 1):
            raise self._network.unfit(f"its first output has shape {found.shape}, not (1, 1, height, width)")
        share = found[0, 0]
        if not np.isfinite(share).all():
            raise self._network.unfit("its first output is not finite")
        if share.min() < 0 or share.max() > 1:
            share = 1 / (1 + np.exp(-np.clip(share, -30, 30)))
        whole = cv2.resize(np.asarray(share, np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
        return np.asarray(np.clip(whole, 0, 1), np.float32)

    def _size(self, height: int, width: int) -> tuple[int, int]:
        """Return the size that the network sees: its own, else the picture's form at about the usual area."""
        scale = USUAL_SIDE / (height * width) ** 0.5
        free = [max(SIDES_STEP, round(side * scale / SIDES_STEP) * SIDES_STEP) for side in (height, width)]
        return self._height or free[0], self._width or free[1]
