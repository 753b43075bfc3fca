from __future__ import annotations

import gc
import threading

from PySide6.QtCore import QObject
from qt_rig import wait_until

from understudy.ui.collecting import Collector

OBJECTS = 20_000
"""Far more than Python lets come before it collects by itself."""


class Ring(QObject):
    """A widget in small, in a ring of references as a slot makes one."""

    def __init__(self, gone: list[int]) -> None:
        super().__init__()
        self.again = lambda: self
        self.gone = gone

    def __del__(self) -> None:
        self.gone.append(threading.get_ident())


def make_objects(kept: list[list[int]]) -> None:
    kept.extend([] for _ in range(OBJECTS))


def test_when_other_threads_make_objects_then_what_is_let_go_is_destroyed_in_the_interfaces_thread() -> None:
    gone: list[int] = []
    kept: list[list[int]] = []
    collector = Collector()
    Ring(gone)
    other = threading.Thread(target=make_objects, args=(kept,))
    other.start()
    other.join()
    assert gone == []
    wait_until(lambda: bool(gone))
    collector.end()
    assert gone == [threading.get_ident()]


def test_when_it_is_ended_then_python_collects_by_itself_again() -> None:
    collector = Collector()
    assert not gc.isenabled()
    collector.end()
    assert gc.isenabled()
