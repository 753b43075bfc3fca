"""The pixels of a delivered twin: an identical job on unchanged pictures. Headers and papers are made anew.

A file that is not what the twin's manifest says, or is gone, is simply not used: the engine makes that frame.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

import msgspec

from understudy.bridge.errors import PlateError
from understudy.bridge.exr_file import file_digest
from understudy.bridge.shot import OutputFile
from understudy.inference.compliance.manifest import MANIFEST_NAME, read_manifest
from understudy.inference.compliance.marks import FRAME_MARKS, SETTINGS
from understudy.inference.picture.composite import Layer
from understudy.inference.picture.images import read_image

PART = ".part"


class TwinFrame(NamedTuple):
    """One frame of a twin."""

    layers: dict[str, Layer]
    origin: dict[str, str]
    """What its header says of these pixels alone: the version that they were taken from, where the twin did not make
    them; whether it is an in-between, where there are any.
    """
    settings: str
    """The settings of the twin's job, as its header has them."""


def copy_carried(source: Path, target: Path) -> None:
    """Bring what a twin keeps for a redo into this version's own folder; what is there already stays."""
    for path in sorted(source.glob("*")):
        if path.is_file() and path.suffix != PART and not (target / path.name).exists():
            part = target / f"{path.name}{PART}"
            shutil.copyfile(path, part)
            part.replace(target / path.name)


class Twin:
    """A delivered version whose pixels may be used again. Any thread."""

    def __init__(self, folder: str | None) -> None:
        """Open the twin in `folder`; None, or a folder without a sound manifest, is a twin without frames."""
        self._folder = Path(folder or "")
        self._files: dict[tuple[str, int], OutputFile] = {}
        if folder is None:
            return
        try:
            manifest = read_manifest((self._folder / MANIFEST_NAME).read_bytes())
        except (OSError, msgspec.MsgspecError):
            return
        self._files = {
            (file.layer, file.frame): file
            for file in manifest.files
            if file.layer is not None and file.frame is not None
        }

    def frame(self, frame: int, names: tuple[str, ...]) -> TwinFrame | None:
        """Return the layers of `frame` as they are stored, None unless all of them are there and untouched."""
        layers: dict[str, Layer] = {}
        attributes: dict[str, object] = {}
        for name in names:
            file = self._files.get((name, frame))
            if file is None:
                return None
            path = self._folder / file.path
            try:
                if file_digest(path) != file.file:
                    return None
                image = read_image(path)
            except (OSError, PlateError):
                return None
            layers[name] = (image.pixels, image.channels)
            attributes = image.header.attributes
        origin = {name: str(attributes[name]) for name in FRAME_MARKS if name in attributes}
        return TwinFrame(layers, origin, str(attributes.get(SETTINGS, "")))
