"""Real widgets on no screen: one application a process, and waiting that keeps the interface alive.

pytest-qt is not used: it loads Qt when pytest starts, and without Qt's libraries no test at all would run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QPoint
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget


def application() -> QApplication:
    """Return this process's application, made at the first call."""
    made = QApplication.instance()
    return made if isinstance(made, QApplication) else QApplication(["understudy"])


def wait_until(holds: Callable[[], bool], seconds: float = 20.0, said: str = "") -> None:
    """Serve the interface until `holds` does. Raises AssertionError after `seconds`."""
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends, said or "it did not come to hold"
        application().processEvents()
        time.sleep(0.002)


def point_at(widget: QWidget, place: QPoint) -> None:
    """Move the mouse onto a place of a widget, whatever other window lies over it on the one small screen.

    `QTest.mouseMove` of a widget moves the cursor, and the window that the platform finds first there has the move.
    """
    handle = widget.window().windowHandle()
    QTest.mouseMove(handle, widget.mapTo(widget.window(), place))
    application().processEvents()
