"""What stands in the list while it is empty: why it is, and the buttons that lead on."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget


class EmptyJobs(QWidget):
    """A sentence, and beneath it what can be done about it."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        plain, middle = Qt.TextFormat.PlainText, Qt.AlignmentFlag.AlignCenter
        self.label = QLabel(text, self, alignment=middle, wordWrap=True, textFormat=plain)
        self.label.setProperty("role", "empty")
        self.buttons: dict[str, QPushButton] = {}
        self._row = QHBoxLayout()
        self._row.addStretch(1)
        self._row.addStretch(1)
        layout = QVBoxLayout(self)
        layout.addStretch(1)
        layout.addWidget(self.label)
        layout.addLayout(self._row)
        layout.addStretch(1)

    def add(self, words: str, do: Callable[[], object]) -> QPushButton:
        """Add a button, hidden until `show_words` names it."""
        button = QPushButton(words, self)
        button.setAutoDefault(True)  # Return presses it where it has the focus
        button.clicked.connect(lambda _checked=False: do())
        button.hide()
        self._row.insertWidget(self._row.count() - 1, button)
        self.buttons[words] = button
        return button

    def show_words(self, text: str, *buttons: str) -> None:
        """Show a sentence and just these buttons."""
        self.label.setText(text)
        for words, button in self.buttons.items():
            button.setVisible(words in buttons)
