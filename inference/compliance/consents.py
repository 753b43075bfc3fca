"""What the gate says of consents: one finding on every person of a job. Pure; the rules of two stages share it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from understudy.bridge.consent import Consent
from understudy.bridge.errors import Finding, Fix
from understudy.bridge.shot import JobRequest
from understudy.inference.compliance.coverage import (
    fields_beyond,
    holding,
    member_of,
    out_of_scope,
    people,
    unread,
    usable,
    why_not,
    wrong_grantor,
)
from understudy.inference.compliance.phrases import write_list
from understudy.inference.compliance.rule import lists, not_applicable, passes, refuses


def judge_consents(job: JobRequest, today: str) -> Finding:
    """Return the finding on every person of `job`: one consent that holds is enough for each."""
    if job.record.ground != "record":
        return no_papers(job)
    lacking: list[str] = []
    everyone = people(job)
    for talent in everyone:
        theirs = [consent for consent in job.record.consents if consent.talent == talent]
        reasons = [why_not(consent, job.output.project, today) for consent in theirs]
        if all(reasons):
            lacking.append(f"{talent}: {'; '.join(reasons) or 'no consent in the record'}")
    if lacking:
        refused = refuses(
            f"consent is lacking for {' | '.join(lacking)}",
            remedy="Put a consent that holds today and covers this project into the record, or ask for a new one.",
            fields=("consents",),
            today=today,
        )
        return msgspec.structs.replace(refused, fixes=_with_project(job, today))
    return passes(f"consents hold for {len(everyone)} of {len(everyone)} people named", today=today)


def judge_scopes(job: JobRequest, today: str, *, leaving: bool = False) -> Finding:
    """Return the finding on what is granted: of each person's consents that hold, one covers all of this use.

    leaving: the pictures are to leave. What a grant leaves out and the record says nothing of refuses then, and warns
    before.
    """
    if job.record.ground != "record":
        return no_papers(job)
    beyond = _unmet(
        job, lambda talent: [out_of_scope(one, job, leaving=leaving) for one in holding(job, talent, today)]
    )
    open_fields = _open_fields(job, today)
    if beyond:
        state = f" {_state(open_fields)}" if leaving and open_fields else ""
        refused = refuses(
            f"this use is more than was granted: {' | '.join(beyond)}",
            remedy=f"Narrow the use that the record states, or ask for a consent that covers it.{state}",
            fields=[path for talent in people(job) for path in _beyond_fields(job, talent, today, leaving=leaving)],
            today=today,
        )
        return msgspec.structs.replace(refused, fixes=_narrowed(job, today, leaving=leaving))
    return _listed(job, today, open_fields)


def _listed(job: JobRequest, today: str, open_fields: tuple[str, ...]) -> Finding:
    """Return the finding on a use that nobody's consents rule out: what a person has to state or to read."""
    free = dict.fromkeys(
        one.consent_id for talent in people(job) for one in holding(job, talent, today) if unread(one, job)
    )
    said, remedies, fields = list[str](), list[str](), list[str]()
    silent = _unmet(job, lambda talent: [out_of_scope(one, job, leaving=True) for one in _covering(job, talent, today)])
    if silent:
        said.append(f"delivery will refuse what is left open here: {' | '.join(silent)}")
        remedies.append(_state(open_fields))
        fields += open_fields
    if free:
        said.append(f"{len(free)} consents exclude something in words of their own: {write_list(tuple(free))}")
        remedies.append("Read `scope.exclusions` of these consents against this use: no rule can.")
        fields.append("consents[].scope.exclusions")
    if said:
        return lists("; ".join(said), remedy=" ".join(remedies), fields=fields)
    return passes("every person has a consent that covers this project, shot, medium and territory", today=today)


def _state(fields: tuple[str, ...]) -> str:
    return f"State {write_list([f'`{field}`' for field in fields])} in the record, and submit it."


def _open_fields(job: JobRequest, today: str) -> tuple[str, ...]:
    """Return the fields that the record does not state and by which alone a consent of somebody falls at delivery."""
    return tuple(
        dict.fromkeys(
            field
            for talent in people(job)
            for one in _covering(job, talent, today)
            for field in fields_beyond(one, job, leaving=True)
        )
    )


