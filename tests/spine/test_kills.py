"""kill -9 of daemon, worker and client at random moments of a job: nothing is lost, the layers end bit-identical.

Two rounds a victim here; a hundred in `make bench`. The moments are random but seeded: a failure can be had again.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from spine_rig import RunningDaemon, gathered

from understudy.bridge.client import Client
from understudy.bridge.errors import DaemonError, RequestError
from understudy.bridge.exr_file import picture_digest
from understudy.bridge.options import JobOptions
from understudy.bridge.roundtrip import follow_job, send_job

ROUNDS = 6
LONGEST_SECONDS = 3.5  # about as long as the job takes


def pictures(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): picture_digest(path) for path in sorted(folder.rglob("*.exr"))}


def kill_a_worker(daemon: RunningDaemon) -> None:
    with (
        contextlib.suppress(DaemonError, RequestError, ProcessLookupError),
        Client.connect(daemon.connection) as client,
    ):
        for slot in client.status().slots:
            if slot.process is not None:
                os.kill(slot.process, signal.SIGKILL)


def kill_a_client(daemon: RunningDaemon, job_id: str, out: Path, seconds: float) -> None:
    """Let a client fetch for a while, then kill it."""
    client = subprocess.Popen(
        [sys.executable, "-m", "understudy.bridge.cli", "fetch", job_id, "--out", str(out)],
        env={**os.environ, "UNDERSTUDY_HOME": str(daemon.home)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    time.sleep(seconds)
    client.kill()
    client.wait()


@pytest.mark.long
@pytest.mark.timeout(600)  # six rounds, on whatever machine
def test_when_everything_is_killed_at_random_moments_then_no_job_is_lost_and_the_layers_are_the_same(
    daemon: RunningDaemon, options: JobOptions, tmp_path: Path
) -> None:
    chance = random.Random(20)
    whole = send_job(daemon.connection, gathered(options, engine="preview", frames="1001-1004"))
    assert follow_job(daemon.connection, whole.job_id, tmp_path / "whole").summary.state == "delivered"
    expected = pictures(tmp_path / "whole")
    for number in range(ROUNDS):
        # Another prompt is another job: no cached pixels, the same picture (preview reads no prompt).
        job = gathered(options, engine="preview", frames="1001-1004", prompt=f"round {number}")
        accepted = send_job(daemon.connection, job)
        out = tmp_path / f"out_{number}"
        moment = chance.uniform(0.05, LONGEST_SECONDS)
        victim = ("daemon", "worker", "client")[number % 3]
        if victim == "client":
            kill_a_client(daemon, accepted.job_id, out, moment)
        else:
            time.sleep(moment)
        if victim == "worker":
            kill_a_worker(daemon)
        if victim == "daemon":
            daemon.kill()
            daemon.start_again()
        detail = follow_job(daemon.connection, accepted.job_id, out)
        assert detail.summary.state == "delivered", (number, victim, moment, detail.summary)
        assert pictures(out) == expected, (number, victim, moment)
