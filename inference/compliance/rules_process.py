"""The process that runs the rules, from outside: started, waited for, stopped, read. One call, one process.

Files, not pipes: a rule that prints a gigabyte or never reads blocks nobody.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import tempfile
from typing import IO

from understudy.inference.compliance.answers import Line, read_lines
from understudy.inference.compliance.judgement import Ending

OUTPUT_KEPT_BYTES = 2000
RUNNER = "understudy.inference.compliance.runner"


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
        descriptor = str(self._answers.fileno())
        # -P: a file of the working directory named like a library must not be run in its place.
        self._command = [sys.executable, "-P", "-m", RUNNER, stage, package, descriptor, *names]
        # A studio's own pyblish settings (targets, hosts, strictness) must not switch a rule of ours off.
        self._environment = {name: value for name, value in os.environ.items() if not name.startswith("PYBLISH")}

    def __enter__(self) -> RulesProcess:
        return self

    def __exit__(self, *details: object) -> None:
        self._files.close()

    def run(self, seconds: float) -> Ending:
        """Run to the end, or stop after `seconds`. Blocks; for a thread without an event loop."""
        return asyncio.run(self.run_async(seconds))

    async def run_async(self, seconds: float) -> Ending:
        """The same without blocking the event loop; cancelling stops the process."""
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=self._facts,
            stdout=self._output,
            stderr=self._output,
            pass_fds=(self._answers.fileno(),),
            env=self._environment,
            start_new_session=True,
        )
        code: int | None = None
        try:
            code = await asyncio.wait_for(process.wait(), seconds)
        except asyncio.TimeoutError:
            pass
        finally:
            _stop(process.pid, process.returncode)
            await process.wait()
        return Ending(code, seconds, self._last_output())

    def lines(self) -> tuple[Line, ...]:
        """Return what the rules answered. Only after the process ended."""
        return read_lines(_everything(self._answers))

    def _last_output(self) -> str:
        end = self._output.seek(0, os.SEEK_END)
        self._output.seek(max(0, end - OUTPUT_KEPT_BYTES))
        return self._output.read().decode("utf-8", "replace").strip()


def _everything(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def _stop(process: int, code: int | None) -> None:
    """End the rules' process and whatever it started, unless it ended by itself."""
    if code is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process, signal.SIGKILL)
