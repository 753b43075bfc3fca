"""What the spine's tests share: orders as a daemon would give them, and a real daemon that may be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from understudy.bridge.client import Client
from understudy.bridge.errors import DaemonError, RequestError
from understudy.bridge.gather import Gathered, gather_job
from understudy.bridge.keys import CONNECTION_FILE, Connection, load_connection
from understudy.bridge.options import JobOptions
from understudy.inference.work_order import FromWorker, WorkOrder

START_SECONDS = 20.0


def gathered(options: JobOptions, **changed: Any) -> Gathered:
    return gather_job(msgspec.structs.replace(options, **changed))


def order_of(gathered_job: Gathered, folder: Path, **changed: Any) -> WorkOrder:
    """Return the order that a daemon would give its worker."""
    order = WorkOrder(
        job_id="testjob1", job=gathered_job.job, version=1, actor="tester", accepted_at="2026-11-20T10:00:00Z",
        blobs={digest: str(path) for digest, path in gathered_job.paths.items()},
        folder=str(folder), scratch=str(folder / ".scratch"),
    )  # fmt: skip
    return msgspec.structs.replace(order, **changed)


class Told(list[FromWorker]):
    """What a worker told, in order."""

    def of(self, kind: type[Any]) -> list[Any]:
        return [message for message in self if isinstance(message, kind)]


class RunningDaemon:
    """A daemon process of one home; may be killed and started again."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.process = self._start()

    @property
    def connection(self) -> Connection:
        return load_connection(self.home / CONNECTION_FILE)

    def kill(self) -> None:
        """End it as a power cut would."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def start_again(self) -> None:
        self.process = self._start()

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.home / "said.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "understudy.inference.daemon"],
                env={**os.environ, "UNDERSTUDY_HOME": str(self.home)}, stdout=log, stderr=log,
            )  # fmt: skip
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            assert process.poll() is None, (self.home / "said.log").read_text()
            try:
                with Client.connect(self.connection, timeout_seconds=1):
                    return process
            except (DaemonError, RequestError):
                time.sleep(0.02)
        raise AssertionError((self.home / "said.log").read_text())
