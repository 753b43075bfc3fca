"""What is known of the background of a shot in mode replace: a clean plate, else what its own frames show of it.

From the plate alone, so it is the same for a segment that is made again. Memory does not grow with the shot.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import Finding
from understudy.inference.engines.background import Background
from understudy.inference.engines.door import Footage
from understudy.inference.engines.shot_reader import ShotReader
from understudy.inference.engines.wan.coverage import estimated_behind, known_behind
from understudy.inference.engines.wan.evidence import Behind
from understudy.inference.segments import Segment

Array = NDArray[np.float32]

LOOKS = 9
"""Frames over the shot from which a background that stays in place is put together. With five, a quarter of what is
behind the drawn character was never seen, with nine a fifth, with 17 not less. Each costs one decoded picture a job."""

TOLD, MUCH = 0.01, 0.25
"""Shares of the character's area behind which the background is invented: from the first on a frame is listed, from the
second on someone should look."""


class Known(NamedTuple):
    """One frame's background."""

    behind: Behind
    seen: Array
    """(h, w), 0 to 1: 1 where it was seen, in this frame or another or on a clean plate; 0 where it is invented."""
    found: bool
    """False where the camera's move was not found."""


class ShotBackground:
    """Answers in any order of frames, always the same. Any thread; one frame is rebuilt at a time."""

    def __init__(self, footage: Footage) -> None:
        self._footage = footage
        self._reader = ShotReader(footage)
        self._lock = threading.Lock()

    @property
    def is_given(self) -> bool:
        """Say whether a clean plate shows it."""
        return self._footage.clean_plate is not None

    def at(self, frame: int) -> Known:
        """Return what is known at a frame."""
        if self._footage.clean_plate is not None:
            behind = known_behind(self._footage.clean_plate(frame))
            return Known(behind, behind.trust, found=True)
        plate, hidden = ShotReader(self._footage).hidden(frame)  # one's own: decoding must not wait for another frame
        with self._lock:
            rebuilt = self._rebuilder.rebuild(frame, plate, hidden)
        return Known(estimated_behind(rebuilt, hidden), rebuilt.seen, rebuilt.found)

    @cached_property
    def _rebuilder(self) -> Background:
        frames = self._footage.frames
        made = Background(self._reader.hidden, frames, self._reader.size, self._footage.settings.seed)
        for position in look_positions(len(frames)):
            made.look_at(position)
        return made


class Glimpse(NamedTuple):
    """How much of what stands behind the character in a frame is known."""

    frame: int
    invented: float
    """Share of the coverage behind which the background was never seen."""
    found: bool

    @classmethod
    def of(cls, frame: int, coverage: Array, seen: Array, found: bool) -> Glimpse:
        """seen, found: as `Known` has them."""
        total = float(coverage.sum())
        invented = float((coverage * (1 - seen)).sum()) / total if total > 0 else 0.0
        return cls(frame, invented, found)


def clean_finding(segment: Segment, glimpses: Sequence[Glimpse]) -> Finding:
    """Say how far a segment's `clean`, which nobody gave, is what was there."""
    guessed = [glimpse for glimpse in glimpses if glimpse.invented > TOLD]
    lost = [glimpse.frame for glimpse in glimpses if not glimpse.found]
    said = "all of it was seen in other frames"
    if guessed:
        most = max(glimpse.invented for glimpse in guessed)
        mean = sum(glimpse.invented for glimpse in glimpses) / len(glimpses)
        said = (
            f"in {len(guessed)} of {len(glimpses)} frames part of it was never seen and is invented, at most "
            f"{most:.0%} of the character's area, {mean:.0%} on average"
        )
    if lost:
        said += f"; the camera's move was not found in {len(lost)} frames"
    return Finding(
        rule="clean_is_estimated",
        outcome="warn" if any(glimpse.invented > MUCH for glimpse in guessed) else "note",
        message=f"segment {segment.index + 1}: `clean` behind the character is estimated; {said}",
        remedy="Give a clean plate with --clean-plate where `clean` is to be used without the character.",
        frames=tuple(glimpse.frame for glimpse in guessed),
    )


def look_positions(count: int) -> tuple[int, ...]:
    """Return which of `count` frames are looked at, in order, the first and the last among them."""
    return tuple(sorted({round(place) for place in np.linspace(0, count - 1, LOOKS)}))
