"""What a draft of papers is told beside its findings: which packs are asked and why, which fields of the record.

The findings are those of admission's own rules (gate.py), run on the same facts. Pure but for `draft_packs`, which
reads the packs that ship.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter

from understudy.bridge.papers_messages import FieldAsked, PackAsked
from understudy.bridge.record import Record
from understudy.bridge.record_fields import record_fields
from understudy.bridge.shot import JobRequest
from understudy.inference.compliance.coverage import REPRESENTATIVES, holding, left_out, member_of, people
from understudy.inference.compliance.facts import AdmissionFacts
from understudy.inference.compliance.gate import STAGES
from understudy.inference.compliance.policy.conditions import words
from understudy.inference.compliance.policy.evaluation import TERRITORIES, why_left_out
from understudy.inference.compliance.policy.job_facts import JobFacts, facts_of
from understudy.inference.compliance.policy.library import all_packs
from understudy.inference.compliance.policy.packs import Pack
from understudy.inference.compliance.policy.reading import Reading, readings

READS_PAPERS = frozenset(
    {
        "record_is_sound", "ground_is_stated", "likeness_is_stated", "content_is_allowed", "consents_cover_everyone",
        "consents_reach_this_use", "grantors_may_consent", "registry_bears_it_out", "disclosure_is_stated",
        "project_is_open", "names_are_safe", "pack_rules_hold",
    }
)  # fmt: skip
"""Of admission's rules, those that need neither a file nor a setting beside mode and engine."""
OF_CLIPS = "clips_are_approved"
"""Needs digests of files: judged where some are told."""
KNOWN_BY_FACE = ("digital_replica", "altered_performance")


def rules_of_drafts(*, with_inputs: bool) -> tuple[str, ...]:
    """Return the names of the rules that judge a draft, in admission's order."""
    return tuple(name for name in STAGES["admission"] if name in READS_PAPERS or (with_inputs and name == OF_CLIPS))


@dataclass(frozen=True, slots=True)
class Asked:
    """The packs and the fields of one draft."""

    packs: tuple[PackAsked, ...]
    fields: tuple[FieldAsked, ...]


def asked_of(facts: AdmissionFacts) -> Asked:
    """Return what is asked of the record of `facts` as it stands. Raises RequestError for a pack that does not read."""
    packs = all_packs(facts.packs)
    job = facts.job
    ours = facts_of(job, facts.today, facts.actor, facts.registry.approvals)
    found = [*_gate_readings(job, facts), *(readings(packs, ours) if job.record.ground == "record" else ())]
    return Asked(tuple(_pack(pack, ours, job.record) for pack in packs), _fields(found))


def _pack(pack: Pack, facts: JobFacts, record: Record) -> PackAsked:
    data = pack.data
    why = why_left_out(pack, facts)
    if record.ground != "record":
        why = f"the ground is {record.ground}: packs are asked about a record alone"
    return PackAsked(
        id=data.id, version=data.version, title=data.title, asked=not why, why=why or _why_asked(pack),
        in_force=data.in_force(facts.today),
        confidence=data.confidence, reviewed_by=data.reviewed_by, not_verified=data.not_verified,
        valid_from=data.valid_from, valid_to=data.valid_to,
    )  # fmt: skip


def _why_asked(pack: Pack) -> str:
    where = f"for {', '.join(pack.data.territories)}" if pack.data.territories else "everywhere"
    return f"{where}, where {words(pack.when)}" if pack.when.parts else where


def _fields(found: list[Reading]) -> tuple[FieldAsked, ...]:
    """Return one field a path that a form knows, in the record's order, with everyone who reads it."""
    by_path: dict[str, list[Reading]] = {}
    for reading in found:
        by_path.setdefault(reading.path, []).append(reading)
    return tuple(
        FieldAsked(
            path=path, packs=_once(one.pack for one in asked), rules=_once(one.rule for one in asked),
            required=any(one.required for one in asked), stated=_stated(asked),
            talents=_once(one.talent for one in asked), kind=field.kind, choices=field.choices, help=field.help,
        )
        for path, field in record_fields().items()
        if (asked := by_path.get(path))
    )  # fmt: skip


def _once(texts: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, texts)))


def _stated(asked: list[Reading]) -> bool:
    """Return whether it is stated of everyone; of one person, in one of their consents is enough."""
    said: dict[str, bool] = {}
    for one in asked:
        said[one.talent] = said.get(one.talent, False) or one.stated
    return all(said.values())


