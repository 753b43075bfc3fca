"""What the ledger is told of jobs, each before anyone else is told. Blocks: for the house's threads.

Pure but for `seal` and `check_against_store`, which read files. An entry may stand twice where a daemon died between
the ledger and the store: both say the same.
"""

from __future__ import annotations

import dataclasses
import hashlib
import sqlite3
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from understudy.bridge.errors import DaemonError, ErrorReport, Finding
from understudy.bridge.shot import JobRequest, OutputFile
from understudy.inference.authority.entries import NewEntry, line_digest
from understudy.inference.authority.head import AdmittedPapers, LedgerHead
from understudy.inference.authority.ledger import DAMAGED_REMEDY, Ledger
from understudy.inference.compliance.manifest import MANIFEST_NAME
from understudy.inference.compliance.marks import record_digest
from understudy.inference.compliance.policy.findings import PACKS, WAIVER
from understudy.inference.daemon.lookup import Lookup
from understudy.inference.daemon.tables import JobRow
from understudy.inference.daemon.writing import NewJob
from understudy.inference.provenance.content_id import content_id

PIECE_BYTES = 1024 * 1024
PACK_RULES = ("pack_rules_hold", "pack_rules_still_hold")
STEP_FILES = 16
"""Of a long shot: some hundred words in a minute or two."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What was delivered: the SHA-256 of the manifest (empty = none), and of the list of every file's."""

    manifest: str
    files: str
    count: int


def record_new(ledger: Ledger, new: NewJob) -> NewJob:
    """Tell the ledger of a job that is to be stored; return it with the head that it carries away. Raises JobParked."""
    outcome = "refused" if new.state == "refused" else "accepted"
    said = _judged(ledger, f"job.{outcome}", new.user, new.job_id, new.job, new.admission, outcome)
    redo = (_redo(new, said),) if new.job.redo is not None and outcome == "accepted" else ()
    head = ledger.append(*redo, *used_waivers(new.user, new.job_id, new.admission), said)
    return dataclasses.replace(new, papers=msgspec.structs.replace(new.papers, ledger_head=head))


def record_retry(
    ledger: Ledger, actor: str, row: JobRow, job: JobRequest, admission: tuple[Finding, ...], papers: AdmittedPapers
) -> AdmittedPapers:
    """The same for a job that is opened again: its papers are judged anew, so it carries away a new head."""
    said = _judged(ledger, "job.accepted", actor, row.job_id, job, admission, "tried again")
    head = ledger.append(*used_waivers(actor, row.job_id, admission), said)
    return msgspec.structs.replace(papers, ledger_head=head)


def finished(row: JobRow, state: str, reason: ErrorReport | None, sealed: Sealed | None) -> tuple[NewEntry, ...]:
    """Return what is told of a job that ends in `state`."""
    subjects = {"job": row.job_id, "version": str(row.version)}
    if reason is not None:
        subjects["why"] = reason.code
    if sealed is None:
        return (NewEntry(event="job.finished", actor=row.user, subjects=subjects, outcome=state),)
    subjects["manifest"] = sealed.manifest
    content = content_id(row.job_id, row.version)
    delivery = {**subjects, "files": sealed.files, "count": str(sealed.count), "content": content}
    return (
        NewEntry(event="job.finished", actor=row.user, subjects=subjects, outcome=state),
        NewEntry(event="delivery.sealed", actor=row.user, subjects=delivery, outcome=state),
    )


def seal(
    ledger: Ledger,
    folder: Path,
    files: Sequence[OutputFile],
    step: Callable[[int, int], None] = lambda done, total: None,
) -> Sealed:
    """Read every delivered file and keep the list of their SHA-256 beside the ledger. Raises OSError for one that is
    not there. `step(done, total)` is called now and then.
    """
    digests = {}
    for done, file in enumerate(files):
        if done % STEP_FILES == 0:
            step(done, len(files))
        digests[file.path] = _sha256(folder / file.path)
    manifest = digests.get(MANIFEST_NAME, "")
    listed = msgspec.json.format(msgspec.json.encode(digests, order="deterministic"), indent=1) + b"\n"
    return Sealed(manifest, ledger.keep_list(listed), len(digests))


