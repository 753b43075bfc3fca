"""Whether a job's papers agree with the registry, and what the registry fills in. Pure; rules of two stages share it.

The registry is asked on the day, so it wins: a consent that was revoked or has run out there refuses, whatever the
record says of it. What the record leaves open is filled in; where the two differ, what protects somebody is taken (a
minor, somebody who has died, an exclusion), and all else refuses: nobody's word is quietly put in another's place.
A daemon whose registry holds no consent takes a record at its word, and its manifests say so.
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
from understudy.inference.compliance.phrases import write_list

PAPER = ("talent", "document", "signed_on")
"""Which paper a consent is: the same, as long as these are."""
COMPARED = (*PAPER, "expires_on")
"""Fields of a consent in the record that must be those of the registry."""
TOLD = ("grantor_capacity", "representation", "separate", "notice_at")
"""Fields that must be those of the registry where both state them; `scope.use_text` is another."""
SCOPE = ConsentScope.__struct_fields__
"""With TOLD the rest of a consent: where a record is silent, what the registry states of it is filled in."""
ASK_LEGAL = (
    "Ask legal: `understudy consent show ID` and `understudy talent show ID` say what is on file. Name a consent that "
    "stands, or have the registry mended; a field that differs may be left out, the registry fills it in."
)


class Named(NamedTuple):
    """What a job names that the registry may know, as `Registry.snapshot` asks for it."""

    talents: tuple[str, ...]
    consents: tuple[str, ...]
    record_id: str
    files: frozenset[str]
    """Digests of its inputs, and of their pictures."""
    project: str | None
    approvals: tuple[str, ...]
    """References of the approvals that its record names."""


def named_in(job: JobRequest) -> Named:
    """Return the people, consents and approvals that a job names, its record, its inputs and its project."""
    performers = (talent for performer in job.shot.performers for talent in performer.talents)
    people = tuple(dict.fromkeys((*job.record.talents, *performers)))
    pictures = (file for pictures in job.shot.roles().values() for file in pictures.files)
    return Named(
        talents=people,
        consents=tuple(consent.consent_id for consent in job.record.consents),
        record_id=job.record.record_id,
        files=frozenset(digest for file in pictures for digest in (file.file, file.picture)),
        project=job.output.project,
        approvals=tuple(dict.fromkeys(approval.reference for approval in job.record.approvals)),
    )


def fill_in(record: Record, snapshot: Snapshot) -> Record:
    """Return the record with what the registry knows and it does not say: all of a consent that it names by id alone,
    the rest of one that it writes out in part, and of people who are in `cast` or named, what a rule must not miss.
    That somebody is a minor or has died, and what a grant leaves out, stands whatever the record says.

    A consent that the registry does not know stays as it is: other rules refuse it.
    """
    consents = tuple(_filled(consent, snapshot.consent(consent.consent_id)) for consent in record.consents)
    return msgspec.structs.replace(record, consents=consents, cast=_filled_cast(record, snapshot))


def as_known_now(job: JobRequest, sent: Record | None, snapshot: Snapshot) -> JobRequest:
    """Return an admitted job with its record filled in by what the registry knows now, so that a grant that was mended
    since is no difference to what the record said. sent: the record before it was filled in; None = it was sent so.

    Whose a consent is, which document and since when, is the paper by which the job was admitted: that stays, and so
    does all of a consent that the registry no longer has.
    """
    admitted = {consent.consent_id: consent for consent in job.record.consents}
    record = fill_in(job.record if sent is None else sent, snapshot)
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
    scope["exclusions"] = tuple(dict.fromkeys((*consent.scope.exclusions, *said.scope.exclusions)))
    rest = {name: getattr(said, name) for name in TOLD if _silent(getattr(consent, name))}
    return msgspec.structs.replace(consent, **rest, scope=msgspec.structs.replace(consent.scope, **scope))


def _filled_cast(record: Record, snapshot: Snapshot) -> tuple[CastMember, ...]:
    """Return the cast with minors and the dead as the registry knows them, whatever the record says: a false word would
    pass a hard stop. A guild is filled in where the record is silent; one that differs refuses (`_unions`).

    That the registry calls somebody living or of age is its default, and no statement.
    """
    cast = {member.talent: member for member in record.cast}
    for known in snapshot.talents:
        member = cast.get(known.id, CastMember(talent=known.id))
        filled = msgspec.structs.replace(
            member,
            minor=True if known.minor else member.minor,
            living=member.living if known.living else "no",
            union=member.union or known.union,
        )
        if filled != member and known.id in record.talents:
            cast[known.id] = filled
    return tuple(cast.values())


def _silent(value: object) -> bool:
    return value in (None, "", ())


def vouching(job: JobRequest, snapshot: Snapshot) -> Vouching:
    """Return who says that the consents of an admitted job are what its record says they are."""
    known = snapshot.consents_known and job.record.ground == "record" and job.record.consents
    if not known:
        return "self-attested"
    return "authority" if snapshot.authority is not None else "registry"


def judge_registry(job: JobRequest, snapshot: Snapshot, today: str, *, leaving: bool = False) -> Finding:
    """Return the finding on every person and consent of `job` as the registry knows them on `today`.

    leaving: the pictures are to leave (`out_of_scope`).

    The daemon asks this in its own process: no rule, and none of their library, is imported here.
    """
    if minors := _minors_shown_intimately(job, snapshot):
        return _never_made(minors)
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
    unions = tuple(_unions(job.record, snapshot))
    problems = [
        *_against(job, snapshot, today, leaving=leaving),
        *unions,
        *(f"{talent} has withdrawn every consent" for talent in gone),
    ]
    if problems:
        return Finding(
            rule="",
            outcome="refuse",
            message=f"the registry does not bear out the record: {' | '.join(problems)}",
            remedy=ASK_LEGAL,
            facts=facts,
            fields=("consents", *(("cast[].union",) if unions else ()), *_naming(job.record, gone)),
        )
    if snapshot.stale:
        said = f"{snapshot.stale}; the job is not held to it: it is {job.record.ground.replace('_', '-')} and says so"
        return Finding(rule="", outcome="warn", message=said, remedy=snapshot.stale_remedy, facts=facts)
    count = len(job.record.consents)
    return Finding(rule="", outcome="pass", message=f"the registry bears out {count} of {count} consents", facts=facts)


def _minors_shown_intimately(job: JobRequest, snapshot: Snapshot) -> tuple[str, ...]:
    """Return whom the job names, the registry knows as minors, and the record states intimate content of: on every
    ground, as `judge_content` has it for what the record itself says.
    """
    named = named_in(job).talents
    return tuple(one.id for one in snapshot.talents if one.minor and one.id in named and job.record.content.intimate)


def _never_made(minors: tuple[str, ...]) -> Finding:
    said = f"{write_list(minors)} is a minor" if len(minors) == 1 else f"{write_list(minors)} are minors"
    return Finding(
        rule="",
        outcome="refuse",
        message=f"the registry says that {said}, and the record states `content.intimate`: this is never made",
        remedy="Nobody can waive this. If the registry is wrong, have legal mend it; if the record, write a new one.",
        facts={"content": "minor and intimate"},
        fields=("content.intimate", "cast[].minor"),
    )


def _unions(record: Record, snapshot: Snapshot) -> Iterator[str]:
    """Yield whose union the record has otherwise than the registry: packs ask by it, and of two neither is stricter."""
    if record.ground != "record":
        return
    known = {one.id: one.union for one in snapshot.talents if one.union}
    for member in record.cast:
        theirs = known.get(member.talent, "")
        if member.union and theirs and member.union != theirs:
            yield f"`cast[].union` of {member.talent} is {member.union} in the record and {theirs} in the registry"


def _naming(record: Record, talents: tuple[str, ...]) -> tuple[str, ...]:
    """Return the fields that name any of these people."""
    return tuple(
        field
        for field in ("on_screen", "performed_by", "replaced")
        if set(getattr(record, field)).intersection(talents)
    )


def _against(job: JobRequest, snapshot: Snapshot, today: str, *, leaving: bool) -> Iterator[str]:
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
        elif why := _why_it_does_not_stand(known, job, today, leaving=leaving):
            fallen.append((known.talent, why))
        else:
            standing.add(known.talent)
    yield from (why for talent, why in fallen if talent not in standing)


def _differences(consent: Consent, known: RegisteredConsent) -> Iterator[str]:
    """Yield which fields the record has otherwise: of COMPARED any, of the rest those that both state."""
    said = stated_by(known)
    for name in (*COMPARED, *TOLD):
        ours, theirs = getattr(consent, name), getattr(said, name)
        if ours != theirs and (name in COMPARED or not (_silent(ours) or _silent(theirs))):
            shown = (_shown(name, one) for one in (ours, theirs))
            yield "consent {}: `{}` is {} in the record and {} in the registry".format(consent.consent_id, name, *shown)
    ours, theirs = consent.scope.use_text.split(), said.scope.use_text.split()
    if ours and theirs and ours != theirs:  # a description is private: neither is quoted
        yield f"consent {consent.consent_id}: `scope.use_text` is another text in the record than in the registry"


def _shown(name: str, value: str | bool | None) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)[:12] if name == "document" else str(value)


def _why_it_does_not_stand(known: RegisteredConsent, job: JobRequest, today: str, *, leaving: bool) -> str:
    """Return why the grant as the registry has it is none for this use today, whatever the record says of its scope."""
    said = stated_by(known)
    return why_not(said, job.output.project, today) or "; ".join(out_of_scope(said, job, leaving=leaving))


def _withdrawn(job: JobRequest, snapshot: Snapshot, today: str) -> Iterator[str]:
    """Yield the people who have withdrawn every consent that they gave: no ground is left to name them on."""
    named = named_in(job)
    for talent in named.talents:
        theirs = [consent for consent in snapshot.consents if consent.talent == talent]
        told = any(consent.id in named.consents for consent in theirs)
        everything = theirs and all(is_revoked(consent, today) for consent in theirs)
        if not told and (everything or talent in snapshot.withdrawn):
            yield talent
