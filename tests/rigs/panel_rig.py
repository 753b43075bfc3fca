"""Jobs for the panel's tests, as a daemon tells them; small real shots; how long the interface is held."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from own_clock import OwnClock
from PySide6.QtCore import QObject, QTimer

from understudy.bridge.errors import UnderstudyError
from understudy.bridge.messages import JobSummary
from understudy.bridge.options import JobOptions

MONTH = "2026-11"


def summary(**changed: Any) -> JobSummary:
    """Return a job as the daemon lists it. changed: fields of JobSummary."""
    plain = JobSummary(
        job_id="abcd1234", shot="sh010", project=None, user="ada", engine="wan-animate", mode="replace",
        state="running", version=1, priority=0, created_at=f"{MONTH}-20T10:00:00.000Z", changed_at="",
        clearance="cleared", frames_done=3, frames_total=8,
    )  # fmt: skip
    return msgspec.structs.replace(plain, **changed)


def summaries(count: int) -> list[JobSummary]:
    """Return many jobs: ten takes a shot, every state, each with a time of its own."""
    states = ("delivered", "running", "queued", "failed", "parked", "refused", "cancelled", "quarantined", "paused")
    return [
        summary(
            job_id=f"job{number:07}", shot=f"sh{number // 10:04}", version=number % 10 + 1,
            state=states[number % len(states)], created_at=f"{MONTH}-20T{number:09}",
        )
        for number in range(count)
    ]  # fmt: skip


def shot_options(folder: Path, **changed: Any) -> JobOptions:
    """Return what recasts the shot that `draw_shot` drew into `folder`."""
    options = JobOptions(
        plate=str(folder / "plate/plate.####.exr"), matte=str(folder / "matte/matte.####.exr"),
        reference=str(folder / "reference.png"), rate="24", ocio="none", shot="sh010", engine="identity",
        self_attest="Ada, to test the panel",
    )  # fmt: skip
    return msgspec.structs.replace(options, **changed)


def no_problem(problem: UnderstudyError) -> None:
    """Fail with the error's own words: for what must not go wrong."""
    raise AssertionError(f"{problem.message} {problem.remedy}")


class Watchdog(QObject):
    """The longest time between two turns of the interface's loop, in seconds: how long the interface was held.

    A timer of nothing, so that every turn of the loop is counted; waiting for a core is not. To be closed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.longest = 0.0
        self._clock = OwnClock()
        self._last = self._clock.now()
        self._timer = QTimer(self, interval=0)
        self._timer.timeout.connect(self._tick)
        self._timer.start()

    def start_again(self) -> None:
        self.longest, self._last = 0.0, self._clock.now()

    def close(self) -> None:
        self._timer.stop()
        self._clock.close()

    def _tick(self) -> None:
        now = self._clock.now()
        self.longest, self._last = max(self.longest, now - self._last), now
