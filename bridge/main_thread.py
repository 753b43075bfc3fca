"""Calls that wait for a host's main thread: any other thread asks, the host's own timer does one a turn.

A host's API may be touched on its main thread only, and that thread must never be held for long: so whoever works for
a job does so in a thread of its own, and brings what needs the host here, in pieces of at most one frame.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

from understudy.bridge.errors import HostError

_Result = TypeVar("_Result")

IDLE_SECONDS = 0.02
"""How long `run_until` sleeps between two looks where nothing waits: a host without an event loop has nothing else."""


class MainThread:
    """The queue between our threads and the host's main thread."""

    def __init__(self, wake: Callable[[], None] = lambda: None) -> None:
        """Make it on the main thread. wake: called on the asking thread when a call waits, where no timer looks."""
        self._wake = wake
        self._calls: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]]] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._main = threading.current_thread()

    @property
    def waiting(self) -> bool:
        return not self._calls.empty()

    def ask(self, call: Callable[[], _Result]) -> _Result:
        """Have the main thread do `call` and return its result or raise its error. On the main thread: at once.

        Raises HostError when the host goes away before its turn came.
        """
        if threading.current_thread() is self._main:
            return call()
        future: Future[_Result] = Future()
        self._calls.put((future, call))
        if self._closed.is_set():
            self._refuse_all()
        else:
            self._wake()
        return future.result()

    def turn(self) -> bool:
        """Do one waiting call; return whether there was one. Main thread only; never raises what a call raises."""
        try:
            future, call = self._calls.get_nowait()
        except queue.Empty:
            return False
        try:
            result = call()
        except BaseException as problem:  # noqa: BLE001 - the host's edge: it is the asking thread's to hear
            future.set_exception(problem)
        else:
            future.set_result(result)
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
                future, _ = self._calls.get_nowait()
                future.set_exception(
                    HostError("the host has ended", remedy="The job goes on: open the document again.")
                )
