"""The roles of an evaluation before any picture is opened: which files, which frames, in what they agree."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from understudy.bridge.errors import Finding, RequestError
from understudy.bridge.exr_file import read_attribute
from understudy.bridge.frames import FrameRange
from understudy.bridge.input_files import Gatherer, numbered_files
from understudy.bridge.shot import Pictures
from understudy.bridge.typed_files import Numbering, kind_of
from understudy.inference.evaluation.take_on_disk import WORKING_SPACE, TakeOnDisk
from understudy.inference.picture.movies import MovieReader

SHOWN_FRAMES = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed."""

    result: str
    against: str
    matte: str | None = None
    matte_channel: str | None = None
    matte_invert: bool = False
    frames: str | None = None
    first: int = 0
    """The frame number of the first picture of a movie that is RESULT or the matte."""
    against_first: int = 0
    colour: str | None = None
    against_colour: str | None = None
    ocio: str | None = None


@dataclass(frozen=True, slots=True)
class Role:
    """One role's files before any is opened."""

    name: str
    typed: str
    files: Mapping[int, Path] | None
    """By frame; None for a movie or a still."""
    frames: frozenset[int] | None
    """None for a still, which stands for every frame."""
    first: int = 0
    colour: str | None = None

    def gathered(self, span: FrameRange) -> tuple[Pictures, Mapping[str, Path]]:
        numbering = Numbering(files={self.typed: self.files}) if self.files is not None else Numbering()
        gather = Gatherer(span, lambda done, total: None, numbering)
        return gather.pictures(self.typed, first=self.first, colour=self.colour), gather.paths


def runs_of(frames: tuple[int, ...]) -> Iterator[FrameRange]:
    """Yield the unbroken runs of sorted frames."""
    start = 0
    for index in range(1, len(frames) + 1):
        if index == len(frames) or frames[index] != frames[index - 1] + 1:
            yield FrameRange(frames[start], frames[index - 1])
            start = index


def missing_findings(missing: Mapping[str, tuple[int, ...]]) -> tuple[Finding, ...]:
    """Return what to tell of frames that could not be compared."""
    return tuple(
        Finding(
            rule="frames_missing", outcome="warn",
            message=f"{role} lacks {len(frames)} frames, which were not compared: {_some(frames)}",
            remedy="Render or fetch them, or say with --frames which are meant.", frames=frames,
        )
        for role, frames in missing.items()
    )  # fmt: skip


def _some(frames: tuple[int, ...]) -> str:
    return ", ".join(map(str, frames[:SHOWN_FRAMES])) + (", ..." if len(frames) > SHOWN_FRAMES else "")


def span_of(frames: frozenset[int] | None) -> str:
    return f"{min(frames)}-{max(frames)}" if frames else "none"


def result_role(asked: Asked, take: TakeOnDisk | None) -> Role:
    if take is not None:
        return take_role("result", take, asked.colour)
    if not Path(asked.result).exists() and kind_of(asked.result) == "still":
        raise RequestError(f"there is no {asked.result}", remedy="Name a take's folder, name.####.exr or a movie.")
    if kind_of(asked.result) == "still":
        raise RequestError(
            f"{asked.result} is one picture without a frame number",
            remedy="Name it as a sequence of one, name.####.exr, so that it is known which frame it is.",
        )
    return role_of("result", asked.result, asked.first, asked.colour)


def take_role(name: str, take: TakeOnDisk, colour: str | None) -> Role:
    """Return the finished picture of a take, in the working space that its files name."""
    files = take.files(take.picture_layer)
    space = next((read_attribute(path, WORKING_SPACE) for path in files.values()), None)
    return Role(name, str(take.folder / take.picture_layer), files, frozenset(files), 0, colour or space)


def role_of(name: str, typed: str, first: int, colour: str | None) -> Role:
    kind = kind_of(typed)
    if kind == "sequence":
        files = numbered_files(typed)
        if not files:
            raise RequestError(f"there is no file {typed}", remedy="Check the path; #### stands for frame numbers.")
        return Role(name, typed, files, frozenset(files), 0, colour)
    if not Path(typed).exists():
        raise RequestError(f"there is no file {typed}", remedy="Check the path; #### stands for frame numbers.")
    if kind == "movie":
        with MovieReader(typed) as movie:
            return Role(name, typed, None, frozenset(range(first, first + movie.count)), first, colour)
    return Role(name, typed, None, None, 0, colour)
