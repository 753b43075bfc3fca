"""The process that runs the rules, from outside: begun, waited for, stopped, read. One call, one process.

Files, not pipes: a rule that prints a gigabyte or never reads blocks nobody. The process is a fork of the nursery
(nursery.py), which is started with the first evaluation, and again where it is gone or Python's own variables changed.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from typing import IO

import msgspec

from understudy.inference.compliance.answers import Line, read_lines
from understudy.inference.compliance.judgement import Ending

OUTPUT_KEPT_BYTES = 2000
NURSERY = "understudy.inference.compliance.nursery"
STOP_SECONDS = 10.0
"""A nursery that was just started imports for a second on a busy machine before it says the process's number."""
LENGTH_BYTES = 4


class RulesProcess:
    """Facts in, answers and output out. A context manager; one thread or one task."""

    def __init__(self, stage: str, package: str, names: tuple[str, ...], facts: bytes) -> None:
        with contextlib.ExitStack() as stack:
            self._facts = stack.enter_context(tempfile.TemporaryFile(buffering=0))
            self._answers = stack.enter_context(tempfile.TemporaryFile(buffering=0))
            self._output = stack.enter_context(tempfile.TemporaryFile(buffering=0))
            self._facts.write(facts)
            self._facts.seek(0)
            self._files = stack.pop_all()
        self._request: dict[str, object] = {"stage": stage, "package": package, "names": names}

    def __enter__(self) -> RulesProcess:
        return self

    def __exit__(self, *details: object) -> None:
        self._files.close()

    def run(self, seconds: float) -> Ending:
        """Run to the end, or stop after `seconds`. Blocks; for a thread without an event loop."""
        return asyncio.run(self.run_async(seconds))

    async def run_async(self, seconds: float) -> Ending:
        """The same without blocking the event loop; cancelling stops the process."""
        files = self._facts.fileno(), self._answers.fileno(), self._output.fileno()
        said = asyncio.StreamReader()
        with await asyncio.to_thread(_NURSERY.begin, self._request, files) as end:
            transport, _ = await asyncio.get_running_loop().connect_read_pipe(
                lambda: asyncio.StreamReaderProtocol(said), end
            )
            process = code = None
            try:
                async with asyncio.timeout(seconds):
                    process = await _number(said)
                    code = await _number(said)
                    if code is None:
                        return _NURSERY.last_words(seconds)
            except TimeoutError:
                pass
            finally:
                if code is None:
                    await _stop(process, said)
                transport.close()
        return Ending(code, seconds, self._last_output())

    def lines(self) -> tuple[Line, ...]:
        """Return what the rules answered. Only after the process ended."""
        return read_lines(_everything(self._answers))

    def _last_output(self) -> str:
        end = self._output.seek(0, os.SEEK_END)
        self._output.seek(max(0, end - OUTPUT_KEPT_BYTES))
        return self._output.read().decode("utf-8", "replace").strip()


class _NurseryProcess:
    """The nursery of this process. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._python: dict[str, str] = {}

    def begin(self, request: dict[str, object], files: tuple[int, ...]) -> IO[bytes]:
        """Begin an evaluation and return the pipe that says the process's number and then its exit code, a line each.

        A nursery that has gone meanwhile is replaced; one that goes later closes the pipe.
        """
        # A studio's own pyblish settings (targets, hosts, strictness) must not switch a rule of ours off.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYBLISH")}
        said = msgspec.json.encode({**request, "environment": environment})
        message = len(said).to_bytes(LENGTH_BYTES, "big") + said
        with self._lock:
            for _ in range(2):
                channel = self._alive(environment)
                end, told = os.pipe()
                try:
                    sent = socket.send_fds(channel, [message], [*files, told])
                    channel.sendall(message[sent:])
                    return os.fdopen(end, "rb", buffering=0)
                except (BrokenPipeError, ConnectionResetError):
                    os.close(end)
                    self._end()
                finally:
                    os.close(told)
            raise OSError("the process that starts the gate's rules ended twice as it was asked to")

    def last_words(self, seconds: float) -> Ending:
        """Return how the nursery ended, where it ended under an evaluation: a broken install, or it was killed."""
        with self._lock:
            code, said = self._end()
            return Ending(code or 1, seconds, said[-OUTPUT_KEPT_BYTES:].decode("utf-8", "replace").strip())

    def close(self) -> None:
        """End the nursery, and with it whatever still runs."""
        with self._lock:
            self._end()

    def _alive(self, environment: dict[str, str]) -> socket.socket:
        python = {name: value for name, value in environment.items() if name.startswith("PYTHON")}
        if self._channel is not None and self._process is not None:
            if self._process.poll() is None and python == self._python:
                return self._channel
            self._end()
        ours, its = socket.socketpair()
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
        self._channel, self._python = ours, python
        return ours

    def _end(self) -> tuple[int | None, bytes]:
        """End the nursery, if there is one, and return its exit code and what it said, which is why it ended."""
        process, channel = self._process, self._channel
        self._channel = self._process = None
        if process is None or channel is None:
            return None, b""
        channel.close()
        _, said = process.communicate()
        return process.returncode, said


_NURSERY = _NurseryProcess()
atexit.register(_NURSERY.close)


async def _number(said: asyncio.StreamReader) -> int | None:
    """Return the next number; None where the nursery ended instead of saying one."""
    line = await said.readline()
    return int(line) if line.endswith(b"\n") else None


async def _stop(process: int | None, said: asyncio.StreamReader) -> None:
    """End an evaluation and what it started, and wait until it is gone."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(STOP_SECONDS):
            process = process or await _number(said)
            if process is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process, signal.SIGKILL)
                await _number(said)


def _everything(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()
