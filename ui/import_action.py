"""The menu entry that has a host import the chosen take: one host is named in it, of several one is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from understudy.bridge.desk_messages import Listener, Tell
from understudy.bridge.errors import HostError, error_from_report
from understudy.ui import words
from understudy.ui.desk import Desk
from understudy.ui.job_rows import JobRow


class ImportAction(QAction):
    """Offered for a delivered take while a host is open. For the interface's thread."""

    told = Signal(str)
    failed = Signal(object)
    """UnderstudyError."""

    def __init__(self, desk: Desk, window: QWidget) -> None:
        super().__init__(window)
        self.setShortcut(QKeySequence(words.IMPORT_KEY))
        self.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self.setToolTip(words.IMPORT_HELP)
        self.setStatusTip(words.IMPORT_HELP)
        self.menu_of_hosts = QMenu(window)
        self._desk, self._window = desk, window
        self._row: JobRow | None = None
        desk.hosts_changed.connect(self._offer)
        desk.answered.connect(self._tell_answer)
        self.triggered.connect(lambda _checked=False: self._do())
        self._offer()

    def choose(self, rows: Sequence[JobRow]) -> None:
        """Offer the take of the one job that is selected; what is not delivered is imported by nobody."""
        self._row = rows[0] if len(rows) == 1 else None
        self._offer()

    def _offer(self, _hosts: object = None) -> None:
        hosts = self._desk.hosts
        if len(hosts) == 1:
            self.setText(words.IMPORT.format(desk=_plain(hosts[0].title)))
        else:
            self.setText(words.IMPORT_MANY if hosts else words.IMPORT_NOWHERE)
        self.setEnabled(bool(hosts) and self._row is not None and self._row.summary.state == "delivered")

    def _do(self) -> None:
        hosts = self._desk.hosts
        if len(hosts) == 1:
            self.import_into(hosts[0])
            return
        self.menu_of_hosts.clear()
        for host in hosts:
            self.menu_of_hosts.addAction(_plain(host.title)).triggered.connect(partial(self._chosen, host))
        if hosts:
            self.menu_of_hosts.setActiveAction(self.menu_of_hosts.actions()[0])
            self.menu_of_hosts.popup(self._window.mapToGlobal(QPoint(0, 0) + self._window.rect().center()))

    def _chosen(self, host: Listener, _checked: bool = False) -> None:
        self.import_into(host)

    def import_into(self, host: Listener) -> None:
        """Ask this host for the chosen take."""
        if self._row is None:
            return
        summary = self._row.summary
        take = words.take_of(shot=summary.shot, version=summary.version)
        asked = words.IMPORT_ASKED.format(desk=host.title, take=take)
        self._desk.import_take(summary.job_id, host, lambda: self.told.emit(asked), self.failed.emit)

    def _tell_answer(self, said: Tell) -> None:
        if said.error is None:
            self.told.emit(words.IMPORT_DONE.format(desk=said.title, said=said.words))
            return
        problem = error_from_report(said.error)
        self.failed.emit(HostError(f"{said.title}: {problem.message}", remedy=problem.remedy))


def _plain(title: str) -> str:
    """Return a title for a menu, in which & would underline what follows."""
    return title.replace("&", "&&")
