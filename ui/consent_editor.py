"""The consents of a record: each with what the registry says of it, and ways to add one: the picker, or its id."""

from __future__ import annotations

from functools import partial
from typing import Any

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QCompleter, QHBoxLayout, QLabel, QLineEdit, QPushButton, QVBoxLayout, QWidget

from understudy.bridge.papers_messages import Consents
from understudy.ui import papers_words
from understudy.ui.consent_rows import in_one_line


class ConsentEditor(QWidget):
    """A row for each consent. One that is written out in the file stays as it is written."""

    changed = Signal()
    pick_wanted = Signal()

    def __init__(self, title: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._title = title
        self._consents: list[Any] = []
        self._known = Consents(people=(), consents=())
        self._rows: list[QWidget] = []
        self.typed = QLineEdit(self, placeholderText=papers_words.CONSENT_ADD_HINT)
        self.typed.setAccessibleName(papers_words.CHIP_ADD.format(field=title))
        self.typed.installEventFilter(self)
        self.typed.editingFinished.connect(self.take_typed)
        self.pick = QPushButton(papers_words.PICKER_OPEN, self)
        self.pick.setAutoDefault(False)
        self.pick.clicked.connect(self.pick_wanted)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        foot = QHBoxLayout()
        foot.addWidget(self.typed, 1)
        foot.addWidget(self.pick)
        self._layout.addLayout(foot)
        self.setFocusProxy(self.typed)

    def value(self) -> list[Any] | None:
        return list(self._consents) or None

    def set_value(self, value: object) -> None:
        consents = list(value) if isinstance(value, (list, tuple)) else []
        if consents != self._consents:
            self._consents = consents
            self._lay_out()

    def problem(self) -> str:
        return ""

    def know(self, known: Consents) -> None:
        """Say beside each consent what the registry holds of it, and offer the others while typing."""
        self._known = known
        completer = QCompleter([card.consent_id for card in known.consents], self.typed)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self.typed.setCompleter(completer)
        self._lay_out()

    def add(self, consent_id: str) -> None:
        """Name a consent by its id alone, once: the registry says the rest."""
        consent_id = consent_id.strip()
        if consent_id and consent_id not in map(_id_of, self._consents):
            self._consents.append({"consent_id": consent_id})
            self._lay_out()
            self.changed.emit()

    def take_typed(self) -> None:
        """Name the consent whose id stands in the line, though nobody pressed Return."""
        typed = self.typed.text()
        self.typed.clear()
        self.add(typed)

    def remove(self, place: int) -> None:
        del self._consents[place]
        self.typed.setFocus()
        self._lay_out()
        self.changed.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        pressed = isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress
        if watched is self.typed and pressed and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):  # type: ignore[attr-defined]
            self.take_typed()
            return True
        return super().eventFilter(watched, event)

    def words_of(self, consent: object) -> str:
        """Return what is known of one consent of the record, in a line."""
        card = next((card for card in self._known.consents if card.consent_id == _id_of(consent)), None)
        if card is not None:
            return in_one_line(card, self._known.today)
        if isinstance(consent, dict) and set(consent) - {"consent_id"}:
            days = (str(consent.get(name) or "") for name in ("talent", "expires_on"))
            return " · ".join(one for one in (*days, papers_words.CONSENT_WRITTEN) if one)
        return papers_words.CONSENT_UNKNOWN

    def _lay_out(self) -> None:
        for row in self._rows:
            self._layout.removeWidget(row)
            row.hide()
            row.deleteLater()
        self._rows = [self._row(place, consent) for place, consent in enumerate(self._consents)]
        for place, row in enumerate(self._rows):
            self._layout.insertWidget(place, row)
            row.show()

    def _row(self, place: int, consent: object) -> QWidget:
        holder = QWidget(self)
        row = QHBoxLayout(holder)
        row.setContentsMargins(0, 0, 0, 0)
        label = QLabel(
            f"{_id_of(consent)}\n{self.words_of(consent)}", holder, wordWrap=True, textFormat=Qt.TextFormat.PlainText
        )
        remove = QPushButton(papers_words.ROW_REMOVE, holder)
        remove.setAutoDefault(False)
        remove.setAccessibleName(papers_words.CONSENT_REMOVE_NAME.format(consent_id=_id_of(consent)))
        remove.clicked.connect(partial(self.remove, place))
        row.addWidget(label, 1)
        row.addWidget(remove, 0, Qt.AlignmentFlag.AlignTop)
        return holder


def _id_of(consent: object) -> str:
    return str(consent.get("consent_id", "")) if isinstance(consent, dict) else str(consent)
