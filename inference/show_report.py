"""What a studio tells its client of a show: every delivered version, how it was made, on which papers, and its proof.

Facts alone; show_report_html.py and show_report_pdf.py draw them. Reads the store, the registry and the versions' own
files, which are verified anew for this. No performer's name or id is in it unless names are asked for.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from understudy.bridge.errors import Finding, RequestError, UnderstudyError
from understudy.bridge.record import Consent, Record, salted
from understudy.bridge.shot import JobRequest
from understudy.inference.authority.papers import Recipient, RegisteredConsent, Talent, Waiver
from understudy.inference.authority.registry import Registry
from understudy.inference.compliance.manifest import MANIFEST_NAME, Manifest, read_manifest
from understudy.inference.compliance.marks import PREVIZ, SOURCE_TYPE, WEIGHTS, clearance_words
from understudy.inference.compliance.policy.packs import Pack
from understudy.inference.daemon.lookup import Lookup
from understudy.inference.daemon.tables import JobRow
from understudy.inference.provenance.content_id import content_id
from understudy.inference.provenance.verify import Signer, Verdict, verify
from understudy.inference.report_papers import (
    LIKENESS,
    NOT_STATED,
    TOGETHER,
    VOUCHED,
    PackPapers,
    Rows,
    by_pack,
    nameless,
    pack_rows,
    people_of,
    without_people,
)

REPORT_NAME = "report.html"
NOT_INSTALLED = (("today", "this version is not installed here any more"),)
REPORT_LIMIT_BYTES = 32 * 2**20
PICTURE_LIMIT_BYTES = 2**20
MODES = {
    "replace": "a person in a filmed shot was replaced by a generated character",
    "animate": "a character was generated that moves as a performance does",
}
_RESULT = re.compile(rb'<img data-view="result" alt="[^"]*" src="data:image/jpeg;base64,([A-Za-z0-9+/=]+)">')


@dataclass(frozen=True, slots=True)
class Evaluated:
    """One pack's rules on one version."""

    pack: str
    """Id and version."""
    outcomes: str
    """How many of its rules came out how."""
    open: tuple[str, ...]
    """What did not pass, in the rules' own words; what was waived is not among it."""


@dataclass(frozen=True, slots=True)
class Waived:
    rule: str
    words: str
    """By which role, by which waiver, until when; then why."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One delivered version, in words. Rows are (name, value) pairs of plain text."""

    shot: str
    version: int
    clearance: str
    """`cleared`, `uncleared`, `demonstration, not for delivery`."""
    previz: str
    """For an engine of previz: what its pictures are for; empty for any other."""
    made: Rows
    likeness: Rows
    evaluated: tuple[Evaluated, ...]
    waived: tuple[Waived, ...]
    told: Rows
    """What viewers and machines are told."""
    proof: Rows
    proven: bool
    """Whether every file is what was signed, whoever signed."""
    trusted: bool
    """Whether it is proven and everyone who signed is trusted here."""
    recipients: Rows
    picture: bytes | None
    """A JPEG of the finished picture; None where the version is not what was signed, or not here."""

    @property
    def title(self) -> str:
        return f"{self.shot} v{self.version:03}"


@dataclass(frozen=True, slots=True)
class KnownPack:
    """A pack that was evaluated, as it is installed here today."""

    pack: str
    rows: Rows


@dataclass(frozen=True, slots=True)
class Declaration:
    show: str
    made_at: str
    software: str
    versions: tuple[Shown, ...]
    packs: tuple[KnownPack, ...]
    names: bool


class Sources:
    """Where a declaration is read from."""

    def __init__(
        self, store: Lookup, registry: Registry, home: Path, anchors: bytes, packs: Iterable[Pack], *, today: str
    ) -> None:
        self.store, self.registry = store, registry
        self.home, self.anchors, self.today = home, anchors, today
        self.packs = {pack.reference: pack for pack in packs}


def declare(show: str, sources: Sources, *, made_at: str, software: str, names: bool = False) -> Declaration:
    """Return what is to be said of a project's delivered versions, by shot, the newest version first.

    Verifies every one of them, so it takes as long as reading their files. Raises RequestError for a project without a
    delivered version.
    """
    rows = [row for row in sources.store.jobs(("delivered",), projects=(show,)) if row.project == show]
    if not rows:
        raise RequestError(
            f"no version of project '{show}' was delivered", remedy="`understudy jobs` shows projects and states."
        )
    rows.sort(key=lambda row: (row.shot, -row.version))
    versions = tuple(_shown(row, sources, names) for row in rows)
    asked = sorted({one.pack for version in versions for one in version.evaluated} - {TOGETHER})
    packs = tuple(
        KnownPack(one, pack_rows(sources.packs[one]) if one in sources.packs else NOT_INSTALLED) for one in asked
    )
    return Declaration(show, made_at, software, versions, packs, names)