def _gate_readings(job: JobRequest, facts: AdmissionFacts) -> Iterator[Reading]:
    """Yield what the gate's own rules read of a record; what they say of it stands in `rules/`."""
    record = job.record

    def reads(path: str, rule: str, value: object, *, required: bool = False, talent: str = "") -> Reading:
        return Reading(path, "", rule, required, value not in (None, "", ()), talent)

    yield reads("ground", "ground_is_stated", record.ground, required=True)
    yield reads("disclosure.text", "disclosure_is_stated", record.disclosure.text.strip(), required=True)
    content = record.content
    yield reads("content.intimate", "content_is_allowed", content.intimate)
    yield reads("content.minor_depicted", "content_is_allowed", content.minor_depicted)
    if record.ground != "record":
        yield reads("attestation", "ground_is_stated", record.attestation.strip(), required=True)
        return
    yield reads("record_id", "record_is_sound", record.record_id.strip(), required=True)
    yield reads("likeness", "likeness_is_stated", record.likeness, required=True)
    yield reads("use.training", "content_is_allowed", record.use.training)
    yield reads("use.territories", TERRITORIES, record.use.territories)
    yield from _people_readings(job)
    yield from _consent_readings(job, facts)


def _people_readings(job: JobRequest) -> Iterator[Reading]:
    """Yield who has to be named, as the likeness asks."""
    record, rule = job.record, "likeness_is_stated"
    natural, other = ("replaced", "performed_by") if job.settings.mode == "replace" else ("performed_by", "replaced")
    nobody = record.likeness == "no_person"
    seen = record.likeness in KNOWN_BY_FACE
    yield Reading("on_screen", "", rule, seen, bool(record.on_screen))
    for path, alternative in ((natural, other), (other, natural)):
        named = bool(getattr(record, path))
        alone = record.likeness is not None and not nobody and not getattr(record, alternative)
        yield Reading(path, "", rule, alone and (named or path == natural), named)
    if nobody:
        reason = bool(record.attestation.strip())
        yield Reading("attestation", "", rule, not people(job), reason)


def _consent_readings(job: JobRequest, facts: AdmissionFacts) -> Iterator[Reading]:
    """Yield what is read of the grants of everyone named, and of their use."""
    record, day = job.record, facts.today
    everyone = people(job)
    if not everyone:
        return
    yield Reading("consents", "", "consents_cover_everyone", required=True, stated=bool(record.consents))
    for path, value in (("use.media", record.use.media), ("use.territories", record.use.territories)):
        scope = path.partition(".")[2]
        limited = any(getattr(one.scope, scope) for talent in everyone for one in holding(job, talent, day))
        yield Reading(path, "", "consents_reach_this_use", limited, bool(value))
    for talent in everyone:
        yield from _left_out_readings(job, talent, day)
        yield from _grant_readings(job, talent, in_registry=facts.registry.consents_known > 0)


def _left_out_readings(job: JobRequest, talent: str, day: str) -> Iterator[Reading]:
    """Yield what has to be stated before the pictures leave, because this person's consents leave it out."""
    theirs = [dict(left_out(one)) for one in holding(job, talent, day)]
    for path in dict.fromkeys(path for one in theirs for path in one):
        stated = attrgetter(path)(job.record) not in (None, ())
        yield Reading(path, "", "consents_reach_this_use", all(path in one for one in theirs), stated)


def _grant_readings(job: JobRequest, talent: str, *, in_registry: bool) -> Iterator[Reading]:
    record, member = job.record, member_of(job.record, talent)
    theirs = [one for one in record.consents if one.talent == talent]
    cover = "consents_cover_everyone"
    yield Reading("consents[].consent_id", "", cover, required=True, stated=bool(theirs), talent=talent)
    if not in_registry:
        for name in ("talent", "document", "signed_on"):
            stated = any(getattr(one, name) for one in theirs)
            yield Reading(f"consents[].{name}", "", "record_is_sound", required=True, stated=stated, talent=talent)
    grantor = "grantors_may_consent"
    living = member.living if member is not None else None
    minor = member.minor if member is not None else None
    yield Reading("cast[].living", "", grantor, required=False, stated=living is not None, talent=talent)
    yield Reading("cast[].minor", "", grantor, required=False, stated=minor is not None, talent=talent)
    if living == "no" or minor:
        stated = any(one.grantor_capacity in (*REPRESENTATIVES, "guardian") for one in theirs)
        yield Reading("consents[].grantor_capacity", "", grantor, required=True, stated=stated, talent=talent)
