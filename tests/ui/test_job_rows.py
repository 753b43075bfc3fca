from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from panel_rig import summaries, summary

from understudy.bridge.messages import Progress
from understudy.ui.job_rows import allowed, command_line, in_order, matching, row_of, standing_of


@pytest.mark.parametrize(
    ("state", "clearance", "standing"),
    [
        ("running", "cleared", "provisional"),
        ("checking", "cleared", "provisional"),
        ("delivered", "uncleared", "uncleared"),
        ("delivered", "demonstration", "demonstration"),
        ("delivered", "", "uncleared"),
        ("quarantined", "cleared", "quarantined"),
        ("refused", "cleared", "none"),
        ("failed", "cleared", "none"),
    ],
)
def test_when_a_take_is_not_cleared_and_delivered_then_it_does_not_count_as_delivered(
    state: str, clearance: str, standing: str
) -> None:
    assert standing_of(summary(state=state, clearance=clearance)) == standing


def test_when_the_files_of_a_cleared_take_have_not_said_that_it_is_final_then_it_is_for_review() -> None:
    assert standing_of(summary(state="delivered")) == "for_review"
    assert standing_of(summary(state="delivered"), "for_review") == "for_review"
    assert standing_of(summary(state="delivered"), "delivered") == "delivered"


def test_when_files_claim_more_than_the_papers_bear_then_the_papers_count() -> None:
    assert standing_of(summary(state="delivered", clearance="uncleared"), "delivered") == "uncleared"


def test_when_a_job_has_ended_then_only_what_the_daemon_allows_is_offered() -> None:
    assert allowed(summary(state="delivered")) == {"redo", "copy", "copy_fetch", "fetch", "open"}
    assert "retry" in allowed(summary(state="failed"))
    assert "cancel" not in allowed(summary(state="cancelled"))


def test_when_a_job_is_paused_then_it_can_be_resumed_and_not_paused_again() -> None:
    may = allowed(summary(state="paused"))
    assert "resume" in may
    assert "pause" not in may


@given(st.permutations(range(40)))
def test_when_jobs_come_in_any_order_then_each_shot_stands_together_newest_first(order: list[int]) -> None:
    jobs = summaries(40)
    rows = in_order(row_of(jobs[at]) for at in order)
    shots = [row.summary.shot for row in rows]
    assert [shot for at, shot in enumerate(shots) if at == 0 or shots[at - 1] != shot] == [
        "sh0003", "sh0002", "sh0001", "sh0000",
    ]  # fmt: skip
    assert [row.summary.version for row in rows[:10]] == list(range(10, 0, -1))


def test_when_words_are_searched_then_every_one_must_be_found() -> None:
    rows = [row_of(job) for job in summaries(100)]
    assert {row.summary.shot for row in matching(rows, "SH0003 ada", "all")} == {"sh0003"}
    assert matching(rows, "sh0003 ben", "all") == []


def test_when_only_what_needs_someone_is_asked_for_then_nothing_that_goes_well_is_shown() -> None:
    rows = matching([row_of(job) for job in summaries(100)], "", "attention")
    assert {row.summary.state for row in rows} == {"failed", "parked", "refused", "quarantined", "paused"}


def test_when_a_job_waits_then_its_stage_is_its_place_in_the_queue() -> None:
    assert row_of(summary(state="queued", place_in_queue=2)).stage == "2nd in the queue"


def test_when_a_job_has_ended_then_old_progress_says_nothing_more() -> None:
    row = row_of(summary(state="failed"), Progress(stage="frames", done=7, total=8, seconds_left=3))
    assert (row.stage, row.done, row.seconds_left) == ("", 3, None)


def test_when_a_shot_has_a_space_in_its_name_then_the_copied_command_is_still_one_argument() -> None:
    assert command_line(summary(state="delivered", shot="sh 010")) == "understudy fetch abcd1234 --out 'out/sh 010'"


def test_when_a_preview_has_good_papers_then_it_is_for_review_whatever_its_files_say() -> None:
    assert standing_of(summary(state="delivered", engine="preview"), "delivered") == "for_review"
    assert standing_of(summary(state="delivered", engine="wan-animate"), "delivered") == "delivered"
