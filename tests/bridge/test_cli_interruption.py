"""Ctrl-C that Python lost is heard all the same."""

from __future__ import annotations

import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from understudy.bridge.cli_interruption import kept


class PressedWhileItEnds:
    """Its destructor runs while Ctrl-C is pressed: Python drops the exception there."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


def test_when_the_press_is_lost_in_a_destructor_then_the_next_look_raises_it(monkeypatch: pytest.MonkeyPatch) -> None:
    dropped: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda said: dropped.append(said.exc_type))
    with kept() as check:
        check()
        doomed = PressedWhileItEnds()
        del doomed
        assert dropped == [KeyboardInterrupt]
        with pytest.raises(KeyboardInterrupt):
            check()


def test_when_nothing_is_in_the_way_then_the_press_interrupts_at_once() -> None:
    with kept(), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_when_it_is_over_then_the_handler_of_before_is_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with kept():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before


def test_when_a_command_runs_on_another_thread_then_signals_are_left_alone() -> None:
    def on_a_thread() -> str:
        with kept() as check:
            check()
            return threading.current_thread().name

    before = signal.getsignal(signal.SIGINT)
    with ThreadPoolExecutor(1, thread_name_prefix="other") as pool:
        assert pool.submit(on_a_thread).result(20).startswith("other")
    assert signal.getsignal(signal.SIGINT) is before
