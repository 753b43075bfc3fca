"""What nobody expected: shown in words, with what to do and how to copy it, whichever thread it happened in.

It is logged as well, but nothing is ever only in a log. The same fault again is counted, not shown in a second window.
"""

from __future__ import annotations

import logging
import platform
import sys
import threading
import traceback
from importlib.metadata import version
from types import TracebackType

from PySide6 import __version__ as qt_version
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from understudy.ui import words

_log = logging.getLogger(__name__)


class Faults(QObject):
    """Catches what no one else did, for as long as it is installed. Made in the interface's thread."""

    _happened = Signal(object)
    """The exception, from any thread."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.window: FaultWindow | None = None
        self._over: QWidget | None = None
        self._before = sys.excepthook, threading.excepthook
        self._happened.connect(self._show, Qt.ConnectionType.QueuedConnection)

    def install(self, over: QWidget | None = None) -> None:
        """Hear of every exception that is caught nowhere. over: the window that they are shown over."""
        self._over = over
        sys.excepthook = self._in_interface
        threading.excepthook = self._in_thread

    def uninstall(self) -> None:
        sys.excepthook, threading.excepthook = self._before

    def tell(self, problem: BaseException) -> None:
        """Show a fault that was caught but not foreseen. From any thread."""
        _log.error("a fault of the panel", exc_info=problem)
        self._happened.emit(problem)

    def _in_interface(self, kind: type[BaseException], problem: BaseException, trace: TracebackType | None) -> None:
        if not isinstance(problem, Exception):  # Ctrl-C ends the panel, as everywhere
            self._before[0](kind, problem, trace)
            return
        self.tell(problem)

    def _in_thread(self, told: threading.ExceptHookArgs) -> None:
        if isinstance(told.exc_value, Exception):
            self.tell(told.exc_value)

    def _show(self, problem: Exception) -> None:
        if self.window is None:
            self.window = FaultWindow(self._over)
            self.window.finished.connect(self._forget)
        self.window.add(problem)
        self.window.show()

    def _forget(self) -> None:
        window, self.window = self.window, None
        if window is not None:
            window.deleteLater()


class FaultWindow(QDialog):
    """Faults in words, with all that a report needs. The panel goes on behind it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(words.FAULT_TITLE)
        self._counts: dict[str, int] = {}
        self.said = QLabel(self, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.said.setAccessibleName(words.HAPPENED)
        self.next = QLabel(words.FAULT_NEXT, self, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.next.setAccessibleName(words.NEXT)
        self.report = QPlainTextEdit(self, readOnly=True)
        self.report.setAccessibleName(words.FAULT_REPORT)
        self.report.setTabChangesFocus(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, parent=self)
        self.copy = buttons.addButton(words.FAULT_COPY, QDialogButtonBox.ButtonRole.ActionRole)
        self.copy.clicked.connect(self._copy)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        for widget in (self.said, self.next, self.report, buttons):
            layout.addWidget(widget)
        letters = self.fontMetrics()
        self.resize(letters.averageCharWidth() * 90, letters.height() * 26)

    def add(self, problem: Exception) -> None:
        """Show one more; the same one is counted."""
        told = "".join(traceback.format_exception(problem))
        self._counts[told] = self._counts.get(told, 0) + 1
        self.said.setText(
            words.FAULT_SAID.format(
                kind=type(problem).__name__, problem=problem, times=words.counted(sum(self._counts.values()), "time")
            )
        )
        self.report.setPlainText(_surroundings() + "\n\n".join(f"{n} x {told}" for told, n in self._counts.items()))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.report.toPlainText())
        self.next.setText(f"{words.FAULT_COPIED} {words.FAULT_NEXT}")


def _surroundings() -> str:
    return (
        f"understudy {version('understudy')}, Python {platform.python_version()}, Qt {qt_version}, "
        f"{platform.platform()}\n\n"
    )
