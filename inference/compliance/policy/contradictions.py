"""Whether what rules in force demand of one job can be kept at all. Pure.

Two packs that cannot both be kept are an error of the packs, not a choice. Seen are demands on one field with one
value: which values it may have, that it be stated, that it be not. Lists, texts and hours only ever add up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import combinations

from understudy.inference.compliance.policy.conditions import Condition
from understudy.inference.compliance.policy.fields import Value, fields

_SINGLE = ("truth", "word", "text", "number", "day")


@dataclass(frozen=True, slots=True)
class Demand:
    """What a rule in force requires."""

    rule: str
    pack: str
    require: Condition


@dataclass(slots=True)
class _Room:
    """What one rule leaves of a field. `allowed` None = any value."""

    allowed: frozenset[Value] | None = None
    forbidden: frozenset[Value] = field(default_factory=frozenset)
    stated: bool = False
    unstated: bool = False


def contradictions(demands: Iterable[Demand]) -> Iterator[tuple[str, Demand, Demand]]:
    """Yield each field with two rules that leave it no value together."""
    rooms = [(demand, _rooms(demand.require)) for demand in demands]
    for (one, its), (other, others) in combinations(rooms, 2):
        for path in its.keys() & others.keys():
            if not _compatible(path, its[path], others[path]):
                yield path, one, other


def _rooms(condition: Condition) -> dict[str, _Room]:
    """Return what a requirement certainly demands: the parts that are joined by `all`."""
    rooms: dict[str, _Room] = {}
    for part in _joined(condition):
        negated = part.operator == "not"
        inner = part.parts[0] if negated else part
        if not inner.paths or fields()[inner.paths[0]].kind not in _SINGLE or fields()[inner.paths[0]].of_a_person:
            continue  # what is read person by person may be one thing of one and another of the next
        room = rooms.setdefault(inner.paths[0], _Room())
        match inner.operator:
            case "set" if negated:
                room.unstated = True
            case "eq" | "in" if negated:
                room.forbidden |= _values(inner)
                room.stated = True
            case "eq" | "in":
                allowed = _values(inner)
                room.allowed = allowed if room.allowed is None else room.allowed & allowed
                room.stated = True
            case "set" | "len_min" | "before" | "gte_hours" if not negated:
                room.stated = True
    return rooms


def _joined(condition: Condition) -> Iterator[Condition]:
    if condition.operator == "all":
        for part in condition.parts:
            yield from _joined(part)
    else:
        yield condition


def _values(condition: Condition) -> frozenset[Value]:
    return frozenset(condition.wanted) if condition.operator == "in" else frozenset({condition.value})


def _compatible(path: str, one: _Room, other: _Room) -> bool:
    if (one.stated and other.unstated) or (one.unstated and other.stated):
        return False
    forbidden = one.forbidden | other.forbidden
    sets = [room.allowed for room in (one, other) if room.allowed is not None]
    if not sets:
        values = _all_values(path)
        return not forbidden or values is None or bool(values - forbidden)
    return bool(frozenset.intersection(*sets) - forbidden)


def _all_values(path: str) -> frozenset[Value] | None:
    """Return every value that a field can have, None where there are too many to list."""
    known = fields()[path]
    if known.kind == "truth":
        return frozenset({True, False})
    return frozenset(known.values) if known.values else None
