"""Whom a record may name and whose consents it may pick: what of the registry an artist's form is told.

What the key's projects do not reach is not there; names and what is known of people are for roles that may look
(docs/decisions/0054-what-an-artist-sees-of-the-registry.md).
"""

from __future__ import annotations

from understudy.bridge.keys import User
from understudy.bridge.papers_messages import AskConsents, ConsentCard, Consents, PersonCard
from understudy.inference.authority.acting import MAY, check_may
from understudy.inference.authority.papers import RegisteredConsent, Talent
from understudy.inference.authority.registry import Registry
from understudy.inference.authority.seen import is_revoked, seen_consents
from understudy.inference.compliance.coverage import not_for_shot, why_not
from understudy.inference.compliance.registered import stated_by
from understudy.inference.daemon.house import House
from understudy.inference.daemon.jobs import check_may_submit
from understudy.inference.daemon.server import Caller
from understudy.inference.daemon.standing import today


class Picking:
    """Answers which consents there are. In the event loop; the registry is read on the house's threads."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def consents(self, caller: Caller, asked: AskConsents) -> Consents:
        """Return the cards. Raises KeyRefused for a project that is not the key's."""
        check_may(caller.user, "pick")
        check_may_submit(caller.user, asked.project)
        return await self._house.looked(cards, self._house.registry, caller.user, asked, today())


def cards(registry: Registry, user: User, asked: AskConsents, day: str) -> Consents:
    """Return what `user` may pick from on `day`, by talent and id. Blocks."""
    stale, remedy = registry.standing()
    everything = registry.all(RegisteredConsent)
    wanted = frozenset(asked.talents)
    seen = [one for one in seen_consents(tuple(everything), user.projects) if not wanted or one.talent in wanted]
    seen.sort(key=lambda one: (one.talent, one.id))
    shown = seen[: asked.limit]
    return Consents(
        people=_people(registry, user, wanted, {one.talent for one in seen}, asked.limit),
        consents=tuple(_card(one, asked, day, stale) for one in shown),
        left_out=len(seen) - len(shown),
        stale=stale,
        remedy=remedy,
        in_use=bool(everything) or bool(stale),
        today=day,
    )


def _people(
    registry: Registry, user: User, wanted: frozenset[str], with_consent: set[str], limit: int
) -> tuple[PersonCard, ...]:
    """Return whom a record may name: of a key that is bound to projects, those of whom it sees a consent."""
    known = [one for one in registry.all(Talent) if not wanted or one.id in wanted]
    seen = [one for one in known if not user.projects or one.id in with_consent]
    may_look = bool(set(MAY["read"]).intersection(user.roles))
    return tuple(_person(one) if may_look else PersonCard(talent=one.id) for one in seen[:limit])


def _person(talent: Talent) -> PersonCard:
    return PersonCard(talent=talent.id, name=talent.name, living=talent.living, minor=talent.minor, union=talent.union)


def _card(consent: RegisteredConsent, asked: AskConsents, day: str, stale: str) -> ConsentCard:
    said = stated_by(consent)
    against = stale or why_not(said, asked.project, day)
    if not against and asked.shot and (beyond := not_for_shot(said, asked.shot)):
        against = f"consent {consent.id} {beyond}"
    return ConsentCard(
        consent_id=consent.id,
        talent=consent.talent,
        scope=said.scope,
        signed_on=consent.signed_on,
        expires_on=consent.expires_on,
        revoked_on=consent.revoked_on,
        revoked=is_revoked(consent, day),
        covers=not against,
        why_not=against,
    )
