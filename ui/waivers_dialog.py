"""Waivers that this key may see, and a decision where it may decide. The daemon decides who may; this says why not."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from understudy.bridge.errors import UnderstudyError
from understudy.bridge.papers_client import ask_waivers, decide_waiver
from understudy.bridge.papers_messages import WaiverCard
from understudy.ui import papers_words
from understudy.ui.one_of_table import Index, RowsTable, one_of_table
from understudy.ui.plain import plain_tip
from understudy.ui.record_editors import DayEditor, TextEditor
from understudy.ui.session import Session, Standing
from understudy.ui.theme import STATES

Decision = Literal["grant", "deny"]
_COLOURS = {"requested": STATES["parked"], "granted": STATES["delivered"], "denied": STATES["failed"]}


class WaiverTable(RowsTable[WaiverCard]):
    """Waivers; it thinks nothing."""

    COLUMNS = papers_words.WAIVER_COLUMNS

    def data(self, index: Index, role: int = 0) -> object:
        card = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return waiver_cells(card)[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tip(waiver_cells(card)[index.column()])
        if role == Qt.ItemDataRole.ForegroundRole and index.column() == 0:
            return _COLOURS[card.state]
        return None


class WaiversDialog(QDialog):
    """The list above, the chosen one below it."""

    decided = Signal(object)
    """WaiverCard."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(papers_words.WAIVERS_TITLE)
        self._session = session
        self._chosen_id = ""
        self._turned = False
        """Whether the panel has turned to another daemon, whose waivers were not asked for yet."""
        self.model = WaiverTable(self)
        self.table = one_of_table(self.model, papers_words.WAIVERS_TITLE, (13, 26, 24, 20, 13, 40), self)
        self.page = QLabel(self, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.page.setAccessibleName(papers_words.WAIVERS_TITLE)
        self.page.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.until = DayEditor(papers_words.WAIVER_UNTIL.replace("&", ""), self)
        self.condition = TextEditor(
            papers_words.WAIVER_CONDITION.replace("&", ""), papers_words.WAIVER_CONDITION_HINT, self
        )
        self.why = QLabel(self, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.why.setProperty("role", "quiet")
        self.grant = QPushButton(papers_words.WAIVER_GRANT, self)
        self.deny = QPushButton(papers_words.WAIVER_DENY, self)
        self.again = QPushButton(papers_words.WAIVER_AGAIN, self)
        self._arrange()
        self.table.selectionModel().currentRowChanged.connect(self._show_chosen)
        self.until.changed.connect(self._offer)
        self.grant.clicked.connect(lambda: self.decide("grant"))
        self.deny.clicked.connect(lambda: self.decide("deny"))
        self.again.clicked.connect(self.ask)
        session.standing_changed.connect(self.show_standing)
        self._offer()
        self.ask()

    @property
    def chosen(self) -> WaiverCard | None:
        """The waiver on which the row stands; None = none."""
        at = self.table.currentIndex()
        return self.model.rows[at.row()] if at.isValid() and at.row() < len(self.model.rows) else None

    def ask(self) -> None:
        """Ask the daemon for them again."""
        self._turned = False
        self._session.ask(ask_waivers, self._know, self._failed)

    def show_standing(self, standing: Standing) -> None:
        """Show the waivers of another daemon as soon as it is there: an answer of the earlier one never comes."""
        if standing.life == "looking":
            self._turned = True
            self._know(())
        elif standing.life == "alive" and self._turned:
            self.ask()

    def choose(self, waiver_id: str) -> None:
        """Move to a waiver, where it is listed."""
        for row, card in enumerate(self.model.rows):
            if card.waiver_id == waiver_id:
                self.table.setCurrentIndex(self.model.index(row, 0))

    def decide(self, decision: Decision) -> None:
        """Have the daemon grant or deny the chosen waiver."""
        card = self.chosen
        if card is None:
            return
        until, condition = str(self.until.value() or ""), str(self.condition.value() or "")
        self.grant.setEnabled(False)
        self.deny.setEnabled(False)
        self._session.ask(
            lambda client: decide_waiver(client, card.waiver_id, decision, until=until, condition=condition),
            self._decided,
            self._failed,
        )

    def _arrange(self) -> None:
        form = QFormLayout()
        form.addRow(papers_words.WAIVER_UNTIL, self.until)
        form.addRow(papers_words.WAIVER_CONDITION, self.condition)
        foot = QHBoxLayout()
        foot.addWidget(self.why, 1)
        for button in (self.again, self.deny, self.grant):
            button.setAutoDefault(False)
            foot.addWidget(button)
        layout = QVBoxLayout(self)
        layout.addWidget(self.table, 1)
        layout.addWidget(self.page)
        layout.addLayout(form)
        layout.addLayout(foot)
        letters = self.fontMetrics()
        self.resize(letters.averageCharWidth() * 140, letters.height() * 28)

    def _know(self, cards: tuple[WaiverCard, ...]) -> None:
        at = next((row for row, card in enumerate(cards) if card.waiver_id == self._chosen_id), 0)
        self.model.show(cards)
        self.table.setCurrentIndex(self.model.index(at, 0))
        self._show_chosen()

    def _show_chosen(self) -> None:
        card = self.chosen
        if card is not None and card.waiver_id != self._chosen_id:
            self._chosen_id = card.waiver_id
            self.until.set_value(card.expires_on or None)
            self.condition.set_value(card.condition or None)
        self.page.setText(in_words(card) if card is not None else "")
        self._offer()

    def _offer(self) -> None:
        card = self.chosen
        may = card is not None and card.may_decide
        lacking = self.until.problem()
        if may and not lacking and not self.until.value():
            lacking = papers_words.WAIVER_UNTIL_NEEDED
        self.grant.setEnabled(may and not lacking)
        self.deny.setEnabled(may)
        for editor in (self.until, self.condition):
            editor.setEnabled(may)
        said = why_not(card) if card is not None else self._nothing()
        self.why.setText(said or lacking)
        for button in (self.grant, self.deny):
            why = said or (lacking if button is self.grant else "")
            button.setToolTip(plain_tip(why))
            button.setAccessibleDescription(why)

    def _nothing(self) -> str:
        if self._turned:
            return papers_words.WAIVER_ASKING
        return papers_words.WAIVER_CHOOSE if self.model.rows else papers_words.WAIVER_NONE

    def _decided(self, card: WaiverCard) -> None:
        self.decided.emit(card)
        self.ask()

    def _failed(self, problem: UnderstudyError) -> None:
        self._offer()
        self.why.setText(f"{problem.message}. {problem.remedy}")


def waiver_cells(card: WaiverCard) -> tuple[str, ...]:
    """Return a waiver as a row of the list. Pure."""
    record = f"{card.record_id} ({', '.join(card.shots)})" if card.shots else card.record_id
    state = papers_words.WAIVER_STATES[card.state]
    return state, card.rule, record, f"{card.requested_by}, {card.requested_on}", card.expires_on, card.reason


def in_words(card: WaiverCard) -> str:
    """Return a waiver as the page below the list tells it. Pure."""
    lines = [
        papers_words.WAIVER_PAGE.format(waiver_id=card.waiver_id, rule=card.rule, pack=card.pack),
        f"{papers_words.REQUEST_REASON.replace('&', '')}: {card.reason}",
    ]
    if card.decided_by:
        decided = papers_words.WAIVER_BY.format(
            state=papers_words.WAIVER_STATES[card.state], who=card.decided_by, role=card.decided_as, day=card.decided_on
        )
        lines.append(decided)
    if card.condition:
        lines.append(f"{papers_words.WAIVER_CONDITION.replace('&', '')}: {card.condition}")
    return "\n".join(lines)


def why_not(card: WaiverCard) -> str:
    """Return why this key does not decide; empty = it may. Pure: the daemon has said so already."""
    return "" if card.may_decide else card.why_not
