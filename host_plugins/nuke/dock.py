"""The job list as a pane of Nuke 16 and newer, on Nuke's own PySide6. The whole panel stays a process of its own.

Nuke makes panes before a script is opened and destroys them without a word: this one does nothing until it is shown,
ends its threads when it is hidden, and holds no node. Threads are daemons': Nuke's end waits for none of them.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QVBoxLayout, QWidget

from understudy.bridge.settings import load_settings
from understudy.host_plugins.nuke import buttons
from understudy.ui import words
from understudy.ui.daemon_words import in_one_line
from understudy.ui.job_list import JobList
from understudy.ui.jobs_pane import JobsPane
from understudy.ui.session import Session, Standing
from understudy.ui.theme import dress_within


class JobsDock(QWidget):
    """What the user's daemon is doing. For Nuke's main thread."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.jobs = JobList(self)
        self.pane = JobsPane(self.jobs, self, when_empty=words.DOCK_EMPTY)
        self.pane.add_menu(QMenu(self))
        self.line = QLabel(self, textFormat=Qt.TextFormat.PlainText)
        self.panel = QPushButton(words.DOCK_PANEL, self)
        self.panel.setToolTip(words.DOCK_PANEL_HELP)
        self.panel.clicked.connect(lambda _checked=False: buttons.open_panel())
        self.session: Session | None = None
        foot = QHBoxLayout()
        foot.setContentsMargins(6, 2, 6, 4)
        foot.addWidget(self.line, 1)
        foot.addWidget(self.panel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.pane, 1)
        layout.addLayout(foot)
        dress_within(self)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        if self.session is None:
            self._begin()
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        session, self.session = self.session, None
        if session is not None:
            session.close(wait=False)
        super().hideEvent(event)

    def _begin(self) -> None:
        session = self.session = Session(load_settings().home, self)
        session.standing_changed.connect(self._show_standing)
        session.jobs_listed.connect(self.jobs.set_jobs)
        session.jobs_changed.connect(self.jobs.change_jobs)
        session.progressed.connect(self.jobs.set_progress)
        session.start()

    def _show_standing(self, standing: Standing) -> None:
        self.line.setText(in_one_line(standing))
