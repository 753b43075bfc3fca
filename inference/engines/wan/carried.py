"""The last pictures of each segment, kept as long as the job's version: from them the next one begins.

Written before any frame of their segment is given out, so a job that was killed goes on from any finished segment, and
a redo from any segment of a delivered version. Float32 as the VAE gave them: what is carried over is never rounded to a
layer's half or a display's 8 bits. A file has 12 bytes a pixel and picture: 11 MB a segment at 1280 x 720.
"""

from __future__ import annotations

import os
import shutil
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

    def adopt(self, index: int, folder: Path) -> bool:
        """Take over what segment `index` left in the folder of another version; return whether it is here now.

        What other settings left counts too: it is what the next segment of that version begins with.
        """
        if self._path(index).is_file():
            return True
        found = sorted(folder.glob(f"carried-*-{index:04}.npy"), key=lambda path: path.stat().st_mtime_ns)
        if not found:
            return False
        part = self._path(index).with_suffix(".part")
        shutil.copyfile(found[-1], part)
        part.replace(self._path(index))
        return True

    def _path(self, index: int) -> Path:
        return self._folder / f"carried-{self._key}-{index:04}.npy"
