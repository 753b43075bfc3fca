"""Whether consents cover a person on a day for a project. Pure; the rules of two stages share it."""

from __future__ import annotations

from understudy.bridge.errors import Finding
from understudy.bridge.record import Consent, is_day
from understudy.bridge.shot import JobRequest
from understudy.inference.compliance.phrases import write_list
from understudy.inference.compliance.rule import not_applicable, passes, refuses


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
    if consent.projects and project not in consent.projects:
        mine = f"not {project}" if project else "and this job names no project"
        return f"consent {consent.consent_id} is for {write_list(consent.projects)}, {mine}"
    return ""


def people(job: JobRequest) -> tuple[str, ...]:
    """Return everyone whose consent the job needs: whom the record names, and whom a performer is said to be."""
    performers = (talent for performer in job.shot.performers for talent in performer.talents)
    return tuple(dict.fromkeys((*job.record.talents, *performers)))


def judge_consents(job: JobRequest, today: str) -> Finding:
    """Return the finding on every person of `job`: one consent that holds is enough for each."""
    if job.record.ground != "record":
        return not_applicable(f"the job's ground is {job.record.ground}: no consent is claimed, no file is cleared")
    lacking: list[str] = []
    everyone = people(job)
    for talent in everyone:
        theirs = [consent for consent in job.record.consents if consent.talent == talent]
        reasons = [why_not(consent, job.output.project, today) for consent in theirs]
        if all(reasons):
            lacking.append(f"{talent}: {'; '.join(reasons) or 'no consent in the record'}")
    if lacking:
        return refuses(
            f"consent is lacking for {' | '.join(lacking)}",
            remedy="Put a consent that holds today and covers this project into the record, or ask for a new one.",
            today=today,
        )
    return passes(f"consents hold for {len(everyone)} of {len(everyone)} people named", today=today)
