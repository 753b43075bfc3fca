"""The last pictures of each segment, kept in the job's scratch folder: from them the next one begins.

Written before any frame of their segment is given out, so a job that was killed goes on from any finished segment.
Float32 as the VAE gave them: what is carried over is never rounded to a layer's half or a display's 8 bits.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor


class CarriedPictures:
    """One file a segment: (1, 3, pictures, height, width), -1 to 1."""

    def __init__(self, folder: Path, key: str) -> None:
        """key: what decides the pictures; those of other settings are not found."""
        self._folder, self._key = folder, key

    def save(self, index: int, pictures: Tensor) -> None:
        path = self._path(index)
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            np.save(file, pictures.float().cpu().numpy(), allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)

    def load(self, index: int) -> Tensor | None:
        """Return what segment `index` left; None when it is not there or not whole."""
        try:
            return torch.from_numpy(np.load(self._path(index), allow_pickle=False))
        except (OSError, ValueError, EOFError):
            return None

    def _path(self, index: int) -> Path:
        return self._folder / f"carried-{self._key}-{index:04}.npy"
