"""What packs say of a job: one outcome a rule, with every fact that the rule read. Pure.

All packs that apply are asked, and every one of their rules must hold: the strictest wins because all do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from understudy.inference.compliance.policy.conditions import Condition, evaluate, words
from understudy.inference.compliance.policy.contradictions import Demand, contradictions
from understudy.inference.compliance.policy.fields import TODAY, Value
from understudy.inference.compliance.policy.job_facts import Alternative, JobFacts
from understudy.inference.compliance.policy.operators import all_of
from understudy.inference.compliance.policy.packs import RESERVED, Pack, Rule, Severity, Stage
from understudy.inference.compliance.territories import WORLD, reaches

Standing = Literal["not_applicable", "holds", "not_known", "fails"]
_WORST_LAST: tuple[Standing, ...] = ("not_applicable", "holds", "not_known", "fails")

CONTRADICTION = "packs.contradiction"
TERRITORIES = "packs.territories"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one rule says at one stage. `reads`: every path it read, before it the alias of a person, to the value."""

    rule: str
    pack: str
    standing: Standing
    outcome: Literal["pass", "not_applicable", "note", "warn", "refuse"]
    message: str
    remedy: str
    reads: Mapping[str, Value]
    waivable_by: tuple[str, ...] = ()
    blocks: bool = False
    """Whether it refuses at this stage or at delivery: what a waiver is for."""
    talents: tuple[str, ...] = ()
    """Of whom it does not hold; for a refusal alone, whose words stay in the house."""
    asks: Mapping[str, str] = field(default_factory=dict)
    """Setting to what this rule asks it to say of how the version is made."""
    mends: tuple[str, ...] = ()
    """The paths that it hangs on where it does not hold."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All outcomes, and of which packs; those that do not apply say why."""

    applied: tuple[Pack, ...]
    left_out: Mapping[str, str]
    """Pack (id@version) to why it was not asked."""
    outcomes: tuple[Outcome, ...]


def evaluate_packs(packs: tuple[Pack, ...], facts: JobFacts, stage: Stage) -> Evaluation:
    """Ask every pack that applies. The order of outcomes is that of packs and rules, then what concerns them all."""
    left_out = {pack.reference: why for pack in packs if (why := why_left_out(pack, facts))}
    applied = tuple(pack for pack in packs if pack.reference not in left_out)
    outcomes: list[Outcome] = []
    demands: list[Demand] = []
    for pack in applied:
        outcomes.append(_validity(pack, facts, stage))
        for rule in pack.rules:
            outcome = _ask(pack, rule, facts, stage)
            outcomes.append(outcome)
            if outcome.standing != "not_applicable":
                demands.append(Demand(rule.id, pack.reference, rule.require))
    outcomes += [_contradiction(*found) for found in contradictions(demands)]
    outcomes.append(_territories(packs, facts, stage))
    return Evaluation(applied, left_out, tuple(outcomes))


def held_to(evaluation: Evaluation, made: Mapping[str, str]) -> Evaluation:
    """Return the evaluation of a version that is made: a rule whose label or metadata is not in it refuses."""

    def held(outcome: Outcome) -> Outcome:
        lacking = [
            name for name in ("label_text", "aigc_producer") if outcome.asks.get(name, "") not in made.get(name, "")
        ]
        if not lacking:
            return outcome
        wanted = ", ".join(f"`{name}` {outcome.asks[name]!r}" for name in lacking)
        message = f"{outcome.message} It asks for {wanted}, and the version was made without."
        remedy = "Retry the job: it is then made as this rule asks."
        return replace(outcome, outcome="refuse", standing="fails", blocks=True, message=message, remedy=remedy)

    return replace(evaluation, outcomes=tuple(map(held, evaluation.outcomes)))


def why_left_out(pack: Pack, facts: JobFacts) -> str:
    """Return why a pack is not asked about this job, or nothing. What is not known does not leave a pack out."""
    if not pack.data.enabled:
        return "switched off"
    if facts.today < pack.data.valid_from:
        return f"in force from {pack.data.valid_from}"
    wanted, stated = pack.data.territories, facts.territories
    if wanted and not stated:
        return f"for {', '.join(wanted)}, and no territory is stated"
    if wanted and not any(reaches(one, other) for one in wanted for other in stated):
        return f"for {', '.join(wanted)}, and this is for {', '.join(stated)}"
    if evaluate(pack.when, facts.values) is False:
        return f"only where {words(pack.when)}"
    return ""


