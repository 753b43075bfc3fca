"""The gate's last word: what is signed must read back, and the folder must be what its list says."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from understudy.inference.compliance.facts import SealFacts, SignatureReading
from understudy.inference.compliance.gate import STAGES, evaluate, refusal
from understudy.inference.provenance.frame_list import LIST_NAME


@pytest.fixture
def facts(make: Any) -> SealFacts:
    """Return a version that is in order."""
    signer = "A Studio"
    return SealFacts(
        job=make.job(),
        movies=("review.mp4",),
        signatures=tuple(
            SignatureReading(path=path, state="Trusted", signer=signer) for path in ("review.mp4", LIST_NAME)
        ),
        development=False,
        listed=12,
    )


def outcomes(facts: SealFacts) -> dict[str, str]:
    return {finding.rule: finding.outcome for finding in evaluate("sealing", facts)}


def test_when_everything_reads_back_then_it_passes(facts: SealFacts) -> None:
    found = evaluate("sealing", facts)
    assert [finding.rule for finding in found] == list(STAGES["sealing"])
    assert {finding.outcome for finding in found} == {"pass"}
    assert found[0].facts["signer"] == "A Studio"


def test_when_a_development_certificate_signed_then_it_passes_and_that_is_listed(facts: SealFacts) -> None:
    assert outcomes(msgspec.structs.replace(facts, development=True))["signatures_are_trusted"] == "warn"


@pytest.mark.parametrize(
    "spoilt",
    [
        {"state": "Valid", "failures": ("signingCredential.untrusted",)},
        {"state": "Invalid", "failures": ("assertion.bmffHash.mismatch",)},
        {"state": "Unreadable"},
        {"state": "unsigned"},
        {"state": "Trusted", "ingredient_failures": ("assertion.dataHash.mismatch",)},
    ],
)
def test_when_a_signature_does_not_read_back_then_the_take_is_refused(facts: SealFacts, spoilt: dict[str, Any]) -> None:
    first = msgspec.structs.replace(facts.signatures[0], **spoilt)
    found = evaluate("sealing", msgspec.structs.replace(facts, signatures=(first, facts.signatures[1])))
    refused = refusal(found, "the take")
    assert refused is not None
    assert "review.mp4" in refused.message


@pytest.mark.parametrize("left_out", [0, 1])
def test_when_a_signature_was_not_read_then_the_take_is_refused(facts: SealFacts, left_out: int) -> None:
    kept = facts.signatures[1 - left_out]
    found = evaluate("sealing", msgspec.structs.replace(facts, signatures=(kept,)))
    assert refusal(found, "the take") is not None


@pytest.mark.parametrize(
    "spoilt",
    [
        {"missing": ("comp/comp.1.exr",)},
        {"extra": ("comp/comp.1.exr",)},
        {"altered": ("comp/comp.1.exr",)},
        {"renamed": (("comp/comp.1.exr", "comp/comp.2.exr"),)},
        {"listed": 0},
    ],
)
def test_when_the_folder_is_not_what_its_list_says_then_the_take_is_refused(
    facts: SealFacts, spoilt: dict[str, Any]
) -> None:
    found = evaluate("sealing", msgspec.structs.replace(facts, **spoilt))
    refused = refusal(found, "the take")
    assert refused is not None
    assert "comp/comp.1.exr" in refused.message or "empty" in refused.message
