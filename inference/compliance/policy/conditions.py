"""Conditions of a policy pack: read from data, evaluated on facts, put into words. Pure.

    { eq = ["use.is_advertising", true] }        { in = ["use.territories", ["US-NY"]] }
    { set = "disclosure.text" }                  { len_min = ["consent.scope.use_text", 40] }
    { all = [...] }  { any = [...] }             { not = { ... } }
    { before = ["script.dated_on", "script.performed_on"] }
    { gte_hours = ["use.first_use_on", "consent.notice_at", 48] }
    { matches_scope = ["consent.scope.media", "use.media"] }

A list of conditions means all of them. There is no expression, no arithmetic, no import, and no other operator.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from understudy.bridge.errors import RequestError
from understudy.bridge.moments import span
from understudy.inference.compliance.policy import operators
from understudy.inference.compliance.policy.fields import Field, Value, fields
from understudy.inference.compliance.policy.operators import Truth

OPERATORS = ("set", "eq", "in", "any", "all", "not", "gte_hours", "matches_scope", "before", "len_min")
DEPTH_LIMIT = 8
"""Nobody reads a condition that is nested deeper."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator with what it reads: `paths` in its order, `value` its literal, `parts` of all, any and not."""

    operator: str
    paths: tuple[str, ...] = ()
    value: Value = None
    wanted: tuple[Value, ...] = ()
    """Of `in`: the values."""
    parts: tuple[Condition, ...] = ()

    def reads(self) -> tuple[str, ...]:
        """Return every path that it reads, whatever the outcome: what an outcome lists never hangs on its order."""
        inner = (path for part in self.parts for path in part.reads())
        return tuple(dict.fromkeys((*self.paths, *inner)))


ALWAYS = Condition("all")


def evaluate(condition: Condition, facts: Mapping[str, Value]) -> Truth:
    """Return what `facts` make of `condition`; a path that is absent is not stated."""
    values = tuple(facts.get(path) for path in condition.paths)
    match condition.operator:
        case "all":
            return operators.all_of([evaluate(part, facts) for part in condition.parts])
        case "any":
            return operators.any_of([evaluate(part, facts) for part in condition.parts])
        case "not":
            return operators.negated(evaluate(condition.parts[0], facts))
        case "set":
            return operators.is_set(values[0])
        case "eq":
            return operators.equals(values[0], condition.value)
        case "in":
            return operators.is_in(values[0], condition.wanted, fields()[condition.paths[0]].kind)
        case "gte_hours":
            return operators.hours_apart(values[0], values[1], int(str(condition.value)))
        case "before":
            return operators.lies_before(values[0], values[1] if len(values) == 2 else condition.value)
        case "matches_scope":
            return operators.lies_in_scope(values[0], values[1], fields()[condition.paths[0]].kind)
        case "len_min":
            return operators.is_long(values[0], int(str(condition.value)))
        case unknown:
            raise ValueError(f"there is no operator {unknown}")


def parse(said: Any, *, per_person: bool, depth: int = 0) -> Condition:
    """Return the condition that `said` (TOML's own values) states.

    Raises RequestError naming what is wrong: an unknown operator or field, a value that the field never has.
    """
    if depth > DEPTH_LIMIT:
        raise _wrong(f"conditions are nested deeper than {DEPTH_LIMIT}")
    if isinstance(said, list):
        return Condition("all", parts=tuple(parse(one, per_person=per_person, depth=depth + 1) for one in said))
    if not isinstance(said, dict) or len(said) != 1:
        raise _wrong(f"a condition is one operator with what it reads, not {said!r}")
    ((operator, inner),) = said.items()
    if operator not in OPERATORS:
        raise _wrong(f"there is no operator `{operator}`; there are {', '.join(OPERATORS)}")
    if operator in ("all", "any", "not"):
        return _combination(operator, inner, per_person, depth)
    return _comparison(operator, inner if isinstance(inner, list) else [inner], per_person)


def _combination(operator: str, inner: Any, per_person: bool, depth: int) -> Condition:
    if operator == "not":
        return Condition("not", parts=(parse(inner, per_person=per_person, depth=depth + 1),))
    if not isinstance(inner, list) or not inner:
        raise _wrong(f"`{operator}` wants a list of conditions")
    return Condition(operator, parts=tuple(parse(one, per_person=per_person, depth=depth + 1) for one in inner))


