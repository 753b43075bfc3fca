"""How findings name frames and files: short however many there are. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from understudy.bridge.frames import FrameRange

Spans = tuple[tuple[int, int], ...]

SPANS_SHOWN = 8


def spans_of(frames: Iterable[int]) -> Spans:
    """Return runs of neighbouring numbers, both ends inclusive, in order."""
    runs: list[tuple[int, int]] = []
    for frame in sorted(set(frames)):
        if runs and frame == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], frame)
        else:
            runs.append((frame, frame))
    return tuple(runs)


def missing_spans(frames: Iterable[int], wanted: FrameRange) -> Spans:
    """Return the runs of `wanted` that are not in `frames`. Its cost follows `frames`, not the length of `wanted`."""
    runs: list[tuple[int, int]] = []
    at = wanted.first
    for first, last in spans_of(frame for frame in frames if frame in wanted):
        if first > at:
            runs.append((at, first - 1))
        at = last + 1
    if at <= wanted.last:
        runs.append((at, wanted.last))
    return tuple(runs)


def write_spans(spans: Spans) -> str:
    """Return `4, 7, 9-12`; many runs end in a count of what is left out."""
    shown = [str(first) if first == last else f"{first}-{last}" for first, last in spans[:SPANS_SHOWN]]
    left = sum(last - first + 1 for first, last in spans[SPANS_SHOWN:])
    return ", ".join(shown) + (f" and {left} more" if left else "")


def write_frames(frames: Iterable[int]) -> str:
    return write_spans(spans_of(frames))


def write_list(names: Sequence[str], shown: int = 5) -> str:
    """Return `a, b, c and 4 more`."""
    left = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {left} more" if left > 0 else "")
