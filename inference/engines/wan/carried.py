"""The last pictures of each segment, kept as long as the job's version: from them the next one begins.

Written before any frame of their segment is given out, so a job that was killed goes on from any finished segment, and
a redo from any segment of a delivered version. Float32 as the VAE gave them: what is carried over is never rounded to a
layer's half or a display's 8 bits. A file has 12 bytes a pixel and picture: 11 MB a segment at 1280 x 720.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from blake3 import blake3
from torch import Tensor

from understudy.bridge.errors import EngineError
from understudy.inference.engines.door import EarlierVersion, Footage


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


def carried_of(footage: Footage, weights: Mapping[str, str]) -> CarriedPictures:
    """Return the carried pictures of a shot, those of the segments that a redo keeps among them.

    weights: digests by name. They, the settings and the picture's size decide what a segment leaves; the inputs need
    not be named, as a job's folder has them once.
    """
    said = (footage.settings, sorted(weights.items()), footage.frames, footage.height, footage.width)
    carried = CarriedPictures(footage.carried, blake3(repr(said).encode()).hexdigest()[:16])
    if footage.earlier is not None:
        for index in footage.earlier.kept:
            carried.adopt(index, footage.earlier.carried)
    return carried


def refuse_another_take(earlier: EarlierVersion | None, index: int, approximate: str = "") -> None:
    """Raises EngineError where a kept segment, made again, would end in other pictures than the delivered ones.

    approximate: what it was made again with today, where that is less than the settings say.
    """
    if earlier is None or index not in earlier.kept or (earlier.repeatable and not approximate):
        return
    usual = "not all of this version was made with the same options in one go"
    why = earlier.unrepeatable or (f"today it is made with {approximate}" if earlier.repeatable else usual)
    raise EngineError(
        f"the pictures that segment {index + 2} goes on from are no longer kept, and segment {index + 1} made "
        f"again would end in others: {why}",
        remedy=f"Redo from segment {index + 1}, or from the first.",
    )
