"""What it means when a rule does not answer: the pure half of the gate. Fails closed."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from understudy.bridge.errors import Finding
from understudy.inference.compliance.answers import Answer, Ended, Line, Started, Trouble

OUTCOMES = frozenset({"pass", "not_applicable", "note", "warn", "refuse", "waived"})
"""What a rule may say; `broken` is for us to say."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How the rules' process went: `code` as subprocess gives it, None = it was stopped after `seconds`."""

    code: int | None
    seconds: float
    output: str
    """The last of what the rules printed."""


def judge(stage: str, names: tuple[str, ...], lines: tuple[Line, ...], ending: Ending) -> tuple[Finding, ...]:
    """Hold what was answered against what must be: one finding a name, in order, and what it says one by one. Pure.

    A process that ended otherwise than well, or without its last line, refuses even if every rule answered.
    """
    answers: dict[str, list[Answer]] = {name: [] for name in names}
    for line in lines:
        if isinstance(line, Answer) and line.rule in answers:
            answers[line.rule].append(line)
    troubles = {line.rule: line.text for line in lines if isinstance(line, Trouble)}
    open_rule = _open_rule(lines)
    findings: list[Finding] = []
    for name in names:
        reason = troubles.get(name) or _reason(stage, name, answers[name], open_rule, ending)
        if reason:
            findings.append(_broken(name, reason, ending))
        else:
            findings += [answers[name][0].finding, *answers[name][0].more]
    if not any(isinstance(line, Ended) for line in lines) or ending.code != 0:
        reason = _how_it_ended(ending) or "the rules' process ended before its last line"
        findings.append(_broken("gate", reason, ending))
    return tuple(findings)


def _reason(stage: str, name: str, answers: list[Answer], open_rule: str | None, ending: Ending) -> str:
    """Return why this rule's answer cannot count, or nothing."""
    if len(answers) > 1:
        return "answered more than once"
    if answers:
        answer = answers[0]
        if answer.stage != stage:
            return f"answers for the stage {answer.stage}, not {stage}"
        if answer.finding.rule != name or answer.finding.outcome not in OUTCOMES:
            return f"gave the unknown answer '{answer.finding.outcome}' for '{answer.finding.rule}'"
        return _wrong_names(answer.more)
    if name == open_rule:
        return _how_it_ended(ending) or "gave no answer"
    if open_rule is not None:
        return f"was not reached: {open_rule} {_how_it_ended(ending) or 'gave no answer'}"
    return _how_it_ended(ending) or "did not run"


def _wrong_names(more: tuple[Finding, ...]) -> str:
    """Return why what a rule says one by one cannot count: a name of ours or there twice, an unknown answer."""
    seen: set[str] = set()
    for finding in more:
        if "." not in finding.rule or finding.rule in seen or finding.outcome not in OUTCOMES:
            return f"gave the unknown answer '{finding.outcome}' for '{finding.rule}'"
        seen.add(finding.rule)
    return ""


def _open_rule(lines: tuple[Line, ...]) -> str | None:
    """Return the rule that was running when the process ended, if one was."""
    running: str | None = None
    for line in lines:
        if isinstance(line, Started):
            running = line.rule
        elif isinstance(line, (Answer, Trouble)) and line.rule == running:
            running = None
    return running


def _how_it_ended(ending: Ending) -> str:
    if ending.code is None:
        return f"did not answer within {ending.seconds:g} s"
    if ending.code < 0:
        return f"was ended by {signal.Signals(-ending.code).name}"
    return f"ended the process with code {ending.code}" if ending.code else ""


def _broken(name: str, reason: str, ending: Ending) -> Finding:
    return Finding(
        rule=name,
        outcome="broken",
        message=f"the rule {name} {reason}" if name != "gate" else f"the gate {reason}",
        remedy="Nothing passes until every rule runs: tell whoever keeps this daemon, and run `understudy doctor`.",
        facts={"output": ending.output} if ending.output else {},
    )
