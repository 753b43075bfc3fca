"""A job as the form that would make it again, and its record as a document: for papers mended afterwards. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from understudy.bridge.messages import JobDetail
from understudy.bridge.options import JobOptions
from understudy.bridge.record import Record
from understudy.bridge.shot import JobRequest
from understudy.ui import job_command
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
    options, _ = job_command.options_of(detail.job)
    return msgspec.structs.replace(options, record=record, self_attest=None)


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
