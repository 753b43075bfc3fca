"""The nursery of this process, from outside: started with the first evaluation, and again where it is gone."""

from __future__ import annotations

import atexit
import contextlib
import os
import socket
import subprocess
import sys
import threading
from typing import IO

import msgspec

from understudy.inference.compliance.judgement import Ending

OUTPUT_KEPT_BYTES = 2000
NURSERY = "understudy.inference.compliance.nursery"
LENGTH_BYTES = 4
"""Before each request: how long it is."""


class Nursery:
    """One nursery, from outside. Any thread."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.python = _of_python(environment)
        self._lock = threading.Lock()
        self._ended: tuple[int, bytes] | None = None
        self._channel, its = socket.socketpair()
        with its:
            # -P: a file of the working directory named like a library must not be run in its place.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", NURSERY, str(its.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=(its.fileno(),),
                env=environment,
                start_new_session=True,
            )

    def serves(self, environment: dict[str, str]) -> bool:
        """Say whether it runs and was started with what Python reads of this environment."""
        return self._ended is None and self._process.poll() is None and self.python == _of_python(environment)

    def send(self, message: bytes, descriptors: list[int]) -> None:
        """Raises BrokenPipeError, ConnectionResetError where it is gone."""
        sent = socket.send_fds(self._channel, [message], descriptors)
        self._channel.sendall(message[sent:])

    def end(self) -> tuple[int, bytes]:
        """End it and whatever still runs; return its exit code and what it said, which is why it ended."""
        with self._lock:
            if self._ended is None:
                self._channel.close()
                _, said = self._process.communicate()
                self._ended = self._process.returncode, said
            return self._ended

    def last_words(self, seconds: float) -> Ending:
        """Return its own end as that of an evaluation: it was killed, or the install is broken."""
        code, said = self.end()
        return Ending(code or 1, seconds, said[-OUTPUT_KEPT_BYTES:].decode("utf-8", "replace").strip())


class Nurseries:
    """The one nursery of this process, and the next where that is gone. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._nursery: Nursery | None = None

    def begin(self, request: dict[str, object], files: tuple[int, ...]) -> tuple[IO[bytes], Nursery]:
        """Begin an evaluation; return the pipe that says the process's number and its exit code, a line each.

        A nursery that is gone is replaced; one that goes later closes the pipe.
        """
        # A studio's own pyblish settings (targets, hosts, strictness) must not switch a rule of ours off.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYBLISH")}
        said = msgspec.json.encode({**request, "environment": environment})
        message = len(said).to_bytes(LENGTH_BYTES, "big") + said
        end, told = os.pipe()
        try:
            with self._lock:
                nursery = self._alive(environment)
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the pipe says so: it closes
                    nursery.send(message, [*files, told])
            return os.fdopen(end, "rb", buffering=0), nursery
        finally:
            os.close(told)

    def close(self) -> None:
        """End the nursery, and with it whatever still runs."""
        with self._lock:
            if self._nursery is not None:
                self._nursery.end()

    def _alive(self, environment: dict[str, str]) -> Nursery:
        if self._nursery is None or not self._nursery.serves(environment):
            if self._nursery is not None:
                self._nursery.end()
            self._nursery = Nursery(environment)
        return self._nursery


NURSERIES = Nurseries()
atexit.register(NURSERIES.close)


def _of_python(environment: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith("PYTHON")}
