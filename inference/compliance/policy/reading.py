"""Which fields of a record the packs read for a job as it stands: what a form has to show, and whether it must be said.
Pure.

A rule of which it is known that it does not apply asks nothing. Where that is not known, it asks what would decide it.
Where it applies, it asks what it requires.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from understudy.inference.compliance.policy.conditions import Condition, evaluate
from understudy.inference.compliance.policy.evaluation import why_left_out
from understudy.inference.compliance.policy.fields import in_record
from understudy.inference.compliance.policy.job_facts import Alternative, JobFacts
from understudy.inference.compliance.policy.operators import Truth, all_of
from understudy.inference.compliance.policy.packs import Pack, Rule


@dataclass(frozen=True, slots=True)
class Reading:
    """That a rule reads a field. `path` as in `Finding.fields`; `pack` empty = a rule of the gate's own."""

    path: str
    pack: str
    rule: str
    required: bool
    """Without it the rule, which applies, refuses at admission or at delivery."""
    stated: bool
    talent: str = ""
    """Of whom it is asked; empty = of the job."""


def readings(packs: Iterable[Pack], facts: JobFacts) -> Iterator[Reading]:
    """Yield what every rule of the packs that are asked about this job reads of it."""
    for pack in packs:
        if why_left_out(pack, facts):
            continue
        yield from _deciding_pack(pack, facts)
        for rule in pack.rules:
            if rule.data.each == "job":
                yield from _of_rule(pack, rule, Alternative("", facts.values), "")
                continue
            for person in facts.people:
                for one in person.alternatives:
                    yield from _of_rule(pack, rule, one, person.talent)


def necessary(condition: Condition) -> frozenset[str]:
    """Return the paths without which `condition` cannot hold, whichever of its alternatives is taken."""
    if condition.operator == "all":
        return frozenset().union(*map(necessary, condition.parts))
    if condition.operator == "any":
        return frozenset.intersection(*map(necessary, condition.parts))
    # An empty scope is no limit: it need not be stated.
    return frozenset(condition.paths[1:] if condition.operator == "matches_scope" else condition.reads())


def _deciding_pack(pack: Pack, facts: JobFacts) -> Iterator[Reading]:
    """Yield what a pack reads to know whether it is asked at all."""
    yield from _told(pack, f"{pack.id}.when", pack.when.reads(), Alternative("", facts.values), "")


def _of_rule(pack: Pack, rule: Rule, one: Alternative, talent: str) -> Iterator[Reading]:
    applies, exempt = _applies(pack, rule, one)
    if applies is False or exempt is True:
        return
    deciding = (*rule.when.reads(), *(rule.unless.reads() if rule.unless is not None else ()))
    yield from _told(pack, rule.id, deciding, one, talent)
    if applies is not True or exempt is not False:
        return
    must = necessary(rule.require) if rule.data.severity == "block" else frozenset()
    asked = tuple(ask.data.field for ask in rule.asks if ask.data.field)
    yield from _told(pack, rule.id, (*rule.require.reads(), *asked), one, talent, must)


def _applies(pack: Pack, rule: Rule, one: Alternative) -> tuple[Truth, Truth]:
    applies = all_of((evaluate(pack.when, one.values), evaluate(rule.when, one.values)))
    return applies, evaluate(rule.unless, one.values) if rule.unless is not None else False


def _told(
    pack: Pack, rule: str, paths: Iterable[str], one: Alternative, talent: str, must: frozenset[str] = frozenset()
) -> Iterator[Reading]:
    for path in paths:
        place = in_record(path)
        if place is not None:
            whose = talent if "[]" in place else ""
            stated = _is_stated(path, one)
            yield Reading(place, pack.reference, rule, path in must, stated, whose)


def _is_stated(path: str, one: Alternative) -> bool:
    value = one.values.get(path)
    return value is not None and (value is True or not path.startswith(_FOUND_OUT))


_FOUND_OUT = ("approved.", "person.on_screen", "person.performs", "person.is_replaced")
"""What follows from lists: no is not a statement there, it is the lack of one."""
