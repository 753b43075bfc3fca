"""Which frames of a shot get a picture of their own from the engine, and what stands in the others. Pure.

An engine with a rate of its own (`EngineDescription.rate`) makes fewer pictures than a faster shot has frames. The made
ones lie evenly over the shot, its first and its last frame among them; every other frame is an *in-between*, which
holds the made picture before it or is interpolated from the two around it. No frame number is ever left out.
docs/decisions/0025-in-betweens-over-their-own-plate.md says why it is done here and not in an engine.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from understudy.bridge.engine_description import Between, EngineDescription
from understudy.inference.segments import Segment

MADE = "none"
"""What a made frame says of itself where others are in-betweens: stated, for an absent mark could be a lost one."""


class InBetween(NamedTuple):
    """A frame without a picture of its own. `before` and `after` are the made frames around it."""

    frame: int
    before: int
    after: int
    share: Fraction
    """How far it lies on the way from one to the other: above 0, below 1."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """The frames of a shot, in order, and those that are made. Immutable; any thread."""

    frames: tuple[int, ...]
    made: tuple[int, ...]
    asked: Fraction | None = None
    """The rate that the engine makes pictures at; None = the shot's own, whatever it is."""
    between: Between = "held"

    @classmethod
    def of(cls, frames: tuple[int, ...], rate: Fraction | None, description: EngineDescription) -> Cadence:
        """Return how an engine of `description` makes a shot of `frames` at `rate`.

        Raises ValueError where the rate is not known and the engine has one of its own.
        """
        if description.rate is None:
            return cls(frames, frames)
        if rate is None:
            raise ValueError("which frames are made is not known without the shot's rate")
        asked = Fraction(description.rate)
        return cls(frames, evenly(frames, rate, asked), asked, description.between)

    @property
    def share(self) -> Fraction:
        """Steps between made pictures for each step between frames: this times the shot's rate is theirs."""
        steps = len(self.frames) - 1
        return Fraction(len(self.made) - 1, steps) if steps > 0 else Fraction(1)

    @property
    def in_betweens(self) -> tuple[int, ...]:
        """The frames without a picture of their own, in order."""
        if self.made == self.frames:
            return ()
        made = frozenset(self.made)
        return tuple(frame for frame in self.frames if frame not in made)

    def in_between(self, frame: int) -> InBetween | None:
        """Return what stands around `frame`; None where it has a picture of its own."""
        index = bisect_left(self.made, frame)
        if index < len(self.made) and self.made[index] == frame:
            return None
        before, after = self.made[index - 1], self.made[index]
        start, here, end = (bisect_left(self.frames, number) for number in (before, frame, after))
        return InBetween(frame, before, after, Fraction(here - start, end - start))

    def around(self, made: int) -> tuple[int, ...]:
        """Return the in-betweens that are made with the picture of the frame `made`: held ones after it, interpolated
        ones, which wait for it, before it.
        """
        index = bisect_left(self.made, made)
        if self.between == "held":
            end = self.made[index + 1] if index + 1 < len(self.made) else made + 1
            return self._strictly_between(made, end)
        return self._strictly_between(self.made[index - 1], made) if index else ()

    def delivered(self, segment: Segment) -> tuple[int, ...]:
        """Return every frame that comes with a segment of made ones, in order."""
        first, last = segment.frames[0], segment.frames[-1]
        if self.between == "held":
            last = max((last, *self.around(last)))
        else:
            first = min((first, *self.around(first)))
        return self.frames[bisect_left(self.frames, first) : bisect_right(self.frames, last)]

    def word(self, frame: int) -> str:
        """Return `held`, `interpolated`, or `none` for a made frame; empty where an engine makes every frame."""
        if self.asked is None:
            return ""
        return MADE if self.in_between(frame) is None else self.between

    def pictures_of(self, frame: int) -> tuple[int, ...]:
        """Return the made frames whose pictures are seen in `frame`."""
        found = self.in_between(frame)
        if found is None:
            return (frame,)
        return (found.before,) if self.between == "held" else (found.before, found.after)

    def _strictly_between(self, start: int, end: int) -> tuple[int, ...]:
        return self.frames[bisect_right(self.frames, start) : bisect_left(self.frames, end)]


def evenly(frames: tuple[int, ...], rate: Fraction, wanted: Fraction) -> tuple[int, ...]:
    """Return the frames of a shot at `rate` that get a picture where `wanted` pictures a second are to be made.

    All of them where the shot is no faster. Else as few as leave no two further apart than 1 / wanted seconds, rounded
    up to whole frames: the first, the last, and evenly between them to the nearest frame (the later one of two that
    are as near), so that gaps differ by a frame at most.
    """
    steps = len(frames) - 1
    if rate <= wanted or steps < 1:
        return frames
    spans = math.ceil(steps * wanted / rate)
    return tuple(frames[(2 * index * steps + spans) // (2 * spans)] for index in range(spans + 1))
