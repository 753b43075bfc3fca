from __future__ import annotations

import inspect

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from understudy.bridge import errors
from understudy.bridge.errors import (
    ComplianceError,
    DaemonError,
    ErrorReport,
    Finding,
    JobError,
    JobParked,
    KeyRefused,
    UnderstudyError,
    error_from_report,
)

KINDS = [
    kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, UnderstudyError)
]  # fmt: skip
TEXT = some.text(max_size=40)
FINDINGS = some.builds(
    Finding,
    rule=TEXT,
    outcome=some.sampled_from(["pass", "warn", "refuse", "waived", "broken", "note", "not_applicable"]),
    message=TEXT,
    remedy=TEXT,
    frames=some.lists(some.integers(-(2**40), 2**40), max_size=3).map(tuple),
    files=some.lists(TEXT, max_size=3).map(tuple),
    facts=some.dictionaries(TEXT, TEXT, max_size=3),
)


@given(kind=some.sampled_from(KINDS), message=TEXT, remedy=TEXT, facts=some.dictionaries(TEXT, TEXT, max_size=3))
def test_when_an_error_crosses_the_wire_then_the_same_class_with_the_same_words_is_raised(
    kind: type[UnderstudyError], message: str, remedy: str, facts: dict[str, str]
) -> None:
    body = msgspec.json.encode(kind(message, remedy=remedy, facts=facts).report())
    arrived = error_from_report(msgspec.json.decode(body, type=ErrorReport))
    assert type(arrived) is kind
    assert (arrived.message, arrived.remedy, arrived.facts, str(arrived)) == (message, remedy, facts, message)


@given(findings=some.lists(FINDINGS, max_size=4).map(tuple))
def test_when_a_gate_refuses_then_every_finding_crosses_the_wire(findings: tuple[Finding, ...]) -> None:
    body = msgspec.json.encode(ComplianceError("refused", findings=findings).report())
    arrived = error_from_report(msgspec.json.decode(body, type=ErrorReport))
    assert isinstance(arrived, ComplianceError)
    assert arrived.findings == findings


def test_when_a_newer_daemon_reports_an_unknown_code_then_its_words_are_kept() -> None:
    arrived = error_from_report(ErrorReport(code="from_the_future", message="m", remedy="r"))
    assert type(arrived) is UnderstudyError
    assert (arrived.message, arrived.remedy) == ("m", "r")


def test_every_class_has_a_code_of_its_own() -> None:
    assert len({kind.code for kind in KINDS}) == len(KINDS)
    assert all("code" in vars(kind) for kind in KINDS)


def test_every_class_stands_in_the_tree_at_the_top_of_the_file() -> None:
    drawn = errors.__doc__ or ""
    assert [kind.__name__ for kind in KINDS if kind.__name__ not in drawn] == []


@pytest.mark.parametrize(("kind", "family"), [(KeyRefused, DaemonError), (JobParked, JobError)])
def test_when_a_family_is_caught_then_its_members_are(kind: type[UnderstudyError], family: type[Exception]) -> None:
    with pytest.raises(family):
        raise kind("m")


@pytest.mark.parametrize(
    ("outcome", "refuses"),
    [("pass", False), ("not_applicable", False), ("note", False), ("warn", False), ("waived", False),
     ("refuse", True), ("broken", True)],
)  # fmt: skip
def test_a_rule_that_did_not_run_refuses_like_one_that_failed(outcome: str, refuses: bool) -> None:
    assert Finding(rule="r", outcome=outcome, message="m").refuses is refuses


def test_when_an_error_has_no_facts_then_two_errors_do_not_share_them() -> None:
    one, other = UnderstudyError("a"), UnderstudyError("b")
    one.facts["seen"] = "here"
    assert other.facts == {}
