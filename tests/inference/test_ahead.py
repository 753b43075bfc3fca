"""Working ahead keeps order, bounds and faults."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from understudy.inference.ahead import work_ahead


def test_items_come_in_order_and_are_made_on_another_thread() -> None:
    threads: set[int] = set()

    def items() -> Iterator[int]:
        for number in range(50):
            threads.add(threading.get_ident())
            yield number

    assert list(work_ahead(items(), 4)) == list(range(50))
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_no_more_are_made_ahead_than_said() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    with closing(work_ahead(items(), 3)) as ahead:
        for taken in range(5):
            assert next(ahead) == taken
        assert len(made) <= 5 + 3


def test_a_fault_comes_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("the third")

    ahead = work_ahead(items(), 9)
    assert [next(ahead), next(ahead)] == [1, 2]
    with pytest.raises(ValueError, match="the third"):
        next(ahead)


def test_closed_early_it_leaves_no_thread() -> None:
    before = threading.active_count()
    with closing(work_ahead(iter(range(1000)), 5)) as ahead:
        next(ahead)
    assert threading.active_count() == before