def check_against_store(ledger: Ledger, store: Lookup) -> None:
    """Raises DaemonError when the ledger lacks the entry that the newest job carries the digest of: it was cut."""
    for head in store.ledger_heads(limit=1):
        with ledger.path.open("rb") as file:
            line = next((line for number, line in enumerate(file, 1) if number == head.seq), b"")
        if line_digest(line[:-1]) != head.digest:
            raise DaemonError(
                f"{ledger.path} is damaged: entry {head.seq}, which the newest job in the store names, is not in it",
                remedy=DAMAGED_REMEDY,
            )


def heads_in_store(path: Path) -> list[LedgerHead]:
    """Return every head that a store's jobs carry, without a daemon; none where there is no store yet."""
    if not path.is_file():
        return []
    store = Lookup(path)
    try:
        return store.ledger_heads()
    except sqlite3.OperationalError:
        return []  # a store from before the ledger
    finally:
        store.close()


def _judged(
    ledger: Ledger, event: str, actor: str, job_id: str, job: JobRequest, findings: tuple[Finding, ...], outcome: str
) -> NewEntry:
    return NewEntry(
        event=event,
        actor=actor,
        subjects={"job": job_id},
        record=record_digest(job.record),
        packs=packs_asked(findings),
        outcome=outcome,
        # Findings name people: the digest is keyed.
        facts=ledger.digest_of(msgspec.json.encode(findings)),
    )


def applied_fix(actor: str, row: JobRow, rule: str, kind: str) -> NewEntry:
    """Return the entry that somebody changes a record as a finding of this job offered."""
    return NewEntry(event="fix.applied", actor=actor, subjects={"job": row.job_id, "rule": rule, "fix": kind})


def packs_asked(findings: tuple[Finding, ...]) -> dict[str, str]:
    """Return every policy pack that was asked, by name, with its version, as the finding over them all says it."""
    asked = (finding.facts[PACKS] for finding in findings if finding.rule in PACK_RULES and PACKS in finding.facts)
    named = (reference.partition("@") for told in asked for reference in told.split(", ") if "@" in reference)
    return {name: version for name, _, version in named}


def used_waivers(
    actor: str, job_id: str, findings: tuple[Finding, ...], but: Collection[str] = ()
) -> tuple[NewEntry, ...]:
    """Return an entry for every waiver by which a rule let this job be; without those of the rules in `but`."""
    return tuple(
        NewEntry(
            event="waiver.used",
            actor=actor,
            subjects={"waiver": finding.facts.get(WAIVER, ""), "job": job_id, "rule": finding.rule},
        )
        for finding in findings
        if finding.outcome == "waived" and finding.rule not in but
    )


def waived_since(store: Lookup, row: JobRow, newest: Sequence[Finding]) -> tuple[NewEntry, ...]:
    """Return an entry for every waiver that a job's delivery hangs on and its admission did not. `newest`: findings
    that are not in the store yet.
    """
    admission = store.admission(row.job_id)
    told = {entry.subjects["rule"] for entry in used_waivers(row.user, row.job_id, admission)}
    later = (*store.findings(row.job_id)[len(admission) :], *newest)
    return used_waivers(row.user, row.job_id, tuple({finding.rule: finding for finding in later}.values()), told)


def _redo(new: NewJob, said: NewEntry) -> NewEntry:
    redo = new.job.redo
    assert redo is not None  # noqa: S101 - asked for where there is one
    subjects = {"job": new.job_id, "of": redo.job_id, "version": str(redo.version), "segment": str(redo.segment)}
    return NewEntry(event="job.redo", actor=new.user, subjects=subjects, record=said.record, outcome="accepted")


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()