def _shown(row: JobRow, sources: Sources, names: bool) -> Shown:
    job, _ = sources.store.request(row.job_id)
    findings = tuple(nameless(finding, job.record) for finding in sources.store.findings(row.job_id))
    folder = Path(row.folder) / row.version_name
    verdict, manifest = _verdict(folder, sources), _manifest(folder)
    marks = manifest.marks if manifest is not None else {}
    return Shown(
        shot=row.shot,
        version=row.version,
        clearance=clearance_words(job.record),
        previz=marks.get(PREVIZ, ""),
        made=_made(row, job, marks),
        likeness=(*_people(job.record, sources, names), *_consents(job.record, manifest, sources, names)),
        evaluated=_evaluated(findings),
        waived=tuple(
            _waived(finding, job.record, sources, names) for finding in findings if finding.outcome == "waived"
        ),
        told=_told(job, manifest, verdict),
        proof=_proof(row, verdict, manifest),
        proven=verdict is not None and verdict.intact,
        trusted=verdict is not None and verdict.trusted,
        recipients=_recipients(row, sources),
        picture=_picture(folder) if verdict is not None and verdict.intact else None,
    )


def _verdict(folder: Path, sources: Sources) -> Verdict | None:
    """Return what verify says of a version; None where its files are not here."""
    try:
        return verify(folder, sources.anchors, sources.home) if folder.is_dir() else None
    except UnderstudyError:
        return None


def _manifest(folder: Path) -> Manifest | None:
    try:
        return read_manifest((folder / MANIFEST_NAME).read_bytes())
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _made(row: JobRow, job: JobRequest, marks: Mapping[str, str]) -> Rows:
    models = _models(marks.get(WEIGHTS, ""))
    return (
        ("what was done", MODES[job.settings.mode]),
        ("frames", f"{job.shot.range} ({len(job.shot.range)})"),
        ("engine", f"{row.engine} {marks.get('understudy/engine_version', '')}".strip()),
        ("models", "; ".join(f"{name} {digest}" for name, digest in models.items()) or _no_model(marks)),
        ("digital source type", marks.get(SOURCE_TYPE, "not known").rpartition("/")[2]),
        ("prompt", without_people(job.settings.prompt, job.record) or "none"),
        ("accepted", row.created_at[:10]),
        ("job", row.job_id),
        ("content id", content_id(row.job_id, row.version)),
    )


def _models(weights: str) -> dict[str, str]:
    try:
        return msgspec.json.decode(weights.encode(), type=dict[str, str])
    except msgspec.MsgspecError:
        return {}


def _no_model(marks: Mapping[str, str]) -> str:
    return "no trained model was used" if marks else "not known: its manifest is not here"


def _people(record: Record, sources: Sources, names: bool) -> Rows:
    stated = ("likeness", LIKENESS.get(record.likeness or "", NOT_STATED))
    if not names:
        return (stated, *people_of(record))
    roles = {"seen": record.on_screen, "performing": record.performed_by, "painted out": record.replaced}
    return (stated, *((what, _names(people, sources)) for what, people in roles.items() if people))


def _names(people: Iterable[str], sources: Sources) -> str:
    known = ((person, sources.registry.find(Talent, person)) for person in people)
    return "; ".join(
        f"{talent.name} ({person})" if talent is not None and talent.name else person for person, talent in known
    )


def _consents(record: Record, manifest: Manifest | None, sources: Sources, names: bool) -> Rows:
    if record.ground != "record":
        return (("consents", f"none were checked. Self-attested: {without_people(record.attestation, record)}"),)
    vouched = VOUCHED[manifest.vouched_by] if manifest is not None else "not known: its manifest is not here"
    shown = [(f"consent {one.consent_id}", _consent(one, record, sources, names)) for one in record.consents]
    return (*(shown or [("consents", "none: its record names nobody who would give one")]), ("vouched for by", vouched))


def _consent(consent: Consent, record: Record, sources: Sources, names: bool) -> str:
    kept = sources.registry.find(RegisteredConsent, consent.consent_id)
    whose = f"of {_names((consent.talent,), sources)}, " if names else ""
    return f"{whose}salted SHA-256 of the document {salted(record, consent.document)}; {_standing(kept, sources.today)}"


