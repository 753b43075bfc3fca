"""What a host exported as options that can be typed: files whose names bear the host's own frame numbers.

A job takes a table of frames and files along; a form has only patterns. So where the numbers differ, links with the
host's numbers are made beside the export.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec

from understudy.bridge.errors import HostError
from understudy.bridge.frames import FilePattern
from understudy.bridge.host import Exported, Footage, Selection
from understudy.bridge.options import JobOptions
from understudy.bridge.typed_files import kind_of


def typed_options(
    exported: Exported, choices: JobOptions, selection: Selection, series: str, folder: Path
) -> JobOptions:
    """Return the job as its options. folder: gets the links. Raises HostError for movies that are counted apart."""
    footage = {role: _numbered(one, role, folder) for role, one in exported.footage.items()}
    options = msgspec.structs.replace(exported, footage=footage).options(choices, selection, series)
    firsts = {one.first for one in footage.values() if kind_of(one.typed) == "movie"}
    if len(firsts) > 1:
        raise HostError(
            "two movies of this shot begin at different frames, and a form says one number for both",
            remedy="Submit it from here, or bring one of the two as a sequence.",
        )
    return msgspec.structs.replace(options, first=firsts.pop() if firsts else options.first)


def _numbered(footage: Footage, role: str, folder: Path) -> Footage:
    if not footage.files:
        return footage
    pattern = FilePattern(footage.typed)
    if pattern.numbered and all(str(pattern.path(frame)) == file for frame, file in footage.files.items()):
        return msgspec.structs.replace(footage, files={})
    suffix = Path(next(iter(footage.files.values()))).suffix
    links = FilePattern(str(folder / f"{role}_links" / f"{role}.####{suffix}"))
    Path(links.text).parent.mkdir(parents=True)
    for frame, file in footage.files.items():
        _link(Path(file).absolute(), links.path(frame))
    return msgspec.structs.replace(footage, typed=links.text, files={})


def _link(file: Path, name: Path) -> None:
    try:
        name.symlink_to(file)
    except OSError:  # Windows keeps links for those who may make them
        shutil.copyfile(file, name)
