"""The process that makes proxies, from outside: a bounded queue, the newest wish first, one process at most.

It is started when first asked, ended when nobody asks for a while, and started anew where it died or hangs.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

import msgspec

from understudy.bridge.errors import DaemonError, PlateError, UnderstudyError, error_from_report
from understudy.inference.proxy_order import ANSWER_LIMIT_BYTES, LENGTH_BYTES, MODULE, ProxyAnswer, ProxyOrder

WAITING_LIMIT = 32
"""Beyond it the oldest wishes go: what a scrub asked for so long ago, nobody looks at any more."""
IDLE_SECONDS = 60.0
ANSWER_SECONDS = 30.0
"""A frame of 8K out of a movie on a machine that renders takes a few; what takes longer hangs."""
TRIES = 2
"""A process that somebody killed is no fault of the file; one that dies twice at it died of it."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One order that waits."""

    order: ProxyOrder
    whose: tuple[str, str]
    """Key and place; an empty place replaces nothing."""
    ahead: bool
    done: Future[ProxyAnswer | None]
    """None = dropped."""


class ProxyMaker:
    """The queue and the thread that talks to the process. Any thread may ask."""

    def __init__(self, *, idle_seconds: float = IDLE_SECONDS, answer_seconds: float = ANSWER_SECONDS) -> None:
        self._idle, self._patience = idle_seconds, answer_seconds
        self._changed = threading.Condition()
        self._waiting: list[Wish] = []
        self._closing = False
        self._thread: threading.Thread | None = None
        self._process: _Process | None = None

    @property
    def process_id(self) -> int | None:
        """Return the process that makes proxies now; None while there is none."""
        process = self._process
        return process.number if process is not None else None

    def ask(self, order: ProxyOrder, key: str, place: str, *, ahead: bool) -> Future[ProxyAnswer | None]:
        """Queue an order. The future has the answer, an UnderstudyError, or None for one that a newer one dropped."""
        wish = Wish(order, (key, place), ahead, Future())
        with self._changed:
            if place:
                self._drop(lambda other: other.whose == wish.whose and other.ahead == ahead)
            self._waiting.append(wish)
            while len(self._waiting) > WAITING_LIMIT:
                oldest = next((other for other in self._waiting if other.ahead), self._waiting[0])
                self._drop(lambda other, oldest=oldest: other is oldest)  # type: ignore[misc]
            if self._thread is None and not self._closing:
                thread = threading.Thread(target=self._work, name="proxies", daemon=True)
                thread.start()  # where there is no room for one, the next wish tries again
                self._thread = thread
            self._changed.notify()
        return wish.done

    def close(self) -> None:
        """End thread and process; what waits is dropped."""
        with self._changed:
            self._closing = True
            self._drop(lambda wish: True)
            self._changed.notify()
            process = self._process
        if process is not None:
            process.kill()
        if self._thread is not None:
            self._thread.join()

    def _drop(self, which: Callable[[Wish], bool]) -> None:
        for wish in [wish for wish in self._waiting if which(wish)]:
            self._waiting.remove(wish)
            wish.done.set_result(None)

    def _work(self) -> None:
        while (wish := self._next()) is not None:
            try:
                wish.done.set_result(self._made(wish.order))
            except UnderstudyError as problem:
                wish.done.set_exception(problem)
            except Exception as problem:  # noqa: BLE001 - the daemon's edge: without this thread nobody sees a picture
                self._end()
                wish.done.set_exception(problem)
        self._end()

    def _next(self) -> Wish | None:
        """Return the newest wish to show something, else the oldest of those ahead; None at the end."""
        with self._changed:
            while not self._closing:
                if self._waiting:
                    wish = next((one for one in reversed(self._waiting) if not one.ahead), self._waiting[0])
                    self._waiting.remove(wish)
                    return wish
                if not self._changed.wait(self._idle if self._process is not None else None):
                    self._end()
        return None

    def _made(self, order: ProxyOrder) -> ProxyAnswer:
        for _ in range(TRIES):
            if self._process is None:
                self._process = _started()
            try:
                answer = self._process.answer(order, self._patience)
            except TimeoutError:
                self._end()
                raise _unfit("takes too long to be read") from None
            except (OSError, EOFError, msgspec.MsgspecError):
                self._end()
                if self._closing:
                    break
                continue
            if answer.error is not None:
                raise error_from_report(answer.error)
            return answer
        raise _unfit("ends the process that reads it")

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()


class _Process:
    """One process, for the thread of its maker alone; `kill` for any."""

    def __init__(self) -> None:
        self._channel, its = socket.socketpair()
        with its, contextlib.ExitStack() as undone:
            undone.callback(self._channel.close)
            # -P: a file of the working directory named like a library must not be run in its place.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", MODULE, str(its.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(its.fileno(),),
                start_new_session=True,
            )
            undone.pop_all()
        self.number = self._process.pid

    def answer(self, order: ProxyOrder, seconds: float) -> ProxyAnswer:
        """Raises TimeoutError, EOFError, OSError, msgspec.MsgspecError."""
        end = time.monotonic() + seconds
        said = msgspec.msgpack.encode(order)
        self._channel.settimeout(seconds)
        self._channel.sendall(len(said).to_bytes(LENGTH_BYTES, "big") + said)
        (length,) = struct.unpack(">I", self._take(LENGTH_BYTES, end))
        if length > ANSWER_LIMIT_BYTES:
            raise EOFError
        return msgspec.msgpack.decode(self._take(length, end), type=ProxyAnswer)

    def _take(self, count: int, end: float) -> bytes:
        taken = bytearray()
        while len(taken) < count:
            self._channel.settimeout(max(0.001, end - time.monotonic()))
            part = self._channel.recv(min(count - len(taken), 1 << 20))
            if not part:
                raise EOFError
            taken += part
        return bytes(taken)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._channel.close()


def _started() -> _Process:
    try:
        return _Process()
    except OSError as problem:  # of files, memory or processes this machine has no more for anyone
        raise DaemonError(
            f"the process that makes proxies cannot be started: {problem.strerror}",
            remedy="Ask again. If it stays so, the daemon's machine is short of what is named here.",
        ) from None


def _unfit(what: str) -> PlateError:
    return PlateError(
        f"this frame {what}; nothing else was touched", remedy="Is the file damaged? Retry the job, or fetch the file."
    )
