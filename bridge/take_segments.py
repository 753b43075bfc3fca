"""Where a take's segments lie: in `manifest.json`, and on the wire from the moment that the plan is known."""

from __future__ import annotations

import msgspec


class TakeSegment(msgspec.Struct, frozen=True, kw_only=True):
    """One segment, by its delivered frames. Segments count from 1 in the order of the list, and leave no frame out."""

    first: int
    last: int
    carried: int = 0
    """Pictures of the segment before that this one was conditioned on; 0 = it stands alone."""
    job_id: str = ""
    version: int = 0
    """Whose pixels they are: another job's where a redo kept them or an identical job had made them."""


def seams_of(segments: tuple[TakeSegment, ...]) -> tuple[int, ...]:
    """Return the frames before which another segment begins."""
    return tuple(segment.first for segment in segments[1:])
