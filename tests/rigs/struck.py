"""Workers that are killed with signal 9 at a named moment of a job, and what they told until then.

`python struck.py` reads a `Sweep` from its standard input and writes a `Struck` a line for every moment of it: one job,
its worker killed at one moment after another, each time taken up again by another process. A worker is forked from
here, where its libraries are imported already; `fresh` starts each by itself, as a daemon does.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any, Literal

import msgspec
from blake3 import blake3
from unsigned import unsigned_files

from understudy.inference.work_order import (
    AskPapers,
    FreshPapers,
    FromWorker,
    WorkerEnd,
    WorkerProgress,
    WorkOrder,
)

TORN = ("*.part", ".*.partial", "*.partial", ".*.signing")
"""The names under which files are written before they have their own."""


class Moment(msgspec.Struct, frozen=True):
    """The `nth` time that a worker does something, and what people call the stage in which it does.

    `tells` a stage or a message's class; `enters` a function, by the end of its file and its name; `writes` a file, or
    `names` it by rename, by a part of its path. The first is struck from outside, when it was heard; the others strike
    the process on the spot, before the function's first line, the file's first byte or the rename.
    """

    stage: str
    does: Literal["tells", "enters", "writes", "names"]
    what: str
    nth: int = 1

    def __str__(self) -> str:
        return f"{self.stage} ({self.does} {self.what}, {self.nth})"


class Sweep(msgspec.Struct, frozen=True):
    """One job and the moments at which its worker is killed, in this order; behind the last it is left alone."""

    order: WorkOrder
    moments: tuple[Moment, ...]
    fresh: bool = False


class Struck(msgspec.Struct, frozen=True):
    """How one worker ended."""

    moment: Moment | None
    """None for the one that was left alone."""
    signal: int
    """0 = it was not killed."""
    told: tuple[FromWorker, ...]

    @property
    def end(self) -> WorkerEnd | None:
        return next((one for one in self.told if isinstance(one, WorkerEnd)), None)

    def segments(self, stage: str) -> set[int]:
        """Return the segments of which the worker told this stage."""
        return {one.segment for one in self.told if isinstance(one, WorkerProgress) and one.stage == stage}


def sweep(order: WorkOrder, moments: tuple[Moment, ...], *, fresh: bool = False) -> list[Struck]:
    """Return how each worker of one job ended, the last one left alone. Fails with what the process said."""
    done = subprocess.run(
        [sys.executable, __file__],
        input=msgspec.json.encode(Sweep(order, moments, fresh)),
        stdout=subprocess.PIPE,
        check=True,
    )
    return [msgspec.json.decode(line, type=Struck) for line in done.stdout.splitlines()]


def files_in(folder: Path) -> dict[str, str]:
    """Return the delivered files under a job's folder by their path, with the BLAKE3 of what in them is not signed."""
    return {path: blake3(content).hexdigest() for path, content in unsigned_files(folder).items()}


def tear(folder: Path) -> list[str]:
    """Cut every file that has not got its name yet to half: what a kill in mid write leaves. Return their names."""
    torn = sorted({path for pattern in TORN for path in folder.rglob(pattern) if path.is_file()})
    for path in torn:
        os.truncate(path, path.stat().st_size // 2)
    return [path.name for path in torn]


def _strike(order: WorkOrder, moment: Moment | None, *, fresh: bool) -> Struck:
    """Give the order to a worker and hear it to its end."""
    ours, theirs = socket.socketpair()
    process = _started(theirs, moment) if fresh else _forked(ours, theirs, moment)
    told: list[FromWorker] = []
    with ours:
        ours.sendall(msgspec.json.encode(order) + b"\n")
        for line in ours.makefile("rb"):
            told.append(msgspec.json.decode(line, type=FromWorker))
            if isinstance(told[-1], WorkerEnd):
                break
            if isinstance(told[-1], AskPapers):
                ours.sendall(msgspec.json.encode(FreshPapers(registry=order.registry)) + b"\n")
            if moment is not None and moment.does == "tells" and _count(told, moment.what) == moment.nth:
                os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)  # its end of the sockets is closed: a living worker ends by itself
    return Struck(moment, os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, tuple(told))


def _count(told: list[FromWorker], what: str) -> int:
    """Return how often the last message's kind was told; 0 where it is of another kind."""

    def named(message: FromWorker) -> str:
        return message.stage if isinstance(message, WorkerProgress) else type(message).__name__

    return sum(named(message) == what for message in told) if named(told[-1]) == what else 0


def _forked(ours: socket.socket, theirs: socket.socket, moment: Moment | None) -> int:
    process = os.fork()
    if process:
        theirs.close()
        return process
    ours.close()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    _work(theirs.detach(), moment)
    os._exit(0)


def _started(theirs: socket.socket, moment: Moment | None) -> int:
    said = msgspec.json.encode(moment).decode()
    with theirs:
        command = [sys.executable, __file__, str(theirs.fileno()), said]
        return subprocess.Popen(command, pass_fds=(theirs.fileno(),), stdout=subprocess.DEVNULL).pid


def _work(descriptor: int, moment: Moment | None) -> None:
    """Be a worker, `inference/worker.py` as a daemon starts it, with a moment to die at."""
    from understudy.inference.worker import main

    if moment is not None:
        _Blow(moment).arm()
    sys.argv = ["worker", "--socket", str(descriptor)]
    main()


class _Blow:
    """Kills this process at its moment, by Python's own audit and trace hooks: nothing of the worker is changed."""

    def __init__(self, moment: Moment) -> None:
        self._moment, self._left = moment, moment.nth
        self._file, _, self._function = moment.what.partition(":")
        self._lock = threading.Lock()

    def arm(self) -> None:
        if self._moment.does == "enters":
            threading.settrace(self._entered)
            sys.settrace(self._entered)
        elif self._moment.does in ("writes", "names"):
            sys.addaudithook(self._touched)

    def _entered(self, frame: FrameType, event: str, _: Any) -> None:
        """Hear of a function's beginning; None says that its lines are of no interest."""
        if frame.f_code.co_name == self._function and frame.f_code.co_filename.endswith(self._file):
            self._met()

    def _touched(self, event: str, given: tuple[Any, ...]) -> None:
        if event == "os.rename" and self._moment.does == "names":
            if self._moment.what in os.fspath(given[1]):
                self._met()
        elif event == "open" and self._moment.does == "writes" and not isinstance(given[0], int):
            written = set("wax+") & set(given[1] or "") or (given[2] or 0) & (os.O_WRONLY | os.O_RDWR)
            if written and self._moment.what in os.fsdecode(given[0]):
                self._met()

    def _met(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


def _main() -> None:
    if len(sys.argv) > 1:
        _work(int(sys.argv[1]), msgspec.json.decode(sys.argv[2], type=Moment | None))
        return
    wanted = msgspec.json.decode(sys.stdin.buffer.read(), type=Sweep)
    if not wanted.fresh:
        import torch

        import understudy.inference.engines.wan_animate
        import understudy.inference.worker  # noqa: F401

        torch.set_num_threads(1)  # as tests/rigs/tiny_wan.py says; and a fork has no pool of threads to lose
    for moment in (*wanted.moments, None):
        struck = _strike(wanted.order, moment, fresh=wanted.fresh)
        tear(Path(wanted.order.folder))
        sys.stdout.buffer.write(msgspec.json.encode(struck) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _main()
