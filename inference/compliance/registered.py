"""Whether a job's papers agree with the registry, and what the registry fills in. Pure; rules of two stages share it.

The registry is asked on the day, so it wins: a consent that was revoked or has run out there refuses, whatever the
record says of it. A daemon whose registry holds no consent takes a record at its word, and its manifests say so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from understudy.bridge.circumstances import CastMember
from understudy.bridge.consent import ConsentScope, is_bare
from understudy.bridge.errors import Finding
from understudy.bridge.record import Consent, Record
from understudy.bridge.shot import JobRequest
from understudy.inference.authority.head import Vouching
from understudy.inference.authority.papers import RegisteredConsent, Snapshot
from understudy.inference.authority.seen import is_revoked
from understudy.inference.compliance.coverage import out_of_scope, why_not

PAPER = ("talent", "document", "signed_on")
"""Which paper a consent is: the same, as long as these are."""
COMPARED = (*PAPER, "expires_on")
"""Fields of a consent in the record that must be those of the registry."""
TOLD = ("grantor_capacity", "representation", "separate", "notice_at")
SCOPE = ConsentScope.__struct_fields__
"""The rest of a consent: where a record is silent, what the registry states of it is filled in."""


class Named(NamedTuple):
    """What a job names that the registry may know, as `Registry.snapshot` asks for it."""

    talents: tuple[str, ...]
    consents: tuple[str, ...]
    record_id: str
    files: frozenset[str]
    """Digests of its inputs, and of their pictures."""
    project: str | None


def named_in(job: JobRequest) -> Named:
    """Return the people and consents that a job names, its record, its inputs and its project."""
    performers = (talent for performer in job.shot.performers for talent in performer.talents)
    people = tuple(dict.fromkeys((*job.record.talents, *performers)))
    pictures = (file for pictures in job.shot.roles().values() for file in pictures.files)
    return Named(
        talents=people,
        consents=tuple(consent.consent_id for consent in job.record.consents),
        record_id=job.record.record_id,
        files=frozenset(digest for file in pictures for digest in (file.file, file.picture)),
        project=job.output.project,
    )


def fill_in(record: Record, snapshot: Snapshot) -> Record:
    """Return the record with what the registry knows and it does not say: all of a consent that it names by id alone,
    the rest of one that it writes out in part, and of people who are in `cast` or named, what a rule must not miss.

    A consent that the registry does not know stays as it is: other rules refuse it.
    """
    consents = tuple(_filled(consent, snapshot.consent(consent.consent_id)) for consent in record.consents)
    return msgspec.structs.replace(record, consents=consents, cast=_filled_cast(record, snapshot))


def as_known_now(job: JobRequest, sent: Record | None, snapshot: Snapshot) -> JobRequest:
    """Return an admitted job with its record filled in by what the registry knows now, so that a grant that was mended
    since is no difference to what the record said. sent: the record before it was filled in; None = nothing was.

    Whose a consent is, which document and since when, is the paper by which the job was admitted: that stays, and so
    does all of a consent that the registry no longer has.
    """
    if sent is None:
        return job
    admitted = {consent.consent_id: consent for consent in job.record.consents}
    record = fill_in(sent, snapshot)
    consents = tuple(
        _same_paper(consent, admitted[consent.consent_id], snapshot.consent(consent.consent_id))
        for consent in record.consents
    )
    return msgspec.structs.replace(job, record=msgspec.structs.replace(record, consents=consents))


def _same_paper(consent: Consent, admitted: Consent, known: RegisteredConsent | None) -> Consent:
    if known is None:
        return admitted
    return msgspec.structs.replace(consent, **{name: getattr(admitted, name) for name in PAPER})


def stated_by(known: RegisteredConsent) -> Consent:
    """Return a consent of the registry as a record states one: there what is absent is None, and yes is true."""
    said = {"": None, "yes": True, "no": False}
    return Consent(
        consent_id=known.id,
        talent=known.talent,
        document=known.document,
        signed_on=known.signed_on,
        expires_on=known.expires_on or None,
        revoked_on=known.revoked_on or None,
        grantor_capacity=known.capacity or None,
        representation=known.representation or None,
        separate=said[known.separate],
        notice_at=known.notice_at or None,
        scope=ConsentScope(
            projects=known.projects,
            shots=known.shots,
            media=known.media,
            territories=known.territories,
            use_text=known.use,
            exclusions=known.exclusions,
            nudity=said[known.nudity],
            training=said[known.training],
        ),
    )


def _filled(consent: Consent, known: RegisteredConsent | None) -> Consent:
    if known is None:
        return consent
    said = stated_by(known)
    if is_bare(consent):
        return said
    scope = {name: getattr(said.scope, name) for name in SCOPE if _silent(getattr(consent.scope, name))}
    rest = {name: getattr(said, name) for name in TOLD if _silent(getattr(consent, name))}
    return msgspec.structs.replace(consent, **rest, scope=msgspec.structs.replace(consent.scope, **scope))


def _filled_cast(record: Record, snapshot: Snapshot) -> tuple[CastMember, ...]:
    """Return the cast with minors, the dead and guilds' members as the registry knows them, where the record is silent.

    That the registry calls somebody living or of age is its default, and no statement.
    """
    cast = {member.talent: member for member in record.cast}
    for known in snapshot.talents:
        told = {
            **({"minor": True} if known.minor else {}),
            **({"living": "no"} if not known.living else {}),
            **({"union": known.union} if known.union else {}),
        }
        member = cast.get(known.id, CastMember(talent=known.id))
        lacking = {name: value for name, value in told.items() if _silent(getattr(member, name))}
        if lacking and known.id in record.talents:
            cast[known.id] = msgspec.structs.replace(member, **lacking)
    return tuple(cast.values())


def _silent(value: object) -> bool:
    return value in (None, "", ())


def vouching(job: JobRequest, snapshot: Snapshot) -> Vouching:
    """Return who says that the consents of an admitted job are what its record says they are."""
    known = snapshot.consents_known and job.record.ground == "record" and job.record.consents
    if not known:
        return "self-attested"
    return "authority" if snapshot.authority is not None else "registry"


def judge_registry(job: JobRequest, snapshot: Snapshot, today: str) -> Finding:
    """Return the finding on every person and consent of `job` as the registry knows them on `today`.

    The daemon asks this in its own process: no rule, and none of their library, is imported here.
    """
    if not snapshot.consents_known:
        said = "this daemon's registry holds no consents: the record vouches for itself"
        return Finding(rule="", outcome="not_applicable", message=said)
    facts = {"today": today, "snapshot": snapshot.digest}
    if snapshot.authority is not None:
        facts |= {"authority": snapshot.authority.key, "serial": str(snapshot.authority.serial)}
    if snapshot.stale and job.record.ground == "record":
        return Finding(
            rule="", outcome="refuse", message=snapshot.stale, remedy=snapshot.stale_remedy, facts=facts,
        )  # fmt: skip
    gone = tuple(_withdrawn(job, snapshot, today))
    problems = [*_against(job, snapshot, today), *(f"{talent} has withdrawn every consent" for talent in gone)]
    if problems:
        return Finding(
            rule="",
            outcome="refuse",
            message=f"the registry does not bear out the record: {' | '.join(problems)}",
            remedy="Ask legal: `understudy consent show ID` says what is on file. Name a consent that stands, or have "
            "the registry mended.",
            facts=facts,
            fields=("consents", *_naming(job.record, gone)),
        )
    if snapshot.stale:
        said = f"{snapshot.stale}; the job is not held to it: it is {job.record.ground.replace('_', '-')} and says so"
        return Finding(rule="", outcome="warn", message=said, remedy=snapshot.stale_remedy, facts=facts)
    count = len(job.record.consents)
    return Finding(rule="", outcome="pass", message=f"the registry bears out {count} of {count} consents", facts=facts)


def _naming(record: Record, talents: tuple[str, ...]) -> tuple[str, ...]:
    """Return the fields that name any of these people."""
    return tuple(
        field
        for field in ("on_screen", "performed_by", "replaced")
        if set(getattr(record, field)).intersection(talents)
    )


def _against(job: JobRequest, snapshot: Snapshot, today: str) -> Iterator[str]:
    """Yield why consents of the record do not stand. One that stands is enough for a person; a revoked one never is."""
    standing: set[str] = set()
    fallen: list[tuple[str, str]] = []
    for consent in job.record.consents:
        known = snapshot.consent(consent.consent_id)
        if known is None:
            if job.record.ground == "record":
                yield f"consent {consent.consent_id} is not in it"
            continue
        yield from _differences(consent, known)
        if is_revoked(known, today):
            yield f"consent {known.id} was revoked on {known.revoked_on}"
        elif why := _why_it_does_not_stand(known, job, today):
            fallen.append((known.talent, why))
        else:
            standing.add(known.talent)
    yield from (why for talent, why in fallen if talent not in standing)


def _differences(consent: Consent, known: RegisteredConsent) -> Iterator[str]:
    said = stated_by(known)
    for name in COMPARED:
        ours, theirs = getattr(consent, name), getattr(said, name)
        if ours != theirs:
            shown = (text[:12] if name == "document" and text else text for text in (ours, theirs))
            yield "consent {}: `{}` is {} in the record and {} in the registry".format(consent.consent_id, name, *shown)


def _why_it_does_not_stand(known: RegisteredConsent, job: JobRequest, today: str) -> str:
    """Return why the grant as the registry has it is none for this use today, whatever the record says of its scope."""
    said = stated_by(known)
    return why_not(said, job.output.project, today) or "; ".join(out_of_scope(said, job))


def _withdrawn(job: JobRequest, snapshot: Snapshot, today: str) -> Iterator[str]:
    """Yield the people who have withdrawn every consent that they gave: no ground is left to name them on."""
    named = named_in(job)
    for talent in named.talents:
        theirs = [consent for consent in snapshot.consents if consent.talent == talent]
        told = any(consent.id in named.consents for consent in theirs)
        everything = theirs and all(is_revoked(consent, today) for consent in theirs)
        if not told and (everything or talent in snapshot.withdrawn):
            yield talent
