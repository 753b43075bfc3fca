"""A list of words as chips: each with a cross, and a line behind them that offers what is known and takes any word."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCompleter, QLineEdit, QPushButton, QWidget

from understudy.ui import papers_words
from understudy.ui.flow_layout import FlowLayout
from understudy.ui.plain import plain_tip

LINE_LETTERS = 18


class Chips(QWidget):
    """Return, comma or leaving the line adds a word; Backspace in an empty line takes the last one away."""

    changed = Signal()

    def __init__(self, title: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._title = title
        self._words: list[str] = []
        self._names: dict[str, str] = {}
        self._chips: list[QPushButton] = []
        self._flow = FlowLayout(self, fill=True)
        self.line = QLineEdit(self, placeholderText=papers_words.CHIP_HINT)
        self.line.setMinimumWidth(self.fontMetrics().averageCharWidth() * LINE_LETTERS)
        self.line.setAccessibleName(papers_words.CHIP_ADD.format(field=title))
        self.line.installEventFilter(self)
        self.line.editingFinished.connect(self.take_typed)
        self.line.textEdited.connect(self._take_at_comma)
        self._flow.addWidget(self.line)
        self.setFocusProxy(self.line)
        policy = self.sizePolicy()
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def value(self) -> list[str] | None:
        """Return the words; None where there are none."""
        return list(self._words) or None

    def set_value(self, value: object) -> None:
        """Show these words; what is no list is shown as one word."""
        words = [str(one) for one in value] if isinstance(value, (list, tuple)) else []
        if value is not None and not isinstance(value, (list, tuple)):
            words = [str(value)]
        if words != self._words:
            self._words = words
            self._show()

    def offer(self, words: Iterable[str], names: dict[str, str] | None = None) -> None:
        """Offer these while typing. names: what a chip says beside its word, by word."""
        completer = QCompleter(list(words), self.line)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.activated.connect(lambda _word: self.take_typed(), Qt.ConnectionType.QueuedConnection)
        self.line.setCompleter(completer)
        self._names = names or {}
        self._show()

    def add(self, word: str) -> None:
        """Add a word, once."""
        word = word.strip()
        if word and word not in self._words:
            self._words.append(word)
            self._show()
            self.changed.emit()

    def remove(self, word: str) -> None:
        """Take a word away; the line has the focus then, so that the next key goes somewhere."""
        self._words.remove(word)
        self.line.setFocus()
        self._show()
        self.changed.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if watched is self.line and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.line.text().strip():
                self.take_typed()
                return True  # the dialog's own button is not meant
            if event.key() == Qt.Key.Key_Backspace and not self.line.text() and self._words:
                self.remove(self._words[-1])
                return True
        return super().eventFilter(watched, event)

    def _take_at_comma(self, typed: str) -> None:
        if "," in typed or ";" in typed:
            self.take_typed()

    def take_typed(self) -> None:
        """Add what stands in the line, though nobody ended it."""
        typed = self.line.text().replace(";", ",").split(",")
        self.line.clear()
        for word in typed:
            self.add(word)

    def _show(self) -> None:
        for chip in self._chips:
            self._flow.removeWidget(chip)
            chip.hide()
            chip.deleteLater()
        self._chips = [self._chip(word) for word in self._words]
        for place, chip in enumerate(self._chips):
            self._flow.insert(place, chip)
            QWidget.setTabOrder(self._chips[place - 1] if place else chip, chip)
        if self._chips:
            QWidget.setTabOrder(self._chips[-1], self.line)
        self.updateGeometry()

    def _chip(self, word: str) -> QPushButton:
        name = self._names.get(word, "")
        chip = QPushButton(f"{word} ({name})  ×" if name else f"{word}  ×", self)
        chip.setProperty("role", "chip")
        chip.setAutoDefault(False)
        chip.setAccessibleName(papers_words.CHIP_REMOVE.format(word=word, field=self._title))
        chip.setToolTip(plain_tip(chip.accessibleName()))
        chip.clicked.connect(partial(self.remove, word))
        chip.show()
        return chip
