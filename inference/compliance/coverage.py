"""Whether a consent covers a person on a day for a use. Pure; rules of two stages and policy packs share it."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from operator import attrgetter

from understudy.bridge.circumstances import CastMember
from understudy.bridge.consent import Consent
from understudy.bridge.moments import is_day
from understudy.bridge.record import Record, is_territory
from understudy.bridge.shot import JobRequest
from understudy.inference.compliance.phrases import write_list
from understudy.inference.compliance.territories import covers, reaches

REPRESENTATIVES = ("estate", "union")
"""Who may grant for somebody who has died."""
GUARDIANS = ("guardian",)


def why_not(consent: Consent, project: str | None, today: str) -> str:
    """Return why `consent` does not hold on `today` (2026-11-20) for `project`, or nothing when it does."""
    days = (consent.signed_on, consent.expires_on, consent.revoked_on)
    if not all(day is None or is_day(day) for day in days):
        return f"consent {consent.consent_id} has a date that is no day"
    if consent.signed_on > today:
        return f"consent {consent.consent_id} is signed on {consent.signed_on}, after today ({today})"
    if consent.revoked_on is not None and consent.revoked_on <= today:
        return f"consent {consent.consent_id} was revoked on {consent.revoked_on}"
    if consent.expires_on is not None and consent.expires_on < today:
        return f"consent {consent.consent_id} expired on {consent.expires_on}"
    projects = consent.scope.projects
    if projects and not matches_any(project or "", projects):
        mine = f"not {project}" if project else "and this job names no project"
        return f"consent {consent.consent_id} is for {write_list(projects)}, {mine}"
    return ""


def out_of_scope(consent: Consent, job: JobRequest, *, leaving: bool = False) -> tuple[str, ...]:
    """Return each way in which this use is more than `consent` grants; nothing where it covers it.

    leaving: the pictures are to leave, and what the grant leaves out must be known not to be in them. Before that, what
    the record does not state is no way yet: `fields_beyond` has it.
    """
    return tuple(f"consent {consent.consent_id} {why}" for _, why in _beyond(consent, job, leaving=leaving))


def fields_beyond(consent: Consent, job: JobRequest, *, leaving: bool = False) -> tuple[str, ...]:
    """Return the fields of the record by which this use is more than `consent` grants, each once."""
    return tuple(dict.fromkeys(field for field, _ in _beyond(consent, job, leaving=leaving)))


def not_for_shot(consent: Consent, shot: str) -> str:
    """Return why `consent` does not reach this shot, or nothing."""
    shots = consent.scope.shots
    return f"is for the shots {write_list(shots)}, not {shot}" if shots and not matches_any(shot, shots) else ""


def _beyond(consent: Consent, job: JobRequest, *, leaving: bool) -> Iterator[tuple[str, str]]:
    """Yield each way in which this use is more, after the field of the record that says so."""
    scope, use, content = consent.scope, job.record.use, job.record.content
    if why := not_for_shot(consent, job.shot.name):
        yield "consents", why
    if scope.media:
        yield from _more_than(
            "media", scope.media, [medium for medium in use.media if medium not in scope.media], use.media
        )
    if scope.territories:
        more = [one for one in use.territories if not any(covers(wide, one) for wide in scope.territories)]
        yield from _more_than("territories", scope.territories, more, use.territories)
    if content.intimate and scope.nudity is not True:
        yield "content.intimate", "does not grant nudity (`scope.nudity`), and `content.intimate` is stated"
    if use.training and scope.training is not True:
        yield "use.training", "does not grant training (`scope.training`), and `use.training` is stated"
    for word in excluded(consent, job):
        yield _field_of(word, job), f"excludes {word}"
    if leaving:
        yield from _not_stated(consent, job)


def _not_stated(consent: Consent, job: JobRequest) -> Iterator[tuple[str, str]]:
    """Yield what the grant leaves out and the record says nothing of, after the field that would say it."""
    yield from (
        (field, f"{what}, and `{field}` is not stated")
        for field, what in left_out(consent)
        if attrgetter(field)(job.record) in (None, ())
    )


def left_out(consent: Consent) -> Iterator[tuple[str, str]]:
    """Yield what a grant leaves out of a use, after the field of a record by which it is held against that use.

    Media are anybody's words: an exclusion of one word that is nothing else may be a medium. Longer ones are text.
    """
    if consent.scope.nudity is False:
        yield "content.intimate", "does not grant nudity"
    if consent.scope.training is False:
        yield "use.training", "does not grant training"
    for word in map(str.strip, consent.scope.exclusions):
        if word.lower() in _FIELDS_OF_WORDS:
            yield _FIELDS_OF_WORDS[word.lower()], f"excludes {word}"
        elif is_territory(word):
            yield "use.territories", f"excludes {word}"
        elif len(word.split()) == 1:
            yield "use.media", "excludes what may be a medium"


def _more_than(
    what: str, granted: tuple[str, ...], more: list[str], used: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    if more:
        yield f"use.{what}", f"is for the {what} {write_list(granted)}, not {write_list(more)}"
    elif not used:
        yield f"use.{what}", f"is for the {what} {write_list(granted)}, and the record's `use.{what}` states none"


def excluded(consent: Consent, job: JobRequest) -> tuple[str, ...]:
    """Return the exclusions of `consent` that are words of this use."""
    words = words_of_use(job)
    return tuple(
        text for text in consent.scope.exclusions if text.strip().lower() in words or _is_where_it_is_seen(text, job)
    )


def _is_where_it_is_seen(word: str, job: JobRequest) -> bool:
    """Say whether an exclusion is a territory that has anything in common with this use: what is seen worldwide is seen
    there too. Free text is none, though a wider territory would cover any text.
    """
    place = word.strip()
    return is_territory(place) and any(reaches(place, one) for one in job.record.use.territories)


def _field_of(word: str, job: JobRequest) -> str:
    """Return the field of the record that states what an exclusion names: nothing in it states shot and project."""
    if _is_where_it_is_seen(word, job):
        return "use.territories"
    in_use = word.strip().lower() in (medium.lower() for medium in job.record.use.media)
    return _FIELDS_OF_WORDS.get(word.strip().lower(), "use.media" if in_use else "consents")


def unread(consent: Consent, job: JobRequest) -> tuple[str, ...]:
    """Return the exclusions that are free text: no rule can hold them against a job, a person has to."""
    known = _KNOWN_WORDS | words_of_use(job)
    return tuple(text for text in consent.scope.exclusions if text.strip().lower() not in known)


_FIELDS_OF_WORDS = {
    "advertising": "use.is_advertising", "endorsement": "use.endorsement", "training": "use.training",
    "intimate": "content.intimate", "violence": "content.violence", "political": "content.political",
}  # fmt: skip
"""What an exclusion may name beside media, territories, shots and projects, and which field of the record states it."""
_KNOWN_WORDS = frozenset(_FIELDS_OF_WORDS)


def words_of_use(job: JobRequest) -> frozenset[str]:
    """Return what an exclusion may name of this job, in lower case."""
    record = job.record
    words = {word for word, field in _FIELDS_OF_WORDS.items() if attrgetter(field)(record)}
    words |= {text.lower() for text in (*record.use.media, job.shot.name, job.output.project or "") if text}
    return frozenset(words)


def wrong_grantor(consent: Consent, member: CastMember | None) -> str:
    """Return why this grantor could not grant for this person, or nothing. What is not stated is no reason."""
    if member is None:
        return ""
    signed = f"consent {consent.consent_id} is signed by {consent.grantor_capacity or 'nobody stated'}"
    if member.living == "unknown":
        return f"{signed}, and whether the person lives is unknown"
    if member.living == "no" and consent.grantor_capacity not in REPRESENTATIVES:
        return f"{signed}, and the person has died: only {' or '.join(REPRESENTATIVES)} may grant"
    if member.living != "no" and member.minor and consent.grantor_capacity not in GUARDIANS:
        return f"{signed}, and the person is a minor: only a guardian may grant"
    return ""


def people(job: JobRequest) -> tuple[str, ...]:
    """Return everyone whose consent the job needs: whom the record names, and whom a performer is said to be."""
    performers = (talent for performer in job.shot.performers for talent in performer.talents)
    return tuple(dict.fromkeys((*job.record.talents, *performers)))


def member_of(record: Record, talent: str) -> CastMember | None:
    return next((member for member in record.cast if member.talent == talent), None)


def holding(job: JobRequest, talent: str, today: str) -> tuple[Consent, ...]:
    """Return this person's consents that hold on `today` for the job's project, whatever their scope."""
    return tuple(
        one for one in job.record.consents if one.talent == talent and not why_not(one, job.output.project, today)
    )


def usable(job: JobRequest, talent: str, today: str, *, leaving: bool = False) -> tuple[Consent, ...]:
    """Return this person's consents that hold, cover this use, and were given by somebody who could."""
    member = member_of(job.record, talent)
    return tuple(
        one
        for one in holding(job, talent, today)
        if not out_of_scope(one, job, leaving=leaving) and not wrong_grantor(one, member)
    )


def matches_any(text: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(text, pattern) for pattern in patterns)
