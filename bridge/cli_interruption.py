"""Ctrl-C that is never lost.

Python raises KeyboardInterrupt wherever the main thread happens to be. Where that is a destructor, a weak reference's
callback or an import's lock, the exception is printed and dropped (documented in Python's `signal`, "Note on Signal
Handlers and Exceptions"), and the command would run on as if nobody had pressed anything. Here the press is kept too.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


@contextmanager
def kept() -> Iterator[Callable[[], None]]:
    """Yield what raises KeyboardInterrupt if Ctrl-C was pressed since; never on another thread than the main one.

    The exception comes at once as ever; what is yielded is called now and then by a loop, for the press that was lost.
    """
    if threading.current_thread() is not threading.main_thread():  # Python gives signals to the main thread alone
        yield lambda: None
        return
    pressed = False

    def press(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        raise KeyboardInterrupt

    def check() -> None:
        if pressed:
            raise KeyboardInterrupt

    before: Any = signal.signal(signal.SIGINT, press)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, before)
