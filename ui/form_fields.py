"""The fields of the form: one line each, its help at hand, its problem beside it. They think nothing."""

from __future__ import annotations

from pathlib import Path
from typing import get_type_hints

import msgspec
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QFileDialog, QHBoxLayout, QLabel, QLineEdit, QPushButton, QWidget

from understudy.bridge.options import JobOptions
from understudy.ui import words
from understudy.ui.form_check import PATHS, SEQUENCES, pattern_of
from understudy.ui.plain import plain_tip
from understudy.ui.scroll_past import scrolled_past

Editor = QLineEdit | QComboBox | QCheckBox


class Field(QObject):
    """A name, an editor and the problem beside it."""

    changed = Signal()
    typed = Signal()
    """Changed by hand, not by the panel."""

    def __init__(self, name: str, editor: Editor, said: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.name, self.editor = name, editor
        self.unsaid = ""
        """What a choice shows while nothing is said."""
        plain = name.replace("_", " ")
        title = words.FIELDS.get(name, plain[:1].upper() + plain[1:])
        self.label = QLabel(title, parent, textFormat=Qt.TextFormat.PlainText)
        self.label.setBuddy(editor)
        self.problem = QLabel(parent, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.problem.setProperty("role", "problem")
        self.problem.hide()
        editor.setAccessibleName(title)
        editor.setAccessibleDescription(said)
        for widget in (editor, self.label):
            widget.setToolTip(plain_tip(said))
        if isinstance(editor, QLineEdit):
            editor.setPlaceholderText(said)
            editor.textEdited.connect(self.typed)
            editor.textChanged.connect(self.changed)
        elif isinstance(editor, QComboBox):
            editor.activated.connect(self.typed)
            editor.currentTextChanged.connect(self.changed)
        else:
            editor.clicked.connect(self.typed)
            editor.toggled.connect(self.changed)

    def value(self) -> object:
        """Return what is said; None = nothing."""
        if isinstance(self.editor, QCheckBox):
            return self.editor.isChecked()
        if isinstance(self.editor, QComboBox) and self.editor.currentText() == self.unsaid:
            return None
        text = self.editor.text() if isinstance(self.editor, QLineEdit) else self.editor.currentText()
        return text.strip() or None

    def set_value(self, value: object) -> None:
        if isinstance(self.editor, QCheckBox):
            self.editor.setChecked(bool(value))
        elif isinstance(self.editor, QComboBox):
            self.editor.setCurrentText(self.unsaid if value is None else str(value))
        else:
            self.editor.setText("" if value is None else str(value))

    def offer(self, choices: tuple[str, ...]) -> None:
        """Offer these words, where the field is a choice."""
        if isinstance(self.editor, QComboBox):
            self.editor.blockSignals(True)
            self.editor.clear()
            self.editor.addItems(list(choices))
            self.editor.blockSignals(False)

    def show_problem(self, text: str) -> None:
        """Show what is wrong, or nothing; a screen reader hears it with the field."""
        self.problem.setText(text)
        self.problem.setVisible(bool(text))
        self.editor.setAccessibleDescription(f"{self.editor.toolTip()} {text}".strip())


class PathLine(QLineEdit):
    """A line that takes a dropped file; one frame of a sequence stands for the sequence."""

    def __init__(self, parent: QWidget, *, takes_sequences: bool = False) -> None:
        super().__init__(parent)
        self.takes_sequences = takes_sequences
        self.setAcceptDrops(True)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        if event.mimeData().hasUrls():
            event.acceptProposedAction()
        else:
            super().dragEnterEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        urls = event.mimeData().urls()
        if urls:
            self.setText(pattern_of(urls[0].toLocalFile()) if self.takes_sequences else urls[0].toLocalFile())
        else:
            super().dropEvent(event)


def job_field(name: str, parent: QWidget) -> Field:
    """Return the field of one job option: its kind and its help are those of the declaration."""
    said = help_of(name)
    if name == "mode":
        return Field(name, _combo(("replace", "animate"), parent), said, parent)
    if name == "window":
        return Field(name, _combo(("plate", "display"), parent), said, parent)
    if name == "engine":
        return Field(name, _combo((), parent), said, parent)
    if get_type_hints(JobOptions)[name] is bool:
        return Field(name, QCheckBox(parent), said, parent)
    return Field(
        name, PathLine(parent, takes_sequences=name in SEQUENCES) if name in PATHS else QLineEdit(parent), said, parent
    )


def engine_field(name: str, choices: tuple[str, ...], ranged: bool, said: str, parent: QWidget) -> Field:
    """Return the field of an engine's own option. Nothing said = what the engine does by itself."""
    if not choices:
        return Field(name, QLineEdit(parent), said, parent)
    unsaid = words.UNSAID.format(choice=choices[0])
    box = _combo((unsaid, *choices), parent)
    box.setEditable(ranged)
    field = Field(name, box, said, parent)
    field.unsaid = unsaid
    return field


def with_chooser(field: Field, parent: QWidget) -> QWidget:
    """Return the field's editor with a button that chooses a file."""
    holder = QWidget(parent)
    row = QHBoxLayout(holder)
    row.setContentsMargins(0, 0, 0, 0)
    button = QPushButton(words.CHOOSE, holder)
    button.setAccessibleName(words.CHOOSE_NAME.format(field=field.label.text()))

    def choose() -> None:
        said = field.value()
        start = str(Path(str(said)).parent) if said else ""  # empty = where the last file was chosen
        name, _ = QFileDialog.getOpenFileName(parent, button.accessibleName(), start)
        if name:
            field.set_value(pattern_of(name) if field.name in SEQUENCES else name)

    button.clicked.connect(choose)
    row.addWidget(field.editor, 1)
    row.addWidget(button)
    return holder


def help_of(name: str) -> str:
    """Return the help of a job option, as the command line prints it."""
    hint = get_type_hints(JobOptions, include_extras=True)[name]
    said = next((meta.description for meta in hint.__metadata__ if isinstance(meta, msgspec.Meta)), None)
    return said or ""


def _combo(choices: tuple[str, ...], parent: QWidget) -> QComboBox:
    box = scrolled_past(QComboBox(parent))
    box.addItems(list(choices))
    return box


def section_title(text: str, parent: QWidget) -> QLabel:
    """Return the words above a group of fields."""
    label = QLabel(text, parent, textFormat=Qt.TextFormat.PlainText)
    label.setProperty("role", "section")
    label.setIndent(0)
    return label
