"""The process that runs the rules, from outside: begun, waited for, stopped, read. One call, one process.

Files, not pipes: a rule that prints a gigabyte or never reads blocks nobody. The process is a fork of the nursery
(nursery.py; nurseries.py keeps one going).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
from typing import IO

from understudy.inference.compliance.answers import Line, read_lines
from understudy.inference.compliance.judgement import Ending
from understudy.inference.compliance.nurseries import NURSERIES, OUTPUT_KEPT_BYTES, Nursery

STOP_SECONDS = 10.0
"""A nursery that was just started imports for a second on a busy machine before it says the process's number."""


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
        ending = await self._try(seconds)
        if isinstance(ending, Nursery):  # it was killed before it read the request
            await asyncio.to_thread(ending.end)  # its pipes close before the system counts it as ended
            ending = await self._try(seconds)
        if isinstance(ending, Nursery):
            ending = ending.last_words(seconds)
        return ending

    async def _try(self, seconds: float) -> Ending | Nursery:
        """Return how the process ended, or the nursery that ended before it began one."""
        files = self._facts.fileno(), self._answers.fileno(), self._output.fileno()
        said = asyncio.StreamReader()
        end, nursery = await asyncio.to_thread(NURSERIES.begin, self._request, files)
        with end:
            transport, _ = await asyncio.get_running_loop().connect_read_pipe(
                lambda: asyncio.StreamReaderProtocol(said), end
            )
            process = code = None
            try:
                async with asyncio.timeout(seconds):
                    process = await _number(said)
                    if process is None:
                        return nursery
                    code = await _number(said)
                    if code is None:
                        return nursery.last_words(seconds)
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
