"""Packs of a rule or two, and jobs to ask them about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from understudy.bridge.circumstances import Use
from understudy.bridge.errors import Finding
from understudy.inference.authority.papers import Waiver
from understudy.inference.compliance.policy.evaluation import evaluate_packs
from understudy.inference.compliance.policy.findings import findings_of
from understudy.inference.compliance.policy.job_facts import facts_of
from understudy.inference.compliance.policy.packs import Pack, Stage, parse_pack

HEAD = """
id = "{id}"
version = "1.0.0"
title = "A pack for tests"
valid_from = "2026-01-01"
{more}
sources = ["ours"]
reviewed_by = ""
confidence = "low"
not_verified = []
"""
RULE = """
[[rule]]
id = "{id}.{rule}"
gate = "{gate}"
{more}
require = {require}
severity = "{severity}"
waivable_by = {waivable_by}
explain = "What must hold here."
remedy = "Do what must be done."
"""

PackOf = Callable[..., Pack]
Ask = Callable[..., dict[str, Finding]]


def pack_of(
    require: str, *, id: str = "mine", gate: str = "admission", severity: str = "block", of_rule: str = "",
    of_pack: str = "", waivable_by: str = '["legal"]',
) -> Pack:  # fmt: skip
    """Return a pack of one rule, `<id>.rule`."""
    rule = RULE.format(
        id=id, rule="rule", gate=gate, require=require, severity=severity, waivable_by=waivable_by, more=of_rule
    )
    return parse_pack(HEAD.format(id=id, more=of_pack) + rule, id)


@pytest.fixture(name="pack_of", scope="session")
def _pack_of() -> PackOf:
    return pack_of


@pytest.fixture
def ask(make: Any) -> Ask:
    """Return a function that asks packs about a job and gives the findings by their rules."""

    def findings(
        *packs: Pack, stage: Stage = "admission", today: str = "2026-11-20", actor: str = "jo",
        waivers: tuple[Waiver, ...] = (), **record: Any,
    ) -> dict[str, Finding]:  # fmt: skip
        record = {"use": Use(territories=("DE",)), "salt": "5" * 32, **record}
        facts = facts_of(make.job(record=make.record(**record)), today, actor)
        found = findings_of(evaluate_packs(packs, facts, stage), facts, waivers)
        return {finding.rule: finding for finding in found}

    return findings
