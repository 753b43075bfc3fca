"""The gate: which rules each stage has, and what must have answered before anything passes. Fails closed.

The rules run in a process of their own (runner.py). What must answer follows from the names below alone; a rule that is
missing, switched off, failed to import, crashed, hung or answers for another stage is a `broken` finding, and a broken
finding refuses (judgement.py). Order of the findings = order of the names.
"""

from __future__ import annotations

import asyncio
from typing import get_args

import msgspec

from understudy.bridge.errors import ComplianceError, Finding
from understudy.inference.compliance.facts import AdmissionFacts, DeliveryFacts, InspectionFacts, SealFacts, Stage
from understudy.inference.compliance.judgement import judge
from understudy.inference.compliance.rules_process import RulesProcess

STAGES: dict[Stage, tuple[str, ...]] = {
    "admission": (
        "record_is_sound",
        "ground_is_stated",
        "likeness_is_stated",
        "content_is_allowed",
        "consents_cover_everyone",
        "consents_reach_this_use",
        "grantors_may_consent",
        "registry_bears_it_out",
        "clips_are_approved",
        "disclosure_is_stated",
        "project_is_open",
        "names_are_safe",
        "engine_is_here",
        "one_performer",
        "inputs_are_named",
        "driver_shows_a_face",
        "files_are_sane",
        "ranges_agree",
        "rate_is_stated",
        "settings_are_in_range",
        "colour_config_is_named",
        "deliverables_are_known",
        "pack_rules_hold",
    ),
    "inspection": (
        "movies_are_steady",
        "inputs_are_whole",
        "credentials_are_intact",
        "reference_is_a_picture",
        "colour_config_is_whole",
        "colour_is_known",
        "movies_cover_the_range",
        "rates_agree",
        "plate_keeps_its_size",
        "plate_keeps_its_form",
        "sizes_agree",
        "matte_is_not_empty",
        "matte_is_not_too_large",
        "finite_values",
    ),
    "delivery": (
        "every_frame_is_there",
        "layers_are_whole",
        "layers_are_finite",
        "plate_is_untouched",
        "patch_over_plate_is_comp",
        "state_is_in_every_file",
        "disclosure_is_in_every_file",
        "clearance_is_in_every_file",
        "in_betweens_are_marked",
        "provenance_is_complete",
        "review_shows_the_cut",
        "review_carries_its_mark",
        "label_is_shown",
        "aigc_is_in_every_movie",
        "consents_still_stand",
        "consents_still_reach_this_use",
        "grantors_might_still_consent",
        "registry_still_bears_it_out",
        "clips_are_still_approved",
        "pack_rules_still_hold",
    ),
    "sealing": (
        "signatures_are_trusted",
        "file_list_is_complete",
    ),
}
"""Stage to the names of its rules, in the order of every report. One name = one file in rules/."""

RULES_PACKAGE = "understudy.inference.compliance.rules"
TIMEOUT_SECONDS = 30.0  # the longest shot's facts take about two seconds; a slow disk may take ten to import

Facts = AdmissionFacts | InspectionFacts | DeliveryFacts | SealFacts
_STAGE_OF: dict[type, Stage] = {
    AdmissionFacts: "admission",
    InspectionFacts: "inspection",
    DeliveryFacts: "delivery",
    SealFacts: "sealing",
}


def evaluate(
    stage: Stage,
    facts: Facts,
    *,
    rules: tuple[str, ...] | None = None,
    package: str = RULES_PACKAGE,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> tuple[Finding, ...]:
    """Return one finding a rule of `stage`, in the order of the list; behind it what it says one by one (one finding a
    rule of a policy pack). Raises nothing of a rule's.

    Blocks; for a thread without an event loop. `rules` and `package` name another set of rules than ours; what is
    expected follows from `rules` alone.
    """
    names = _names(stage, facts, rules)
    with RulesProcess(stage, package, names, msgspec.json.encode(facts)) as process:
        ending = process.run(timeout_seconds)
        return judge(stage, names, process.lines(), ending)


async def evaluate_async(
    stage: Stage,
    facts: Facts,
    *,
    rules: tuple[str, ...] | None = None,
    package: str = RULES_PACKAGE,
    timeout_seconds: float = TIMEOUT_SECONDS,
) -> tuple[Finding, ...]:
    """The same as `evaluate` for an event loop: the loop goes on while the rules run; cancelling ends their process."""
    names = _names(stage, facts, rules)
    with await asyncio.to_thread(lambda: RulesProcess(stage, package, names, msgspec.json.encode(facts))) as process:
        ending = await process.run_async(timeout_seconds)
        return judge(stage, names, process.lines(), ending)


def refusal(findings: tuple[Finding, ...], what: str) -> ComplianceError | None:
    """Return the error that says why `what` is refused, carrying every finding; None when nothing refuses."""
    against = [finding for finding in findings if finding.refuses]
    if not against:
        return None
    remedies = dict.fromkeys(finding.remedy for finding in against if finding.remedy)
    return ComplianceError(
        f"{what} is refused: {'; '.join(finding.message for finding in against)}",
        remedy=" ".join(remedies),
        findings=findings,
    )


def stage_of(facts: Facts) -> Stage:
    """Return the stage whose rules judge these facts."""
    return _STAGE_OF[type(facts)]


def _names(stage: Stage, facts: Facts, rules: tuple[str, ...] | None) -> tuple[str, ...]:
    if stage not in get_args(Stage):
        raise ValueError(f"there is no stage '{stage}'")
    if _STAGE_OF.get(type(facts)) != stage:
        raise TypeError(f"{type(facts).__name__} are not the facts of {stage}")
    return STAGES[stage] if rules is None else rules
