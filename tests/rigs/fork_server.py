"""Processes of Python that are forked from one which has imported their libraries already.

A daemon's imports take half a second of a core, PyTorch and diffusers ten; hundreds of tests start one. A fork has them
at once and is otherwise what the command would have been: a process of its own id, environment, folder, arguments and
standard streams, forked before any thread, socket or file was opened. What starts a daemon as a user does, by its
command, is tested by tests/bridge/test_local_daemon.py and tests/bridge/test_host_daemon.py.

`python fork_server.py DESCRIPTOR DOOR MODULE ...` is the process; it ends with the socket, and what it forked with it.
`python -I -S fork_server.py --ask DOOR WORDS ... --socket FD --parent PID` is a process in whose stead one is forked:
for what our own code starts, a slot's other GPU. It ends as that one ends, and that one is killed with it.
Linux alone: a process is watched by its descriptor (pidfd_open(2)). Uses the standard library alone.
"""

from __future__ import annotations

import atexit
import functools
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

LONGEST_BYTES = 1 << 20
"""Of a request: a command and an environment."""


class Forked:
    """One forked process, used as a `subprocess.Popen`."""

    def __init__(self, pid: int, connection: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._connection = connection

    def poll(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code, -N after signal N. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            self._connection.settimeout(timeout)
            try:
                said = self._connection.recv(LONGEST_BYTES)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0) from None
            self._connection.close()
            self.returncode = json.loads(said)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


class ForkServer:
    """The client's side. Any thread may start processes."""

    def __init__(self, python: str, modules: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start it, with `modules` imported; environment: for what is read when a process begins, as glibc does."""
        self._python = python
        self._turn = threading.Lock()
        self._folder = tempfile.TemporaryDirectory(prefix="forks-")
        self.door = str(Path(self._folder.name, "door"))
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as door:
            door.bind(self.door)  # here, so that it stands before anyone asks
            given = (theirs.fileno(), door.fileno())
            self._process = subprocess.Popen(
                [python, __file__, *map(str, given), *modules],
                pass_fds=given, stdin=subprocess.DEVNULL, env=dict(environment),
            )  # fmt: skip
        atexit.register(self.close)

    def start(self, words: Sequence[str], environment: Mapping[str, str], *, stdout: int, stderr: int) -> Forked:
        """Fork what `python WORDS` would be: `-m` and a module, or a script, and arguments; in this one's folder."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        request = {"words": [self._python, *words], "environment": dict(environment), "folder": str(Path.cwd())}
        with theirs, self._turn:
            socket.send_fds(self._socket, [json.dumps(request).encode()], [theirs.fileno(), stdout, stderr])
        return Forked(json.loads(ours.recv(LONGEST_BYTES)), ours)

    def stand_in(self, *words: str) -> tuple[str, ...]:
        """Return a command that has `python WORDS` forked in its stead."""
        return (self._python, "-I", "-S", __file__, "--ask", self.door, *words)

    def close(self) -> None:
        self._socket.close()
        self._process.wait()
        self._folder.cleanup()


@functools.cache
def fork_server(python: str, *modules: str, environment: tuple[tuple[str, str], ...] = ()) -> ForkServer:
    """Return this process's server with these modules, started at the first call."""
    return ForkServer(python, modules, {**os.environ, **dict(environment)})


class _Server:
    """The server's side: one thread, which forks, waits and tells how each ended."""

    def __init__(self, control: socket.socket, door: socket.socket) -> None:
        self._control, self._door = control, door
        self._watched = selectors.DefaultSelector()
        self._watched.register(control, selectors.EVENT_READ)
        self._watched.register(door, selectors.EVENT_READ)
        self._running: dict[int, socket.socket] = {}

    def serve(self) -> None:
        """Serve until the client is gone, then end what still runs."""
        while True:
            for key, _ in self._watched.select():
                if key.data is not None:
                    self._bury(key.fd, key.data)
                    continue
                assert isinstance(key.fileobj, socket.socket)
                if key.fileobj not in (self._control, self._door):
                    self._follow(key.fileobj)
                    continue
                request, descriptors, _, _ = socket.recv_fds(key.fileobj, LONGEST_BYTES, 4)
                if not request:
                    return self._end()
                self._fork(json.loads(request), *descriptors)

    def _fork(self, request: dict[str, Any], connection: int, stdout: int, stderr: int, passed: int = -1) -> None:
        server, pid = os.getpid(), os.fork()
        if not pid:
            for other in (self._watched, self._control, self._door, *self._running.values()):
                other.close()
            os.close(connection)
            if passed >= 0:
                request["words"] += ["--socket", str(passed), "--parent", str(server)]
            _become(request, stdout, stderr)
        for theirs in {stdout, stderr, passed} - {-1}:
            os.close(theirs)
        self._running[pid] = socket.socket(fileno=connection)
        self._running[pid].send(json.dumps(pid).encode())
        self._watched.register(os.pidfd_open(pid), selectors.EVENT_READ, pid)
        if passed >= 0:
            self._watched.register(self._running[pid], selectors.EVENT_READ)

    def _follow(self, connection: socket.socket) -> None:
        """Kill what was forked in the stead of a process that is gone."""
        self._watched.unregister(connection)
        for pid in [pid for pid, one in self._running.items() if one is connection]:
            os.kill(pid, signal.SIGKILL)

    def _bury(self, watched: int, pid: int) -> None:
        self._watched.unregister(watched)
        os.close(watched)
        _, status = os.waitpid(pid, 0)
        with self._running.pop(pid) as connection, suppress(OSError):  # nobody has to ask how it ended
            with suppress(KeyError):
                self._watched.unregister(connection)
            connection.send(json.dumps(os.waitstatus_to_exitcode(status)).encode())

    def _end(self) -> None:
        for pid in self._running:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def _become(request: dict[str, Any], stdout: int, stderr: int) -> None:
    """Be the process that was asked for, to its end."""
    os.dup2(stdout, 1)
    os.dup2(stderr, 2)
    os.close(stdout)
    os.close(stderr)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.orig_argv = list(request["words"])
    code = 1
    try:
        code = _run(request["words"][1:])
    except BaseException:  # noqa: BLE001 - the process's edge, which tells as Python does
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _run(words: list[str]) -> int:
    """Run a module or a script as `python` does; return its exit code."""
    sys.argv = words[1:] if words[0] == "-m" else words
    try:
        if words[0] == "-m":
            runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def ask(door: str, words: list[str]) -> None:
    """Have a process forked that gets this one's socket, and end as it ends."""
    passed = int(words[words.index("--socket") + 1])
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    request = {"words": [sys.executable, *words[: words.index("--socket")]], "environment": dict(os.environ)}
    request["folder"] = str(Path.cwd())
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out, theirs:
        out.connect(door)
        socket.send_fds(out, [json.dumps(request).encode()], [theirs.fileno(), 1, 2, passed])
    os.close(passed)
    ours.recv(LONGEST_BYTES)
    code = json.loads(ours.recv(LONGEST_BYTES))
    if code < 0:
        os.kill(os.getpid(), -code)
    sys.exit(code)


def main() -> None:
    if sys.argv[1] == "--ask":
        ask(sys.argv[2], sys.argv[3:])
    control, door = (socket.socket(fileno=int(given)) for given in sys.argv[1:3])
    for module in sys.argv[3:]:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()  # what stands now stays: no fork need walk it
    _Server(control, door).serve()


if __name__ == "__main__":
    main()
