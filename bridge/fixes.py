"""What mends a refusal: a finding's fixes in words, and those that change a record applied to its file.

A fix changes what the record says of the job, never a consent, an approval or a waiver: those are other people's.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from understudy.bridge.circumstances import USUAL_DISCLOSURE
from understudy.bridge.client import Client
from understudy.bridge.errors import Finding, Fix, RequestError
from understudy.bridge.record import Record
from understudy.bridge.record_file import load_record, load_record_file
from understudy.bridge.words import State

Document = dict[str, Any]
REFUSED: tuple[State, ...] = ("refused", "quarantined")


def fix_record(client: Client, path: Path, rule: str, job_id: str = "") -> list[str]:
    """Apply what `rule` offered when it last refused this record (or the job `job_id`), and return what was changed.

    The daemon's ledger is told before the file is written. Raises RequestError where nothing was offered, where what
    was offered is for somebody to decide, or where the file is no JSON.
    """
    finding, job = _finding(client, load_record_file(path), rule, job_id)
    mine = [fix for fix in finding.fixes if fix.kind in _CHANGES]
    if not mine:
        offered = "; ".join(in_words(fix) for fix in finding.fixes)
        raise RequestError(
            f"{rule} is not mended in the record",
            remedy=f"{offered[:1].upper()}{offered[1:]}." if offered else finding.remedy,
        )
    if path.suffix.lower() != ".json":
        raise RequestError(
            f"{path} is no JSON, and its comments would be lost",
            remedy=f"Change it by hand: {'; '.join(in_words(fix) for fix in mine)}.",
        )
    document: Document = json.loads(path.read_bytes().decode("utf-8-sig"))
    for fix in mine:
        document = applied(document, fix)
    text = json.dumps(document, indent=2, ensure_ascii=False).encode() + b"\n"
    load_record(text)
    for fix in mine:
        client.note_fix(job, rule, fix.kind)
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_bytes(text)
    temporary.replace(path)
    return [in_words(fix) for fix in mine]


def applied(document: Document, fix: Fix) -> Document:
    """Return a record's document as `fix` makes it. Pure; once or twice is the same."""
    changed = copy.deepcopy(document)
    _CHANGES[fix.kind](changed, fix.values)
    return changed


def in_words(fix: Fix) -> str:
    """Return what a fix does, or who has to be asked; a kind that is not known here is named."""
    values = fix.values
    match fix.kind:
        case "narrow_territories":
            return f"narrow `use.territories` to {values['territories'].replace(' ', ', ')}"
        case "usual_disclosure":
            return "take the usual text as `disclosure.text`"
        case "name_performer":
            return f"name {values['talent']} in `{values['field']}`"
        case "name_project":
            return f"submit the job with --project {values['projects'].replace(' ', ' or ')}"
        case "ask_waiver":
            return f'`understudy waiver request JOB {values["rule"]} --reason "..."`; {_may(values)} may grant it'
        case "ask_approval":
            return f"ask for the approval: `understudy approve add ID kind={values['kind']} reference=...`"
        case unknown:
            return unknown


def changes_record(fix: Fix) -> bool:
    """Say whether `understudy fix` can apply it."""
    return fix.kind in _CHANGES


def _finding(client: Client, record: Record, rule: str, job_id: str) -> tuple[Finding, str]:
    """Return what the rule said, and of which job: the one that is named, else the newest refused one of the record."""
    jobs = [job_id] if job_id else [summary.job_id for summary in client.list_jobs(REFUSED)]
    for one in jobs:
        detail = client.show_job(one)
        if not job_id and (detail.job.record.record_id != record.record_id or not record.record_id):
            continue
        found = [finding for finding in detail.findings if finding.rule == rule and finding.outcome != "pass"]
        if found:
            return found[-1], one
    raise RequestError(
        f"{rule} refused no job of the record {record.record_id or 'without a record_id'}",
        remedy="Submit the record first, name a rule as the refusal names it, or name the job by --job.",
    )


def _may(values: Mapping[str, str]) -> str:
    return values.get("by", "").replace(" ", " or ")


def _narrow(document: Document, values: Mapping[str, str]) -> None:
    document.setdefault("use", {})["territories"] = values["territories"].split()


def _usual_disclosure(document: Document, values: Mapping[str, str]) -> None:
    if isinstance(document.get("disclosure"), str):  # schema 1
        document["disclosure"] = USUAL_DISCLOSURE
    else:
        document.setdefault("disclosure", {})["text"] = USUAL_DISCLOSURE


def _name_performer(document: Document, values: Mapping[str, str]) -> None:
    named = document.setdefault(values["field"], [])
    if values["talent"] not in named:
        named.append(values["talent"])


_CHANGES: Mapping[str, Callable[[Document, Mapping[str, str]], None]] = {
    "narrow_territories": _narrow,
    "usual_disclosure": _usual_disclosure,
    "name_performer": _name_performer,
}
"""The kinds that change a record; the others say whom to ask, or with which option to submit."""
