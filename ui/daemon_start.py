"""Starting a daemon of this machine, or finding the one that runs: in a thread of its own, it takes seconds."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Signal

from understudy.bridge.errors import UnderstudyError
from understudy.bridge.host_daemon import find_daemon
from understudy.bridge.keys import Connection
from understudy.ui.own_command import own_command
from understudy.ui.session import Session


class DaemonStart(QObject):
    """One start at a time. For the interface's thread, which never waits."""

    changed = Signal()
    """A start began or ended; `problem` says why it failed."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.under_way = False
        self.problem: UnderstudyError | None = None

    def start(self) -> None:
        """Start one, and turn to it."""
        if self.under_way:
            return
        self.under_way, self.problem = True, None
        self.changed.emit()
        self._session.errands.aside("understudy-start", lambda: find_daemon(own_command()), self._started, self._failed)

    def _started(self, connection: Connection) -> None:
        self.under_way = False
        self._session.connect_to(Path(connection.file))
        self.changed.emit()

    def _failed(self, problem: UnderstudyError) -> None:
        self.under_way, self.problem = False, problem
        self.changed.emit()
