"""What is kept of a followed frame: small fields, on disk in the job's scratch folder, so that memory stays flat and a
crash loses no frame that was followed."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

KEPT_IN_MEMORY = 4
FOLDER = "preview-poses-1"
"""The number changes with what is stored."""

Half = NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Pose:
    """Two fields at half the tracking size, (2, h/2, w/2, 2): to the home frame as measured, and what brings the
    character's outline to the matte's."""

    fields: Half

    @property
    def motion(self) -> NDArray[np.float32]:
        return np.asarray(self.fields[0], np.float32)

    @property
    def outline(self) -> NDArray[np.float32]:
        return np.asarray(self.fields[1], np.float32)


class PoseStore:
    """Poses by their place in the shot. One thread. Without a folder everything stays in memory."""

    def __init__(self, scratch: Path, of: str) -> None:
        """`of` tells poses of one performer, home frame and character from those of another; part of a file's name."""
        self._folder = scratch / f"{FOLDER}-{of}" if scratch != Path() else None
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
        self._recent: OrderedDict[int, Pose] = OrderedDict()

    def __contains__(self, position: int) -> bool:
        return position in self._recent or (self._folder is not None and self._path(position).exists())

    def load(self, position: int) -> Pose:
        """Raises OSError or ValueError for a file that is damaged."""
        if position not in self._recent:
            self._keep(position, Pose(np.load(self._path(position), allow_pickle=False)))
        self._recent.move_to_end(position)
        return self._recent[position]

    def save(self, position: int, pose: Pose) -> None:
        """Keep a pose; a file that has its name is whole."""
        if self._folder is not None:
            path = self._path(position)
            unfinished = path.with_suffix(".part")
            with unfinished.open("wb") as file:
                np.save(file, pose.fields, allow_pickle=False)
            unfinished.replace(path)
        self._keep(position, pose)

    def _keep(self, position: int, pose: Pose) -> None:
        self._recent[position] = pose
        while self._folder is not None and len(self._recent) > KEPT_IN_MEMORY:
            self._recent.popitem(last=False)

    def _path(self, position: int) -> Path:
        return (self._folder or Path()) / f"{position:06d}.npy"
