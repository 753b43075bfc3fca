"""The papers of one version in words that a lawyer can read alone: who agreed, which rules said what on which facts.

What a job's report page and a show's declaration say alike. Pure: no file, no clock. Nobody of the record is named.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from understudy.bridge.errors import Finding
from understudy.bridge.record import Record, salted
from understudy.inference.authority.papers import Waiver
from understudy.inference.compliance.manifest import ManifestWatermark
from understudy.inference.compliance.marks import record_digest
from understudy.inference.compliance.policy.packs import Pack
from understudy.inference.provenance.content_id import content_id
from understudy.inference.work_order import WorkOrder

PROMISE = (
    "These rules of these versions were evaluated on these facts. This page does not say that a use is permitted: "
    "that is for people to judge."
)
TOGETHER, NO_PACK = "all packs together", "packs@"
"""What a rule about all packs is listed under, and what it says for its pack."""
LIKENESS = {
    "digital_replica": "a digital replica: a real person can be recognised",
    "synthetic_performer": "a synthetic performer: nobody who exists",
    "altered_performance": "a real performance, altered",
    "non_human": "a character that is no human being",
    "no_person": "no person",
}
VOUCHED = {
    "registry": "the studio's registry held the consents when the job was accepted",
    "authority": "the studio's authority held the consents when the job was accepted",
    "self-attested": "the record alone: its consents were not held against a registry",
}
NOT_STATED = "not stated"

Rows = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class PackPapers:
    """One pack on one version."""

    pack: str
    """Id and version, or TOGETHER."""
    findings: tuple[Finding, ...]
    """What each of its rules said last."""
    words: Rows
    """What the pack says of itself; empty where it is not at hand."""

    @property
    def counts(self) -> str:
        """Return how many rules came out how."""
        counted = Counter(finding.outcome for finding in self.findings)
        return ", ".join(f"{count} {word.replace('_', ' ')}" for word, count in sorted(counted.items()))


@dataclass(frozen=True, slots=True)
class Papers:
    """All that the section says."""

    who: Rows
    packs: tuple[PackPapers, ...]
    waived: tuple[tuple[str, str], ...]
    """Rule, and by which role, by which waiver, until when, why."""
    proof: Rows


def papers_of(
    order: WorkOrder,
    findings: Iterable[Finding],
    packs: Iterable[Pack],
    watermark: ManifestWatermark | None,
    signer: str,
) -> Papers:
    """Return the papers of an order. packs: those that may have been asked. signer: who is about to sign."""
    record = order.job.record
    findings = tuple(nameless(finding, record) for finding in findings)
    installed = {pack.reference: pack for pack in packs}
    asked = tuple(
        PackPapers(name, said, pack_rows(installed[name]) if name in installed else ())
        for name, said in by_pack(findings).items()
    )
    return Papers(
        who=_who(order),
        packs=asked,
        # Admission and delivery may both have let a rule be: once is enough.
        waived=tuple(
            dict.fromkeys(_waived(one, order.registry.waivers, record) for one in findings if one.outcome == "waived")
        ),
        proof=_proof(order, watermark, signer),
    )


def by_pack(findings: Iterable[Finding]) -> dict[str, tuple[Finding, ...]]:
    """Return what packs' rules said, each by its last word: admission's, then delivery's. What concerns all is last."""
    last: dict[str, dict[str, Finding]] = {}
    for finding in findings:
        if "pack" in finding.facts:
            pack = TOGETHER if finding.facts["pack"].startswith(NO_PACK) else finding.facts["pack"]
            last.setdefault(pack, {})[finding.rule] = finding
    return {pack: tuple(last[pack].values()) for pack in sorted(last, key=lambda pack: pack == TOGETHER)}


def pack_rows(pack: Pack) -> Rows:
    """Return what a pack says of itself."""
    data = pack.data
    return (
        ("title", data.title),
        ("in force", f"from {data.valid_from}" + (f" to {data.valid_to}" if data.valid_to else "")),
        ("written from", "; ".join(data.sources)),
        ("read by a lawyer", data.reviewed_by or "no"),
        ("how sure its authors are", data.confidence),
        ("not verified", "; ".join(data.not_verified) or "nothing is named"),
        ("SHA-256", pack.digest),
    )


def nameless(finding: Finding, record: Record) -> Finding:
    """Return a finding that names nobody of the record."""
    return msgspec.structs.replace(finding, message=without_people(finding.message, record))


def without_people(text: str, record: Record) -> str:
    """Return text with every talent of a record as `person N`: ids may be the names that people are known by."""
    for number, talent in enumerate(record.talents, start=1):
        text = re.sub(rf"(?<!\w){re.escape(talent)}(?!\w)", f"person {number}", text)
    return text


