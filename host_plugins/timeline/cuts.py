"""What a timeline file says of a clip, in timeline frames; and the take that goes back above it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from understudy.bridge.errors import RequestError
from understudy.bridge.frames import FilePattern, FrameRange, FrameRate, Handles
from understudy.bridge.host import Footage
from understudy.bridge.typed_files import MOVIE_SUFFIXES

RENDER_IT = "Render this clip to a movie or a sequence in the editor, put that in its place, and export again."
TRACK = "Understudy"
_BRACKETED = re.compile(r"\[(\d+)(?:-\d+)?\](?!.*\[\d+(?:-\d+)?\])")


@dataclass(frozen=True)
class Cut:
    """A clip on the timeline. Frames count from the timeline's start timecode: 01:00:00:00 at 24 is 86400."""

    name: str
    track: str
    frames: FrameRange
    rate: FrameRate
    media: str = ""
    """The file as the timeline names it: a path, or a pattern with ####."""
    origin: int = 0
    """The timeline frame that the medium's first picture would have."""
    length: int = 0
    """Pictures of the medium; 0 = not said."""
    first_number: int | None = None
    """The number in the name of a sequence's first file; None for a movie."""
    why_not: str = ""
    """Why its files are not what the timeline shows, '' where they are."""

    @property
    def said(self) -> str:
        """Return how the clip is named on the command line where its name stands twice."""
        return f"{self.name}@{self.frames.first}"

    def with_handles(self, handles: Handles) -> FrameRange:
        """Return the frames and the handles around them. Raises RequestError where the medium has fewer."""
        frames = self.frames.with_handles(handles)
        last = self.origin + self.length - 1 if self.length else frames.last
        there = frames.handles_within(FrameRange(min(self.origin, last), last))
        if there != handles:
            raise RequestError(
                f"{self.name} has no {handles} frames beyond the ends of its cut",
                remedy=f"Ask for --handles {there}, or for none.",
            )
        return frames

    def footage(self, frames: FrameRange) -> Footage:
        """Return its files by timeline frame. Raises RequestError naming the clip and what is missing."""
        if self.why_not:
            raise RequestError(self.why_not, remedy=RENDER_IT)
        path = Path(self.media)
        if self.first_number is None:
            if path.suffix.lower() not in MOVIE_SUFFIXES or not path.is_file():
                raise RequestError(
                    f"{self.name}: {path} is no movie that is here", remedy="Check where its media lies."
                )
            return Footage(typed=self.media, first=self.origin)
        pattern = FilePattern(self.media)
        files = {frame: pattern.path(self.first_number + frame - self.origin) for frame in frames}
        for frame, file in files.items():
            if not file.is_file():
                raise RequestError(
                    f"{self.name}: {file} is missing (frame {frame} of the timeline)",
                    remedy="Restore the file, or correct where the timeline's media lies.",
                )
        return Footage(typed=self.media, files={frame: str(file) for frame, file in files.items()})


@dataclass(frozen=True)
class Take:
    """A delivered version of a cut."""

    cut: Cut
    job_id: str
    version: int
    frames: FrameRange
    """With its handles."""
    layer: str
    folder: Path
    pattern: str = ""
    """EXR frames, with ####."""
    movie: str = ""

    @property
    def name(self) -> str:
        return f"{self.cut.name} {self.layer} v{self.version:03}"


class TimelineFile(Protocol):
    """One timeline as it was read."""

    suffix: str
    """Of what is written back."""
    takes_frames: bool
    """Whether the format's readers take EXR frames; else a movie is needed."""

    def cuts(self) -> list[Cut]:
        """Return every clip with media, transitions and nesting looked at, from the lowest track up."""

    def place(self, take: Take) -> None:
        """Put the take above its cut; what stood there stays."""

    def write(self, path: Path) -> None: ...


def media_path(url: str) -> str:
    """Return a file's path of a `file:` URL, or of what is no URL at all, '' for what lies on no disk."""
    parts = urlsplit(url)
    if parts.scheme == "file":
        return (
            url2pathname(parts.path) if parts.netloc in ("", "localhost") else f"//{parts.netloc}{unquote(parts.path)}"
        )
    return "" if len(parts.scheme) > 1 else url  # one letter is a drive of Windows


def sequence_of(path: str) -> tuple[str, int | None]:
    """Return the pattern and the first number of `plate.[1001-1100].exr`; another path as it is."""
    name = Path(path).name
    found = _BRACKETED.search(name)
    if found is None or Path(path).is_file():
        return path, None
    text = name[: found.start()] + "#" * len(found[1]) + name[found.end() :]
    return str(Path(path).with_name(text)), int(found[1])


def find_cuts(cuts: list[Cut], names: list[str]) -> list[Cut]:
    """Return the cuts that were named, by name or by NAME@FRAME. Raises RequestError for none, or for two of a name."""
    chosen = []
    for name in names:
        found = [cut for cut in cuts if name in (cut.name, cut.said)]
        if not found:
            there = ", ".join(sorted({cut.name for cut in cuts})) or "none"
            raise RequestError(f"there is no clip {name}", remedy=f"The timeline has: {there}.")
        if len(found) > 1:
            raise RequestError(
                f"{name} stands {len(found)} times on the timeline",
                remedy=f"Say which: {', '.join(cut.said for cut in found)}.",
            )
        chosen += found
    return chosen
