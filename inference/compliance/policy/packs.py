"""What a policy pack is: rules as data, with what they rest on. Read from TOML text; nothing in it is code. Pure.

A pack that does not parse, or names an unknown field or operator, is no pack: whoever needed it refuses everything.
"""

from __future__ import annotations

import functools
import hashlib
import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
import tomllib

from understudy.bridge.errors import RequestError
from understudy.bridge.moments import is_day
from understudy.inference.compliance.policy.conditions import ALWAYS, Condition, parse
from understudy.inference.compliance.policy.fields import fields

Stage = Literal["admission", "delivery"]
Severity = Literal["block", "warn", "info"]
Role = Literal["producer", "legal", "admin"]
"""Who may be allowed to waive; an artist never."""
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*\Z")]
RuleName = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9-]+\.[a-z0-9]+(-[a-z0-9]+)*\Z")]
Version = Annotated[str, msgspec.Meta(pattern=r"^[0-9]+\.[0-9]+\.[0-9]+\Z")]
Words = Annotated[str, msgspec.Meta(min_length=10)]

RESERVED = "validity"
"""The rule that every pack has without saying so: that it is evaluated within its dates."""


class AskData(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a rule that applies asks of how a version is made: a setting, and what it must say."""

    setting: Literal["label_text", "label_seconds", "aigc_producer"]
    to: (
        Annotated[str, msgspec.Meta(min_length=1, max_length=80)] | Annotated[int, msgspec.Meta(ge=2, le=3600)] | None
    ) = None
    field: str = ""
    """In place of `to`: a field of the record, whose value it is. Not stated = nothing is asked."""
    when: Any = None


class RuleData(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule as it stands in the file."""

    id: RuleName
    gate: Stage
    """The first gate that refuses: `admission` refuses at both, `delivery` warns at admission."""
    each: Literal["job", "person"] = "job"
    """`person`: asked for everyone in the record, with the consents that hold for them; one consent is enough."""
    when: Any = None
    unless: Any = None
    require: Any
    severity: Severity
    waivable_by: tuple[Role, ...]
    """Empty = nobody."""
    explain: Words
    remedy: Words
    asks: tuple[AskData, ...] = ()
    """Only of rules `each = "job"`."""


class PackData(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file."""

    id: Name
    version: Version
    title: Words
    enabled: bool = True
    valid_from: str
    valid_to: str | None = None
    """None = until the next version of this product; only for rules that are nobody's law or contract."""
    territories: tuple[str, ...] = ()
    """Empty = everywhere."""
    when: Any = None
    sources: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    reviewed_by: str
    """Empty = no lawyer has read it."""
    confidence: Literal["high", "medium", "low"]
    not_verified: tuple[str, ...]
    rule: Annotated[tuple[RuleData, ...], msgspec.Meta(min_length=1)]

    def in_force(self, today: str) -> bool:
        """Say whether the pack is switched on and holds on an ISO day; both its ends belong to it."""
        return self.enabled and self.valid_from <= today <= (self.valid_to or today)


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing that a rule asks of how a version is made, its condition read."""

    data: AskData
    when: Condition


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, its conditions read."""

    data: RuleData
    when: Condition
    unless: Condition | None
    require: Condition
    asks: tuple[Ask, ...] = ()

    @property
    def id(self) -> str:
        return self.data.id


@dataclass(frozen=True, slots=True)
class Pack:
    data: PackData
    when: Condition
    rules: tuple[Rule, ...]
    digest: str
    """SHA-256 of the text."""

    @property
    def id(self) -> str:
        return self.data.id

    @property
    def reference(self) -> str:
        """Return id and version, as reports, manifests and waivers name it."""
        return f"{self.data.id}@{self.data.version}"


@functools.lru_cache(maxsize=256)
def parse_pack(text: str, name: str) -> Pack:
    """Return the pack in `text`. `name`: what the file is called, for messages; the pack's id must be the same.
    The same text gives the same object: the gate reads its packs anew each time, and parses what has changed.

    Raises RequestError that names pack, line and field.
    """
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as problem:
        raise _wrong(name, f"is not TOML: {problem}") from None
    try:
        data = msgspec.convert(document, PackData)
    except msgspec.ValidationError as problem:
        raise _wrong(name, f"does not read{_line(text, str(problem))}: {problem}") from None
    problems = _problems(data, name)
    if problems:
        raise _wrong(name, "; ".join(problems))
    digest = hashlib.sha256(text.encode()).hexdigest()
    when = _condition(data.when, text, name, "`when`", per_person=False)
    return Pack(data, when or ALWAYS, tuple(_rule(rule, text, name) for rule in data.rule), digest)


def _rule(data: RuleData, text: str, name: str) -> Rule:
    def read(what: str, said: Any) -> Condition | None:
        return _condition(said, text, name, f"rule {data.id}, `{what}`", per_person=data.each == "person")

    require = read("require", data.require)
    if require is None or (require.operator == "all" and not require.parts):
        raise _wrong(name, f"rule {data.id}, `require`: nothing is required")
    asks = tuple(Ask(one, read("asks", one.when) or ALWAYS) for one in data.asks)
    for ask in asks:
        if (ask.data.to is None) == (ask.data.field == "") or data.each == "person":
            raise _wrong(name, f'rule {data.id}, `asks`: only each = "job", and either `to` or `field`')
        if ask.data.field and (ask.data.field not in fields() or fields()[ask.data.field].of_a_person):
            raise _wrong(name, f"rule {data.id}, `asks`: there is no field `{ask.data.field}`")
    return Rule(data, read("when", data.when) or ALWAYS, read("unless", data.unless), require, asks)


def _condition(said: Any, text: str, name: str, where: str, *, per_person: bool) -> Condition | None:
    if said is None:
        return None
    try:
        return parse(said, per_person=per_person)
    except RequestError as problem:
        place = _line(text, problem.message)
        raise _wrong(name, f"{where}{place}: {problem.message}", problem.remedy) from None


def _problems(data: PackData, name: str) -> list[str]:
    found = [] if data.id == name else [f"`id` is {data.id}, and the file is {name}.toml"]
    days = {"valid_from": data.valid_from, "valid_to": data.valid_to}
    found += [f"`{field}` is not a day: {day!r}" for field, day in days.items() if day is not None and not is_day(day)]
    if data.valid_to is not None and data.valid_to < data.valid_from:
        found.append("`valid_to` lies before `valid_from`")
    ids = [rule.id for rule in data.rule]
    found += [f"rule {one} is there twice" for one in sorted({one for one in ids if ids.count(one) > 1})]
    found += [f"rule {one} does not begin with {data.id}." for one in ids if not one.startswith(f"{data.id}.")]
    if f"{data.id}.{RESERVED}" in ids:
        found.append(f"rule {data.id}.{RESERVED} is one that every pack has by itself")
    return found


def _line(text: str, message: str) -> str:
    """Return where the name that `message` sets in backticks stands in the file, as `, line 12`; empty if nowhere."""
    for name in re.findall(r"`([^`$]+)`", message):
        for number, line in enumerate(text.splitlines(), start=1):
            if re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", line.partition("#")[0]):
                return f", line {number}"
    return ""


def _wrong(name: str, what: str, remedy: str = "") -> RequestError:
    return RequestError(
        f"the policy pack {name} {what}" if what.startswith(("is", "does")) else f"the policy pack {name}: {what}",
        remedy=f"Nothing passes until it is mended. {remedy or 'docs/packs.md shows what a pack is.'}",
    )