_WANTS = {"set": 1, "eq": 2, "in": 2, "gte_hours": 3, "matches_scope": 2, "before": 2, "len_min": 2}


def _comparison(operator: str, inner: list[Any], per_person: bool) -> Condition:
    if len(inner) != _WANTS[operator]:
        raise _wrong(f"`{operator}` wants {_WANTS[operator]} things, not {len(inner)}")
    first = _field(inner[0], per_person)
    if operator == "set":
        return Condition("set", (first.path,))
    if operator == "eq":
        return Condition("eq", (first.path,), value=_literal(first, inner[1]))
    if operator == "in":
        if not isinstance(inner[1], list) or not inner[1]:
            raise _wrong(f"`in` wants a list of values for `{first.path}`")
        return Condition("in", (first.path,), wanted=tuple(_literal(first, one) for one in inner[1]))
    if operator == "len_min":
        return Condition("len_min", (_of_kind(first, "text", "list", "territories").path,), value=_number(inner[1]))
    if operator == "before":
        if isinstance(inner[1], str) and span(inner[1]) is not None:
            return Condition("before", (_of_kind(first, "day").path,), value=inner[1])
        return Condition("before", (_of_kind(first, "day").path, _of_kind(_field(inner[1], per_person), "day").path))
    second = _field(inner[1], per_person)
    if operator == "gte_hours":
        paths = (_of_kind(first, "day").path, _of_kind(second, "day").path)
        return Condition("gte_hours", paths, value=_number(inner[2]))
    if (first.kind == "territories") != (second.kind == "territories"):
        raise _wrong(f"`{first.path}` and `{second.path}` cannot be held against each other")
    return Condition("matches_scope", (first.path, second.path))


def _field(path: Any, per_person: bool) -> Field:
    field = fields().get(path) if isinstance(path, str) else None
    if field is None:
        raise _wrong(f"there is no field `{path}`")
    if field.of_a_person and not per_person:
        raise _wrong(f'`{path}` is read person by person: the rule lacks each = "person"')
    return field


def _of_kind(field: Field, *kinds: str) -> Field:
    if field.kind not in kinds:
        raise _wrong(f"`{field.path}` is a {field.kind}, and a {' or a '.join(kinds)} is wanted")
    return field


_TYPES: dict[str, type | tuple[type, ...]] = {"truth": bool, "number": int, "word": (str, int)}


def _literal(field: Field, value: Any) -> Value:
    """Return a literal that `field` could have: a value that it never has would make a rule that never speaks."""
    fits = isinstance(value, _TYPES.get(field.kind, str)) and (field.kind == "truth") == isinstance(value, bool)
    if not fits or (field.values and value not in field.values):
        known = f"; it is one of {', '.join(map(str, field.values))}" if field.values else ""
        raise _wrong(f"`{field.path}` never has the value {value!r}{known}")
    literal: Value = value
    return literal


def _number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise _wrong(f"a whole number of at least 1 is wanted, not {value!r}")
    return value


def _wrong(what: str) -> RequestError:
    return RequestError(what, remedy="docs/packs.md lists operators and fields.")


def words(condition: Condition) -> str:
    """Return the condition in words, as reports show it."""
    one, *others = condition.paths or ("",)
    match condition.operator:
        case "set":
            return f"{one} is stated"
        case "eq":
            return f"{one} is {_shown(condition.value)}"
        case "in":
            among = ", ".join(_shown(value) for value in condition.wanted)
            return f"{one} is {'one of ' if len(condition.wanted) > 1 else ''}{among}"
        case "gte_hours":
            return f"{one} is at least {condition.value} hours after {others[0]}"
        case "before":
            return f"{one} lies before {others[0] if others else condition.value}"
        case "matches_scope":
            return f"{others[0]} lies within {one}"
        case "len_min":
            return f"{one} has a length of at least {condition.value}"
        case "not":
            return f"not ({words(condition.parts[0])})"
        case joined:
            between = " and " if joined == "all" else " or "
            return between.join(f"({words(p)})" if len(p.parts) > 1 else words(p) for p in condition.parts) or "always"


def _shown(value: Value) -> str:
    return "yes" if value is True else "no" if value is False else str(value)
