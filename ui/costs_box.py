"""Beside engine and preset: what the chosen one costs here, and how the others compare. It thinks nothing."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QModelIndex, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from understudy.ui import cost_words
from understudy.ui.cost_words import Row
from understudy.ui.plain import plain_tip


class CostsBox(QWidget):
    """One sentence and a table. Return or a double click in the table chooses its row."""

    wanted = Signal(str, object)
    """An engine and the options that choose what somebody wants of it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Row] = []
        self.said = QLabel(self, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.said.setAccessibleName(cost_words.TITLE)
        self.table = QTableWidget(0, len(cost_words.COLUMNS), self)
        self.table.setAccessibleName(cost_words.TABLE_NAME)
        self.table.setHorizontalHeaderLabels(cost_words.COLUMNS)
        self.table.verticalHeader().hide()
        self.table.setTabKeyNavigation(False)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        header = self.table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.table.activated.connect(self._want)
        self.table.installEventFilter(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.said)
        layout.addWidget(self.table)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Take Return here: Qt's table lets it through to the form, whose default button would send the job."""
        is_return = isinstance(event, QKeyEvent) and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if event.type() != QEvent.Type.KeyPress or not is_return:
            return super().eventFilter(watched, event)
        if self.table.currentIndex().isValid():
            self._want(self.table.currentIndex())
        return True

    def show_costs(self, said: str, rows: Sequence[Row]) -> None:
        """Show the sentence and the comparison; nothing is drawn anew that stands already."""
        self.said.setText(said)
        if list(rows) == self._rows:
            return
        self._rows = list(rows)
        self.table.setRowCount(len(rows))
        for at, row in enumerate(rows):
            for column, text in enumerate(row.cells):
                item = QTableWidgetItem(text)
                item.setToolTip(plain_tip(text))
                font = item.font()
                font.setBold(row.is_chosen)
                item.setFont(font)
                self.table.setItem(at, column, item)
        self.table.resizeRowsToContents()
        self._fit()

    def _fit(self) -> None:
        """Be as high as the rows are: a table that scrolls inside a form that scrolls is a trap."""
        high = sum(self.table.rowHeight(at) for at in range(self.table.rowCount()))
        bar = self.table.horizontalScrollBar().sizeHint().height()
        self.table.setFixedHeight(high + self.table.horizontalHeader().sizeHint().height() + bar + 4)

    def _want(self, index: QModelIndex) -> None:
        row = self._rows[index.row()]
        self.wanted.emit(row.engine, row.said)