def _ask(pack: Pack, rule: Rule, facts: JobFacts, stage: Stage) -> Outcome:
    reads: dict[str, Value] = {}
    unmet: list[str] = []
    mends: list[str] = []
    talents: list[str] = []
    standing: Standing = "not_applicable"
    asks: dict[str, str] = {}
    if rule.data.each == "job":
        one = Alternative("", facts.values)
        standing = _standing(pack, rule, one)
        reads |= _reads(pack, rule, one)
        if standing in ("fails", "not_known"):
            unmet += _unmet(rule.require, one)
            mends += _mends(pack, rule, one)
        asks |= _asked(rule, one) if standing != "not_applicable" else {}
    else:
        for person in facts.people:
            theirs = [(_standing(pack, rule, one), one) for one in person.alternatives]
            best, with_it = min(theirs, key=lambda pair: _WORST_LAST.index(pair[0]))
            standing = max(standing, best, key=_WORST_LAST.index)
            for _, one in theirs:
                of_whom = f"{person.alias}, {one.consent}" if one.consent else person.alias
                reads |= {_of(path, of_whom): value for path, value in _reads(pack, rule, one).items()}
            if best in ("fails", "not_known"):
                unmet += [words_ for words_ in _unmet(rule.require, with_it) if words_ not in unmet]
                mends += _mends(pack, rule, with_it)
                talents.append(person.talent)
    outcome = _outcome(pack, rule, stage, standing, unmet, talents, reads)
    return replace(outcome, asks=asks, mends=tuple(dict.fromkeys(mends)))


def _asked(rule: Rule, one: Alternative) -> dict[str, str]:
    """Return what a rule that applies asks where it is known to ask; nothing is taken from a silent field."""
    asked = [ask.data for ask in rule.asks if evaluate(ask.when, one.values) is True]
    told = {ask.setting: ask.to if ask.to is not None else one.values.get(ask.field) for ask in asked}
    return {setting: str(value) for setting, value in told.items() if value is not None}


def _standing(pack: Pack, rule: Rule, one: Alternative) -> Standing:
    applies = all_of((evaluate(pack.when, one.values), evaluate(rule.when, one.values)))
    exempt = evaluate(rule.unless, one.values) if rule.unless is not None else False
    if applies is False or exempt is True:
        return "not_applicable"
    if evaluate(rule.require, one.values) is True:
        return "holds"
    return "fails" if applies is True and exempt is False else "not_known"


def _reads(pack: Pack, rule: Rule, one: Alternative) -> dict[str, Value]:
    unless = rule.unless.reads() if rule.unless is not None else ()
    paths = (*pack.when.reads(), *rule.when.reads(), *unless, *rule.require.reads())
    return {path: one.values.get(path) for path in paths}


def _of(path: str, of_whom: str) -> str:
    return f"{of_whom}: {path}" if path.startswith(("person.", "consent.")) else path


def _unmet(condition: Condition, one: Alternative) -> list[str]:
    """Return which parts of a requirement do not hold, in words."""
    return [words(part) for part in _unmet_parts(condition, one)]


def _unmet_parts(condition: Condition, one: Alternative) -> list[Condition]:
    parts = condition.parts if condition.operator == "all" else (condition,)
    return [part for part in parts if evaluate(part, one.values) is not True]


def _mends(pack: Pack, rule: Rule, one: Alternative) -> list[str]:
    """Return the paths of what does not hold; as long as it is open whether the rule applies, of what decides that."""
    deciding = (pack.when, rule.when, *((rule.unless,) if rule.unless is not None else ()))
    open_ = [path for part in deciding if evaluate(part, one.values) is None for path in part.reads()]
    undecided = [path for path in open_ if one.values.get(path) is None]
    return undecided or [path for part in _unmet_parts(rule.require, one) for path in part.reads()]


