"""What packs read of a job: its record, field by field, and everyone in it with the consents that cover it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from understudy.bridge.record import Record, salted
from understudy.bridge.shot import JobRequest
from understudy.inference.authority.papers import Approval as RegisteredApproval
from understudy.inference.compliance.coverage import matches_any, member_of, people, usable
from understudy.inference.compliance.policy.fields import APPROVALS, TODAY, Value, fields

HASH_LENGTH = 12  # tells a record's few people apart; nobody is found by it without the salt


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way in which a person's papers may satisfy a rule: with this consent, or (`consent` empty) without one."""

    consent: str
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Person:
    talent: str
    alias: str
    """What reports call them: a hash behind the record's salt."""
    alternatives: tuple[Alternative, ...]


@dataclass(frozen=True, slots=True)
class JobFacts:
    """All that packs may read."""

    values: Mapping[str, Value]
    people: tuple[Person, ...]
    today: str
    record_id: str
    salt: str
    shot: str
    actor: str

    @property
    def territories(self) -> tuple[str, ...]:
        stated = self.values.get("use.territories")
        return stated if isinstance(stated, tuple) else ()


def facts_of(
    job: JobRequest, today: str, actor: str, registered: tuple[RegisteredApproval, ...] = (), *, leaving: bool = False
) -> JobFacts:
    """Return what packs read of `job` on `today` (2026-11-20). `registered`: approvals as the registry holds them;
    `leaving`: the pictures are to leave, and a consent covers what it leaves out only where the record rules it out.
    """
    record = job.record
    values = _flat(record, "") | {
        "job.mode": job.settings.mode,
        "job.project": _stated(job.output.project),
        "job.shot": _stated(job.shot.name),
        "job.engine": _stated(job.settings.engine),
        TODAY: today,
        **{f"approved.{kind}": _approved(job, kind, today, registered) for kind in APPROVALS},
    }
    known = {path: value for path, value in values.items() if path in fields()}
    return JobFacts(
        values=known,
        people=tuple(_person(job, talent, today, known, leaving=leaving) for talent in people(job)),
        today=today,
        record_id=record.record_id,
        salt=record.salt,
        shot=job.shot.name,
        actor=actor,
    )


def _person(job: JobRequest, talent: str, today: str, values: Mapping[str, Value], *, leaving: bool) -> Person:
    record, member = job.record, member_of(job.record, talent)
    theirs = {
        **values,
        **(_flat(member, "person.") if member is not None else {}),
        "person.on_screen": talent in record.on_screen,
        "person.performs": talent in record.performed_by,
        "person.is_replaced": talent in record.replaced,
    }
    consents = usable(job, talent, today, leaving=leaving)
    alternatives = tuple(Alternative(one.consent_id, theirs | _flat(one, "consent.")) for one in consents)
    return Person(talent, alias_of(record, talent), alternatives or (Alternative("", theirs),))


def alias_of(record: Record, talent: str) -> str:
    """Return what reports call a person: the same in every report of these papers, and no name."""
    return f"person {salted(record, talent)[:HASH_LENGTH]}"


def _flat(struct: msgspec.Struct, before: str) -> dict[str, Value]:
    """Return the values of a struct and of those in it by their paths."""
    found: dict[str, Value] = {}
    for name in struct.__struct_fields__:
        value = getattr(struct, name)
        if isinstance(value, msgspec.Struct):
            found |= _flat(value, f"{before}{name}.")
        elif not isinstance(value, tuple) or all(isinstance(one, str) for one in value):
            found[f"{before}{name}"] = _stated(value)
    return found


def _stated(value: Value) -> Value:
    """Return the value, None where it says nothing."""
    if isinstance(value, str):
        return value if value.strip() else None
    return None if value == () else value


def _approved(job: JobRequest, kind: str, today: str, registered: tuple[RegisteredApproval, ...]) -> bool:
    """Return whether an approval of this kind, with a reference, covers this shot today.

    One that the registry holds is as the registry has it, whatever the record says of that reference.
    """
    theirs = [one for one in registered if one.kind == kind]
    known = {one.reference for one in theirs}
    return any(
        one.reference.strip() != ""
        and (not one.revoked_on or one.revoked_on > today)
        and one.approved_on <= today
        and (not one.expires_on or one.expires_on >= today)
        and (not one.project or one.project == job.output.project)
        and (not one.shot or matches_any(job.shot.name, (one.shot,)))
        for one in theirs
    ) or any(
        one.kind == kind
        and one.reference.strip() != ""
        and one.reference not in known
        and (one.approved_on is None or one.approved_on <= today)
        and (one.expires_on is None or one.expires_on >= today)
        and (not one.shots or matches_any(job.shot.name, one.shots))
        for one in job.record.approvals
    )
