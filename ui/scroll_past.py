"""The mouse wheel over a choice that nobody is in scrolls the page: what is only scrolled past is not changed."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QAbstractSpinBox, QComboBox, QWidget

Choice = TypeVar("Choice", QComboBox, QAbstractSpinBox)


class _ScrolledPast(QObject):
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if event.type() == QEvent.Type.Wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()  # so that whatever it stands in scrolls
            return True
        return super().eventFilter(watched, event)


def scrolled_past(choice: Choice) -> Choice:
    """Return the widget, which from now on hears the wheel only while it has the focus, and does not get it by it."""
    choice.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    choice.installEventFilter(_ScrolledPast(choice))
    return choice
