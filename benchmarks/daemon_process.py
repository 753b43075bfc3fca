"""A daemon of our own for a measurement: a process that may be killed and started again, and what it costs."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from understudy.bridge.client import Client
from understudy.bridge.errors import DaemonError, RequestError
from understudy.bridge.keys import CONNECTION_FILE, Connection, load_connection
from understudy.inference.daemon.surroundings import memory_environment

START_SECONDS = 30.0
STOP_SECONDS = 20.0
LOOK_SECONDS = 0.02
_TICKS = os.sysconf("SC_CLK_TCK")


class DaemonProcess:
    """The daemon of one home. What it says is kept in HOME/said.log."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.process = self._start()

    @property
    def connection(self) -> Connection:
        return load_connection(self.home / CONNECTION_FILE)

    def workers(self) -> tuple[int, ...]:
        """Return the process ids of the slots that are manned."""
        with Client.connect(self.connection) as client:
            return tuple(slot.process for slot in client.status().slots if slot.process is not None)

    def kill(self) -> None:
        """End it as a power cut would; its workers go with it."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def start_again(self) -> None:
        self.process = self._start()

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def _start(self) -> subprocess.Popen[bytes]:
        with (self.home / "said.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "understudy.inference.daemon"],
                env={**memory_environment(os.environ), "UNDERSTUDY_HOME": str(self.home)}, stdout=log, stderr=log,
            )  # fmt: skip
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end and process.poll() is None:
            with contextlib.suppress(DaemonError, RequestError), Client.connect(self.connection, timeout_seconds=1):
                return process
            time.sleep(LOOK_SECONDS)
        process.kill()
        raise AssertionError((self.home / "said.log").read_text())


@contextmanager
def running_daemon(home: Path) -> Iterator[DaemonProcess]:
    """Yield a daemon of `home` and stop it at the end."""
    daemon = DaemonProcess(home)
    try:
        yield daemon
    finally:
        daemon.stop()


def processor_seconds(process: int) -> float:
    """Return the user and system seconds of a process so far, its ended children counted (proc(5), stat)."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(int(value) for value in fields[11:15]) / _TICKS


def machine_seconds() -> float:
    """Return the seconds that all cores together have worked since the machine started."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    user, nice, system, _, _, interrupt, soft, *_ = (int(value) for value in fields)
    return (user + nice + system + interrupt + soft) / _TICKS


def memory_bytes(process: int) -> int:
    """Return what a process holds in memory, pages of files apart: anonymous and shared (proc(5), status)."""
    found = 0
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(("RssAnon:", "RssShmem:")):
            found += int(line.split()[1]) * 1024
    return found
