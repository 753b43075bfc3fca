"""From the pictures that an engine makes to a picture for every frame, segment by segment, in order.

`cadence.py` says which frames are made; `between_pictures.py` makes the others; `last_pictures.py` keeps what leads
over a seam. An engine that makes every frame passes through as it is.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from understudy.bridge.errors import EngineError, Finding
from understudy.inference.between_pictures import held, interpolated
from understudy.inference.engines.door import GeneratedFrame
from understudy.inference.frame_layers import plate_as_it_is
from understudy.inference.last_pictures import LastPictures
from understudy.inference.segments import Segment
from understudy.inference.shot_pictures import ShotPictures
from understudy.inference.version import Version


class InBetweens:
    """One shot. The same segment gives the same bits, whatever was made before it.

    `frames` is called on the thread that has segments made; what it returns is taken by one thread, segment after
    segment (generation.py).
    """

    def __init__(self, pictures: ShotPictures, version: Version, segments: Sequence[Segment]) -> None:
        self._segments = segments
        self._cadence, self._crop = pictures.cadence, pictures.crop
        seams = self._cadence.in_betweens and self._cadence.between == "interpolated" and len(segments) > 1
        self._last = LastPictures(pictures, version) if seams else None
        self._for_their_last = frozenset[int]()

    def with_lost(self, wanted: Sequence[Segment]) -> tuple[Segment, ...]:
        """Return the segments `wanted` and those that must be made again for their last picture alone, in order.

        Raises EngineError where a picture that leads over is gone and would not come out as it was.
        """
        indices = {segment.index for segment in wanted}
        leading = [self._segments[s.index - 1] for s in wanted if self._leads(s) and s.index - 1 not in indices]
        lost = [segment for segment in leading if self._kept(segment) is None]
        for segment in lost:
            if self._last is not None and not self._last.may_be_made_again(segment.index):
                raise EngineError(
                    f"the picture that leads over from segment {segment.index + 1} is no longer kept, and the segment "
                    "made again would end in another: not all of this version was made with the same options in one go",
                    remedy=f"Redo from segment {segment.index + 1}, or from the first.",
                )
        self._for_their_last = frozenset(segment.index for segment in lost)
        return tuple(sorted((*wanted, *lost), key=lambda segment: segment.index))

    def frames(self, segment: Segment, made: Iterable[GeneratedFrame]) -> Iterator[GeneratedFrame]:
        """Yield every frame that a segment delivers, in order, of its `made` ones."""
        return self._held(made) if self._cadence.between == "held" else self._interpolated(segment, made)

    def _held(self, made: Iterable[GeneratedFrame]) -> Iterator[GeneratedFrame]:
        for picture in made:
            yield picture
            yield from (held(picture, frame, self._crop) for frame in self._cadence.around(picture.frame))

    def _interpolated(self, segment: Segment, made: Iterable[GeneratedFrame]) -> Iterator[GeneratedFrame]:
        """Yield the frames of a segment; where only its last picture is wanted, without what leads over to it."""
        before = self._before(segment)
        for picture in made:
            for frame in self._cadence.around(picture.frame):
                found = self._cadence.in_between(frame)
                if found is not None and before is not None:
                    yield interpolated(before, picture, frame, float(found.share), self._crop)
            if picture.frame == segment.frames[-1] and self._last is not None:
                self._last.save(segment.index, picture)
            yield picture
            before = picture

    def _before(self, segment: Segment) -> GeneratedFrame | None:
        """Return the last picture of the segment before, where it leads over to this one."""
        if not self._leads(segment) or segment.index in self._for_their_last:
            return None
        kept = self._kept(self._segments[segment.index - 1])
        if kept is None:
            raise EngineError(
                f"the picture that leads over from segment {segment.index} went away while the job ran",
                remedy="`understudy retry` makes it again.",
            )
        return kept

    def _leads(self, segment: Segment) -> bool:
        """Return whether an in-between lies over the seam before a segment."""
        return self._last is not None and segment.index > 0 and bool(self._cadence.around(segment.frames[0]))

    def _kept(self, segment: Segment) -> GeneratedFrame | None:
        return None if self._last is None else self._last.load(segment.index, segment.frames[-1])


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
        said = pictures.order.job.settings.engine_options.get("between")
        words = f"between={said} is not read: with this preset every frame has a picture of its own"
        return () if said is None else (Finding(rule="in_between", outcome="note", message=words),)
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
