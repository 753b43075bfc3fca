"""Which daemon the panel speaks to and how it is; another one by its key file, or one started here."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from understudy.bridge.errors import ProtocolError, UnderstudyError
from understudy.bridge.machine_messages import Machine
from understudy.ui import words
from understudy.ui.asking import says_yes
from understudy.ui.daemon_start import DaemonStart
from understudy.ui.daemon_words import in_rows, machine_rows
from understudy.ui.growing import Growing
from understudy.ui.memory import Memory
from understudy.ui.scroll_past import scrolled_past
from understudy.ui.session import Session, Standing

ASK_MILLISECONDS = 2000
"""As often as the daemon itself asks its driver."""


class DaemonDialog(QDialog):
    """Shows the daemon, and changes which one it is."""

    def __init__(self, session: Session, parent: QWidget | None = None, memory: Memory | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._memory = memory or Memory(None, self)
        self._starting = DaemonStart(session, self)
        self._machine: Machine | None = None
        self._machine_problem = ""
        self._asking = False
        self.setWindowTitle(words.DAEMON_TITLE)
        self.setMinimumWidth(self.fontMetrics().averageCharWidth() * 100)
        self._rows = QFormLayout()
        self._labels: list[tuple[QLabel, QLabel]] = []
        self._life = ""
        Growing(self)
        self.said = QLabel(self, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.recent = scrolled_past(QComboBox(self))
        self.recent.setAccessibleName(words.DAEMON_RECENT_NAME)
        self.recent.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.connect_recent = QPushButton(words.DAEMON_RECENT_CONNECT, self)
        self.connect_recent.setDefault(True)  # for Return in the list
        self.by_key = QPushButton(words.DAEMON_KEY, self)
        self.start = QPushButton(words.DAEMON_START, self)
        self.again = QPushButton(words.DAEMON_AGAIN, self)
        self.drain = QPushButton(words.DAEMON_DRAIN, self)
        self.drain.setToolTip(words.DAEMON_DRAIN_HELP)
        self._timer = QTimer(self, interval=ASK_MILLISECONDS)
        self._arrange()
        self._join()
        self._offer_recent()
        self.show_standing(session.standing)

    def _arrange(self) -> None:
        label = QLabel(words.DAEMON_RECENT, self, textFormat=Qt.TextFormat.PlainText)
        label.setBuddy(self.recent)
        others, buttons = QHBoxLayout(), QHBoxLayout()
        others.addWidget(label)
        others.addWidget(self.recent, 1)
        others.addWidget(self.connect_recent)
        for button in (self.by_key, self.start, self.again, self.drain):
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.addLayout(self._rows)
        layout.addWidget(self.said)
        layout.addStretch(1)
        layout.addLayout(others)
        layout.addLayout(buttons)

    def _join(self) -> None:
        self._starting.changed.connect(self._show_start)
        self._timer.timeout.connect(self._ask_machine)
        self._timer.start()
        self.drain.clicked.connect(self.drain_daemon)
        self.recent.currentIndexChanged.connect(self._offer_connect)
        self.connect_recent.clicked.connect(lambda: self.connect_by(Path(self.recent.currentText())))
        self._memory.loaded.connect(self._offer_recent)
        self.by_key.clicked.connect(self._choose_key)
        self.start.clicked.connect(self.start_here)
        self.again.clicked.connect(lambda: self._session.connect_to(self._session.where))
        self._session.standing_changed.connect(self.show_standing)

    def show_standing(self, standing: Standing) -> None:
        """Show how it stands now."""
        rows = in_rows(standing, str(self._session.where))
        if standing.life != "alive":
            self._machine, self._machine_problem, self._asking = None, "", False
        elif self._machine is not None:
            rows += machine_rows(self._machine, standing.status)
        elif self._machine_problem:
            rows.append((words.GPUS, self._machine_problem))
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
        is_admin = standing.welcome is not None and "admin" in standing.welcome.roles
        draining = standing.status is not None and standing.status.draining
        self.drain.setEnabled(standing.life == "alive" and is_admin and not draining)
        if standing.life != self._life:
            self._life = standing.life
            self._offer_recent()
            self._ask_machine()

    # ---- the machine ------------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        super().showEvent(event)
        self._offer_recent()
        self._ask_machine()

    def _ask_machine(self) -> None:
        """Ask how the machine stands, while somebody looks."""
        if self._asking or not self.isVisible() or self._session.standing.life != "alive":
            return
        self._asking = True
        self._session.ask(lambda client: client.machine(), self._show_machine, self._no_machine)

    def _show_machine(self, machine: Machine) -> None:
        self._asking = False
        self._machine, self._machine_problem = machine, ""
        self.show_standing(self._session.standing)

    def _no_machine(self, problem: UnderstudyError) -> None:
        self._asking = False
        self._machine = None
        self._machine_problem = words.MACHINE_UNTOLD if isinstance(problem, ProtocolError) else problem.message
        self.show_standing(self._session.standing)

    # ---- which daemon -----------------------------------------------------------------------------------------------

    def _offer_recent(self) -> None:
        files = self._memory.known.daemons
        if tuple(self.recent.itemText(at) for at in range(self.recent.count())) != files:
            self.recent.clear()
            self.recent.addItems(files)
        self.recent.setEnabled(bool(files))
        self.recent.setCurrentText(str(self._session.where))
        self._offer_connect()

    def _offer_connect(self) -> None:
        chosen = self.recent.currentText()
        self.connect_recent.setEnabled(bool(chosen) and chosen != str(self._session.where))

    def drain_daemon(self) -> None:
        """Let the daemon finish what runs and exit, once somebody has said yes."""
        standing = self._session.standing
        if standing.status is None or standing.connection is None:
            return
        running = sum(slot.job_id is not None for slot in standing.status.slots)
        waiting = standing.status.queued
        kept = words.DAEMON_DRAIN_WAITING.format(jobs=words.counted(waiting, "job"))
        question = words.DAEMON_DRAIN_SURE.format(
            where=f"{standing.connection.host}:{standing.connection.port}",
            running=words.counted(running, "job"),
            waiting=kept if waiting else words.DAEMON_DRAIN_NONE,
        )
        if self.confirm(question):
            self._session.ask(lambda client: client.drain(), lambda _: None, self._failed)

    def confirm(self, question: str) -> bool:
        """Ask before a daemon is stopped for everyone."""
        return says_yes(question, self)

    def text(self) -> str:
        """Return all that is shown, a line a row."""
        return "\n".join(f"{title.text()}: {value.text()}" for title, value in self._labels)

    def _add_row(self) -> None:
        title, value = (
            QLabel(self, textFormat=Qt.TextFormat.PlainText),
            QLabel(self, wordWrap=True, textFormat=Qt.TextFormat.PlainText),
        )
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
        self._starting.start()

    def _show_start(self) -> None:
        if self._starting.under_way:
            self.said.setText(words.DAEMON_STARTING)
            self.start.setEnabled(False)
        elif self._starting.problem is not None:
            self._failed(self._starting.problem)
        else:
            self.said.clear()

    def _failed(self, problem: UnderstudyError) -> None:
        self.said.setText(f"{problem.message}. {problem.remedy}")
        self.start.setEnabled(True)

    def _choose_key(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, words.KEY_FILE, str(self._session.where.parent), "*.json")
        if name:
            self.connect_by(Path(name))
