"""Outcomes of packs as the gate's findings: with waivers, and with what may be read outside the house. Pure.

A finding of a job that is delivered stands in its manifest and report: nobody is named there, and of a private field it
says whether it was stated. A refusal's words stay in the house, and name whom it is about.
"""

from __future__ import annotations

from collections import Counter

from understudy.bridge.errors import Finding, Fix
from understudy.inference.compliance.policy.evaluation import Evaluation, Outcome
from understudy.inference.compliance.policy.fields import Value, fields, in_record
from understudy.inference.compliance.policy.job_facts import JobFacts
from understudy.inference.compliance.policy.waiver import Waivable, Waiver, facts_hash, why_not

FACTS_HASH = "facts hash"
"""Of an outcome that can be waived: what a waiver must name."""
ASKS = "asks "
"""Before the setting that a rule asks for, as a fact's name: how the version is made follows from these."""
PACKS = "packs"
"""Of the finding over them all: every pack that was asked, id@version."""
WAIVER = "waiver"
"""Of an outcome that blocks: who may waive it; of one that is waived, by which waiver."""


def findings_of(evaluation: Evaluation, facts: JobFacts, waivers: tuple[Waiver, ...]) -> tuple[Finding, ...]:
    """Return one finding an outcome, in order, those that a waiver lets be as `waived`."""
    return tuple(_finding(outcome, facts, waivers) for outcome in evaluation.outcomes)


def summary(evaluation: Evaluation, findings: tuple[Finding, ...], waivers: tuple[Waiver, ...]) -> Finding:
    """Return the finding over them all: which packs were asked, which not, and how it came out. It never refuses."""
    counted = Counter(finding.outcome for finding in findings)
    told = ", ".join(f"{counted[word]} {word.replace('_', ' ')}" for word in sorted(counted))
    packs = ", ".join(pack.reference for pack in evaluation.applied) or "no pack"
    known = {finding.rule for finding in findings}
    idle = [waiver.id for waiver in waivers if waiver.rule not in known]
    return Finding(
        rule="",
        outcome="warn" if idle else "pass",
        message=f"these rules of {packs} were evaluated on these facts: {told}"
        + (f"; of no use are the waivers {', '.join(idle)}: no rule of these packs has that name" if idle else ""),
        facts={
            PACKS: packs,
            **{f"sha256 of {pack.reference}": pack.digest for pack in evaluation.applied},
            **{f"not asked: {pack}": why for pack, why in evaluation.left_out.items()},
        },
    )


def _finding(outcome: Outcome, facts: JobFacts, waivers: tuple[Waiver, ...]) -> Finding:
    hashed = facts_hash(outcome.rule, outcome.pack, outcome.reads, facts.salt)
    asks = {f"{ASKS}{setting}": value for setting, value in outcome.asks.items()}
    shown = {"pack": outcome.pack, **asks, **{path: shown_value(path, value) for path, value in outcome.reads.items()}}
    if not outcome.blocks:
        return Finding(
            rule=outcome.rule, outcome=outcome.outcome, message=outcome.message, remedy=outcome.remedy, facts=shown,
            fields=_fields_of(outcome),
        )  # fmt: skip
    what = Waivable(
        rule=outcome.rule, pack=outcome.pack, waivable_by=outcome.waivable_by, facts=hashed,
        record_id=facts.record_id, shot=facts.shot, actor=facts.actor, today=facts.today,
    )  # fmt: skip
    against: list[str] = []
    for waiver in waivers:
        if waiver.rule != outcome.rule:
            continue
        why = why_not(waiver, what)
        if not why:
            return _waived(outcome, waiver, shown)
        against.append(f"The waiver {waiver.id} does not count: {why}.")
    may = f"waivable by {' or '.join(outcome.waivable_by)}" if outcome.waivable_by else "waivable by nobody"
    asking = {"rule": outcome.rule, "pack": outcome.pack, "facts": hashed, "by": " ".join(outcome.waivable_by)}
    about = f" This is about {', '.join(outcome.talents)}." if outcome.talents and outcome.outcome == "refuse" else ""
    return Finding(
        rule=outcome.rule,
        outcome=outcome.outcome,
        message=" ".join((outcome.message + about, *against)),
        remedy=outcome.remedy,
        facts={**shown, WAIVER: may, FACTS_HASH: hashed},
        fields=_fields_of(outcome),
        fixes=(*_approvals(outcome), *((Fix(kind="ask_waiver", values=asking),) if outcome.waivable_by else ())),
    )


def _approvals(outcome: Outcome) -> tuple[Fix, ...]:
    """Return whom to ask: each kind of approval that the rule read and did not find."""
    lacking = [path for path, value in outcome.reads.items() if path.startswith("approved.") and value is False]
    return tuple(Fix(kind="ask_approval", values={"kind": path.partition(".")[2]}) for path in lacking)


def _waived(outcome: Outcome, waiver: Waiver, shown: dict[str, str]) -> Finding:
    return Finding(
        rule=outcome.rule,
        outcome="waived",
        message=f"{outcome.message.removesuffix(' Delivery will refuse.')} Waived by {waiver.decided_as}, "
        f"{waiver.id}, until {waiver.expires_on}.",
        remedy=waiver.condition,
        facts={**shown, WAIVER: waiver.id},
        fields=_fields_of(outcome),
    )


def _fields_of(outcome: Outcome) -> tuple[str, ...]:
    """Return the fields of the record that mend it; of a rule that holds or does not apply, those that it read."""
    paths = outcome.mends or tuple(path.rpartition(": ")[2] for path in outcome.reads)
    return tuple(dict.fromkeys(found for path in paths if (found := in_record(path)) is not None))


def shown_value(path: str, value: Value) -> str:
    """Return a value as it may stand beside the pictures; `path` may begin with whom it is of."""
    if value is None:
        return "not stated"
    known = fields().get(path.rpartition(": ")[2])
    if known is not None and known.private:
        return "stated"
    if isinstance(value, tuple):
        return ", ".join(value)
    return "yes" if value is True else "no" if value is False else str(value)
