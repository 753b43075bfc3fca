"""The states of a job, whose turn it is, and who may do what."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.bridge.errors import KeyRefused, RequestError
from understudy.bridge.keys import User
from understudy.bridge.words import ENDED, State
from understudy.inference.daemon.jobs import (
    Ticket,
    can_move,
    check_may_change,
    check_may_submit,
    keeps_version,
    may_see,
    next_state,
    queue_order,
)

STATES = get_args(State)
ACTIONS = (
    "accept", "stored", "lack", "start", "check", "deliver", "refuse", "quarantine", "fail", "requeue", "park",
    "unpark", "pause", "resume", "cancel", "retry",
)  # fmt: skip

tickets = st.lists(
    st.builds(
        Ticket,
        job_id=st.uuids().map(str),
        user=st.sampled_from(["ada", "ben", "cleo"]),
        number=st.integers(1, 10_000),
        priority=st.integers(-100, 100),
        house_priority=st.sampled_from([0, 0, 0, 5, 50]),
    ),
    max_size=12,
    unique_by=lambda ticket: ticket.number,
)
turns = st.dictionaries(st.sampled_from(["ada", "ben", "cleo"]), st.integers(1, 1000))


@pytest.mark.parametrize(
    "path",
    [
        "draft accept uploading stored queued start running check checking deliver delivered",
        "running requeue queued pause paused resume uploading park parked unpark uploading",
        "checking quarantine quarantined retry uploading cancel cancelled retry uploading",
        "running fail failed retry uploading",
        "queued lack uploading",
    ],
)
def test_a_job_walks_along_the_states_of_the_contract(path: str) -> None:
    state, *steps = path.split()
    for action, expected in zip(steps[::2], steps[1::2], strict=True):
        state = next_state(state, action)
        assert state == expected


def test_every_action_leads_from_every_state_to_a_state_or_to_an_error_with_a_remedy() -> None:
    for state in STATES:
        for action in ACTIONS:
            if can_move(state, action):
                assert next_state(state, action) in STATES
            else:
                with pytest.raises(RequestError, match=state) as caught:
                    next_state(state, action)
                assert caught.value.remedy


def test_an_ended_job_can_only_be_tried_again_and_a_delivered_one_not_even_that() -> None:
    for state in ENDED:
        assert {action for action in ACTIONS if can_move(state, action)} <= {"retry"}
    assert not can_move("delivered", "retry")


def test_every_state_but_the_ended_ones_can_be_cancelled() -> None:
    assert {state for state in STATES if can_move(state, "cancel")} == set(STATES) - ENDED


def test_only_a_failed_job_goes_on_in_the_version_that_it_has() -> None:
    assert [state for state in sorted(ENDED) if keeps_version(state)] == ["failed"]


@given(tickets, turns)
def test_the_queue_holds_every_job_once(waiting: list[Ticket], last_turns: dict[str, int]) -> None:
    order = queue_order(waiting, last_turns)
    assert sorted(order) == sorted(ticket.job_id for ticket in waiting)


@given(tickets, turns)
def test_the_first_in_the_queue_stays_first_when_it_is_asked_again(
    waiting: list[Ticket], last_turns: dict[str, int]
) -> None:
    """The order told to artists is the order in which jobs start: taking the first away leaves the rest as it was."""
    order = queue_order(waiting, last_turns)
    owner = {ticket.job_id: ticket.user for ticket in waiting}
    turns_now = dict(last_turns)
    for number, job_id in enumerate(order):
        left = [ticket for ticket in waiting if ticket.job_id in order[number:]]
        assert queue_order(left, turns_now)[0] == job_id
        turns_now[owner[job_id]] = max(turns_now.values(), default=0) + 1


@given(tickets, turns)
def test_within_one_user_higher_priority_goes_first_then_the_older_job(
    waiting: list[Ticket], last_turns: dict[str, int]
) -> None:
    order = queue_order(waiting, last_turns)
    for user in ("ada", "ben", "cleo"):
        own = [ticket for ticket in waiting if ticket.user == user]
        expected = sorted(own, key=lambda t: (-t.house_priority, -t.priority, t.number))
        assert [j for j in order if j in {t.job_id for t in own}] == [t.job_id for t in expected]


def test_a_user_with_hundred_jobs_does_not_keep_another_waiting() -> None:
    many = [Ticket(f"a{number}", "ada", number, priority=100) for number in range(1, 101)]
    assert queue_order([*many, Ticket("b", "ben", 500, priority=-100)], {"ada": 9}).index("b") == 0


def test_users_take_turns_whatever_priority_they_give_their_own_jobs() -> None:
    waiting = [Ticket(f"a{n}", "ada", n, priority=100) for n in (1, 2, 3)] + [Ticket(f"b{n}", "ben", n) for n in (4, 5)]
    assert queue_order(waiting, {}) == ("a1", "b4", "a2", "b5", "a3")


def test_what_a_producer_raised_goes_before_every_turn() -> None:
    waiting = [Ticket("a", "ada", 1), Ticket("b", "ben", 2), Ticket("c", "cleo", 3, house_priority=1)]
    assert queue_order(waiting, {"cleo": 99})[0] == "c"


def test_a_key_sees_its_own_jobs_and_those_of_its_projects_only() -> None:
    bound = User(name="ada", projects=("dune",))
    assert may_see(bound, "ben", "dune")
    assert may_see(bound, "ada", None)
    assert not may_see(bound, "ben", "arrival")
    assert not may_see(bound, "ben", None)
    assert may_see(User(name="cleo"), "ben", None)


def test_only_the_owner_a_producer_or_an_admin_may_change_a_job() -> None:
    check_may_change(User(name="ada"), "ada", "cancel")
    check_may_change(User(name="ben", roles=("producer",)), "ada", "cancel")
    with pytest.raises(KeyRefused, match="ada"):
        check_may_change(User(name="ben", roles=("artist", "legal")), "ada", "cancel")


def test_a_key_cannot_submit_into_a_project_that_it_does_not_belong_to() -> None:
    check_may_submit(User(name="ada", projects=("dune",)), "dune")
    with pytest.raises(KeyRefused, match="arrival"):
        check_may_submit(User(name="ada", projects=("dune",)), "arrival")
