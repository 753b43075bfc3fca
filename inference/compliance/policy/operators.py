"""The few operators of policy packs, on values. Pure, three-valued (Kleene): None = not known, for want of a value.

What is stated can only make an answer known; it never turns a known one around. No operator looks at a clock.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from datetime import datetime, timedelta

from understudy.bridge.moments import span
from understudy.inference.compliance.policy.fields import Kind, Value
from understudy.inference.compliance.territories import covers, reaches

Truth = bool | None


def is_set(value: Value) -> bool:
    """Return whether anything is stated. The one operator that always knows."""
    return value is not None


def equals(value: Value, wanted: Value) -> Truth:
    return None if value is None else value == wanted and isinstance(value, bool) == isinstance(wanted, bool)


def is_in(value: Value, wanted: tuple[Value, ...], kind: Kind) -> Truth:
    """Return whether `value`, or any one of its items, is among `wanted`; territories count where they meet."""
    if value is None:
        return None
    items: tuple[Value, ...] = value if isinstance(value, tuple) else (value,)
    if kind == "territories":
        return any(reaches(str(one), str(other)) for one in items for other in wanted)
    return any(equals(one, other) is True for one in items for other in wanted)


def all_of(truths: Iterable[Truth]) -> Truth:
    """Return False where any is false, else not known where any is not known."""
    found = list(truths)
    return False if False in found else None if None in found else True


def any_of(truths: Iterable[Truth]) -> Truth:
    found = list(truths)
    return True if True in found else None if None in found else False


def negated(truth: Truth) -> Truth:
    return None if truth is None else not truth


def hours_apart(later: Value, earlier: Value, hours: int) -> Truth:
    """Return whether `later` comes at least `hours` after `earlier`.

    A day means the moment of it that is worst for the claim: the first of the later one, the last of the earlier one.
    """
    end, start = _span(later), _span(earlier)
    if end is None or start is None:
        return None
    return end[0] - start[1] >= timedelta(hours=hours)


def lies_before(one: Value, other: Value) -> Truth:
    """Return whether all of `one` lies before `other` begins. A day is not before itself."""
    first, second = _span(one), _span(other)
    if first is None or second is None:
        return None
    return first[0] < second[0] and first[1] <= second[0]


def lies_in_scope(scope: Value, value: Value, kind: Kind) -> Truth:
    """Return whether every item of `value` is one that `scope` covers. A scope that states nothing is no limit."""
    if scope is None:
        return True
    if value is None:
        return None
    wide = tuple(map(str, scope)) if isinstance(scope, tuple) else (str(scope),)
    items = value if isinstance(value, tuple) else (str(value),)
    if kind == "territories":
        return all(any(covers(one, item) for one in wide) for item in items)
    return all(any(fnmatch.fnmatchcase(item, one) for one in wide) for item in items)


def is_long(value: Value, least: int) -> Truth:
    """Return whether a text has at least `least` characters beside its margins, or a list as many items."""
    if value is None:
        return None
    return len(value.strip() if isinstance(value, str) else value if isinstance(value, tuple) else str(value)) >= least


def _span(value: Value) -> tuple[datetime, datetime] | None:
    return span(value) if isinstance(value, str) else None
