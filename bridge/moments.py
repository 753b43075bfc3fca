"""Days and moments as papers write them: 2026-11-20 and 2026-11-20T10:00Z, in UTC, in no other form. Pure."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, timezone

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?Z\Z")


def is_day(text: str) -> bool:
    """Return whether `text` is a day of the calendar, as 2026-11-20 and in no other form: such days compare as text."""
    if _DAY.match(text) is None:
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def is_moment(text: str) -> bool:
    """Return whether `text` is a moment in UTC, as 2026-11-20T10:00Z or with seconds, and in no other form."""
    if _MOMENT.match(text) is None:
        return False
    try:
        datetime.fromisoformat(text[:-1])
    except ValueError:
        return False
    return True


def span(text: str) -> tuple[datetime, datetime] | None:
    """Return the earliest and the latest moment that `text` may mean: a day is all of it; None where it is neither."""
    if is_day(text):
        start = datetime.combine(date.fromisoformat(text), datetime.min.time(), timezone.utc)
        try:
            return start, start + timedelta(days=1)
        except OverflowError:  # the last day that the calendar has
            return start, start
    if is_moment(text):
        at = datetime.fromisoformat(text[:-1]).replace(tzinfo=timezone.utc)
        return at, at
    return None
