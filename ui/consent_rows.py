"""Consents in words: what each covers, how long it still counts, whether it reaches this shot. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

from understudy.bridge.papers_messages import ConsentCard, PersonCard
from understudy.bridge.record import is_day
from understudy.ui import papers_words

SOON_DAYS = 30
Ending = Literal["gone", "soon", "later"]


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """A consent as a row of the picker."""

    card: ConsentCard
    cells: tuple[str, ...]
    """In the order of PICKER_COLUMNS."""
    ending: Ending
    find: str
    """All of it in lower case, to be searched."""


def consent_rows(cards: Iterable[ConsentCard], people: Iterable[PersonCard], today: str) -> list[ConsentRow]:
    """Return the rows of the picker: what covers this shot comes first, then by talent and id."""
    names = {one.talent: one.name for one in people}
    rows = [_row(card, names.get(card.talent, ""), today) for card in cards]
    return sorted(rows, key=lambda row: (not row.card.covers, row.card.talent, row.card.consent_id))


def found(rows: Iterable[ConsentRow], typed: str, *, covering: bool) -> list[ConsentRow]:
    """Return the rows in which every typed word is, and with `covering` only those that reach this shot."""
    asked = typed.lower().split()
    return [row for row in rows if (row.card.covers or not covering) and all(word in row.find for word in asked)]


def days_until(day: str, today: str) -> int | None:
    """Return how many days lie between two days; None where one is none."""
    if not (is_day(day) and is_day(today)):
        return None
    return (date.fromisoformat(day) - date.fromisoformat(today)).days


def ending_of(card: ConsentCard, today: str) -> Ending:
    """Return how near the end of a consent is."""
    left = days_until(card.expires_on, today)
    if card.revoked or (left is not None and left < 0):
        return "gone"
    return "soon" if left is not None and left <= SOON_DAYS else "later"


def ends_in_words(card: ConsentCard, today: str) -> str:
    """Return until when a consent counts, in words."""
    if card.revoked_on:
        return papers_words.REVOKED.format(day=card.revoked_on)
    left = papers_words.days_left(days_until(card.expires_on, today))
    return f"{card.expires_on}, {left}" if card.expires_on else left


def covers_in_words(card: ConsentCard) -> str:
    return papers_words.COVERS if card.covers else papers_words.COVERS_NOT.format(why=card.why_not)


def in_one_line(card: ConsentCard, today: str) -> str:
    """Return what a record's form shows of a consent: whose, until when, its scope, whether it reaches this shot."""
    scope = "; ".join(one for one in (_listed(card.scope.projects), _listed(card.scope.territories)) if one)
    parts = (card.talent, ends_in_words(card, today), scope, covers_in_words(card))
    return " · ".join(one for one in parts if one)


def _row(card: ConsentCard, name: str, today: str) -> ConsentRow:
    scope = card.scope
    talent = f"{card.talent} ({name})" if name else card.talent
    where = f"{_or_any(scope.projects)} · {_or_any(scope.shots)}"
    what = f"{_or_any(scope.media)} · {_or_any(scope.territories)}"
    cells = (
        card.consent_id, talent, covers_in_words(card), ends_in_words(card, today), where, what,
        _listed(scope.exclusions),
    )  # fmt: skip
    return ConsentRow(card, cells, ending_of(card, today), " ".join((*cells, scope.use_text)).lower())


def _listed(items: tuple[str, ...]) -> str:
    return ", ".join(items)


def _or_any(items: tuple[str, ...]) -> str:
    return _listed(items) or papers_words.NO_LIMIT
