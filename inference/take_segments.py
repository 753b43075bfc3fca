"""Where the segments of a version lie and whose pixels they hold: by its plan, and by what its files say.

The plan follows from the settings, the frames and the rate alone, so a job that is taken up after a crash has the same
one, and a daemon knows it without asking the worker.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

import msgspec

from understudy.bridge.shot import JobRequest
from understudy.bridge.take_segments import TakeSegment
from understudy.inference.cadence import Cadence
from understudy.inference.engines.roster import describe_for
from understudy.inference.segments import kept_segments, plan_segments

_ORIGIN = re.compile(r"job (\S+) version (\d+)\b")
Origin = Callable[[int], str | None]
"""Frame to its mark `understudy/pixels_from`; None for a frame that is not there, or whose pixels are its own job's."""


def planned_segments(job: JobRequest, job_id: str, version: int, rate: Fraction | None) -> tuple[TakeSegment, ...]:
    """Return the segments of a job, those that a redo keeps as the version's that it names.

    rate: None = not known yet; then an engine with a rate of its own has no plan yet, and none is returned.
    """
    description = describe_for(job.settings)
    if description.rate is not None and rate is None:
        return ()
    cadence = Cadence.of(tuple(job.shot.range), rate, description)
    planned = plan_segments(cadence.made, description.segment)
    kept = kept_segments(job.redo, len(planned))
    segments = []
    for segment in planned:
        frames = cadence.delivered(segment)
        whose = (job_id, version)
        if job.redo is not None and segment.index in kept:
            whose = (job.redo.job_id, job.redo.version)
        segments.append(
            TakeSegment(
                first=frames[0], last=frames[-1], carried=len(segment.context), job_id=whose[0], version=whose[1]
            )
        )
    return tuple(segments)


def with_origins(segments: tuple[TakeSegment, ...], origin: Origin) -> tuple[TakeSegment, ...]:
    """Return the segments with the job and version that their first frames name: the one that made the pixels, through
    any number of redos.
    """
    found = []
    for segment in segments:
        said = _ORIGIN.match(origin(segment.first) or "")
        if said is not None:
            segment = msgspec.structs.replace(segment, job_id=said[1], version=int(said[2]))
        found.append(segment)
    return tuple(found)