def _standing(consent: RegisteredConsent | None, today: str) -> str:
    if consent is None:
        return "not in the registry today"
    if consent.revoked_on:
        return f"REVOKED on {consent.revoked_on}"
    if consent.expires_on and consent.expires_on < today:
        return f"EXPIRED on {consent.expires_on}"
    return f"in force today{f', until {consent.expires_on}' if consent.expires_on else ''}"


def _evaluated(findings: tuple[Finding, ...]) -> tuple[Evaluated, ...]:
    return tuple(_one_pack(PackPapers(pack, said, ())) for pack, said in by_pack(findings).items())


def _one_pack(one: PackPapers) -> Evaluated:
    open_ = (said for said in one.findings if said.outcome not in ("pass", "not_applicable", "waived"))
    return Evaluated(one.pack, one.counts, tuple(f"{said.outcome}: {said.rule}: {said.message}" for said in open_))


def _waived(finding: Finding, record: Record, sources: Sources, names: bool) -> Waived:
    """Return a waiver with its reason, which the registry keeps; users are named only where people may be."""
    waiver = sources.registry.find(Waiver, finding.facts.get("waiver", ""))
    why = (
        f" Reason: {without_people(waiver.reason, record)}"
        if waiver is not None
        else " Its reason is not in the registry of this machine."
    )
    who = f" Decided by {waiver.decided_by}." if waiver is not None and names else ""
    return Waived(finding.rule, f"{finding.message}{who}{why}")


def _told(job: JobRequest, manifest: Manifest | None, verdict: Verdict | None) -> Rows:
    said, mark = job.record.disclosure, manifest.watermark if manifest is not None else None
    where = " ".join(word for word in (said.form or "", said.placement) if word)
    signed = verdict is not None and any(signer.files for signer in verdict.signers)
    return (
        ("disclosure", said.text),
        ("where it stands", where or "not stated"),
        ("in every file", "this disclosure, its state, the digital source type, engine and job"),
        ("Content Credentials", "in each movie, and over the list of all files" if signed else "none that can be read"),
        ("invisible mark", f"in the review movie: {mark.content_id}, key {mark.key_id}" if mark else "none"),
    )


def _proof(row: JobRow, verdict: Verdict | None, manifest: Manifest | None) -> Rows:
    if verdict is None:
        return (("verified", "its files are not on this machine any more, so nothing could be verified"),)
    signers = (
        f"{one.name}: {'trusted here' if one.trusted else 'NOT a signer that is trusted here'}"
        for one in verdict.signers
    )
    state = "every file is what was signed" if verdict.intact else f"NOT INTACT: {len(verdict.faults)} faults"
    head = manifest.ledger_head if manifest is not None else None
    return (
        ("verified", f"{state} ({verdict.files} files)"),
        *((f"fault {number}", f"{fault.kind}: {fault.file}: {fault.words}") for number, fault in
          enumerate(verdict.faults[:5], start=1)),
        ("signed by", "; ".join(signers) or "nobody"),
        ("ledger", _ledger_words(verdict)),
        ("ledger head", f"{head.seq}:{head.digest}" if head is not None else "none"),
    )  # fmt: skip


def _trust(signer: Signer) -> str:
    if signer.development:
        return "it stands for nobody, so this proves that nothing changed, not who made it"
    return "trusted here" if signer.trusted else "NOT trusted here"


def _ledger_words(verdict: Verdict) -> str:
    return next((note for note in verdict.notes if "ledger" in note), "nothing was asked of it")


def _recipients(row: JobRow, sources: Sources) -> Rows:
    handed = [one for one in sources.registry.handed(row.job_id) if one.version == row.version]
    told = []
    for one in handed:
        party = sources.registry.find(Recipient, one.recipient)
        name = party.name if party is not None and party.name else one.recipient
        recalled = f"; RECALLED on {one.recalled_at[:10]}" if one.recalled_at else ""
        told.append((name, f"given on {one.at[:10]}{recalled}"))
    return tuple(told)


def _picture(folder: Path) -> bytes | None:
    """Return the middle one of the finished pictures in a version's report page; None where there is none to be had."""
    path = folder / REPORT_NAME
    try:
        if path.stat().st_size > REPORT_LIMIT_BYTES:
            return None
        found = _RESULT.findall(path.read_bytes())
        data = base64.b64decode(found[len(found) // 2], validate=True) if found else b""
    except (OSError, binascii.Error):
        return None
    return data if data.startswith(b"\xff\xd8") and len(data) <= PICTURE_LIMIT_BYTES else None
