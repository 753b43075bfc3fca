"""Lists within the record, a row each: the cast, the approvals. Fields of a row that nobody shows stay."""

from __future__ import annotations

from functools import partial
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from understudy.ui import papers_words
from understudy.ui.chips import Chips
from understudy.ui.record_catalogue import parts_of
from understudy.ui.record_document import with_value
from understudy.ui.record_editors import PlainEditor, plain_editor

PAIRS_ACROSS = 2
"""Labels with their editors, side by side in a row."""


class RowEditor(QWidget):
    """Rows with an editor for each of their fields, and a button that adds one."""

    changed = Signal()

    def __init__(self, path: str, title: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._parts, self._title = parts_of(path), title
        self._rows: list[Any] = []
        self._frames: list[QFrame] = []
        self.editors: list[dict[str, PlainEditor]] = []
        self.add = QPushButton(papers_words.ROW_ADD.format(field=title.lower()), self)
        self.add.setAutoDefault(False)
        self.add.clicked.connect(self.add_row)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.addWidget(self.add, 0, Qt.AlignmentFlag.AlignLeft)
        self.setFocusProxy(self.add)
        self._suggested: tuple[str, ...] = ()

    def suggest(self, names: tuple[str, ...]) -> None:
        """Put the next of these names into the first field of a row that is added."""
        self._suggested = names

    def value(self) -> list[Any] | None:
        return list(self._rows) or None

    def set_value(self, value: object) -> None:
        """Show these rows. What is no row (a bare word in the file) is kept, and shown as a row that states nothing."""
        rows = list(value) if isinstance(value, (list, tuple)) else []
        if rows == self._rows and len(self._frames) == len(rows):
            return
        self._rows = rows
        self._lay_out()

    def problem(self) -> str:
        """Return the first thing that is wrong with what was typed in a row."""
        found = (editor.problem() for editors in self.editors for editor in editors.values())
        return next((one for one in found if one), "")

    def take_typed(self) -> None:
        """Take in words that stand in a row's line and were not ended."""
        for editors in self.editors:
            for editor in editors.values():
                if isinstance(editor, Chips):
                    editor.take_typed()

    def add_row(self) -> None:
        """Add a row, of the next person who has none."""
        first, second = list(self._parts)[:2]
        had = {row.get(first) for row in self._rows if isinstance(row, dict)}
        named = next((name for name in self._suggested if name not in had), None)
        self._rows.append({first: named} if named is not None else {})
        self._lay_out()
        self.editors[-1][first if named is None else second].setFocus()
        self.changed.emit()

    def remove_row(self, place: int) -> None:
        del self._rows[place]
        self._lay_out()
        self.add.setFocus()
        self.changed.emit()

    def _lay_out(self) -> None:
        for frame in self._frames:
            self._layout.removeWidget(frame)
            frame.hide()
            frame.deleteLater()
        self._frames, self.editors = [], []
        before: QWidget | None = None
        for place, row in enumerate(self._rows):
            frame = self._frame(place, row if isinstance(row, dict) else {})
            self._layout.insertWidget(place, frame)
            self._frames.append(frame)
            if before is not None:
                QWidget.setTabOrder(before, frame)
            before = frame

    def _frame(self, place: int, row: dict[str, Any]) -> QFrame:
        frame = QFrame(self)
        frame.setProperty("role", "row")
        grid = QGridLayout(frame)
        editors: dict[str, PlainEditor] = {}
        for at, (name, part) in enumerate(self._parts.items()):
            words = papers_words.PARTS[name]
            editor = plain_editor(part, f"{self._title} {place + 1}: {words}", frame)
            editor.set_value(row.get(name))
            editor.setToolTip(part.help)
            editor.changed.connect(partial(self._change, place, name))
            editors[name] = editor
            label = QLabel(words, frame, textFormat=Qt.TextFormat.PlainText)
            label.setProperty("role", "quiet")
            line, column = divmod(at, PAIRS_ACROSS)
            grid.addWidget(label, line, 2 * column)
            grid.addWidget(editor, line, 2 * column + 1)
        for column in range(PAIRS_ACROSS):
            grid.setColumnStretch(2 * column + 1, 1)
        remove = QPushButton(papers_words.ROW_REMOVE, frame)
        remove.setAutoDefault(False)
        remove.setAccessibleName(papers_words.ROW_REMOVE_NAME.format(place=place + 1, field=self._title))
        remove.clicked.connect(partial(self.remove_row, place))
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(remove)
        grid.addLayout(foot, grid.rowCount(), 0, 1, 2 * PAIRS_ACROSS)
        self.editors.append(editors)
        frame.show()
        return frame

    def _change(self, place: int, name: str) -> None:
        row = self._rows[place]
        self._rows[place] = with_value(row if isinstance(row, dict) else {}, name, self.editors[place][name].value())
        self.changed.emit()
