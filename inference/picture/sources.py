"""The files of one role by frame number, and errors that name a file as the user typed it, never as the vault does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from understudy.bridge.errors import PlateError
from understudy.bridge.frames import FrameRange
from understudy.bridge.shot import PictureFile, Pictures


def files_by_frame(pictures: Pictures, frames: FrameRange, role: str) -> dict[int, PictureFile]:
    """Return which file holds each of `frames`: its own of a sequence, the same one of a movie or a still.

    Raises PlateError naming the frames of a sequence that are missing.
    """
    if pictures.kind != "sequence":
        return dict.fromkeys(frames, pictures.files[0])
    held = {file.frame: file for file in pictures.files if file.frame is not None}
    missing = [frame for frame in frames if frame not in held]
    if missing:
        within = f"{min(held, default=0)}-{max(held, default=0)}"
        shown = ", ".join(str(frame) for frame in missing[:10]) + (", ..." if len(missing) > 10 else "")
        raise PlateError(
            f"{role} {pictures.typed}: no file for frame {shown}",
            remedy=f"Render the missing frames, or ask for a range within {within}.",
            facts={"file": pictures.typed, "role": role, "missing": str(len(missing))},
        )
    return {frame: held[frame] for frame in frames}


def path_of(file: PictureFile, paths: Mapping[str, Path | str]) -> str:
    """Return where the bytes of `file` lie. Raises PlateError when they are not there."""
    found = paths.get(file.file)
    if found is None or not Path(found).is_file():
        raise PlateError(
            f"{file.typed}: its bytes are not here",
            remedy="Submit the job again: the file did not arrive, or was removed from the vault.",
            facts={"file": file.typed, "digest": file.file},
        )
    return str(found)


@contextmanager
def named_as_typed(path: str, typed: str) -> Iterator[None]:
    """Turn a PlateError over `path` into one that names the file by the user's own words."""
    try:
        yield
    except PlateError as problem:
        if path == typed:
            raise
        facts = {name: value.replace(path, typed) for name, value in problem.facts.items()}
        raise PlateError(
            problem.message.replace(path, typed), remedy=problem.remedy.replace(path, typed), facts=facts
        ) from problem
