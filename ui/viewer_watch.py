"""A thread that reads a take's folder, again each second while it grows, and tells the interface what lies in it."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from understudy.bridge.errors import Finding, RequestError
from understudy.bridge.frames import FrameRange, FrameRate
from understudy.bridge.settings import load_settings
from understudy.bridge.take import TAKE_MARK
from understudy.bridge.take_segments import TakeSegment
from understudy.ui.frames.plate import PlateSource
from understudy.ui.frames.reader import STOP_SECONDS
from understudy.ui.frames.view import STANDARD, Viewing
from understudy.ui.frames.wishes import Shown
from understudy.ui.other_takes import OtherTake
from understudy.ui.remote_take import RemoteTake
from understudy.ui.viewer_take import TakeFiles, earlier_takes, findings_by_frame, plate_by_name, read_take
from understudy.ui.viewer_words import error_words

LOOK_AGAIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Watched:
    """What to look at: a folder, and what the caller knows better than its files."""

    folder: Path
    plate: PlateSource | str | None = None
    """A pattern such as `plate.####.exr` is in the take's working space."""
    rate: FrameRate | None = None
    expected: FrameRange | None = None
    findings: tuple[Finding, ...] = ()
    segments: tuple[TakeSegment, ...] = ()
    others: tuple[OtherTake, ...] = ()
    """Other takes of the shot, in the order in which they are offered."""
    remote: RemoteTake | None = None
    """What is looked at through the daemon: the whole take, or its plate alone."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What lay in the folder at one look."""

    watch: TakeWatch
    take: TakeFiles
    viewing: Viewing
    others: tuple[TakeFiles, ...] = ()
    """Other takes of the shot: those that were named, then those that newer ones put aside."""
    plate: PlateSource | None = None
    colour_note: str = ""
    """Where the shot's own config is not here, and what stands in for it."""


class TakeWatch:
    """Calls `seen` on its own thread: at once, and whenever what lies in the folder has changed."""

    def __init__(self, watched: Watched, seen: Callable[[Seen], None], every: float = LOOK_AGAIN_SECONDS) -> None:
        self.watched, self._seen, self._every = watched, seen, every
        self._stopped = False
        self._look = threading.Event()
        self._viewing: tuple[str, Viewing, str] | None = None
        self._thread = threading.Thread(target=self._work, name="take", daemon=True)
        self._thread.start()

    def stop(self, *, wait: bool = True) -> None:
        """End the thread, after a look that is under way; waits some seconds, or leaves it to end by itself."""
        self._stopped = True
        self._look.set()
        if wait:
            self._thread.join(STOP_SECONDS)

    def learn(
        self, findings: tuple[Finding, ...], segments: tuple[TakeSegment, ...], others: tuple[OtherTake, ...]
    ) -> None:
        """Take what the caller knows by now, and look again where that is more than before."""
        now = replace(self.watched, findings=findings, segments=segments, others=others)
        if now != self.watched:
            self.watched = now
            self._look.set()

    def _work(self) -> None:
        before: tuple[TakeFiles, tuple[TakeFiles, ...]] | None = None
        while not self._stopped:
            self._look.clear()
            watched = self.watched
            plate = self._plate_of(watched.plate)
            take = self._read(watched, plate)
            others = self._others(watched, take) if before is None or before[0] != take or watched.others else before[1]
            if (take, others) != before:
                before = (take, others)
                viewing, note = self._open_config(take.colour_config)
                if not self._stopped:
                    self._seen(Seen(self, take, viewing, others, plate, note))
            settled = (take.folder / TAKE_MARK).is_file() and not take.problem
            self._look.wait(None if settled else self._every)

    def _read(self, watched: Watched, plate: PlateSource | None) -> TakeFiles:
        take = read_take(
            watched.folder, plate, rate=watched.rate, expected=watched.expected, findings=watched.findings,
            segments=watched.segments,
        )  # fmt: skip
        return watched.remote.joined(take) if watched.remote is not None else take

    def _others(self, watched: Watched, take: TakeFiles) -> tuple[TakeFiles, ...]:
        named = [_read_other(one, take) for one in watched.others]
        earlier = [read_take(folder, rate=take.rate) for folder in earlier_takes(watched.folder)]
        return tuple(one for one in (*named, *earlier) if one.layers)

    def _plate_of(self, plate: PlateSource | str | None) -> PlateSource | None:
        return plate_by_name(plate) if isinstance(plate, str) else plate

    def _open_config(self, words: str) -> tuple[Viewing, str]:
        if self._viewing is None or self._viewing[0] != words:
            self._viewing = (words, *open_viewing(words))
        return self._viewing[1], self._viewing[2]


def _read_other(other: OtherTake, take: TakeFiles) -> TakeFiles:
    """Return a take that `take` is held against."""
    here = read_take(other.folder, rate=take.rate, named=other.named)
    return other.remote.joined(here) if other.remote is not None else here


def open_viewing(words: str) -> tuple[Viewing, str]:
    """Return the config that a take's files name, and what to say where it is not here.

    A studio's own config is found by its digest among those that were packed on this machine (docs/colour.md).
    """
    name, _, digest = words.rpartition(" ")
    try:
        if not words:
            return _built_in(STANDARD), ""
        if not name:
            return _built_in(words), ""
        archive = load_settings().home / "colour_configs" / f"{digest}.ocioz"
        if archive.is_file():
            return Viewing(name, archive), ""
    except RequestError as problem:
        return _built_in(STANDARD), f"{problem.message}; shown through {STANDARD}"
    return _built_in(STANDARD), f"the shot's config {name} is not on this machine; shown through {STANDARD}"


@functools.lru_cache(maxsize=4)
def _built_in(name: str) -> Viewing:
    """Return a built-in config with all the views that were baked of it: the next take needs the same ones."""
    return Viewing(name)


def notes_of(seen: Seen, front: Shown | None, frame: int) -> list[str]:
    """Return what is to be said beneath the picture: the view and its error, what stands in for what, the findings."""
    line = []
    if front is not None:
        line.append(error_words(front.error) if front.wanted.kind in ("picture", "signed") else "data: no view")
    space = seen.take.working_space
    if space and not seen.viewing.knows(space):
        line.append(f"the config has no space '{space}': shown as {seen.viewing.space(space)}")
    line += [note for note in (seen.colour_note, seen.take.plate_note, seen.take.problem) if note]
    found = findings_by_frame(seen.take.findings).get(frame, [])
    return [" · ".join(line) or " ", " · ".join(f"{frame}: {finding.message}" for finding in found)]
