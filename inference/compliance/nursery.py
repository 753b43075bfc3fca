"""The gate's parent process: everything that rules stand on is imported here once, and each evaluation is a fork of it.

    python -P -m understudy.inference.compliance.nursery DESCRIPTOR

A fork costs a few milliseconds where a fresh interpreter takes a quarter of a second, and it is as much a process of
its own: what a rule does to modules, files or itself ends with it. The nursery never runs a rule. Requests come over a
socket, with descriptors: facts, answers, output, and a pipe on which the process's number and its end are told. When
the other side closes, whatever still runs is ended.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import socket
import sys
import traceback

import msgspec

from understudy.inference.compliance import pack_rules, runner
from understudy.inference.compliance.answers import Answers
from understudy.inference.compliance.nurseries import LENGTH_BYTES


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One evaluation; four descriptors travel with it."""

    stage: str
    package: str
    names: tuple[str, ...]
    environment: dict[str, str]
    """The caller's as it is now; what Python itself reads of it is the nursery's own."""


class Nursery:
    """One thread, which forks and waits and does nothing else."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._ends: dict[int, int] = {}
        """Process to the pipe on which its end is told."""
        self._wake, self._woken = socket.socketpair()
        self._woken.setblocking(False)
        self._wake.setblocking(False)

    def serve(self) -> None:
        """Work until the channel is closed."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self._wake.fileno())
        with selectors.DefaultSelector() as selector:
            selector.register(self._channel, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if self._woken in ready:
                    self._collect()
                if self._channel in ready and not self._begin():
                    break
        for process in self._ends:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process, signal.SIGKILL)

    def _begin(self) -> bool:
        """Fork for the next request; return False when there is none any more."""
        length, descriptors, _, _ = socket.recv_fds(self._channel, LENGTH_BYTES, 4)
        if not length:
            return False
        said = self._channel.recv(int.from_bytes(length, "big"), socket.MSG_WAITALL)
        request = msgspec.json.decode(said, type=Request)
        facts, answers, output, end = descriptors
        process = os.fork()
        if process == 0:
            self._evaluate(request, facts, answers, output, end)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.setpgid(process, process)  # whoever is first, it or we: it may be stopped from now on
        for descriptor in (facts, answers, output):
            os.close(descriptor)
        self._ends[process] = end
        self._tell(end, process)
        return True

    def _evaluate(self, request: Request, facts: int, answers: int, output: int, end: int) -> None:
        """In the fork: leave the nursery's things alone, run the rules, end."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for descriptor in (end, *self._ends.values()):
                os.close(descriptor)
            for held in (self._channel, self._wake, self._woken):
                held.close()
            os.setpgid(0, 0)
            os.environ.clear()
            os.environ.update(request.environment)
            os.dup2(output, 1)
            os.dup2(output, 2)
            with os.fdopen(facts, "rb") as file:
                said = file.read()
            runner.run(request.stage, request.package, request.names, said, Answers(answers))
            code = 0
        finally:
            if code:
                traceback.print_exc()
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _collect(self) -> None:
        """Tell the end of every process that has ended."""
        with contextlib.suppress(BlockingIOError):
            self._woken.recv(4096)
        while self._ends:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                return
            end = self._ends.pop(process)
            self._tell(end, os.waitstatus_to_exitcode(status))
            os.close(end)

    @staticmethod
    def _tell(end: int, number: int) -> None:
        with contextlib.suppress(BrokenPipeError):  # nobody waits any more
            os.write(end, b"%d\n" % number)


if __name__ == "__main__":
    os.umask(0o077)
    pack_rules.prepare()
    Nursery(socket.socket(fileno=int(sys.argv[1]))).serve()
