"""What a host's steps need done elsewhere than on its main thread."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TypeVar

import pytest

from understudy.bridge.aside import aside, missing_files
from understudy.bridge.errors import HostError
from understudy.bridge.host import Steps

_Result = TypeVar("_Result")

PATIENCE_SECONDS = 10.0


def ended(steps: Steps[_Result]) -> _Result:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def test_when_a_call_waits_for_a_slow_share_then_the_host_turns_meanwhile() -> None:
    answers = threading.Event()
    steps = aside(lambda: answers.wait(PATIENCE_SECONDS), "looking")
    seen = [next(steps) for _ in range(3)]
    assert all(step.words == "looking" and step.pause_seconds > 0 for step in seen)
    answers.set()
    assert ended(steps) is True


def test_when_a_call_is_done_aside_then_it_is_in_another_thread() -> None:
    assert ended(aside(threading.current_thread, "")) is not threading.current_thread()


def test_when_a_call_refuses_then_the_host_s_own_step_raises_it() -> None:
    def refuse() -> None:
        raise HostError("there is no such file", remedy="Bring it back.")

    with pytest.raises(HostError, match="no such file"):
        ended(aside(refuse, ""))


def test_when_steps_are_closed_early_then_nobody_waits_for_the_call() -> None:
    answers = threading.Event()
    steps = aside(lambda: answers.wait(PATIENCE_SECONDS), "")
    next(steps)
    steps.close()
    assert not answers.is_set()
    answers.set()


def test_when_files_are_gone_then_these_are_named_in_their_order(tmp_path: Path) -> None:
    files = [str(tmp_path / f"plate.{frame}.exr") for frame in range(1001, 1006)]
    for file in files[1::2]:
        Path(file).touch()
    assert ended(missing_files(files)) == files[::2]
