"""The whole job as an artist waits for it: submitted, recast, checked, delivered, in their own folder.

1280x720, 108 frames, a warm daemon on this machine, a home of its own so that no earlier result can answer. The clock
starts at the request and stops when the take is settled in the client's folder: every layer, movie and report.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from pathlib import Path

from benchmarks.daemon_process import DaemonProcess, machine_seconds, processor_seconds, running_daemon
from benchmarks.shots import full_shot, gathered
from benchmarks.table import Row, at_least, at_most
from understudy.bridge.messages import Event, Finished, FrameFinished, Progress, StateChanged
from understudy.bridge.options import JobOptions
from understudy.bridge.roundtrip import follow_job, send_job
from understudy.bridge.words import ENDED

GOAL_FRAMES_PER_SECOND = 3.0
GOAL_FIRST_SECONDS = 3.0
LOOK_SECONDS = 0.005


def measure() -> list[Row]:
    """Run a short job to warm the daemon and its worker, then the whole one."""
    with tempfile.TemporaryDirectory() as folder:
        options, what = full_shot(Path(folder) / "shot")
        with running_daemon(Path(folder) / "home") as daemon:
            _warm(daemon, options, Path(folder))
            job = gathered(options, prompt="the whole job")
            frames = len(job.job.shot.range)
            run = _Run(daemon, Path(folder) / "out")
            accepted = send_job(daemon.connection, job)
            run.follow(accepted.job_id)
    return _rows(run, frames, what)


def _warm(daemon: DaemonProcess, options: JobOptions, folder: Path) -> None:
    first = gathered(options).job.shot.range.first
    accepted = send_job(daemon.connection, gathered(options, frames=f"{first}-{first + 1}"))
    assert follow_job(daemon.connection, accepted.job_id, folder / "warm").summary.state == "delivered"


class _Run:
    """One job watched: when each stage began, when the first frame was whole in the client's folder, what it cost."""

    def __init__(self, daemon: DaemonProcess, out: Path) -> None:
        self._daemon, self._out = daemon, out
        self._processes = {"daemon": daemon.process.pid, "worker": daemon.workers()[0], "client": os.getpid()}
        self._cost = {name: processor_seconds(process) for name, process in self._processes.items()}
        self._machine = machine_seconds()
        self.start = time.monotonic()
        self.began: list[tuple[str, float]] = [("handing over", 0.0)]
        self.first = 0.0
        self.seconds = 0.0
        self._announced: list[threading.Thread] = []

    def follow(self, job_id: str) -> None:
        """Follow the job to its end; `seconds` is then the time to the settled take."""
        detail = follow_job(self._daemon.connection, job_id, self._out, told=self._told)
        self.seconds = time.monotonic() - self.start
        assert detail.summary.state == "delivered", detail.summary
        for thread in self._announced:
            thread.join()
        spent = {name: processor_seconds(process) - self._cost[name] for name, process in self._processes.items()}
        spent["others"] = machine_seconds() - self._machine - sum(spent.values())
        self.cost = spent

    def stages(self) -> str:
        """Return the stages in the order in which they were first met, with the seconds until the next began."""
        ends = [when for _, when in self.began[1:]] + [self.seconds]
        return ", ".join(f"{name} {end - when:.1f}" for (name, when), end in zip(self.began, ends, strict=True))

    def _told(self, event: Event) -> None:
        what = event.what
        if isinstance(what, Finished):
            self._begin("settling the client's take")
        elif isinstance(what, StateChanged) and what.state not in ENDED:
            self._begin(what.state)
        elif isinstance(what, Progress):
            self._begin(what.stage)
        elif isinstance(what, FrameFinished) and not self._announced:
            folder = self._out / ".provisional" / event.job_id
            looking = threading.Thread(target=self._look, args=([folder / file.path for file in what.files],))
            self._announced.append(looking)
            looking.start()

    def _begin(self, stage: str) -> None:
        if stage not in (name for name, _ in self.began):
            self.began.append((stage, time.monotonic() - self.start))

    def _look(self, files: list[Path]) -> None:
        while not all(file.is_file() for file in files):
            time.sleep(LOOK_SECONDS)
        self.first = time.monotonic() - self.start


def _rows(run: _Run, frames: int, what: str) -> list[Row]:
    cost = ", ".join(f"{name} {seconds:.1f}" for name, seconds in run.cost.items())
    speed = frames / run.seconds
    own = sum(seconds for name, seconds in run.cost.items() if name != "others")
    return [
        at_least(
            f"whole job, {frames} frames", speed, GOAL_FRAMES_PER_SECOND, "frames/s", 1.0,
            f"{what}; {run.seconds:.1f} s: {run.stages()}",
        ),
        at_most("first finished frame in the client's folder", run.first, GOAL_FIRST_SECONDS, "s", 1.0, what),
        at_most(
            "processor seconds of a frame, against what two cores give at the goal", own / frames,
            2 / GOAL_FRAMES_PER_SECOND, "s", 1.0, f"processor seconds: {cost}",
        ),
    ]  # fmt: skip


if __name__ == "__main__":
    from benchmarks.table import render

    print(render(measure()))
