"""Which papers run out soon. Pure: the day is given."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from understudy.inference.authority.papers import Paper, ended_on

WARNED_DAYS = (1, 7, 30)
"""A day to stop the delivery, a week to ask for a signature, a month to negotiate."""


@dataclass(frozen=True, slots=True)
class Expiring:
    """A paper that ends within the days asked for. `days_left`: 0 = today is covered, below = it has run out."""

    paper: Paper
    expires_on: str
    days_left: int
    warning: int
    """The narrowest of WARNED_DAYS that it lies within; 0 = it has run out; else the days asked for."""


def expiring(papers: Iterable[Paper], today: str, days: int) -> list[Expiring]:
    """Return what runs out within `days` of `today` (2026-11-20), the most urgent first; without what was revoked."""
    found = []
    for paper in papers:
        ends = getattr(paper, "expires_on", "")
        if not ends or ended_on(paper):
            continue
        left = (date.fromisoformat(ends) - date.fromisoformat(today)).days
        if left <= days:
            warning = 0 if left < 0 else next((one for one in WARNED_DAYS if left <= one), days)
            found.append(Expiring(paper, ends, left, warning))
    return sorted(found, key=lambda one: (one.days_left, one.paper.id))
