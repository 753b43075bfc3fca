"""Whether a job's papers agree with the registry, and what the registry fills in. Pure; rules of two stages share it.

The registry is asked on the day, so it wins: a consent that was revoked or has run out there refuses, whatever the
record says of it. A daemon whose registry holds no consent takes a record at its word, and its manifests say so.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from understudy.bridge.errors import Finding
from understudy.bridge.record import Consent, Record
from understudy.bridge.shot import JobRequest
from understudy.inference.authority.head import Vouching
from understudy.inference.authority.papers import RegisteredConsent, Snapshot
from understudy.inference.compliance.phrases import write_list

COMPARED = ("talent", "document", "signed_on", "expires_on")
"""Fields of a consent in the record that must be those of the registry."""
FILLED = (*COMPARED, "revoked_on")


class Named(NamedTuple):
    """What a job names that the registry may know, as `Registry.snapshot` asks for it."""

    talents: tuple[str, ...]
    consents: tuple[str, ...]
    record_id: str


def named_in(job: JobRequest) -> Named:
    """Return the people and consents that a job names, and its record."""
    performers = (talent for performer in job.shot.performers for talent in performer.talents)
    people = tuple(dict.fromkeys((*job.record.talents, *performers)))
    return Named(people, tuple(consent.consent_id for consent in job.record.consents), job.record.record_id)


def is_bare(consent: Consent) -> bool:
    """Say whether a record names a consent by its id alone, for the registry to say the rest."""
    return not (consent.talent or consent.document or consent.signed_on)


def fill_in(record: Record, snapshot: Snapshot) -> Record:
    """Return the record with the consents that it names by id alone as the registry knows them. What it does not know
    stays bare: other rules refuse that.
    """
    filled = tuple(_filled(consent, snapshot.consent(consent.consent_id)) for consent in record.consents)
    return msgspec.structs.replace(record, consents=filled) if filled != record.consents else record


def _filled(consent: Consent, known: RegisteredConsent | None) -> Consent:
    if known is None or not is_bare(consent):
        return consent
    return msgspec.structs.replace(consent, **{name: _said(known, name) for name in FILLED})


def _said(known: RegisteredConsent, name: str) -> str | None:
    """Return a field as a record says it: there an absent day is None."""
    value: str = getattr(known, name)
    return value or (None if name in ("expires_on", "revoked_on") else "")


def vouching(job: JobRequest, snapshot: Snapshot) -> Vouching:
    """Return who says that the consents of an admitted job are what its record says they are."""
    known = snapshot.consents_known and job.record.ground == "record" and job.record.consents
    return "registry" if known else "self-attested"


def judge_registry(job: JobRequest, snapshot: Snapshot, today: str) -> Finding:
    """Return the finding on every person and consent of `job` as the registry knows them on `today`.

    The daemon asks this in its own process: no rule, and none of their library, is imported here.
    """
    if not snapshot.consents_known:
        said = "this daemon's registry holds no consents: the record vouches for itself"
        return Finding(rule="", outcome="not_applicable", message=said)
    facts = {"today": today, "snapshot": snapshot.digest}
    problems = [*_against(job, snapshot, today), *_withdrawn(job, snapshot, today)]
    if problems:
        return Finding(
            rule="",
            outcome="refuse",
            message=f"the registry does not bear out the record: {' | '.join(problems)}",
            remedy="Ask legal: `understudy consent show ID` says what is on file. Name a consent that stands, or have "
            "the registry mended.",
            facts=facts,
        )
    count = len(job.record.consents)
    return Finding(rule="", outcome="pass", message=f"the registry bears out {count} of {count} consents", facts=facts)


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
        if _is_revoked(known, today):
            yield f"consent {known.id} was revoked on {known.revoked_on}"
        elif why := _why_it_does_not_stand(known, job, today):
            fallen.append((known.talent, why))
        else:
            standing.add(known.talent)
    yield from (why for talent, why in fallen if talent not in standing)


def _differences(consent: Consent, known: RegisteredConsent) -> Iterator[str]:
    for name in COMPARED:
        ours, theirs = getattr(consent, name), _said(known, name)
        if ours != theirs:
            shown = (text[:12] if name == "document" and text else text for text in (ours, theirs))
            yield "consent {}: `{}` is {} in the record and {} in the registry".format(consent.consent_id, name, *shown)


def _why_it_does_not_stand(known: RegisteredConsent, job: JobRequest, today: str) -> str:
    project, shot = job.output.project, job.shot.name
    if known.signed_on > today:
        return f"consent {known.id} is signed on {known.signed_on}, after today ({today})"
    if known.expires_on and known.expires_on < today:
        return f"consent {known.id} expired on {known.expires_on}"
    if known.projects and project not in known.projects:
        return f"consent {known.id} is for {write_list(known.projects)}, not {project or 'a job without a project'}"
    if known.shots and shot not in known.shots:
        return f"consent {known.id} is for the shots {write_list(known.shots)}, not {shot}"
    return ""


def _withdrawn(job: JobRequest, snapshot: Snapshot, today: str) -> Iterator[str]:
    """Yield the people who have withdrawn every consent that they gave: no ground is left to name them on."""
    named = named_in(job)
    for talent in named.talents:
        theirs = [consent for consent in snapshot.consents if consent.talent == talent]
        told = any(consent.id in named.consents for consent in theirs)
        if theirs and not told and all(_is_revoked(consent, today) for consent in theirs):
            yield f"{talent} has withdrawn every consent"


def _is_revoked(known: RegisteredConsent, today: str) -> bool:
    return bool(known.revoked_on) and known.revoked_on <= today
