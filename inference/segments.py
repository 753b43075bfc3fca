"""Cutting a shot into segments: the unit of work, of streaming, of resuming and of redoing. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from understudy.bridge.engine_description import SegmentRule
from understudy.bridge.shot import Redo


@dataclass(frozen=True, slots=True)
class Segment:
    """`frames` are the segment's own, delivered ones; `context` the frames before them that condition it."""

    index: int
    frames: tuple[int, ...]
    context: tuple[int, ...] = ()
    padding: int = 0
    """How many frames the engine must add behind the last one so that the length fits its rule."""


def plan_segments(frames: tuple[int, ...], rule: SegmentRule) -> tuple[Segment, ...]:
    """Cut `frames` into segments of at most `rule.length` pictures, `rule.overlap` of them carried over.

    Lengths are balanced over the shot (no stub at the end) and as few as can be; a length that is not step * n + 1 is
    padded, and with its padding still fits the rule. Every frame is in exactly one segment, in order. Raises
    ValueError for a rule that can never advance.
    """
    if rule.step < 1 or rule.length < 1 or rule.overlap < 0:
        raise ValueError(
            f"no segments of {rule.length} frames in steps of {rule.step} with {rule.overlap} carried over"
        )
    # The longest length that needs no padding: any shorter one is padded to it at most.
    longest = (rule.length - 1) // rule.step * rule.step + 1
    fresh = longest - rule.overlap
    if fresh < 1:
        raise ValueError(f"a segment of {longest} frames cannot carry {rule.overlap} over")
    if not frames:
        return ()
    count = 1 if len(frames) <= longest else 1 + -(-(len(frames) - longest) // fresh)
    share, spare = divmod(len(frames) + (count - 1) * rule.overlap, count)
    segments: list[Segment] = []
    start = 0
    for index in range(count):
        length = share + (1 if index < spare else 0)
        carried = rule.overlap if index else 0
        end = min(len(frames), start + length - carried)
        used = end - start + carried
        padding = -(used - 1) % rule.step
        segments.append(Segment(index, frames[start:end], frames[start - carried : start] if carried else (), padding))
        start = end
    return tuple(segments)


def kept_segments(redo: Redo | None, count: int) -> frozenset[int]:
    """Return the indices of the segments, of `count`, that a redo takes from the version before; none without one."""
    if redo is None:
        return frozenset()
    again = redo.segment - 1
    made = range(again, again + 1 if redo.alone else count)
    return frozenset(index for index in range(count) if index not in made)
