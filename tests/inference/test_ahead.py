"""Working ahead keeps order, bounds and faults."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from understudy.inference.ahead import map_ahead, work_ahead


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
    before = set(threading.enumerate())
    with closing(work_ahead(iter(range(1000)), 5)) as ahead:
        next(ahead)
    assert not set(threading.enumerate()) - before


def test_what_is_made_side_by_side_comes_in_the_items_own_order() -> None:
    begun = [threading.Event() for _ in range(8)]

    def make(number: int) -> int:
        begun[number].set()
        assert begun[number | 1].wait(20), "the odd one was not begun beside the even one"
        return number * number

    with ThreadPoolExecutor(2) as pool:
        assert list(map_ahead(pool, make, range(8), 2)) == [number * number for number in range(8)]


def test_no_more_than_said_are_made_side_by_side_ahead_of_their_turn() -> None:
    made: list[int] = []
    with ThreadPoolExecutor(4) as pool, closing(map_ahead(pool, made.append, range(100), 3)) as ahead:
        for _ in range(5):
            next(ahead)
        assert len(made) <= 5 + 3


def test_a_fault_side_by_side_comes_in_its_turn() -> None:
    def make(number: int) -> int:
        if number == 2:
            raise ValueError("the third")
        return number

    with ThreadPoolExecutor(3) as pool:
        ahead = map_ahead(pool, make, range(100), 3)
        assert [next(ahead), next(ahead)] == [0, 1]
        with pytest.raises(ValueError, match="the third"):
            next(ahead)
        assert list(ahead) == []