def people_of(record: Record) -> Rows:
    """Return how many people are seen, perform and are painted out."""
    roles = {"seen": record.on_screen, "performing": record.performed_by, "painted out": record.replaced}
    told = tuple((what, counted_people(people)) for what, people in roles.items() if people)
    return told or (("people", "nobody is named in its record"),)


def counted_people(people: tuple[str, ...]) -> str:
    return f"{len(people)} {'person' if len(people) == 1 else 'people'}"


def _who(order: WorkOrder) -> Rows:
    record = order.job.record
    ground = {"record": "a record of papers", "demonstration": "demonstration, not for delivery"}
    attested = f"self-attested: {without_people(record.attestation, record)}"
    consents = tuple(
        (f"consent {one.consent_id}", f"salted SHA-256 of the document {salted(record, one.document)}")
        for one in record.consents
    )
    return (
        ("made on", ground.get(record.ground, attested)),
        ("record", record.record_id or "without an id"),
        ("its BLAKE3", record_digest(record)),
        ("likeness", LIKENESS.get(record.likeness or "", NOT_STATED)),
        *people_of(record),
        *(consents or (("consents", "none"),)),
        ("vouched for by", VOUCHED[order.vouched_by]),
        ("disclosure", record.disclosure.text),
    )


def _waived(finding: Finding, waivers: tuple[Waiver, ...], record: Record) -> tuple[str, str]:
    waiver = next((one for one in waivers if one.id == finding.facts.get("waiver")), None)
    why = f" Reason: {without_people(waiver.reason, record)}" if waiver is not None else ""
    condition = f" Condition: {waiver.condition}" if waiver is not None and waiver.condition else ""
    return finding.rule, f"{finding.message}{why}{condition}"


def _proof(order: WorkOrder, watermark: ManifestWatermark | None, signer: str) -> Rows:
    head = order.ledger_head
    mark = f"in the review: {watermark.content_id}, key {watermark.key_id}" if watermark is not None else "none"
    return (
        ("signed by", signer),
        ("content id", content_id(order.job_id, order.version)),
        ("invisible mark", mark),
        (
            "ledger entry",
            f"{head.seq}, when the job was accepted" if head is not None else "none: no ledger knew of it",
        ),
        *((("its SHA-256", head.digest),) if head is not None else ()),
        ("check it with", "understudy verify FOLDER"),
    )


def render_papers(papers: Papers) -> str:
    """Return the section's inside as HTML."""
    waived = _table(papers.waived) if papers.waived else "<p>Nothing was waived.</p>"
    packs = "".join(_pack(one) for one in papers.packs)
    none = "<p>No pack was asked: they are for what is made on a record.</p>"
    who = f"<div><h3>On which papers</h3>{_table(papers.who)}</div>"
    return (
        f"<p class=promise>{_text(PROMISE)}</p><div class=columns>{who}"
        f"<div><h3>Proof</h3>{_table(papers.proof)}<h3>Waived</h3>{waived}</div></div>{packs or none}"
    )


def _pack(one: PackPapers) -> str:
    idle = [finding.rule for finding in one.findings if finding.outcome == "not_applicable"]
    asked = sorted(one.findings, key=lambda finding: finding.outcome in ("pass", "note"))  # what is open is read first
    lines = "".join(_outcome(finding) for finding in asked if finding.outcome != "not_applicable")
    not_asked = f"<p class=facts>not applicable: {_text(', '.join(idle))}</p>" if idle else ""
    own = f"<details><summary>what the pack says of itself</summary>{_table(one.words)}</details>" if one.words else ""
    unverified = dict(one.words).get("not verified", "")
    open_ = f"<p class=unverified>not verified, by its own words: {_text(unverified)}</p>" if unverified else ""
    lawyer = dict(one.words).get("read by a lawyer")
    unread = "<p class=unverified>no lawyer is named who read it</p>" if lawyer == "no" else ""
    return (
        f"<div class=pack><h3>{_text(one.pack)}</h3><p>{_text(one.counts)}</p><ul>{lines}</ul>"
        f"{not_asked}{open_}{unread}{own}</div>"
    )


def _outcome(finding: Finding) -> str:
    read = ", ".join(f"{name} = {value}" for name, value in finding.facts.items() if name != "pack")
    facts = f"<p class=facts>read: {_text(read)}</p>" if read else ""
    word = _text(finding.outcome.replace("_", " "))
    return (
        f'<li><span class="badge {_text(finding.outcome)}">{word}</span><div><code>{_text(finding.rule)}</code> '
        f"{_text(finding.message)}{facts}</div></li>"
    )


def _table(rows: Rows) -> str:
    return (
        f"<table>{''.join(f'<tr><th>{_text(name)}</th><td>{_text(value)}</td></tr>' for name, value in rows)}</table>"
    )


def _text(value: str) -> str:
    return html.escape(value, quote=True)