def _covering(job: JobRequest, talent: str, today: str) -> tuple[Consent, ...]:
    """Return this person's consents that hold and that nothing in the record rules out."""
    return tuple(one for one in holding(job, talent, today) if not out_of_scope(one, job))


def judge_grantors(job: JobRequest, today: str, *, leaving: bool = False) -> Finding:
    """Return the finding on who signed: a dead person's estate or union, a minor's guardian."""
    if job.record.ground != "record":
        return no_papers(job)
    wrong = _unmet(
        job,
        lambda talent: [(wrong_grantor(one, member_of(job.record, talent)),) for one in holding(job, talent, today)],
    )
    wrong = wrong or [
        f"{talent}: the consent that covers this use and the one whose grantor may grant are two"
        for talent in people(job)
        if holding(job, talent, today)
        and not usable(job, talent, today, leaving=leaving)
        and not _beyond_all(job, talent, today, leaving=leaving)
    ]
    if wrong:
        return refuses(
            f"who signed could not grant: {' | '.join(wrong)}",
            remedy="State `cast[].living` and `consents[].grantor_capacity` as they are, with the authority's consent.",
            fields=("cast[].living", "cast[].minor", "consents[].grantor_capacity", "consents"),
            today=today,
        )
    return passes("nobody granted for somebody whom they may not grant for", today=today)


def _narrowed(job: JobRequest, today: str, *, leaving: bool) -> tuple[Fix, ...]:
    """Return the fix by which this use lies within what was granted: the stated territories that everyone's consents
    cover; none where there is none of them, or something else lacks too.
    """

    def within(territories: tuple[str, ...]) -> bool:
        use = msgspec.structs.replace(job.record.use, territories=territories)
        narrow = msgspec.structs.replace(job, record=msgspec.structs.replace(job.record, use=use))
        everyone = (holding(narrow, talent, today) for talent in people(narrow))
        return all(any(not out_of_scope(one, narrow, leaving=leaving) for one in theirs) for theirs in everyone)

    kept = tuple(place for place in job.record.use.territories if within((place,)))
    if not kept or not within(kept):
        return ()
    return (Fix(kind="narrow_territories", values={"territories": " ".join(kept)}),)


def _with_project(job: JobRequest, today: str) -> tuple[Fix, ...]:
    """Return the fix that names a project for which everyone's consents are, where the job names none."""
    if job.output.project is not None:
        return ()
    named = dict.fromkeys(name for one in job.record.consents for name in one.scope.projects if "*" not in name)

    def holds(project: str) -> bool:
        moved = msgspec.structs.replace(job, output=msgspec.structs.replace(job.output, project=project))
        return all(holding(moved, talent, today) for talent in people(moved))

    projects = [name for name in named if " " not in name and holds(name)]
    return (Fix(kind="name_project", values={"projects": " ".join(projects)}),) if projects else ()


def no_papers(job: JobRequest) -> Finding:
    return not_applicable(f"the job's ground is {job.record.ground}: no consent is claimed, no file is cleared")


def _beyond_fields(job: JobRequest, talent: str, today: str, *, leaving: bool) -> list[str]:
    """Return what mends it for somebody of whom no consent covers this use: another use, or another consent."""
    theirs = holding(job, talent, today)
    if not all(out_of_scope(one, job, leaving=leaving) for one in theirs):
        return []
    beyond = (path for one in theirs for path in fields_beyond(one, job, leaving=leaving))
    return [*beyond, *(["consents"] if theirs else [])]


def _beyond_all(job: JobRequest, talent: str, today: str, *, leaving: bool) -> bool:
    return all(out_of_scope(one, job, leaving=leaving) for one in holding(job, talent, today))


def _unmet(job: JobRequest, reasons_of: Callable[[str], list[tuple[str, ...]]]) -> list[str]:
    """Return, for everyone whose every consent has reasons against it, who and why. Nobody without a consent: another
    rule speaks of them."""
    found: list[str] = []
    for talent in people(job):
        reasons = [tuple(filter(None, one)) for one in reasons_of(talent)]
        if reasons and all(reasons):
            found.append(f"{talent}: {'; '.join(why for one in reasons for why in one)}")
    return found
