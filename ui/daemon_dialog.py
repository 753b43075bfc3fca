"""Which daemon the panel speaks to and how it is; another one by its key file, or one started here."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QFileDialog, QFormLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from understudy.bridge.errors import UnderstudyError
from understudy.bridge.host_daemon import find_daemon
from understudy.bridge.keys import Connection
from understudy.ui import words
from understudy.ui.daemon_words import in_rows
from understudy.ui.own_command import own_command
from understudy.ui.session import Session, Standing


class DaemonDialog(QDialog):
    """Shows the daemon, and changes which one it is."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setWindowTitle(words.DAEMON_TITLE)
        self.setMinimumWidth(self.fontMetrics().averageCharWidth() * 80)
        self._rows = QFormLayout()
        self._labels: list[tuple[QLabel, QLabel]] = []
        self.said = QLabel(self, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.by_key = QPushButton(words.DAEMON_KEY, self)
        self.start = QPushButton(words.DAEMON_START, self)
        self.again = QPushButton(words.DAEMON_AGAIN, self)
        buttons = QHBoxLayout()
        for button in (self.by_key, self.start, self.again):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.addLayout(self._rows)
        layout.addWidget(self.said)
        layout.addLayout(buttons)
        self.by_key.clicked.connect(self._choose_key)
        self.start.clicked.connect(self.start_here)
        self.again.clicked.connect(lambda: session.connect_to(session.where))
        session.standing_changed.connect(self.show_standing)
        self.show_standing(session.standing)

    def show_standing(self, standing: Standing) -> None:
        """Show how it stands now."""
        rows = in_rows(standing, str(self._session.where))
        while len(self._labels) > len(rows):
            self._labels.pop()
            self._rows.removeRow(len(self._labels))
        while len(self._labels) < len(rows):
            self._add_row()
        for (title, value), (name, said) in zip(self._labels, rows, strict=True):
            title.setText(name)
            value.setText(said)
            value.setAccessibleName(name)
        self.start.setEnabled(standing.life in ("away", "looking"))

    def text(self) -> str:
        """Return all that is shown, a line a row."""
        return "\n".join(f"{title.text()}: {value.text()}" for title, value in self._labels)

    def _add_row(self) -> None:
        title, value = QLabel(self), QLabel(self, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        title.setProperty("role", "quiet")
        value.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._labels.append((title, value))
        self._rows.addRow(title, value)

    def connect_by(self, file: Path) -> None:
        """Turn to the daemon of a connection file."""
        self.said.clear()
        self._session.connect_to(file)

    def start_here(self) -> None:
        """Start a daemon of this machine, or find the one that runs."""
        self.said.setText(words.DAEMON_STARTING)
        self.start.setEnabled(False)
        self._session.errands.aside("understudy-start", lambda: find_daemon(own_command()), self._started, self._failed)

    def _started(self, connection: Connection) -> None:
        self.said.clear()
        self._session.connect_to(Path(connection.file))

    def _failed(self, problem: UnderstudyError) -> None:
        self.said.setText(f"{problem.message} {problem.remedy}")
        self.start.setEnabled(True)

    def _choose_key(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, words.KEY_FILE, str(self._session.where.parent), "*.json")
        if name:
            self.connect_by(Path(name))
