"""What a rule is: a pyblish plugin of one stage that looks at facts and answers with one finding.

A rule file imports this, defines one class named `Rule`, and nothing else needs to change but the gate's list of names.
Only the gate's own process imports rules: a rule that prints, hangs, raises or ends the process is a refusal, no harm.
"""

from __future__ import annotations

import itertools
import sys
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import msgspec
import pyblish.plugin

from understudy.bridge.errors import Finding
from understudy.inference.compliance.answers import Answer, Answers, Started, Trouble
from understudy.inference.compliance.facts import AdmissionFacts, DeliveryFacts, InspectionFacts, SealFacts, Stage

FRAMES_LISTED = 1000  # a finding lists at most as many; its message counts them all


@dataclass(frozen=True, slots=True)
class Several:
    """The answer of a rule that asks rules of its own: its finding over them all, and theirs, one each."""

    finding: Finding
    more: tuple[Finding, ...]


class GateRule(pyblish.plugin.ContextPlugin):  # type: ignore[misc]  # pyblish has no types
    """One rule; its name is that of its file, its docstring the line that the report shows."""

    order = 1  # pyblish's validators
    stage: ClassVar[Stage]
    name: ClassVar[str]

    def check(self, facts: Any) -> Finding | Several:
        """Return what this rule says of `facts`. Pure: no file, no clock, no network."""
        raise NotImplementedError

    def process(self, context: Any) -> None:
        """Answer for this rule, whatever happens in `check`. Called by pyblish."""
        answers: Answers = context.data["answers"]
        answers.write(Started(rule=self.name))
        try:
            said = self.check(context.data["facts"])
            several = said if isinstance(said, Several) else Several(said, ())
            finding = msgspec.structs.replace(several.finding, rule=self.name)
            answers.write(Answer(rule=self.name, stage=self.stage, finding=finding, more=several.more))
        except BaseException as problem:  # noqa: BLE001  # sys.exit in a rule must be a refusal too
            answers.write(Trouble(rule=self.name, text=f"raised {describe(problem)}"))


class AdmissionRule(GateRule):
    stage = "admission"

    def check(self, facts: AdmissionFacts) -> Finding | Several:
        raise NotImplementedError


class InspectionRule(GateRule):
    stage = "inspection"

    def check(self, facts: InspectionFacts) -> Finding:
        raise NotImplementedError


class DeliveryRule(GateRule):
    stage = "delivery"

    def check(self, facts: DeliveryFacts) -> Finding | Several:
        raise NotImplementedError


class SealingRule(GateRule):
    stage = "sealing"

    def check(self, facts: SealFacts) -> Finding:
        raise NotImplementedError


def describe(problem: BaseException) -> str:
    """Return one line on an exception: its class, its words, and where it was raised."""
    if isinstance(problem, SyntaxError):
        return f"SyntaxError: {problem.msg}, line {problem.lineno}"
    frames = traceback.extract_tb(sys.exc_info()[2])
    where = f" (line {frames[-1].lineno} of {frames[-1].name})" if frames else ""
    return f"{type(problem).__name__}: {problem}{where}"


def passes(message: str, *, fields: Iterable[str] = (), **facts: str) -> Finding:
    """Pass. `fields` here and below: see `Finding.fields`."""
    return Finding(rule="", outcome="pass", message=message, facts=facts, fields=tuple(dict.fromkeys(fields)))


def not_applicable(message: str) -> Finding:
    return Finding(rule="", outcome="not_applicable", message=message)


def lists(
    message: str, *, remedy: str = "", frames: Iterable[int] = (), files: Iterable[str] = (),
    fields: Iterable[str] = (), **facts: str,
) -> Finding:  # fmt: skip
    """Pass, and list what the artist should know."""
    return _finding("warn", message, remedy, frames, files, fields, facts)


def refuses(
    message: str, *, remedy: str, frames: Iterable[int] = (), files: Iterable[str] = (),
    fields: Iterable[str] = (), **facts: str,
) -> Finding:  # fmt: skip
    return _finding("refuse", message, remedy, frames, files, fields, facts)


def _finding(
    outcome: str, message: str, remedy: str, frames: Iterable[int], files: Iterable[str], fields: Iterable[str],
    facts: dict[str, str],
) -> Finding:  # fmt: skip
    return Finding(
        rule="",
        outcome=outcome,
        message=message,
        remedy=remedy,
        frames=tuple(itertools.islice(frames, FRAMES_LISTED)),
        files=tuple(itertools.islice(dict.fromkeys(files), FRAMES_LISTED)),
        facts=facts,
        fields=tuple(dict.fromkeys(fields)),
    )
