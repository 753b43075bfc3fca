"""Which frame is shown at which moment: in, out, direction, and the shot's rational rate. Pure: time is passed in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from understudy.bridge.frames import FrameRange, FrameRate


@dataclass(frozen=True, slots=True)
class Playhead:
    """Where the viewer stands. `first`..`last` are the frames to scrub over, `mark_in`..`mark_out` those to play."""

    first: int
    last: int
    frame: int
    mark_in: int
    mark_out: int

    @classmethod
    def over(cls, whole: FrameRange) -> Playhead:
        return cls(whole.first, whole.last, whole.first, whole.first, whole.last)

    def widened(self, whole: FrameRange) -> Playhead:
        """Return this over a shot that grew: marks at its ends go with them, others stay."""
        mark_in = whole.first if self.mark_in == self.first else max(whole.first, min(self.mark_in, whole.last))
        mark_out = whole.last if self.mark_out == self.last else max(mark_in, min(self.mark_out, whole.last))
        frame = max(whole.first, min(self.frame, whole.last))
        return Playhead(whole.first, whole.last, frame, mark_in, mark_out)

    def at(self, frame: int) -> Playhead:
        return replace(self, frame=max(self.first, min(self.last, frame)))

    def with_in(self, frame: int) -> Playhead:
        """Return this with an in point; an out point before it moves to the end."""
        return replace(self, mark_in=frame, mark_out=self.mark_out if self.mark_out >= frame else self.last)

    def with_out(self, frame: int) -> Playhead:
        return replace(self, mark_out=frame, mark_in=self.mark_in if self.mark_in <= frame else self.first)

    def unmarked(self) -> Playhead:
        return replace(self, mark_in=self.first, mark_out=self.last)

    def step(self, by: int) -> Playhead:
        return self.at(self.frame + by)


def steps_due(rate: FrameRate, elapsed_nanoseconds: int) -> int:
    """Return how many frames have begun after a time: exact at any rate, for hours, for it counts in fractions."""
    return int(Fraction(elapsed_nanoseconds, 10**9) * rate.fraction)


def played(head: Playhead, start: int, steps: int) -> int:
    """Return the frame after `steps` from `start`, going round between the in and the out point."""
    count = head.mark_out - head.mark_in + 1
    inside = start if head.mark_in <= start <= head.mark_out else head.mark_in
    return head.mark_in + (inside - head.mark_in + steps) % count


def next_frames(head: Playhead, direction: int, count: int) -> list[int]:
    """Return the frames to have ready: most in the direction of the scrub, a third behind it, the nearest first."""
    near = [head.frame + direction * step for step in range(1, count + 1)]
    behind = [head.frame - direction * step for step in range(1, count // 3 + 1)]
    return [frame for frame in (*near, *behind) if head.first <= frame <= head.last]
