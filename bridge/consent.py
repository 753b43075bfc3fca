"""One signed grant of a person: what it covers, who gave it, and since when. What is wrong with it in itself. Pure."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from understudy.bridge.field_kinds import LongText
from understudy.bridge.moments import is_day, is_moment

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")

Capacity = Literal["self", "guardian", "estate", "union"]


class ConsentScope(msgspec.Struct, frozen=True, kw_only=True):
    """What a grant covers. An empty list is no limit; `*` in a shot or a project stands for any letters."""

    projects: tuple[str, ...] = ()
    shots: tuple[str, ...] = ()
    media: tuple[str, ...] = ()
    territories: tuple[str, ...] = ()
    """As in `use.territories`: US covers US-NY, EU its members, `worldwide` everything."""
    use_text: LongText = ""
    """The description of the intended use, as it was signed."""
    exclusions: tuple[str, ...] = ()
    """What the grant leaves out: words of this use (a medium, a territory, `political`, `advertising`), or free text,
    which a person has to read."""
    nudity: bool | None = None
    training: bool | None = None
    """Whether models may be trained on the person."""


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """One signed grant. Dates are ISO days (2026-11-20) in UTC; the end day itself is still covered.

    With `consent_id` and nothing else it names a grant that the daemon's registry holds, which says the rest.
    """

    consent_id: str
    talent: str = ""
    document: str = ""
    """SHA-256 of the signed document."""
    signed_on: str = ""
    expires_on: str | None = None
    revoked_on: str | None = None
    grantor_capacity: Capacity | None = None
    """As whom the grantor signed. None = not stated."""
    representation: Literal["counsel", "union", "none"] | None = None
    """Who advised the grantor."""
    separate: bool | None = None
    """Whether the grant is an instrument, or a clause, signed by itself."""
    notice_at: str | None = None
    """When notice of the intended use was given: a day, or a moment such as 2026-11-18T09:00Z."""
    scope: ConsentScope = ConsentScope()


def is_bare(consent: Consent) -> bool:
    """Say whether a record names a consent by its id alone, for the registry to say the rest."""
    return consent == Consent(consent_id=consent.consent_id)


def consent_problems(consent: Consent) -> list[str]:
    """Return what is wrong with a consent in itself; each begins with the field's name and a closing backtick."""
    if is_bare(consent):
        return [] if consent.consent_id.strip() else ["consent_id` is empty"]
    found = [f"{name}` is empty" for name in ("consent_id", "talent") if not getattr(consent, name).strip()]
    if _SHA256.match(consent.document) is None:
        found.append("document` is not the SHA-256 of a document (64 lower-case hex digits)")
    days = {name: getattr(consent, name) for name in ("signed_on", "expires_on", "revoked_on")}
    wrong = [name for name, day in days.items() if day is not None and not is_day(day)]
    found += [f"{name}` is not a day such as 2026-11-20: {days[name]!r}" for name in wrong]
    if not wrong and consent.expires_on is not None and consent.expires_on < consent.signed_on:
        found.append(f"expires_on` {consent.expires_on} lies before signed_on {consent.signed_on}")
    if consent.notice_at is not None and not (is_day(consent.notice_at) or is_moment(consent.notice_at)):
        found.append(f"notice_at` is neither a day nor a moment such as 2026-11-18T09:00Z: {consent.notice_at!r}")
    return found
