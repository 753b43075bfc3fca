"""From segments to frames: on a GPU the model makes the next segment while the last one's frames are finished.

a thread of its own    engine.generate(segment): the model
another                the frames that it returned, one after another: coverage, grain, in-betweens
the caller's           layers, files
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from itertools import chain
from typing import Protocol

from understudy.bridge.errors import Finding, JobCancelled
from understudy.inference.ahead import work_ahead
from understudy.inference.engines.door import DENOISING, Engine, GeneratedFrame
from understudy.inference.segments import Segment

SEGMENTS_AHEAD = 1
"""A segment's pictures take 850 MB at 1280 x 720: the next one waits, no third is begun."""
FRAMES_AHEAD = 4
"""Finished frames that wait for the writer, 40 MB each at 1280 x 720."""

Untouched = Callable[[Segment], Iterable[GeneratedFrame] | None]
"""The frames of a segment that needs no engine, else None."""


Whole = Callable[[Segment, Iterable[GeneratedFrame]], Iterable[GeneratedFrame]]
"""Every frame that a segment delivers, of those that were made."""


class Listening(Protocol):
    """What is needed of `worker.Reporter`; `step` and `check` raise when the job was cancelled or paused."""

    segment: tuple[int, int]

    def check(self) -> None: ...
    def step(self, stage: str, done: int, total: int) -> None: ...
    def found(self, *findings: Finding) -> None: ...


class Generation:
    """One job's; a Watcher to its engine. Closed early, it waits for the engine's next step and for one frame."""

    def __init__(
        self,
        engine: Engine,
        untouched: Untouched,
        reporter: Listening,
        whole: Whole = lambda segment, made: made,
    ) -> None:
        self._engine, self._untouched, self._reporter, self._whole = engine, untouched, reporter, whole
        self._given_up = False

    def frames(self, wanted: Iterable[Segment], count: int, *, overlapped: bool) -> Generator[GeneratedFrame]:
        """Yield the frames of the segments `wanted`, of `count` in the shot, in order.

        overlapped: the engine works on a thread of its own. What it raises is raised after the frames before it.
        """
        segments = self._generated(wanted, count)
        if not overlapped:
            yield from chain.from_iterable(segments)
            return
        with (
            closing(work_ahead(segments, SEGMENTS_AHEAD)) as made,
            closing(work_ahead(chain.from_iterable(made), FRAMES_AHEAD)) as ahead,
        ):
            try:
                for frame in ahead:  # noqa: UP028 - `yield from` would close it before it is given up
                    yield frame
            finally:
                self._given_up = True  # before the two are closed: that waits for what is being made

    def _generated(self, wanted: Iterable[Segment], count: int) -> Iterator[Iterable[GeneratedFrame]]:
        for segment in wanted:
            self._reporter.segment = (segment.index + 1, count)
            untouched = self._untouched(segment)
            made = self._engine.generate(segment, self) if untouched is None else untouched
            yield self._whole(segment, made)
            del made  # while the next segment is made nothing here holds this one's pictures

    def step(self, stage: str, done: int, total: int) -> None:
        """Hear the engine: the pipeline counts frames itself, but a stop must reach the engine, and steps are told."""
        if self._given_up:
            raise JobCancelled("nobody waits for this segment any more")
        self._reporter.check()
        if stage == DENOISING:
            self._reporter.step(stage, done, total)

    def found(self, finding: Finding) -> None:
        """List what the engine found."""
        self._reporter.found(finding)
