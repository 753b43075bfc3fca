"""A job as the form that would make it again, and its record as a document: for papers mended afterwards. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from understudy.bridge.messages import JobDetail
from understudy.bridge.options import JobOptions
from understudy.bridge.record import Record
from understudy.bridge.shot import JobRequest
from understudy.ui.draft import Draft
from understudy.ui.record_document import Document

MENDED = ("refused", "quarantined")
"""States in which a job's papers may have stopped it. A mended record is sent as another job; after a waiver, retry
does."""
MEND_LINK = "papers:mend"
"""Where the button in a job's page leads."""
AGAIN_LINK = "papers:again"
"""The same, for a take that was made without papers."""
KEPT_TEXTS = ("schema", "ground")
"""Said even where they are what they are without being said."""


def draft_of(job: JobRequest) -> Draft:
    """Return what of a job its papers are judged by."""
    return Draft(
        shot=job.shot.name,
        project=job.output.project,
        mode=job.settings.mode,
        engine=job.settings.engine,
        pictures_drive=job.settings.mode == "replace" or job.shot.plate is not None,
    )


def draft_from(options: JobOptions, shot: str) -> Draft:
    """Return the same of a job that is still a form. shot: its name where none is typed."""
    return Draft(
        shot=options.shot or shot,
        project=options.project,
        mode=options.mode,
        engine=options.engine,
        pictures_drive=options.mode == "replace" or options.plate is not None,
    )


def document_of(record: Record) -> Document:
    """Return a record as a document that states what it states, and leaves out what it leaves open."""
    return _stated(msgspec.to_builtins(record), msgspec.to_builtins(Record()))


def options_of(detail: JobDetail, record: str | None) -> JobOptions:
    """Return the options that make this job again with another record. Paths are those that were typed."""
    job = detail.job
    shot, settings, performer = job.shot, job.settings, job.shot.performers[0]
    plate, matte, clean = shot.plate, performer.matte, shot.clean_plate
    return JobOptions(
        plate=plate.pictures.typed if plate is not None else None,
        matte=matte.pictures.typed if matte is not None else None,
        reference=performer.character.pictures.typed,
        clean_plate=clean.pictures.typed if clean is not None else None,
        holdout=shot.holdout.pictures.typed if shot.holdout is not None else None,
        keypoints=shot.keypoints.pictures.typed if shot.keypoints is not None else None,
        frames=str(shot.range),
        handles=str(shot.range.handles),
        first=plate.pictures.movie_first if plate is not None else 0,
        rate=str(shot.rate).removesuffix("/1") if shot.rate is not None else None,
        view=plate.pictures.view if plate is not None else None,
        layer=plate.pictures.layer if plate is not None else None,
        window=plate.window if plate is not None else "plate",
        colour=plate.pictures.colour if plate is not None else None,
        reference_colour=performer.character.pictures.colour,
        clean_plate_colour=clean.pictures.colour if clean is not None else None,
        matte_channel=matte.channel if matte is not None else None,
        matte_invert=matte.invert if matte is not None else False,
        shot=shot.name,
        project=job.output.project,
        series=job.output.series,
        multipart=job.output.multipart,
        mode=settings.mode,
        engine=settings.engine,
        seed=settings.seed,
        prompt=settings.prompt,
        negative_prompt=settings.negative_prompt,
        option=[f"{name}={value}" for name, value in settings.engine_options.items()],
        exposure=settings.exposure_stops,
        allow_large_matte=settings.allow_large_matte,
        format=f"{settings.format[0]}x{settings.format[1]}" if settings.format is not None else None,
        movies=",".join(f"{one.layer}:{one.kind}:{one.alpha}" for one in job.output.movies) or None,
        priority=job.priority,
        record=record,
    )


def _stated(said: dict[str, Any], plain: dict[str, Any]) -> Document:
    """Return what differs from a record that states nothing; of a group, only that part of it."""
    stated: Document = {}
    for name, value in said.items():
        if name not in KEPT_TEXTS and value == plain.get(name):
            continue
        before = plain.get(name)
        stated[name] = _stated(value, before) if isinstance(value, dict) and isinstance(before, dict) else _full(value)
    return stated


def _full(value: Any) -> Any:
    """Return rows without what they leave open."""
    if isinstance(value, (list, tuple)):
        return [_full(one) for one in value]
    if isinstance(value, dict):
        full = {name: _full(inner) for name, inner in value.items()}
        return {name: inner for name, inner in full.items() if inner not in (None, "", [], (), {})}
    return value
