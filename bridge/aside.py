"""What a host's steps need and the host itself does not do: files looked for, folders read. Off its main thread.

A share may take a second for what a local disk answers at once; the host's window must not hang on it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from understudy.bridge.host import Step, Steps
from understudy.bridge.main_thread import Asked

_Result = TypeVar("_Result")

LOOK_SECONDS = 0.005


def aside(call: Callable[[], _Result], words: str) -> Steps[_Result]:
    """Return what `call` returns, or raise its error, from a thread of its own; the host turns meanwhile.

    call: touches nothing of the host's. What is closed early is not waited for.
    """
    asked = Asked(call)
    thread = threading.Thread(target=asked.answer, name="understudy-aside", daemon=True)
    thread.start()
    while thread.is_alive():
        yield Step(0, 0, words, pause_seconds=LOOK_SECONDS)
    return asked.wait()


def missing_files(paths: Iterable[str]) -> Steps[list[str]]:
    """Return those of the files that are not there, in their order."""
    return aside(lambda: [path for path in paths if not Path(path).is_file()], "looking for files")
