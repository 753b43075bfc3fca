"""From the pictures that an engine makes to a picture for every frame, segment by segment, in order.

`cadence.py` says which frames are made; `between_pictures.py` makes the others; `last_pictures.py` keeps what leads
over a seam. An engine that makes every frame passes through as it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

from understudy.bridge.errors import EngineError, Finding
from understudy.inference.between_pictures import held, interpolated
from understudy.inference.engines.door import GeneratedFrame
from understudy.inference.frame_layers import plate_as_it_is
from understudy.inference.last_pictures import LastPictures
from understudy.inference.segments import Segment
from understudy.inference.shot_pictures import ShotPictures
from understudy.inference.version import Version

Make = Callable[[Segment], Iterator[GeneratedFrame]]
"""Makes a segment's pictures, in order."""


class InBetweens:
    """One shot. For the thread that generates; the same segment gives the same bits, whatever was made before it."""

    def __init__(self, pictures: ShotPictures, version: Version, segments: Sequence[Segment]) -> None:
        self._segments = segments
        self._cadence, self._crop = pictures.cadence, pictures.crop
        seams = self._cadence.in_betweens and self._cadence.between == "interpolated" and len(segments) > 1
        self._last = LastPictures(pictures, version) if seams else None

    @property
    def segments(self) -> int:
        """How many segments the shot has."""
        return len(self._segments)

    def frames(self, segment: Segment, make: Make) -> Iterator[GeneratedFrame]:
        """Yield every frame that the segment delivers, made of what `make` gives. Raises EngineError where what leads
        over from the segment before is gone and cannot be made as it was.
        """
        if self._cadence.between == "held":
            return self._held(make(segment))
        return self._interpolated(segment, make)

    def _held(self, made: Iterator[GeneratedFrame]) -> Iterator[GeneratedFrame]:
        for picture in made:
            yield picture
            yield from (held(picture, frame, self._crop) for frame in self._cadence.around(picture.frame))

    def _interpolated(self, segment: Segment, make: Make) -> Iterator[GeneratedFrame]:
        before = self._before(segment, make)
        for picture in make(segment):
            for frame in self._cadence.around(picture.frame):
                found = self._cadence.in_between(frame)
                if found is not None and before is not None:
                    yield interpolated(before, picture, frame, float(found.share), self._crop)
            if picture.frame == segment.frames[-1] and self._last is not None:
                self._last.save(segment.index, picture)
            yield picture
            before = picture

    def _before(self, segment: Segment, make: Make) -> GeneratedFrame | None:
        """Return the last picture of the segment before: kept, or made again; None where nothing leads over from it."""
        if self._last is None or not self._cadence.around(segment.frames[0]):
            return None
        previous = self._segments[segment.index - 1]
        kept = self._last.load(previous.index, previous.frames[-1])
        if kept is not None:
            return kept
        if not self._last.may_be_made_again(previous.index):
            raise EngineError(
                f"the picture that leads over from segment {previous.index + 1} is no longer kept, and the segment "
                "made again would end in another: not all of this version was made with the same options in one go",
                remedy=f"Redo from segment {previous.index + 1}, or from the first.",
            )
        *_, last = make(previous)
        self._last.save(previous.index, last)
        return last


def plate_in_its_place(pictures: ShotPictures, frame: int) -> GeneratedFrame:
    """Return a made frame in which nobody is recast, for in-betweens that may show somebody: what they hold is the
    plate without that performer. Under its own matte, which is empty, nothing of it is seen.
    """
    plate = pictures.footage().plate
    if plate is None:
        raise ValueError("frames without a performer are those of a plate")
    behind = plate(frame)
    return dataclasses.replace(plate_as_it_is(pictures, frame), character=behind, clean=behind)


def told_of(pictures: ShotPictures) -> tuple[Finding, ...]:
    """Return what the report says of frames without a picture of their own; nothing where an engine makes them all."""
    cadence, description = pictures.cadence, pictures.description
    if cadence.asked is None:
        return ()
    shot = f"the shot runs at {float(pictures.rate):.6g}"
    if not cadence.in_betweens:
        said = f"{shot}, the engine makes up to {float(cadence.asked):g} pictures a second: every frame is a made one"
    else:
        said = (
            f"{len(cadence.made)} of {len(cadence.frames)} frames have a picture of their own ({shot}, pictures are "
            f"made at {float(cadence.asked):g}); {len(cadence.in_betweens)} are {cadence.between}, over their own plate"
        )
    remedy = "For a final choose another preset: this one is never part of a final." if description.not_final else ""
    return (Finding(rule="in_between", outcome="note", message=said, remedy=remedy, frames=cadence.in_betweens),)
