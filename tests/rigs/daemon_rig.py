"""A real daemon in a process of its own, for tests in any interpreter: a host's Python cannot run the daemon itself."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from fork_server import Forked, ForkServer, fork_server

from understudy.bridge.client import Client
from understudy.bridge.errors import DaemonError, RequestError
from understudy.bridge.keys import CONNECTION_FILE, Connection, load_connection

START_SECONDS = 20.0
PYTHON_VARIABLE = "UNDERSTUDY_TEST_PYTHON"
"""The interpreter that has the daemon's libraries, where the tests run in a host's own."""


MEMORY_SETTINGS = {
    "MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "8589934592", "MALLOC_ARENA_MAX": "1",
}  # fmt: skip
"""Those of inference/daemon/surroundings.py, which no host's Python has; a daemon without them starts twice."""


def daemon_python() -> str:
    return os.environ.get(PYTHON_VARIABLE, sys.executable)


def daemon_forks() -> ForkServer:
    """Return what forks daemons, real ones and those with stub workers."""
    modules = ("understudy.inference.daemon.process", "understudy.inference.compliance.registered")
    return fork_server(daemon_python(), *modules, environment=tuple(MEMORY_SETTINGS.items()))


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

    @contextlib.contextmanager
    def holding_its_slot(self) -> Iterator[None]:
        """Stop the only worker for as long as this lasts: the job that it has, or is given next, keeps the slot."""
        end = time.monotonic() + START_SECONDS
        with Client.connect(self.connection) as client:
            while (worker := client.status().slots[0].process) is None:
                assert time.monotonic() < end, "the daemon has no worker"
                time.sleep(0.02)
        os.kill(worker, signal.SIGSTOP)
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker, signal.SIGCONT)

    def start_again(self) -> None:
        self.process = self._start()

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _start(self) -> Forked:
        self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        environment = {**MEMORY_SETTINGS, **os.environ, "UNDERSTUDY_HOME": str(self.home)}
        with (self.home / "said.log").open("ab") as log:
            process = daemon_forks().start(
                ("-m", "understudy.inference.daemon"), environment, stdout=log.fileno(), stderr=log.fileno()
            )
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            assert process.poll() is None, (self.home / "said.log").read_text()
            try:
                with Client.connect(self.connection, timeout_seconds=1):
                    return process
            except (DaemonError, RequestError):
                time.sleep(0.02)
        raise AssertionError((self.home / "said.log").read_text())
