"""Calls that wait for a host's main thread: any other thread asks, the host's own timer does one a turn.

A host's API may be touched on its main thread only, and that thread must never be held for long: so whoever works for
a job does so in a thread of its own, and brings what needs the host here, in pieces of at most one frame.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Generic, TypeVar

from understudy.bridge.errors import HostError

_Result = TypeVar("_Result")

IDLE_SECONDS = 0.02
"""How long `run_until` sleeps between two looks where nothing waits: a host without an event loop has nothing else."""


class Asked(Generic[_Result]):
    """A call that waits for another thread, and what came of it.

    No `concurrent.futures.Future`: its package brings `logging` along, a fifth of what a host's start costs.
    """

    def __init__(self, call: Callable[[], _Result]) -> None:
        self._call = call
        self._answered = threading.Event()
        self._result: list[_Result] = []
        self._problem: BaseException | None = None

    def answer(self) -> None:
        """Do the call, in the thread that is meant; never raises an error of the call's."""
        try:
            self._result.append(self._call())
        except Exception as problem:  # noqa: BLE001 - the host's edge: it is the asking thread's to hear
            self._problem = problem
        except BaseException:  # Ctrl-C is for whoever runs this thread; the asking one must not wait for ever
            self._problem = HostError("the host was interrupted", remedy="Submit it again when it is wanted.")
            raise
        finally:
            self._answered.set()

    def refuse(self, problem: BaseException) -> None:
        self._problem = problem
        self._answered.set()

    def wait(self) -> _Result:
        """Return the call's result or raise its error, as soon as there is either."""
        self._answered.wait()
        if self._problem is not None:
            raise self._problem
        return self._result[0]


class MainThread:
    """The queue between our threads and the host's main thread."""

    def __init__(self, wake: Callable[[], None] = lambda: None) -> None:
        """Make it on the main thread. wake: called on the asking thread when a call waits, where no timer looks."""
        self._wake = wake
        self._calls: queue.SimpleQueue[Asked[Any]] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._main = threading.current_thread()
        self._turning = False
        self._put_off = 0
        """Turns that came while a call was under way: the host let its event loop run within it."""

    @property
    def waiting(self) -> bool:
        return not self._calls.empty()

    def ask(self, call: Callable[[], _Result]) -> _Result:
        """Have the main thread do `call` and return its result or raise its error. On the main thread: at once.

        Raises HostError when the host goes away before its turn came.
        """
        if threading.current_thread() is self._main:
            return call()
        return self._put(call).wait()

    def leave(self, call: Callable[[], object]) -> None:
        """Have the main thread do `call` in its turn, and wait for nothing; where the host goes away it is not done."""
        self._put(call)

    def _put(self, call: Callable[[], _Result]) -> Asked[_Result]:
        asked = Asked(call)
        self._calls.put(asked)
        if self._closed.is_set():
            self._refuse_all()
        else:
            self._wake()
        return asked

    def turn(self) -> bool:
        """Do one waiting call; return whether there was one. Main thread only; never raises an error of the call's.

        A turn within a turn, as of a host that draws its progress while it renders, does nothing: it comes afterwards.
        """
        if self._turning:
            self._put_off += 1
            return False
        self._turning = True
        try:
            return self._do_one()
        finally:
            self._turning = False
            put_off, self._put_off = self._put_off, 0
            for _ in range(put_off):
                self._wake()

    def _do_one(self) -> bool:
        try:
            asked = self._calls.get_nowait()
        except queue.Empty:
            return False
        asked.answer()
        return True

    def run_until(self, done: Callable[[], bool]) -> None:
        """Do calls until `done` says so: for a script or a background run, whose main thread has no event loop."""
        while not done() or self.waiting:
            if not self.turn():
                time.sleep(IDLE_SECONDS)

    def close(self) -> None:
        """The host ends, or our plugin is taken out: everyone who waits, or asks later, gets HostError."""
        self._closed.set()
        self._refuse_all()

    def _refuse_all(self) -> None:
        with suppress(queue.Empty):
            while True:
                self._calls.get_nowait().refuse(
                    HostError("the host has ended", remedy="The job goes on: open the document again.")
                )
