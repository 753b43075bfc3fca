"""A thread that reads a take's folder, again each second while it grows, and tells the interface what lies in it."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from understudy.bridge.errors import Finding, RequestError
from understudy.bridge.frames import FrameRange, FrameRate
from understudy.bridge.settings import load_settings
from understudy.bridge.take import TAKE_MARK
from understudy.ui.frames.reader import Shown
from understudy.ui.frames.view import STANDARD, Viewing
from understudy.ui.remote_take import RemoteTake
from understudy.ui.viewer_take import TakeFiles, earlier_takes, findings_by_frame, read_take
from understudy.ui.viewer_words import error_words

LOOK_AGAIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Watched:
    """What to look at: a folder, and what the caller knows better than its files."""

    folder: Path
    plate: str | None = None
    rate: FrameRate | None = None
    expected: FrameRange | None = None
    findings: tuple[Finding, ...] = ()
    segments: tuple[FrameRange, ...] = ()
    remote: RemoteTake | None = None
    """What is looked at through the daemon: the whole take, or its plate alone."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What lay in the folder at one look."""

    watched: Watched
    take: TakeFiles
    viewing: Viewing
    earlier: tuple[TakeFiles, ...] = ()
    colour_note: str = ""
    """Where the shot's own config is not here, and what stands in for it."""


class TakeWatch:
    """Calls `seen` on its own thread: at once, and whenever what lies in the folder has changed."""

    def __init__(self, watched: Watched, seen: Callable[[Seen], None], every: float = LOOK_AGAIN_SECONDS) -> None:
        self.watched, self._seen, self._every = watched, seen, every
        self._stopped = threading.Event()
        self._viewing: tuple[str, Viewing, str] | None = None
        self._thread = threading.Thread(target=self._work, name="take", daemon=True)
        self._thread.start()

    def stop(self, *, wait: bool = True) -> None:
        """End the thread, after a look that is under way; waits for it, or leaves it to end by itself."""
        self._stopped.set()
        if wait:
            self._thread.join()

    def _work(self) -> None:
        before: TakeFiles | None = None
        while not self._stopped.is_set():
            take = self._read()
            if take != before:
                before = take
                viewing, note = self._open_config(take.colour_config)
                earlier = tuple(read_take(folder, rate=take.rate) for folder in earlier_takes(self.watched.folder))
                if not self._stopped.is_set():
                    self._seen(Seen(self.watched, take, viewing, earlier, note))
            if (take.folder / TAKE_MARK).is_file() and not take.problem:
                return
            self._stopped.wait(self._every)

    def _read(self) -> TakeFiles:
        watched = self.watched
        take = read_take(
            watched.folder, watched.plate, rate=watched.rate, expected=watched.expected, findings=watched.findings,
            segments=watched.segments,
        )  # fmt: skip
        return watched.remote.joined(take) if watched.remote is not None else take

    def _open_config(self, words: str) -> tuple[Viewing, str]:
        if self._viewing is None or self._viewing[0] != words:
            self._viewing = (words, *open_viewing(words))
        return self._viewing[1], self._viewing[2]


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
    line += [note for note in (seen.colour_note, seen.take.problem) if note]
    found = findings_by_frame(seen.take.findings).get(frame, [])
    return [" · ".join(line) or " ", " · ".join(f"{frame}: {finding.message}" for finding in found)]
