"""What a rule said against a job or a record, as the store has it: what a waiver is asked for. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from understudy.bridge.errors import Finding, Fix, RequestError
from understudy.bridge.keys import User
from understudy.inference.daemon.jobs import may_see
from understudy.inference.daemon.lookup import Lookup, unknown_job
from understudy.inference.daemon.tables import JobRow

ASK_WAIVER = "ask_waiver"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A rule that blocks a job and may be waived, by whom, and bound to which facts."""

    job_id: str
    record_id: str
    rule: str
    pack: str
    facts: str
    waivable_by: tuple[str, ...]


class _Record(msgspec.Struct):
    record_id: str = ""


class _Request(msgspec.Struct):
    """As much of a stored request as names its record: files by the thousand stay undecoded."""

    record: _Record


_REQUEST = msgspec.json.Decoder(_Request)


def find_refusal(store: Lookup, user: User, wanted: str, rule: str) -> Refusal:
    """Return what `rule` said, the last time that it blocked the job or the record `wanted`.

    Raises RequestError where no job that the user may see has it, where the rule blocked none of them, or where nobody
    may waive it.
    """
    rows = _jobs_of(store, user, wanted)
    if not rows:
        raise unknown_job(wanted)
    said = [(row, one) for row in rows for one in reversed(store.findings(row.job_id)) if one.rule == rule]
    for row, finding in said:
        fix = next((fix for fix in finding.fixes if fix.kind == ASK_WAIVER), None)
        if fix is not None:
            return _refusal(store, row, finding, fix)
    if any(finding.refuses for _, finding in said):
        raise RequestError(
            f"nobody can waive {rule}", remedy="Mend what it says: `understudy show` has its words and its remedy."
        )
    raise RequestError(
        f"the rule {rule} blocks nothing of {wanted}",
        remedy="Name a rule as the refusal names it; `understudy show JOB` lists them.",
    )


def _jobs_of(store: Lookup, user: User, wanted: str) -> list[JobRow]:
    """Return the job of this id, else those with this record, the newest first; of those that the user may see."""
    try:
        row = store.job(wanted)
    except RequestError:
        return store.with_record(user.name, user.projects, wanted)
    return [row] if may_see(user, row.user, row.project) else []


def record_of(store: Lookup, job_id: str) -> str:
    """Return the id of a job's record; empty where it has none."""
    return _REQUEST.decode(store.encoded_request(job_id)).record.record_id


def _refusal(store: Lookup, row: JobRow, finding: Finding, fix: Fix) -> Refusal:
    record_id = record_of(store, row.job_id)
    if not record_id:
        raise RequestError(
            f"the record of job {row.job_id} has no `record_id`, and a waiver is for one record",
            remedy="Give the record an id of your own, submit again, and ask then.",
        )
    by = tuple(fix.values["by"].split())
    return Refusal(row.job_id, record_id, finding.rule, fix.values["pack"], fix.values["facts"], by)
