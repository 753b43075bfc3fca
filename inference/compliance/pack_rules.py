"""What the gate's rules on policy packs do at both stages: read the packs, ask them, answer one finding a pack rule.

The packs that ship are read from this package, as the rules themselves are; a studio's own come with the facts. One
that does not read raises, and the gate refuses everything.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

from understudy.bridge.errors import RequestError
from understudy.bridge.shot import JobRequest
from understudy.inference.authority.papers import Snapshot
from understudy.inference.compliance.policy.evaluation import evaluate_packs, held_to
from understudy.inference.compliance.policy.findings import findings_of, summary
from understudy.inference.compliance.policy.job_facts import facts_of
from understudy.inference.compliance.policy.library import all_packs
from understudy.inference.compliance.policy.packs import Stage
from understudy.inference.compliance.rule import Several, not_applicable


def prepare() -> None:
    """Parse the shipped packs once in the gate's parent process, so that each fork of it finds them parsed."""
    with contextlib.suppress(RequestError):  # every evaluation reads them itself, and says what is wrong with them
        all_packs()


def judge_packs(
    job: JobRequest, stage: Stage, today: str, actor: str, own: Mapping[str, str], registry: Snapshot,
    made: Mapping[str, str] | None = None,
) -> Several:  # fmt: skip
    """Return the finding over all packs, and one a rule of each that applies. Raises RequestError for a broken pack.

    made: what the version says by the settings that packs may ask for; None = nothing is made yet.
    """
    packs = all_packs(own)
    if job.record.ground != "record":
        return Several(not_applicable(f"the job's ground is {job.record.ground}: no file is cleared by it"), ())
    facts = facts_of(job, today, actor, registry.approvals, leaving=stage == "delivery")
    evaluation = evaluate_packs(packs, facts, stage)
    if made is not None:
        evaluation = held_to(evaluation, made)
    findings = findings_of(evaluation, facts, registry.waivers)
    return Several(summary(evaluation, findings, registry.waivers), findings)
