"""A part of a form that is folded away until somebody wants it, or something in it needs them."""

from __future__ import annotations

from PySide6.QtWidgets import QLayout, QPushButton, QVBoxLayout, QWidget

FOLDED, OPEN = "▸", "▾"


class Fold(QWidget):
    """A title that is a button, and beneath it what it shows and hides."""

    def __init__(self, title: str, within: QLayout, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = title
        self.button = QPushButton(self)
        self.button.setCheckable(True)
        self.button.setAutoDefault(False)
        self.button.setProperty("role", "fold")
        self.button.setAccessibleName(title)
        self._body = QWidget(self)
        within.setContentsMargins(0, 0, 0, 0)
        self._body.setLayout(within)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.button)
        layout.addWidget(self._body)
        self.button.toggled.connect(self._show)
        self._show(False)

    @property
    def is_open(self) -> bool:
        """Whether what is beneath the title is shown."""
        return self.button.isChecked()

    def open(self) -> None:
        """Show what is beneath the title."""
        self.button.setChecked(True)

    def _show(self, on: bool) -> None:
        self.button.setText(f"{OPEN if on else FOLDED}  {self._title}")
        self._body.setVisible(on)
