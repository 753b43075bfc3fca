from __future__ import annotations

import msgspec
import pytest
from panel_rig import summary
from take_rig import detail

from understudy.bridge.errors import ErrorReport, Finding
from understudy.bridge.messages import JobDetail
from understudy.ui.detail_page import detail_page, findings_part, kept
from understudy.ui.job_again import AGAIN_LINK


def of(**changed: object) -> JobDetail:
    return msgspec.structs.replace(detail("failed"), **changed)


def test_when_a_job_has_failed_then_the_page_says_what_happened_what_was_kept_and_what_to_do() -> None:
    error = ErrorReport(code="engine", message="out of memory at segment 3", remedy="Give it fewer GPUs' worth.")
    page = detail_page(of(summary=summary(state="failed", error=error)), "none")
    assert "out of memory at segment 3" in page
    assert "3 of 8 frames are finished and kept" in page
    assert "Give it fewer GPUs&#x27; worth." in page


def test_when_a_file_is_named_like_markup_then_it_stays_words() -> None:
    found = Finding(rule="r", outcome="refuse", message="<b>bold</b> & more", remedy="<img src=x>", files=("<i>.exr",))
    page = findings_part((found,))
    assert "<img" not in page
    assert "<i>" not in page
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; more" in page


def test_when_rules_said_much_then_the_worst_comes_first_and_what_passed_is_counted() -> None:
    outcomes = ("pass", "note", "refuse", "not_applicable", "warn", "broken")
    page = findings_part(Finding(rule=f"rule_{outcome}", outcome=outcome, message="m") for outcome in outcomes)
    places = [page.index(f"rule_{outcome}") for outcome in ("refuse", "broken", "warn", "note")]
    assert places == sorted(places)
    assert "2 rules passed" in page
    assert "rule_pass" not in page


def test_when_a_finding_is_about_many_frames_then_some_are_named_and_the_rest_counted() -> None:
    page = findings_part((Finding(rule="r", outcome="warn", message="m", frames=tuple(range(1001, 1101))),))
    assert "1001, 1002" in page
    assert "and 88 more" in page


@pytest.mark.parametrize("state", ["failed", "cancelled", "parked", "paused", "refused", "quarantined"])
def test_when_a_job_has_stopped_then_it_is_said_what_was_kept(state: str) -> None:
    assert kept(summary(state=state))


def test_when_a_take_was_made_without_papers_then_its_page_leads_to_the_same_job_with_them() -> None:
    made = of(summary=summary(state="delivered", clearance="uncleared"))
    assert AGAIN_LINK in detail_page(made, "uncleared")
    assert AGAIN_LINK not in detail_page(made, "delivered")
