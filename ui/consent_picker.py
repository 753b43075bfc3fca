"""The registry's consents to pick from: whose, until when, for what, and whether each reaches this shot."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from understudy.bridge.errors import UnderstudyError
from understudy.bridge.papers_client import ask_consents
from understudy.bridge.papers_messages import Consents
from understudy.ui import papers_words
from understudy.ui.consent_rows import ConsentRow, consent_rows, found
from understudy.ui.draft import Draft
from understudy.ui.one_of_table import Index, RowsTable, one_of_table
from understudy.ui.plain import plain_tip
from understudy.ui.session import Session
from understudy.ui.theme import QUIET, STATES

COVERS_COLUMN, ENDS_COLUMN = 2, 3
_ENDINGS = {"gone": STATES["failed"], "soon": STATES["parked"]}


class ConsentTable(RowsTable[ConsentRow]):
    """Consents; it thinks nothing."""

    COLUMNS = papers_words.PICKER_COLUMNS

    def data(self, index: Index, role: int = 0) -> object:
        row = self.rows[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return row.cells[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(row.cells[index.column()])
        if role == Qt.ItemDataRole.ForegroundRole:
            if index.column() == COVERS_COLUMN:
                return STATES["delivered"] if row.card.covers else QUIET
            if index.column() == ENDS_COLUMN:
                return _ENDINGS.get(row.ending)
        return None


class ConsentPicker(QDialog):
    """Return or a double click picks; Esc shows everything again, and then closes."""

    picked = Signal(str)
    """A consent's id."""

    def __init__(self, session: Session, draft: Draft | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(papers_words.PICKER_TITLE)
        self._session, self._draft = session, draft
        self._all: list[ConsentRow] = []
        self.model = ConsentTable(self)
        self.search = QLineEdit(self, placeholderText=papers_words.PICKER_FILTER, clearButtonEnabled=True)
        self.search.setAccessibleName(papers_words.PICKER_FILTER)
        self.covering = QCheckBox(papers_words.PICKER_COVERING, self)
        self.table = one_of_table(self.model, papers_words.PICKER_TITLE, (14, 20, 30, 22, 20, 22, 14), self)
        self.table.setWordWrap(True)
        self.table.verticalHeader().setDefaultSectionSize(round(self.table.fontMetrics().height() * 2.3))
        self.said = QLabel(self, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.said.setProperty("role", "quiet")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, parent=self)
        self.pick = buttons.addButton(papers_words.PICKER_PICK, QDialogButtonBox.ButtonRole.AcceptRole)
        self.pick.setDefault(True)
        head = QHBoxLayout()
        head.addWidget(self.search, 1)
        head.addWidget(self.covering)
        layout = QVBoxLayout(self)
        layout.addLayout(head)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.said)
        layout.addWidget(buttons)
        buttons.accepted.connect(self.pick_chosen)
        buttons.rejected.connect(self.reject)
        self.search.textChanged.connect(self._show)
        self.search.installEventFilter(self)
        self.covering.toggled.connect(self._show)
        self.table.doubleClicked.connect(self.pick_chosen)
        self.table.selectionModel().currentRowChanged.connect(self._offer)
        letters = self.fontMetrics()
        self.resize(letters.averageCharWidth() * 150, letters.height() * 26)
        self._offer()
        self.ask()

    def ask(self) -> None:
        """Ask the daemon, which alone knows the registry."""
        draft = self._draft
        project, shot = (draft.project, draft.shot) if draft is not None else (None, "")
        self.said.setText(papers_words.PICKER_ASKING)
        self._session.ask(lambda client: ask_consents(client, project=project, shot=shot), self.know, self._failed)

    def know(self, known: Consents) -> None:
        """Show what the registry holds."""
        self._all = consent_rows(known.consents, known.people, known.today)
        notes = [f"{known.stale} {known.remedy}".strip()] if known.stale else []
        if known.left_out:
            notes.append(papers_words.PICKER_LEFT_OUT.format(count=known.left_out))
        if not known.in_use:
            notes.append(papers_words.PICKER_NOT_IN_USE)
        elif not self._all:
            notes.append(papers_words.PICKER_EMPTY)
        self._notes = " ".join(notes)
        self._show()

    def pick_chosen(self) -> None:
        """Hand over the chosen consent and close."""
        at = self.table.currentIndex()
        if at.isValid():
            self.picked.emit(self.model.rows[at.row()].card.consent_id)
            self.accept()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if watched is self.search and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() == Qt.Key.Key_Escape and (self.search.text() or self.covering.isChecked()):
                self.search.clear()
                self.covering.setChecked(False)
                return True
            if event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up):
                self.table.setFocus()
                return True
        return super().eventFilter(watched, event)

    _notes = ""

    def _show(self) -> None:
        shown = found(self._all, self.search.text(), covering=self.covering.isChecked())
        self.model.show(shown)
        if shown:
            self.table.setCurrentIndex(self.model.index(0, 0))
        nothing = papers_words.PICKER_NONE if self._all and not shown else ""
        self.said.setText(f"{nothing} {self._notes}".strip())
        self._offer()

    def _offer(self) -> None:
        self.pick.setEnabled(self.table.currentIndex().isValid())

    def _failed(self, problem: UnderstudyError) -> None:
        self.said.setText(f"{problem.message}. {problem.remedy}")
