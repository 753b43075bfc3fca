"""Whether the files that a form names are there, and how many frames they have: looked up in threads, never here."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from PySide6.QtCore import QObject, QTimer, Signal

from understudy.bridge.errors import UnderstudyError
from understudy.bridge.options import JobOptions
from understudy.ui.form_check import missing_files
from understudy.ui.form_costs import frames_on_disk
from understudy.ui.session import Session

PAUSE_MILLISECONDS = 300
"""Whoever types a path is not told at every letter that there is no such file."""


class _Found(NamedTuple):
    options: JobOptions
    missing: dict[str, str]
    frames: int | None


class FormFiles(QObject):
    """Looks some moments after the last letter; only what was asked last is answered. For the interface's thread."""

    found = Signal()
    failed = Signal(object)
    """UnderstudyError."""

    def __init__(self, session: Session, options: Callable[[], JobOptions], parent: QObject) -> None:
        super().__init__(parent)
        self.missing: dict[str, str] = {}
        """What is wrong, by field."""
        self.frames: int | None = None
        """How many the plate's files have; None = not known."""
        self._session, self._options = session, options
        self._asked: JobOptions | None = None
        self._timer = QTimer(self, singleShot=True, interval=PAUSE_MILLISECONDS)
        self._timer.timeout.connect(self.look)

    def look_soon(self) -> None:
        self._timer.start()

    def look(self) -> None:
        """Look for what the form says now."""
        self._asked = options = self._options()
        self._session.errands.aside("understudy-files", lambda: _look(options), self._take, self._fail)

    def _take(self, found: _Found) -> None:
        if found.options is self._asked:  # else a slow share has answered for a path that stands there no more
            self.missing, self.frames = found.missing, found.frames
            self.found.emit()

    def _fail(self, problem: UnderstudyError) -> None:
        self.failed.emit(problem)


def _look(options: JobOptions) -> _Found:
    return _Found(options, missing_files(options), frames_on_disk(options))
