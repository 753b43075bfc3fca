"""From "make segment 3 of this job again" to the job that does it. Reads the store and looks at folders; blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

import msgspec

from understudy.bridge.errors import RequestError
from understudy.bridge.frames import FrameRate
from understudy.bridge.messages import RedoSegment
from understudy.bridge.shot import JobRequest, Redo, Settings
from understudy.inference.cadence import Cadence
from understudy.inference.compliance.manifest import MANIFEST_NAME, Approximation, approximations_in, read_manifest
from understudy.inference.daemon.house import House
from understudy.inference.daemon.submission import folder_of
from understudy.inference.daemon.tables import JobRow
from understudy.inference.engines.roster import describe_for
from understudy.inference.segments import Segment, plan_segments


def redoing_job(house: House, row: JobRow, request: RedoSegment) -> JobRequest:
    """Return the job that makes a segment of the version of `row` again: its inputs, papers and place, with a `redo`.

    Raises RequestError for a job that is not delivered, files that are gone, a segment that is not there, and for what
    would not leave the other segments where they are.
    """
    _refuse_what_is_not_there(row, request.job_id, has_files=folder_of(row, provisional=False).is_dir())
    before = house.store.sent(row.job_id)
    settings = _settings(before.settings, request)
    description = describe_for(before.settings)
    rate = _rate(row, before) if description.rate is not None else None
    cadence = Cadence.of(tuple(before.shot.range), rate, description)
    segments = plan_segments(cadence.made, description.segment)
    _refuse_segment(request, segments, cadence)
    _refuse_other_plan(before.settings, settings)
    if request.dissolve:
        _refuse_dissolve(request, segments, description.segment.overlap)
    changed = _changed(before.settings.engine_options, settings.engine_options)
    approximate = approximations_in(folder_of(row, provisional=False)) or ()
    redo = Redo(
        job_id=row.job_id,
        version=row.version,
        first_job_id=row.job_id if before.redo is None else before.redo.first_job_id,
        segment=request.segment,
        alone=request.alone,
        dissolve=request.dissolve,
        seed=request.seed,
        options=changed,
    )
    leading = [frame for segment in segments[: request.segment - 1] for frame in segment.frames]
    why = "; ".join(_unrepeatable(changed, before.redo, approximate, leading))
    redo = msgspec.structs.replace(redo, repeatable=not why, unrepeatable=why)
    return msgspec.structs.replace(before, settings=settings, redo=redo)


def _unrepeatable(
    changed: Mapping[str, str], redo: Redo | None, approximate: Iterable[Approximation], leading: Iterable[int]
) -> Iterator[str]:
    """Yield why the frames `leading` to the segment, made again with the redo's settings, would not be those delivered.

    changed: options; redo: what the version before was made by; approximate: what that one says of its frames.
    """
    if changed:
        yield f"other options ({', '.join(changed)})"
    if redo is not None and redo.alone:
        yield f"segment {redo.segment} was made again alone in the version before"
    if redo is not None and not redo.repeatable:
        yield redo.unrepeatable or "not all of it was made with the same options in one go"
    for one in approximate:
        spared = sorted(set(one.frames) & set(leading))
        if spared:
            yield f"{len(spared)} frames, from {spared[0]} on, were made with {one.words} because memory ran short"


def _rate(row: JobRow, before: JobRequest) -> Fraction:
    """Return the shot's rate: stated, else as the worker found it in the pictures. Raises RequestError."""
    if before.shot.rate is not None:
        return before.shot.rate.fraction
    try:
        manifest = read_manifest((folder_of(row, provisional=False) / MANIFEST_NAME).read_bytes())
        return FrameRate.parse(manifest.rate).fraction
    except (OSError, msgspec.MsgspecError) as problem:
        raise RequestError(
            f"the manifest of version {row.version} of job {row.job_id} cannot be read: {problem}",
            remedy="Put the version's files back as they were delivered, or submit the job again.",
        ) from None


def _settings(before: Settings, request: RedoSegment) -> Settings:
    settings = before if request.seed is None else before.with_segment_seed(request.segment, request.seed)
    return msgspec.structs.replace(settings, engine_options={**before.engine_options, **request.options})


def _changed(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in now.items() if before.get(name) != value}


def _refuse_what_is_not_there(row: JobRow, job_id: str, *, has_files: bool) -> None:
    if row.state != "delivered":
        raise RequestError(
            f"job {job_id} is {row.state}; only a delivered version can be redone",
            remedy=f"`understudy watch {job_id}` waits for it; `understudy retry {job_id}` takes up one that failed.",
        )
    if not has_files:
        raise RequestError(
            f"the files of version {row.version} of job {job_id} have been removed, so no segment of it can be kept",
            remedy="Submit the job again; `keep_ended_days` in the daemon's settings says how long files stay.",
        )


def _refuse_segment(request: RedoSegment, segments: tuple[Segment, ...], cadence: Cadence) -> None:
    if request.segment > len(segments):
        delivered = [(segment.index + 1, cadence.delivered(segment)) for segment in segments[:24]]
        spans = ", ".join(f"{number} = {frames[0]}-{frames[-1]}" for number, frames in delivered)
        raise RequestError(
            f"job {request.job_id} has {len(segments)} segments; there is no segment {request.segment}",
            remedy=f"Segments by their frames: {spans}{' ...' if len(segments) > 24 else ''}.",
        )


def _refuse_other_plan(before: Settings, now: Settings) -> None:
    """Raises RequestError for options by which the other segments would have other frames, pictures of another size,
    or other layers.
    """
    try:
        one, other = describe_for(before), describe_for(now)
    except (ValueError, KeyError):
        return  # a value that no engine takes: admission says so, in its own words
    if one.layers != other.layers:
        raise RequestError(
            f"{', '.join(_changed(before.engine_options, now.engine_options))}: with this the segments that are kept "
            "would lack layers, or have more",
            remedy="Leave out what adds or takes away layers; or submit the shot anew.",
        )
    if (one.segment, one.area_pixels, one.rate, one.between) != (
        other.segment, other.area_pixels, other.rate, other.between,
    ):  # fmt: skip
        names = ", ".join(_changed(before.engine_options, now.engine_options))
        raise RequestError(
            f"{names}: with this the segments that are kept would have other frames, or another size of picture",
            remedy="Leave out what changes the length of segments, what they carry over, the preset, or what stands "
            "between its pictures; or submit the shot anew.",
        )


def _refuse_dissolve(request: RedoSegment, segments: tuple[Segment, ...], overlap: int) -> None:
    if not request.alone:
        raise RequestError(
            "a dissolve leads into a segment that is kept; without --alone none is",
            remedy="Say --alone as well, or leave --dissolve out.",
        )
    if request.segment == len(segments):
        raise RequestError(
            f"segment {request.segment} is the last: nothing comes after it to dissolve into",
            remedy="Leave --dissolve out.",
        )
    if not overlap:
        raise RequestError(
            "this engine's segments are independent: no picture is carried over, so there is nothing to dissolve in",
            remedy="Leave --dissolve out.",
        )
