"""The plate of a job beside its take: the files that were submitted, in the space that the layers are in.

`PlateSource` is what the viewer needs of a plate, wherever it comes from. `JobPlate` is the one whose files lie on this
machine: each is held against what was submitted before its pixels are believed, and what is not in the take's working
space is brought there as the daemon does it (docs/colour.md): OCIO in 32 bits, lossless, rounded to half. So outside
the effective matte plate and comp are equal to the bit. Any thread but the interface's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from understudy.bridge.errors import PlateError
from understudy.bridge.exr_file import file_digest, picture_digest
from understudy.bridge.shot import PictureFile, Plate
from understudy.ui.frames.exr import Frame, read_frame
from understudy.ui.frames.view import Viewing


class PlateSource(Protocol):
    """Where a plate's frames come from. `frames` and `note` may touch the disk; nothing is asked of a daemon there."""

    def frames(self) -> Mapping[int, Path]:
        """Return each frame's path: what names it to `read`, and no more than that."""

    def note(self) -> str:
        """Return what is to be said of the plate beneath the picture; empty for nothing."""

    def read(self, path: Path, viewing: Viewing, space: str) -> Frame:
        """Return the frame that `path` names, in the working space `space`. Raises PlateError."""


class JobPlate:
    """A plate by its files as the user typed them. Files of another size than was submitted are left out."""

    def __init__(self, plate: Plate) -> None:
        self._pictures = plate.pictures
        self._by_path = {Path(file.typed): file for file in plate.pictures.files if file.frame is not None}
        self._same: set[tuple[Path, int]] = set()

    def frames(self) -> Mapping[int, Path]:
        if self._pictures.kind != "sequence" or self._pictures.view:
            return {}
        return {
            file.frame: path
            for path, file in self._by_path.items()
            if file.frame is not None and path.suffix.lower() == ".exr" and _size(path) == file.size
        }

    def note(self) -> str:
        typed = self._pictures.typed
        if self._pictures.view:
            return f"the plate {typed} is one of several views in its files: it is not shown"
        if self._pictures.kind != "sequence" or not all(path.suffix.lower() == ".exr" for path in self._by_path):
            return f"the plate {typed} is no OpenEXR sequence: it is not shown"
        lacking = len(self._by_path) - len(self.frames())
        if lacking:
            return f"of the plate {typed}, {lacking} of {len(self._by_path)} files are not here as they were submitted"
        return ""

    def read(self, path: Path, viewing: Viewing, space: str) -> Frame:
        file = self._by_path.get(path)
        if file is None:
            raise PlateError(f"{path} is no file of this plate", remedy="Choose the take again.")
        self._refuse_another(path, file)
        frame = read_frame(path, self._pictures.layer)
        source = self._pictures.colour or frame.tag
        if not source or not space or viewing.same_space(source, space):
            return frame
        light = np.array(frame.pixels, np.float32, order="C")
        viewing.convert(light, source, space)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            return replace(frame, pixels=light.astype(np.float16))

    def _refuse_another(self, path: Path, file: PictureFile) -> None:
        """Raises PlateError for a file with another picture in it than was submitted; looked at once as it stands."""
        try:
            stamp = (path, path.stat().st_mtime_ns)
            if stamp in self._same:
                return
            same = file_digest(path) == file.file or picture_digest(path) == file.picture
        except OSError as problem:
            raise PlateError(
                f"{path} cannot be read: {problem.strerror}", remedy="Put the plate back where it was submitted from."
            ) from None
        if not same:
            raise PlateError(
                f"{path} is not the picture that this take was made from: it has changed since it was submitted",
                remedy="Put the submitted file back, or submit the shot again.",
                facts={"file": str(path)},
            )
        self._same.add(stamp)


@dataclass(frozen=True, slots=True)
class PatternPlate:
    """A plate by its name alone (`plate.####.exr`), taken to be in the take's working space."""

    files: Mapping[int, Path]

    def frames(self) -> Mapping[int, Path]:
        return self.files

    def note(self) -> str:
        return ""

    def read(self, path: Path, viewing: Viewing, space: str) -> Frame:
        return read_frame(path)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
