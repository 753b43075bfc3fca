"""Calls of other threads on a host's main thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from understudy.bridge.errors import HostError
from understudy.bridge.main_thread import MainThread


def turn_until(main: MainThread, done: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not done():
        assert time.monotonic() < end
        main.turn()


def test_when_another_thread_asks_then_the_call_runs_on_the_main_thread_and_its_result_comes_back() -> None:
    main = MainThread()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(main.ask, threading.current_thread)
        turn_until(main, answer.done)
    assert answer.result() is threading.current_thread()


def test_when_the_main_thread_asks_itself_then_it_does_not_wait_for_a_turn() -> None:
    assert MainThread().ask(lambda: 7) == 7


def test_when_a_call_raises_then_the_asking_thread_hears_it_and_the_turn_does_not() -> None:
    main = MainThread()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(main.ask, lambda: [][0])
        turn_until(main, answer.done)
    assert isinstance(answer.exception(), IndexError)


def test_when_a_call_waits_then_the_host_is_woken() -> None:
    woken = threading.Event()
    main = MainThread(woken.set)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(main.ask, lambda: None)
        assert woken.wait(10)
        turn_until(main, answer.done)


def test_when_nothing_waits_then_a_turn_says_so() -> None:
    assert MainThread().turn() is False


def test_when_the_host_closes_then_those_who_wait_and_those_who_come_later_get_a_host_error() -> None:
    main = MainThread()
    with ThreadPoolExecutor(1) as pool:
        waits = pool.submit(main.ask, lambda: None)
        while not main.waiting:
            time.sleep(0.001)
        main.close()
        with pytest.raises(HostError):
            waits.result(10)
        with pytest.raises(HostError):
            pool.submit(main.ask, lambda: None).result(10)


def test_when_a_script_has_no_event_loop_then_run_until_does_the_calls() -> None:
    main = MainThread()
    done: list[int] = []
    with ThreadPoolExecutor(1) as pool:
        asked = [pool.submit(main.ask, lambda: done.append(1)) for _ in range(3)]
        main.run_until(lambda: all(one.done() for one in asked))
    assert done == [1, 1, 1]


def test_when_the_host_turns_its_events_within_a_call_then_the_next_call_comes_after_it() -> None:
    woken: list[int] = []
    main = MainThread(lambda: woken.append(1))
    order: list[str] = []

    def long() -> None:
        order.append("begins")
        while not main.waiting:
            time.sleep(0.001)
        main.turn()  # as a progress bar does that lets the host's events through
        order.append("ends")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(main.ask, long)
        while not main.waiting:
            time.sleep(0.001)
        second: list[object] = []

        def start_second() -> None:
            second.append(pool.submit(main.ask, lambda: order.append("next")))

        threading.Timer(0.05, start_second).start()
        main.turn()
        turn_until(main, lambda: first.done() and order[-1] == "next")
    assert order == ["begins", "ends", "next"]
    assert len(woken) == 3  # once a call, and once for the turn that was put off


def test_when_the_main_thread_is_interrupted_then_it_stops_and_whoever_asked_is_told() -> None:
    main = MainThread()

    def interrupted() -> None:
        raise KeyboardInterrupt

    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(main.ask, interrupted)
        with pytest.raises(KeyboardInterrupt):
            turn_until(main, answer.done)
        with pytest.raises(HostError, match="interrupted"):
            answer.result(10)
