"""A question before something is lost or stopped; every window asks it in the same way."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from understudy.ui import words


def says_yes(question: str, parent: QWidget, title: str = words.TITLE) -> bool:
    """Ask, and return whether the answer is yes. Waits for it in the interface's thread, which serves events on."""
    box = QMessageBox(QMessageBox.Icon.NoIcon, title, question, parent=parent, textFormat=Qt.TextFormat.PlainText)
    box.setStandardButtons(QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No)
    return box.exec() == QMessageBox.StandardButton.Yes