def _outcome(
    pack: Pack, rule: Rule, stage: Stage, standing: Standing, unmet: list[str], talents: list[str],
    reads: dict[str, Value],
) -> Outcome:  # fmt: skip
    data = rule.data
    open_ = standing in ("fails", "not_known")
    early = stage == "admission" and (standing == "not_known" or data.gate == "delivery")
    message = data.explain
    if open_:
        message = f"{data.explain} Does not hold here: {'; '.join(unmet)}."
    if standing == "not_known":
        message += f" Whether it applies hangs on what is not stated: {', '.join(_undecided(pack, rule, reads))}."
    if open_ and early and data.severity == "block":
        message += " Delivery will refuse."
    return Outcome(
        rule=rule.id,
        pack=pack.reference,
        standing=standing,
        outcome=_word(standing, data.severity, early),
        message=message,
        remedy=data.remedy if open_ else "",
        reads=reads,
        waivable_by=data.waivable_by,
        blocks=open_ and data.severity == "block",
        talents=tuple(talents),
    )


def _undecided(pack: Pack, rule: Rule, reads: Mapping[str, Value]) -> list[str]:
    """Return the fields that decide whether a rule applies and are not stated, each once."""
    unless = rule.unless.reads() if rule.unless is not None else ()
    deciding = {*pack.when.reads(), *rule.when.reads(), *unless}
    silent = [path.rpartition(": ")[2] for path, value in reads.items() if value is None]
    return [path for path in dict.fromkeys(silent) if path in deciding]


def _word(
    standing: Standing, severity: Severity, early: bool
) -> Literal["pass", "not_applicable", "note", "warn", "refuse"]:
    if standing == "holds":
        return "pass"
    if standing == "not_applicable":
        return "not_applicable"
    if severity == "info":
        return "note"
    return "warn" if severity == "warn" or early else "refuse"


def _validity(pack: Pack, facts: JobFacts, stage: Stage) -> Outcome:
    """Return whether the pack is within its dates: its rules are asked either way, but old rules clear nothing."""
    ends = pack.data.valid_to
    expired = ends is not None and ends < facts.today
    word: Literal["pass", "warn", "refuse"] = "pass"
    if expired:
        word = "warn" if stage == "admission" else "refuse"
    return Outcome(
        rule=f"{pack.id}.{RESERVED}",
        pack=pack.reference,
        standing="fails" if expired else "holds",
        outcome=word,
        message=f"The pack {pack.reference} expired on {ends}: what it says may have changed since."
        if expired
        else f"The pack {pack.reference} is within its dates.",
        remedy="Install a newer version of the pack, or have somebody of legal waive this." if expired else "",
        reads={"pack.valid_to": ends, TODAY: facts.today},
        waivable_by=("legal",),
        blocks=expired,
    )


def _contradiction(path: str, one: Demand, other: Demand) -> Outcome:
    return Outcome(
        rule=CONTRADICTION,
        pack=f"{one.pack}, {other.pack}",
        standing="fails",
        outcome="refuse",
        message=f"{one.rule} and {other.rule} cannot both be kept: they ask for different values of {path}.",
        remedy="Whoever keeps these packs must mend one of them; which, is not for a program to choose.",
        reads={one.rule: words(one.require), other.rule: words(other.require)},
        mends=(path,),
        blocks=True,
    )


def _territories(packs: tuple[Pack, ...], facts: JobFacts, stage: Stage) -> Outcome:
    """Return whether every territory stated is one that a pack speaks of."""
    known = [place for pack in packs if pack.data.enabled for place in pack.data.territories]
    foreign = [one for one in facts.territories if one != WORLD and not any(reaches(one, place) for place in known)]
    word: Literal["pass", "warn", "refuse"] = "pass"
    message, remedy = "Every territory stated is one that a pack speaks of.", ""
    if foreign:
        word = "warn" if stage == "admission" else "refuse"
        message = f"No pack speaks of {', '.join(foreign)}: its rules were not looked at."
        remedy = "Add a pack of your own for it (docs/packs.md), or have somebody of legal waive this."
    elif not facts.territories:
        word, message = "warn", "The record states no territory: only packs that apply everywhere were evaluated."
        remedy = "State `use.territories`."
    elif WORLD in facts.territories:
        word, message = "warn", "The use is worldwide: every pack was evaluated, and most territories have none."
        remedy = "State the territories one by one where that matters."
    return Outcome(
        rule=TERRITORIES,
        pack="packs@1.0.0",
        standing="fails" if foreign else "holds",
        outcome=word,
        message=message,
        remedy=remedy,
        mends=("use.territories",) if word != "pass" else (),
        reads={"use.territories": facts.values.get("use.territories")},
        waivable_by=("legal",),
        blocks=bool(foreign),
    )
