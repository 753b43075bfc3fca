"""The last picture of each segment as the engine gave it, for the in-betweens that lead over to the next segment.

On disk before that picture's own frame is given out, so a job that was killed interpolates over a seam with the same
bits. Float32: 28 bytes a pixel, so 26 MB a segment at 1280 x 720.
"""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
from blake3 import blake3

from understudy.inference.engines.door import EarlierVersion, GeneratedFrame
from understudy.inference.shot_pictures import ShotPictures
from understudy.inference.version import Version

PARTS = ("coverage", "picture", "character", "clean")


class LastPictures:
    """One file a segment, beside what the engine itself carries over. Any thread; one writes."""

    def __init__(self, pictures: ShotPictures, version: Version) -> None:
        """Take over what the segments that a redo keeps have left in the folder of the version before."""
        said = (pictures.order.job.settings, sorted(version.weights.items()), pictures.frames, pictures.size)
        self._folder = pictures.carried()
        self._key = blake3(repr(said).encode()).hexdigest()[:16]
        self._earlier = pictures.earlier()
        if self._earlier is not None:
            for index in self._earlier.kept:
                self._adopt(index, self._earlier)

    def save(self, index: int, last: GeneratedFrame) -> None:
        """Keep the last picture of segment `index`. Durable when it returns."""
        found = {name: getattr(last, name) for name in PARTS}
        path = self._path(index)
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            np.savez(file, **{name: pixels for name, pixels in found.items() if pixels is not None})
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)

    def load(self, index: int, frame: int) -> GeneratedFrame | None:
        """Return what segment `index` ended in, at its last made `frame`; None where it is gone or not whole."""
        try:
            with self._path(index).open("rb") as file, np.load(file, allow_pickle=False) as kept:
                found = {name: kept[name] for name in PARTS if name in kept.files}
                return GeneratedFrame(frame, **found)
        except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile):
            return None

    def may_be_made_again(self, index: int) -> bool:
        """Return whether segment `index`, made again, would end in the picture that was delivered."""
        earlier = self._earlier
        return earlier is None or index not in earlier.kept or earlier.repeatable

    def _adopt(self, index: int, earlier: EarlierVersion) -> None:
        found = sorted(earlier.carried.glob(f"last-*-{index:04}.npz"), key=lambda path: path.stat().st_mtime_ns)
        if found and not self._path(index).is_file():
            part = self._path(index).with_suffix(".part")
            shutil.copyfile(found[-1], part)
            part.replace(self._path(index))

    def _path(self, index: int) -> Path:
        return self._folder / f"last-{self._key}-{index:04}.npz"
