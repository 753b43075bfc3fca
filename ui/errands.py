"""What may wait, away from the interface: a thread that asks the daemon, and threads for what takes minutes.

The interface's thread hands over a function and what to do with its answer; the answer comes back to it by a queued
signal. No other file of the panel starts a thread but `session`, whose events come by `bridge.watch`.
"""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from PySide6.QtCore import QObject, Qt, Signal
from shiboken6 import isValid

from understudy.bridge.errors import UnderstudyError, error_in_words

Answer = TypeVar("Answer")
Failed = Callable[[UnderstudyError], None]

CLOSE_SECONDS = 1.0
"""How long a window that closes may wait for a thread; at the latest it ends with the process."""


def is_gone(call: Callable[[Answer], None]) -> bool:
    """Say whether the window that waits for an answer was closed and deleted meanwhile."""
    owner = getattr(call, "__self__", None)
    return isinstance(owner, QObject) and not isValid(owner)


class _Errand(NamedTuple):
    do: Callable[[], object]
    then: Callable[[object], None]
    failed: Failed


class _Post(QObject):
    """Brings a call into the interface's thread: it was made there, and its signal is queued."""

    arrived = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.open = True
        self.arrived.connect(self._run, Qt.ConnectionType.QueuedConnection)

    def _run(self, call: Callable[[], None]) -> None:
        if self.open:
            call()


class Errands:
    """Does what it is told, one thing after the other, in a thread of its own. Made and closed by the interface."""

    def __init__(self, name: str) -> None:
        self._post = _Post()
        self._waiting: queue.SimpleQueue[_Errand | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()
        self._under_way = 0

    @property
    def idle(self) -> bool:
        """Whether every errand so far has been answered. For the interface's thread."""
        return self._under_way == 0

    def run(self, do: Callable[[], Answer], then: Callable[[Answer], None], failed: Failed) -> None:
        """Have `do` called in the thread; then `then` with its answer, or `failed`, in the interface's thread."""
        self._under_way += 1
        self._waiting.put(_Errand(do, then, failed))  # type: ignore[arg-type]

    def aside(self, name: str, do: Callable[[], Answer], then: Callable[[Answer], None], failed: Failed) -> None:
        """The same in a thread of its own, for what takes long; the others do not wait for it."""
        self._under_way += 1
        errand = _Errand(do, then, failed)  # type: ignore[arg-type]
        threading.Thread(target=self._perform, args=(errand,), name=name, daemon=True).start()

    def tell(self, call: Callable[[], None]) -> None:
        """Have `call` made in the interface's thread. From any thread."""
        self._post.arrived.emit(call)

    def close(self, *, wait: bool = True) -> None:
        """Let the thread end; nothing is called back from now on. What hangs is not waited for beyond a moment."""
        self._post.open = False
        self._waiting.put(None)
        if wait:
            self._thread.join(CLOSE_SECONDS)

    def _serve(self) -> None:
        while (errand := self._waiting.get()) is not None:
            self._perform(errand)

    def _perform(self, errand: _Errand) -> None:
        try:
            answer = errand.do()
        except Exception as problem:  # noqa: BLE001 - the panel's edge: a fault is shown, and the next errand is done
            if not isinstance(problem, UnderstudyError | OSError):
                # Whoever asked is told too, but may have nothing to say it with: `faults` shows it, and logs it.
                sys.excepthook(type(problem), problem, problem.__traceback__)
            self._return(errand.failed, error_in_words(problem))
        else:
            self._return(errand.then, answer)

    def _return(self, call: Callable[[Answer], None] | Failed, value: object) -> None:
        def deliver() -> None:
            self._under_way -= 1
            if not is_gone(call):
                call(value)  # type: ignore[arg-type]

        self._post.arrived.emit(deliver)
