"""kill -9 of daemon, worker and client at a hundred random moments of jobs: nothing lost, the layers bit-identical.

Each job of a small drawn shot is hit a few times while a client fetches it; then whoever was killed is started again
and the take must be what an undisturbed job gave: every layer's picture digest, every file as its manifest lists it.
The moments are random but seeded. `python -m benchmarks.kill_100 10` strikes ten times.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from benchmarks.daemon_process import DaemonProcess, running_daemon
from benchmarks.shots import drawn_options, gathered
from benchmarks.table import Row, at_least
from understudy.bridge.client import Client
from understudy.bridge.errors import UnderstudyError
from understudy.bridge.exr_file import file_digest, picture_digest
from understudy.bridge.options import JobOptions
from understudy.bridge.roundtrip import follow_job, send_job
from understudy.bridge.words import ENDED
from understudy.inference.compliance.manifest import MANIFEST_NAME, read_manifest

KILLS = 100
KILLS_A_JOB = 3
WORKER_KILLS_A_JOB = 2  # a job whose worker dies a third time without getting further is given up, and rightly so
LONGEST_WAIT_SECONDS = 1.5
"""Between two kills: three of them spread over about as long as an undisturbed job takes."""
FRAMES, WIDTH, HEIGHT = 6, 320, 180
SEED = 7


def measure(kills: int = KILLS) -> list[Row]:
    """Strike until `kills` have hit a job that was not over yet."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        options = drawn_options(Path(folder) / "shot", FRAMES, WIDTH, HEIGHT)
        with running_daemon(Path(folder) / "home") as daemon:
            ordeal = _Ordeal(daemon, options, Path(folder))
            while ordeal.struck.total() < kills:
                ordeal.run_job(min(KILLS_A_JOB, kills - ordeal.struck.total()))
    struck = ", ".join(f"{who} {count}" for who, count in sorted(ordeal.struck.items()))
    note = f"{struck}; {ordeal.jobs} jobs, {time.monotonic() - start:.0f} s" + "".join(
        f"; {one}" for one in ordeal.faults
    )
    name = "kills that lost nothing and left the layers bit-identical"
    return [at_least(name, ordeal.struck.total() - ordeal.lost, ordeal.struck.total(), "kills", 1.0, note)]


class _Ordeal:
    """Jobs of one shot under a daemon that is struck again and again."""

    def __init__(self, daemon: DaemonProcess, options: JobOptions, folder: Path) -> None:
        """Run one job undisturbed: the others must end as it did."""
        self._daemon, self._options, self._folder = daemon, options, folder
        self._chance = random.Random(SEED)
        self.struck: Counter[str] = Counter()
        self.jobs = self.lost = 0
        self.faults: list[str] = []
        whole = send_job(daemon.connection, gathered(options))
        assert follow_job(daemon.connection, whole.job_id, folder / "whole").summary.state == "delivered"
        self._expected = _pictures(folder / "whole")

    def run_job(self, kills: int) -> None:
        """Run one job through at most `kills` kills, and look at what it left."""
        self.jobs += 1
        out = self._folder / f"out_{self.jobs}"
        # Another prompt is another job: no result is used again, and preview reads no prompt.
        job = gathered(self._options, prompt=f"job {self.jobs}")
        job_id = send_job(self._daemon.connection, job).job_id
        hits = self._strike(job_id, out, kills)
        try:
            detail = follow_job(self._daemon.connection, job_id, out)
            fault = self._fault(detail.summary.state, out)
        except UnderstudyError as problem:
            fault = problem.message
        if fault:
            self.lost += hits
            self.faults.append(f"job {self.jobs}: {fault}")

    def _strike(self, job_id: str, out: Path, kills: int) -> int:
        """Let a client fetch the job and kill about it; return how often the job was hit."""
        client = self._start_client(job_id, out)
        victims = self._victims(kills)
        hits = 0
        for victim in victims:
            time.sleep(self._chance.uniform(0.0, LONGEST_WAIT_SECONDS))
            if self._is_over(job_id):
                break
            if victim == "client":
                _end(client)
                client = self._start_client(job_id, out)
            else:
                self._strikes()[victim]()
            self.struck[victim] += 1
            hits += 1
        _end(client)  # what it has not brought yet, a client that is started later must bring
        return hits

    def _victims(self, kills: int) -> list[str]:
        victims: list[str] = []
        while len(victims) < kills:
            victim = self._chance.choice(("daemon", "worker", "client"))
            if victim != "worker" or victims.count("worker") < WORKER_KILLS_A_JOB:
                victims.append(victim)
        return victims

    def _strikes(self) -> dict[str, Callable[[], None]]:
        return {"daemon": self._kill_daemon, "worker": self._kill_worker}

    def _kill_daemon(self) -> None:
        self._daemon.kill()
        self._daemon.start_again()

    def _kill_worker(self) -> None:
        for process in self._daemon.workers():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def _is_over(self, job_id: str) -> bool:
        with Client.connect(self._daemon.connection) as client:
            return client.show_job(job_id).summary.state in ENDED

    def _start_client(self, job_id: str, out: Path) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "understudy.bridge.cli", "fetch", job_id, "--out", str(out)],
            env={**os.environ, "UNDERSTUDY_HOME": str(self._daemon.home)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _fault(self, state: str, out: Path) -> str:
        """Return what is wrong with a take, or nothing."""
        if state != "delivered":
            return f"ended {state}"
        differ = self._expected.items() ^ _pictures(out).items()
        if differ:
            return f"differs in {', '.join(sorted({path for path, _ in differ})[:3])}"
        listed = read_manifest((out / MANIFEST_NAME).read_bytes()).files
        wrong = [file.path for file in listed if file_digest(out / file.path) != file.file]
        return f"not as its manifest says: {', '.join(wrong)}" if wrong else ""


def _pictures(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): picture_digest(path) for path in sorted(folder.rglob("*.exr"))}


def _end(client: subprocess.Popen[bytes]) -> None:
    client.kill()
    client.wait()


if __name__ == "__main__":
    from benchmarks.table import render

    print(render(measure(*(int(count) for count in sys.argv[1:2]))))
