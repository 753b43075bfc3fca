"""What packs ask of how a version is made: its label, its metadata. From admission's findings to the order. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from understudy.bridge.errors import Finding
from understudy.inference.compliance.policy.findings import ASKS

BETWEEN = " / "


@dataclass(frozen=True, slots=True)
class Marking:
    """How a version is labelled; empty = not at all."""

    label_text: str
    label_seconds: float
    aigc_producer: str


def marking(findings: Iterable[Finding], usual: Marking) -> Marking:
    """Return how a version is marked: as the settings say (`usual`), and as every rule of a pack that applies asks.

    Texts that are not within each other stand beside each other, the longest time wins, and a producer's code that a
    record states goes before the setting's. What is waived is not asked.
    """
    asked = [finding.facts for finding in findings if finding.outcome not in ("waived", "not_applicable")]
    texts = [usual.label_text, *(facts.get(f"{ASKS}label_text", "") for facts in asked)]
    seconds = [float(facts[f"{ASKS}label_seconds"]) for facts in asked if f"{ASKS}label_seconds" in facts]
    codes = [facts[f"{ASKS}aigc_producer"] for facts in asked if f"{ASKS}aigc_producer" in facts]
    return Marking(
        label_text=_together(texts),
        label_seconds=max((usual.label_seconds, *seconds)),
        aigc_producer=next(iter(codes), usual.aigc_producer),
    )


def _together(texts: Iterable[str]) -> str:
    """Return all texts once: `a / b`; one that stands within another is not repeated."""
    told = list(dict.fromkeys(filter(None, texts)))
    return BETWEEN.join(one for one in told if not any(one != other and one in other for other in told))
