"""Which frames of a shot condition a segment: its own, the carried ones before it, and what fills it up. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from understudy.inference.segments import Segment


@dataclass(frozen=True, slots=True)
class Span:
    """A segment as the model runs it. `positions` index the shot's frames, one a picture that conditions the model."""

    index: int
    positions: tuple[int, ...]
    carried: int
    """How many pictures at its start are taken over from the segment before, and not delivered again."""
    own: int
    """How many pictures after those are delivered; what comes behind them fills the length up."""

    @property
    def length(self) -> int:
        return len(self.positions)

    def latent_frames(self, frames_a_latent: int) -> int:
        return (self.length - 1) // frames_a_latent + 1


def span_of(segment: Segment, frames: tuple[int, ...]) -> Span:
    """Return how `segment` of a shot of `frames` is conditioned.

    Pictures that fill it up are the shot's next ones, and behind its last one the shot mirrored: the model sees a
    performance that goes on, not one that stops.
    """
    start = frames.index(segment.frames[0]) - len(segment.context)
    length = len(segment.context) + len(segment.frames) + segment.padding
    positions = tuple(mirrored(position, len(frames)) for position in range(start, start + length))
    return Span(segment.index, positions, len(segment.context), len(segment.frames))


def mirrored(position: int, count: int) -> int:
    """Return the position in a shot of `count` frames that goes back and forth for ever: 0 1 2 3 2 1 0 1 ..."""
    if count == 1:
        return 0
    around = position % (2 * (count - 1))
    return around if around < count else 2 * (count - 1) - around
