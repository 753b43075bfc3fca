"""What admission's rules are told of a job, for a submit and for a draft alike: what they say cannot differ.

Of the registry they are told what the key may learn (authority/seen.py), so that no refusal tells of other projects.
"""

from __future__ import annotations

import secrets
from functools import cache

import msgspec

from understudy.bridge.engine_description import EngineDescription
from understudy.bridge.errors import RequestError
from understudy.bridge.keys import User
from understudy.bridge.shot import JobRequest, Settings
from understudy.inference.authority.ledger import Ledger
from understudy.inference.authority.papers import Snapshot
from understudy.inference.authority.seen import seen_by
from understudy.inference.compliance.facts import AdmissionFacts
from understudy.inference.compliance.registered import fill_in, named_in
from understudy.inference.daemon.house import House
from understudy.inference.daemon.standing import packs_of, today
from understudy.inference.engines.roster import describe_for


async def admission_facts(house: House, user: User, job: JobRequest) -> AdmissionFacts:
    """Return what the rules are told of `job` today, its record with a salt and with what the registry fills in."""
    packs = await house.looked(packs_of, house)
    job = with_salt(job, user, house.ledger)
    day = today()
    snapshot = await house.looked(known_of, house, user, job, day)
    return AdmissionFacts(
        job=msgspec.structs.replace(job, record=fill_in(job.record, snapshot)),
        actor=user.name,
        today=day,
        roles=user.roles,
        projects=user.projects,
        engine=engine_for(job.settings),
        engines=tuple(engine.name for engine in engines()),
        packs=packs,
        registry=snapshot,
    )


def known_of(house: House, user: User, job: JobRequest, day: str) -> Snapshot:
    """Return what the registry knows of what `job` names, as far as this user's key may learn it. Blocks."""
    named = named_in(job)
    known = house.registry.snapshot(*named)
    seen = seen_by(known, user.projects, frozenset(named.consents), day)
    if seen is known:
        return known
    # Nothing of what is left out may show in the digest either: it stands in findings.
    stated = msgspec.structs.replace(seen, consents_known=0, digest="")
    return msgspec.structs.replace(seen, digest=house.ledger.digest_of(msgspec.json.encode(stated)))


@cache
def engines() -> tuple[EngineDescription, ...]:
    """Return what every engine says of itself; data, no engine is loaded."""
    from understudy.inference.engines.descriptions import DESCRIPTIONS

    return DESCRIPTIONS


def with_salt(job: JobRequest, user: User, ledger: Ledger) -> JobRequest:
    """Return the job with a salt for a record that has none: the same for this record of this project (without one, of
    this user) whenever it comes, so that what is bound to what a rule read outlives a submission.

    It follows from the ledger's own secret: whoever knows a record's id, which stands in files, does not know its salt.
    """
    record = job.record
    if record.ground != "record" or record.salt:
        return job
    whose = ("project", job.output.project) if job.output.project is not None else ("user", user.name)
    said = msgspec.json.encode(("salt of a record", *whose, record.record_id or secrets.token_hex(16)))
    return msgspec.structs.replace(job, record=msgspec.structs.replace(record, salt=ledger.digest_of(said)))


def engine_for(settings: Settings) -> EngineDescription | None:
    """Return the engine as these settings make it, or as it is where they make none, which is for a rule to name; None
    for an engine that is not here.
    """
    try:
        return describe_for(settings)
    except (RequestError, ValueError, KeyError):
        return next((engine for engine in engines() if engine.name == settings.engine), None)
