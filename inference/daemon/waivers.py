"""Waivers over the wire: asked for by one, decided by another, as the key's roles allow. Decisions stand here alone.

Whoever asks from a panel, a terminal or another daemon comes through here; a follower passes a request on to its
studio authority and decides nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from understudy.bridge.errors import KeyRefused, RequestError, UnderstudyError
from understudy.bridge.keys import User
from understudy.bridge.papers_messages import AskWaivers, DecideWaiver, RequestWaiver, WaiverCard, Waivers
from understudy.inference.authority.acting import MAY, check_may
from understudy.inference.authority.papers import Waiver
from understudy.inference.authority.registry import Change, Registry
from understudy.inference.authority.sheets import read_fields
from understudy.inference.daemon.audit import open_store
from understudy.inference.daemon.house import House
from understudy.inference.daemon.jobs import may_see
from understudy.inference.daemon.lookup import Lookup, unknown_job
from understudy.inference.daemon.refusals import ASK_WAIVER, find_refusal, record_of
from understudy.inference.daemon.server import Caller
from understudy.inference.daemon.standing import today

ID_BYTES = 3  # sixteen million; one that comes twice is refused
DECIDED = {"grant": "granted", "deny": "denied"}
_Made = TypeVar("_Made")


class WaiverDesk:
    """Answers what is asked of waivers. In the event loop; what reads or writes is on the house's threads."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def listed(self, caller: Caller, asked: AskWaivers) -> Waivers:
        """Return the waivers of a job's record, or all that the key may see, the newest first."""
        check_may(caller.user, "waiver.request")
        found = await self._house.looked(self._with_store, lambda store: self._seen(store, caller.user, asked))
        return self._told(found, caller.user)

    async def requested(self, caller: Caller, asked: RequestWaiver) -> Waivers:
        """Take a request in. Raises RequestError where there is nothing to waive, or the reason is an excuse."""
        check_may(caller.user, "waiver.request")
        registry, user = self._house.registry, caller.user
        waiver = await self._house.looked(self._with_store, lambda store: asked_for(store, user, asked, today()))
        # A follower's request waits for its authority: that must not be where entries of the ledger wait.
        write = self._house.on_disk if self._house.settings.authority else self._house.recorded
        await write(put, registry, user, waiver)
        return self._told((waiver,), user)

    async def decided(self, caller: Caller, said: DecideWaiver) -> Waivers:
        """Grant or deny. Raises KeyRefused for whoever asked for it, or has no role that its rule allows."""
        check_may(caller.user, f"waiver.{said.decision}")
        user = caller.user
        asked = AskWaivers(waiver_id=said.waiver_id)
        await self._house.looked(self._with_store, lambda store: self._seen(store, user, asked))
        waiver = await self._house.recorded(decide, self._house.registry, user, said, today())
        return self._told((waiver,), user)

    def _with_store(self, look: Callable[[Lookup], _Made]) -> _Made:
        """Look into the store on a connection of one's own: a search through every record holds nobody else up."""
        store = open_store(self._house.home)
        try:
            return look(store)
        finally:
            store.close()

    def _seen(self, store: Lookup, user: User, asked: AskWaivers) -> tuple[Waiver, ...]:
        registry = self._house.registry
        if asked.waiver_id:
            one = registry.get(Waiver, asked.waiver_id)
            if not _sees(store, user, one):
                # The registry's own answer for one that is not there.
                raise RequestError(f"there is no waiver '{one.id}'", remedy="`understudy waiver list` shows them.")
            return (one,)
        everything = registry.all(Waiver)
        if asked.job_id:
            row = store.job(asked.job_id)
            if not may_see(user, row.user, row.project):
                raise unknown_job(asked.job_id)
            record_id = record_of(store, row.job_id)
            of_record = [one for one in everything if record_id and one.record_id == record_id]
            found = _all_seen(store, user, of_record)
        else:
            found = _all_seen(store, user, everything)
        return tuple(sorted(found, key=lambda one: (one.requested_on, one.id), reverse=True))

    def _told(self, waivers: tuple[Waiver, ...], user: User) -> Waivers:
        stale, _ = self._house.registry.standing()
        follows = bool(self._house.settings.authority)
        return Waivers(waivers=tuple(_card(one, user, follows=follows) for one in waivers), stale=stale)


