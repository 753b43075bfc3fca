"""A real daemon with stub workers in a process of its own, and patience."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from daemon_rig import daemon_forks
from fork_server import Forked

from understudy.bridge.client import Client

PATIENCE_SECONDS = 60.0
SCRIPT = Path(__file__).parents[1] / "inference" / "daemon" / "serve_with_stub.py"


def until(true: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> Any:
    """Wait until `true()` is, and return what it returned."""
    end = time.monotonic() + seconds
    while not (value := true()):
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.01)
    return value


class DaemonProcess:
    """A daemon with stub workers in a process of its own."""

    def __init__(self, home: Path, **settings: Any) -> None:
        self.home = home
        self.settings = settings
        self.process: Forked | None = None
        self.environment: dict[str, str] = {}
        self._words: IO[bytes]

    def start(self) -> DaemonProcess:
        said = json.dumps({"home": str(self.home), **self.settings})
        environment = {name: value for name, value in os.environ.items() if not name.startswith("UNDERSTUDY_")}
        said_here, says = os.pipe()
        self._words = tempfile.TemporaryFile()  # noqa: SIM115 - until it has ended
        with open(said_here, "rb") as port, open(says, "wb") as to:  # noqa: PTH123 - a pipe
            self.process = daemon_forks().start(
                (str(SCRIPT), said), {**environment, **self.environment},
                stdout=to.fileno(), stderr=self._words.fileno(),
            )  # fmt: skip
            to.close()
            if not port.readline():
                raise AssertionError(self.finish()[1])
        return self

    def finish(self, seconds: float = PATIENCE_SECONDS) -> tuple[int, str]:
        """Wait for the daemon's end; return its exit code and what it wrote to its standard error."""
        assert self.process is not None
        code = self.process.wait(seconds)
        with self._words as words:
            words.seek(0)
            return code, words.read().decode()

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.finish()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            code, words = self.finish()
            assert code == 0, words

    def client(self) -> Client:
        return Client.connect(self.home)

    @property
    def log(self) -> str:
        return (self.home / "daemon.log").read_text()
