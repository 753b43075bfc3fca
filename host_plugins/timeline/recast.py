"""Jobs of named clips, sent one after the other and followed to their end; their takes back onto the timeline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from understudy.bridge.delivered import read_delivered
from understudy.bridge.errors import ComplianceError, JobError, RequestError, error_from_report
from understudy.bridge.frames import Handles
from understudy.bridge.gather import Gathered, gather_job
from understudy.bridge.host import Delivered, Exported, Footage, RememberedJob, Selection, refuse_unseen_by_farm
from understudy.bridge.host_numbers import file_footage
from understudy.bridge.host_work import claim_version
from understudy.bridge.keys import Connection
from understudy.bridge.options import JobOptions
from understudy.bridge.roundtrip import follow_job, send_job
from understudy.bridge.settings import load_settings
from understudy.host_plugins.timeline.cuts import Cut, Take, TimelineFile, find_cuts

CLIP = "{clip}"
"""In the name of a file: the clip's own name, so that each has its matte."""
MOVIE = "prores_4444"
Say = Callable[[str], None]


class Wanted(NamedTuple):
    """What is to be made of the named clips."""

    clips: list[str]
    options: JobOptions
    out: Path
    layer: str = "patch"
    movie: bool = False


def load_options(path: Path | None, **said: object) -> JobOptions:
    """Return the options in a JSON file, those that were said put over them. Raises RequestError naming the field."""
    fields: dict[str, object] = {}
    if path is not None:
        try:
            fields = msgspec.json.decode(path.read_bytes(), type=dict[str, object])
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as problem:
            raise RequestError(f"{path}: {problem}", remedy="It must be a JSON object that you can read.") from None
    unknown = [name for name in fields if name not in JobOptions.__struct_fields__]
    if unknown:
        raise RequestError(f"{path}: {', '.join(unknown)}: no option", remedy="See `understudy submit --help`.")
    try:
        return msgspec.convert({**fields, **{k: v for k, v in said.items() if v is not None}}, JobOptions)
    except msgspec.ValidationError as problem:
        raise RequestError(f"an option cannot be: {problem}", remedy="See `understudy submit --help`.") from None


def open_timeline(path: Path) -> TimelineFile:
    """Return the timeline in `path`. Raises RequestError for what cannot be read, or lacks its library."""
    if not path.exists():
        raise RequestError(f"there is no timeline {path}", remedy="Check the path.")
    if path.suffix.lower() in (".fcpxml", ".fcpxmld"):
        from understudy.host_plugins.timeline.fcpxml_file import FcpxmlFile

        return FcpxmlFile(path)
    try:
        from understudy.host_plugins.timeline.otio_file import OtioFile
    except ImportError as problem:
        raise RequestError(
            f"{problem.name} is not installed, and {path.suffix} needs it", remedy="pip install 'understudy[timeline]'"
        ) from None
    return OtioFile(path)


def recast(timeline: TimelineFile, wanted: Wanted, connection: Connection, say: Say) -> Iterator[Take]:
    """Recast every named clip, place it and yield its take. All are looked at before the first is sent.

    Raises RequestError naming the clip, ComplianceError or JobError when a job ends otherwise than delivered: what was
    delivered before is placed already.
    """
    cuts = find_cuts(timeline.cuts(), wanted.clips)
    as_movie = wanted.movie or not timeline.takes_frames
    ready = [_gathered(cut, wanted, as_movie) for cut in cuts]
    for cut, gathered in zip(cuts, ready, strict=True):
        delivered = _made(cut, gathered, wanted.out / _folder(cut), connection, say)
        take = _take(cut, delivered, wanted.layer, as_movie)
        timeline.place(take)
        yield take


def _gathered(cut: Cut, wanted: Wanted, as_movie: bool) -> Gathered:
    folder = wanted.out / _folder(cut)
    refuse_unseen_by_farm(load_settings().roots, folder)
    options = _of_clip(wanted.options, cut, f"{wanted.layer}:{MOVIE}:premultiplied" if as_movie else "")
    frames = cut.with_handles(Handles.parse(options.handles))
    footage: dict[str, Footage] = {"plate": cut.footage(frames)}
    for role in ("matte", "clean_plate", "holdout"):
        typed = getattr(options, role)
        if typed:
            footage[role] = file_footage(typed, frames, footage["plate"], movie_first=cut.frames.first)
    exported = Exported(footage=footage, window="display")
    selection = Selection(shot=cut.name, frames=frames, rate=cut.rate, anchor=cut.said)
    return gather_job(exported.options(options, selection, str(folder.absolute())), numbering=exported.numbering())


def _of_clip(options: JobOptions, cut: Cut, movie: str) -> JobOptions:
    named = {
        role: typed.replace(CLIP, cut.name)
        for role in ("matte", "reference", "clean_plate", "holdout", "record")
        if (typed := getattr(options, role))
    }
    movies = ",".join(text for text in (options.movies or "", movie) if text)
    return msgspec.structs.replace(options, **named, movies=movies or None)


def _folder(cut: Cut) -> str:
    return "".join("_" if letter in '/\\:*?"<>|%[]#' else letter for letter in cut.said.replace("@", "_"))


def _made(cut: Cut, gathered: Gathered, folder: Path, connection: Connection, say: Say) -> Delivered:
    accepted = send_job(connection, gathered)
    version = claim_version(folder, accepted)
    say(f"{cut.said}: job {accepted.job_id}, frames {gathered.job.shot.range}, goes to {version}")
    detail = follow_job(connection, accepted.job_id, version)
    state, problem = detail.summary.state, detail.summary.error
    if state != "delivered":
        if problem is not None:
            raise error_from_report(problem)
        kind = ComplianceError if state in ("refused", "quarantined") else JobError
        raise kind(f"{cut.said} ended {state}", remedy=f"See `understudy show {accepted.job_id}`.")
    remembered = RememberedJob(
        job_id=accepted.job_id, shot=cut.name, version=accepted.version, frames=gathered.job.shot.range,
        anchor=cut.said, folder=str(version.absolute()), state=state,
    )  # fmt: skip
    return read_delivered(remembered, detail.findings)


def _take(cut: Cut, delivered: Delivered, layer: str, as_movie: bool) -> Take:
    job, movie = delivered.job, ""
    files = delivered.layer(layer)
    if as_movie:
        found = sorted(Path(job.folder, "movies").glob(f"{layer}_{MOVIE}*.mov"))
        if not found:
            raise RequestError(f"the take of {cut.said} has no movie of {layer}", remedy="Recast it with EXR frames.")
        movie = str(found[0])
    return Take(
        cut=cut, job_id=job.job_id, version=job.version, frames=job.frames, layer=layer, folder=Path(job.folder),
        pattern=files.pattern, movie=movie,
    )  # fmt: skip
