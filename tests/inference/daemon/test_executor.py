"""Which jobs start when slots with GPUs and slots without are free."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from understudy.inference.daemon.executor import Room, who_starts

GPU, CPU = True, False


def test_a_job_that_needs_no_gpu_leaves_the_slot_that_owns_one_alone_while_another_is_free() -> None:
    assert who_starts([("preview", CPU), ("wan", GPU)], Room(1, 1, apart=True)) == ("preview", "wan")


def test_a_job_that_needs_no_gpu_takes_a_slot_that_owns_one_where_no_other_is_free() -> None:
    assert who_starts([("preview", CPU)], Room(0, 1, apart=True)) == ("preview",)


def test_a_job_that_needs_a_gpu_waits_for_one_and_lets_the_others_pass() -> None:
    assert who_starts([("wan", GPU), ("preview", CPU)], Room(1, 0, apart=True)) == ("preview",)


def test_where_no_slot_owns_a_gpu_every_slot_takes_every_job() -> None:
    assert who_starts([("wan", GPU), ("preview", CPU)], Room(1)) == ("wan",)


@given(st.lists(st.booleans(), max_size=12), st.integers(0, 5), st.integers(0, 5))
def test_no_slot_is_given_twice_and_none_stays_free_that_a_waiting_job_could_take(
    needs: list[bool], without: int, owning: int
) -> None:
    queue = [(str(number), need) for number, need in enumerate(needs)]
    started = who_starts(queue, Room(without, owning, apart=True))
    assert list(started) == sorted(started, key=int)
    assert len(started) <= without + owning
    with_gpu = [job for job in started if dict(queue)[job]]
    assert len(with_gpu) <= owning
    waiting = [need for job, need in queue if job not in started]
    if CPU in waiting:
        assert len(started) == without + owning
