"""One editor for each kind of value that a record states: yes or no, a choice, a text, a day, a number, words.

Each shows what a document has and gives back what was chosen; None = not stated. They judge nothing.
"""

from __future__ import annotations

from PySide6.QtCore import QDate, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QCalendarWidget,
    QComboBox,
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from understudy.bridge.record import is_day
from understudy.bridge.record_fields import RecordField
from understudy.ui import papers_words
from understudy.ui.chips import Chips
from understudy.ui.scroll_past import scrolled_past

DAY_LETTERS, LONG_LINES = 14, 3
_ISO = Qt.DateFormat.ISODate


class TruthEditor(QWidget):
    """Yes, no, or not stated: three buttons, moved through with the arrow keys."""

    changed = Signal()

    def __init__(self, title: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._group = QButtonGroup(self)
        self.buttons: dict[bool | None, QRadioButton] = {}
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for words, truth in papers_words.TRUTHS:
            button = QRadioButton(words.replace("&", ""), self)
            button.setAccessibleName(f"{title}: {button.text()}")
            self._group.addButton(button)
            self.buttons[truth] = button
            row.addWidget(button)
        row.addStretch(1)
        self.set_value(None)
        self._group.buttonToggled.connect(lambda _button, on: self.changed.emit() if on else None)

    def value(self) -> bool | None:
        return next(truth for truth, button in self.buttons.items() if button.isChecked())

    def set_value(self, value: object) -> None:
        chosen = self.buttons[value if isinstance(value, bool) else None]
        chosen.setChecked(True)
        self.setFocusProxy(chosen)

    def problem(self) -> str:
        return ""


class ChoiceEditor(QComboBox):
    """One of few words. What a file says and nobody knows is shown as it is."""

    changed = Signal()

    def __init__(self, title: str, field: RecordField, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName(title)
        self.addItem(papers_words.UNSAID.get(field.path, papers_words.NOT_STATED), None)
        for choice in field.choices:
            words = papers_words.CHOICES.get(field.path, {})
            self.addItem(words.get(str(choice), str(choice).replace("_", " ")), choice)
        scrolled_past(self)
        self.currentIndexChanged.connect(self.changed)

    def value(self) -> object:
        return self.currentData()

    def set_value(self, value: object) -> None:
        at = next((at for at in range(self.count()) if self.itemData(at) == value), -1)
        if at < 0:
            self.addItem(str(value), value)
            at = self.count() - 1
        self.setCurrentIndex(at)

    def problem(self) -> str:
        return ""


class TextEditor(QLineEdit):
    """A line of text."""

    changed = Signal()

    def __init__(self, title: str, said: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName(title)
        self.setPlaceholderText(said)
        self.textEdited.connect(self.changed)

    def value(self) -> object:
        return self.text().strip() or None

    def set_value(self, value: object) -> None:
        shown = "" if value is None else str(value)
        if shown != self.text().strip():
            self.setText(shown)

    def problem(self) -> str:
        return ""


class NumberEditor(TextEditor):
    """A whole number."""

    def __init__(self, title: str, said: str, parent: QWidget) -> None:
        super().__init__(title, "", parent)
        self.setToolTip(said)

    def value(self) -> object:
        typed = self.text().strip()
        try:
            return int(typed) if typed else None
        except ValueError:
            return typed  # the file says what was typed, and the gate says that it is no number

    def problem(self) -> str:
        return papers_words.NUMBER_WRONG if isinstance(self.value(), str) else ""


class LongEditor(QPlainTextEdit):
    """A text of some lines. Tab leaves it."""

    changed = Signal()

    def __init__(self, title: str, said: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAccessibleName(title)
        self.setPlaceholderText(said)
        self.setTabChangesFocus(True)
        self.setFixedHeight(round(self.fontMetrics().lineSpacing() * (LONG_LINES + 0.7)))
        self.textChanged.connect(self.changed)

    def value(self) -> object:
        return self.toPlainText().strip() or None

    def set_value(self, value: object) -> None:
        shown = "" if value is None else str(value)
        if shown != self.toPlainText().strip():
            self.setPlainText(shown)

    def problem(self) -> str:
        return ""


class DayEditor(QWidget):
    """A day, typed as 2026-11-20 or chosen in a calendar (the button, or Alt and Down)."""

    changed = Signal()

    def __init__(self, title: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._title = title
        self.line = TextEditor(title, papers_words.DAY_HINT, self)
        self.line.setMaximumWidth(self.fontMetrics().averageCharWidth() * DAY_LETTERS)
        self.button = QPushButton(papers_words.CALENDAR, self)
        self.button.setAutoDefault(False)
        self.button.setAccessibleName(papers_words.CALENDAR_NAME.format(field=title))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.line)
        row.addWidget(self.button)
        row.addStretch(1)
        self.setFocusProxy(self.line)
        self.line.changed.connect(self.changed)
        self.button.clicked.connect(self.open_calendar)

    def value(self) -> object:
        return self.line.value()

    def set_value(self, value: object) -> None:
        self.line.set_value(value)

    def problem(self) -> str:
        typed = self.line.text().strip()
        return papers_words.DAY_WRONG if typed and not is_day(typed) else ""

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        if event.key() == Qt.Key.Key_Down and event.modifiers() & Qt.KeyboardModifier.AltModifier:
            self.open_calendar()
        else:
            super().keyPressEvent(event)

    def open_calendar(self) -> QDialog:
        """Show the calendar at this field; Return takes the day, Esc leaves it."""
        popup = QDialog(self, Qt.WindowType.Popup)
        calendar = QCalendarWidget(popup)
        calendar.setAccessibleName(papers_words.CALENDAR_NAME.format(field=self._title))
        calendar.setVerticalHeaderFormat(QCalendarWidget.VerticalHeaderFormat.NoVerticalHeader)
        calendar.setFirstDayOfWeek(Qt.DayOfWeek.Monday)
        now = QDate.fromString(self.line.text().strip(), _ISO)
        if now.isValid():
            calendar.setSelectedDate(now)
        none = QPushButton(papers_words.NO_DAY, popup)
        layout = QVBoxLayout(popup)
        layout.setContentsMargins(1, 1, 1, 1)
        layout.addWidget(calendar)
        layout.addWidget(none)

        def take(day: str | None) -> None:
            self.line.set_value(day)
            self.changed.emit()
            popup.close()

        calendar.activated.connect(lambda day: take(day.toString(_ISO)))
        none.clicked.connect(lambda: take(None))
        popup.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        popup.move(self.mapToGlobal(self.rect().bottomLeft()))
        popup.show()
        calendar.setFocus()
        return popup


class WordsEditor(Chips):
    """A list of words: media, territories, people."""

    def problem(self) -> str:
        return ""


PlainEditor = TruthEditor | ChoiceEditor | TextEditor | LongEditor | DayEditor | WordsEditor
"""Each has `changed`, `value()` (None = nothing is said), `set_value()` and `problem()`: what is wrong in itself."""
OFFERED: dict[str, tuple[str, ...]] = {
    "use.media": papers_words.MEDIA,
    "use.territories": papers_words.TERRITORIES,
    "disclosure.languages": papers_words.LANGUAGES,
}


def plain_editor(field: RecordField, title: str, parent: QWidget) -> PlainEditor:
    """Return the editor of a field whose value is no list of rows."""
    match field.kind:
        case "flag":
            return TruthEditor(title, parent)
        case "choice":
            return ChoiceEditor(title, field, parent)
        case "day":
            return DayEditor(title, parent)
        case "number":
            return NumberEditor(title, field.help, parent)
        case "long_text":
            return LongEditor(title, field.help, parent)
        case "list" | "territories" | "people":
            chips = WordsEditor(title, parent)
            chips.offer(OFFERED.get(field.path, ()))
            return chips
        case _:
            return TextEditor(title, field.help, parent)
