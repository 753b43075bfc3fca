"""Files that an artist names, brought to the frame numbers of a host's timeline."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from understudy.bridge.errors import HostError
from understudy.bridge.frames import FilePattern, FrameRange
from understudy.bridge.host import Footage
from understudy.bridge.typed_files import kind_of


def file_footage(typed: str, frames: FrameRange, plate: Footage, *, movie_first: int) -> Footage:
    """Return a file of the artist's, its numbers brought to the timeline's.

    A sequence may be numbered as the timeline is, as the plate's files are, or have just as many frames as the shot.
    Raises HostError for one that does none of these.
    """
    if not Path(typed).is_file() and not FilePattern(typed).numbered:
        raise HostError(f"there is no file {typed}", remedy="Check the path; #### stands for frame numbers.")
    if kind_of(typed) == "movie":
        return Footage(typed=typed, first=movie_first)
    if kind_of(typed) == "still":
        return Footage(typed=typed)
    found = FilePattern(typed).frames_on_disk()
    if all(frame in found for frame in frames):
        return Footage(typed=typed)
    as_plate = _by_numbers_of(plate.files, found)
    if as_plate:
        return Footage(typed=typed, files=as_plate)
    if len(found) == len(frames):
        return Footage(typed=typed, files={f: str(p) for f, p in zip(frames, found.values(), strict=True)})
    there = f"{min(found)} to {max(found)}" if found else "none"
    raise HostError(
        f"{typed} has frames {there}; the shot has {frames}, and the numbers of the plate's files do not fit either",
        remedy="Number the files as the timeline or the plate does, or bring exactly as many as the shot has.",
    )


def _by_numbers_of(plate: Mapping[int, str], found: Mapping[int, Path]) -> dict[int, str]:
    """Return the files whose numbers are those of the plate's files, by timeline frame; {} unless all are there."""
    numbers = {frame: re.findall(r"\d+", Path(file).name)[-1] for frame, file in plate.items()}
    if not numbers or not all(int(number) in found for number in numbers.values()):
        return {}
    return {frame: str(found[int(number)]) for frame, number in numbers.items()}