def asked_for(store: Lookup, user: User, asked: RequestWaiver, day: str) -> Waiver:
    """Return the waiver that `asked` asks for, bound to what the rule said the last time that it blocked. Blocks.

    Raises RequestError where it blocked nothing that the user may see, nobody may waive it, or a field is wrong.
    """
    refusal = find_refusal(store, user, asked.job_id, asked.rule)
    bound: dict[str, Any] = {
        "id": asked.waiver_id or f"w-{secrets.token_hex(ID_BYTES)}",
        "rule": refusal.rule,
        "pack": refusal.pack,
        "record_id": refusal.record_id,
        "facts": refusal.facts,
        "waivable_by": refusal.waivable_by,
        "requested_by": user.name,
        "requested_on": day,
    }
    said = {"reason": asked.reason.strip(), "expires_on": asked.until, "shots": "; ".join(asked.shots)}
    return read_fields(Waiver, said, bound)


def put(registry: Registry, user: User, waiver: Waiver) -> None:
    """Store a request. Raises RequestError where its id is taken. Blocks, on a follower for its authority's answer."""
    if registry.find(Waiver, waiver.id) is not None:
        raise RequestError(f"there is a waiver '{waiver.id}' already", remedy="Take another id.")
    registry.write(user.name, [Change("waiver", waiver, "requested")])


def decide(registry: Registry, user: User, said: DecideWaiver, day: str) -> Waiver:
    """Return the waiver as `user` has decided on it; the ledger says so first. Blocks."""
    waiver = registry.get(Waiver, said.waiver_id)
    check_may_decide(user, waiver)
    state = DECIDED[said.decision]
    decided: dict[str, Any] = {"state": state, "decided_by": user.name, "decided_on": day}
    decided["decided_as"] = role_for(user, waiver)
    stated = {"expires_on": said.until, "condition": said.condition} if said.decision == "grant" else {}
    decided |= {name: value for name, value in stated.items() if value}
    waiver = msgspec.structs.replace(waiver, **decided)
    registry.write(user.name, [Change("waiver", waiver, state)])
    return waiver


def check_may_decide(user: User, waiver: Waiver) -> None:
    """Raises RequestError for one that is decided, KeyRefused for whoever asked for it or has no role that may."""
    if waiver.state != "requested":
        raise RequestError(f"waiver {waiver.id} is {waiver.state} already", remedy="Ask for another one.")
    if waiver.requested_by == user.name:
        raise KeyRefused(
            f"{user.name} asked for waiver {waiver.id} and does not decide on it", remedy="Ask a colleague to."
        )
    role_for(user, waiver)


def role_for(user: User, waiver: Waiver) -> str:
    """Return the role in which a user may decide. Raises KeyRefused where the rule allows none of theirs."""
    roles = [role for role in waiver.waivable_by if role in user.roles]
    if not roles:
        raise KeyRefused(
            f"{user.name} ({', '.join(user.roles) or 'no role'}) may not decide on {waiver.rule}",
            remedy=f"It takes {' or '.join(waiver.waivable_by)}: the rule says so.",
        )
    return roles[0]


def _sees(store: Lookup, user: User, waiver: Waiver) -> bool:
    return _sees_all(user) or bool(_all_seen(store, user, [waiver]))


def _sees_all(user: User) -> bool:
    return not user.projects and bool(set(MAY["read"]).intersection(user.roles))


def _all_seen(store: Lookup, user: User, waivers: list[Waiver]) -> list[Waiver]:
    """Return those that a user asked for, and those of records of jobs that they may see."""
    if _sees_all(user):
        return waivers
    others = {one.record_id for one in waivers if one.requested_by != user.name}
    records = store.records_seen(user, others) if others else frozenset()
    shared = store.records_hidden(user, records) if records else frozenset()
    told = {record_id: _facts_told(store, user, record_id) for record_id in shared}
    return [
        one
        for one in waivers
        if one.requested_by == user.name
        or (one.record_id in records and one.facts in told.get(one.record_id, (one.facts,)))
    ]


def _facts_told(store: Lookup, user: User, record_id: str) -> frozenset[str]:
    """Return the facts to which waivers of this record are bound, of the jobs that a user may see.

    They follow from a salt of the project: another project's record of the same id has others.
    """
    rows = store.with_record(user.name, user.projects, record_id)
    findings = (one for row in rows for one in store.findings(row.job_id))
    return frozenset(fix.values.get("facts", "") for one in findings for fix in one.fixes if fix.kind == ASK_WAIVER)


def _card(waiver: Waiver, user: User, *, follows: bool) -> WaiverCard:
    why = "the studio authority decides on waivers, and this daemon follows it" if follows else _why_not(waiver, user)
    said = {name: getattr(waiver, name) for name in WaiverCard.__struct_fields__ if hasattr(waiver, name)}
    return WaiverCard(waiver_id=waiver.id, may_decide=not why, why_not=why, **said)


def _why_not(waiver: Waiver, user: User) -> str:
    try:
        check_may(user, "waiver.grant")
        check_may_decide(user, waiver)
    except UnderstudyError as problem:
        return problem.message
    return ""
