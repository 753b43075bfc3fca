"""One field of the record's form: its label, its editor, who asks for it, and what rules said of it beneath."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from understudy.bridge.errors import Finding
from understudy.bridge.record_fields import RecordField
from understudy.ui import papers_words, words
from understudy.ui.chips import Chips
from understudy.ui.consent_editor import ConsentEditor
from understudy.ui.finding_box import FindingBox
from understudy.ui.papers_findings import Asked
from understudy.ui.plain import plain_tip
from understudy.ui.record_editors import PlainEditor, plain_editor
from understudy.ui.row_editor import RowEditor

LABEL_LETTERS, PACKS_LETTERS = 18, 24


class RecordLine(QWidget):
    """A field in its place."""

    changed = Signal(str)
    """The field's path."""
    fix_wanted = Signal(object, object)
    """Finding, Fix."""

    def __init__(self, field: RecordField, parent: QWidget) -> None:
        super().__init__(parent)
        self.path = field.path
        self.title = papers_words.LABELS[field.path]
        self._help = field.help
        self.editor = editor_of(field, self.title, self)
        self.label = QLabel(self.title, self, textFormat=Qt.TextFormat.PlainText)
        self.label.setBuddy(self.editor)
        self.asked_by = QLabel(self, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.asked_by.setProperty("role", "quiet")
        self.problem = QLabel(self, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.problem.setProperty("role", "problem")
        self.problem.hide()
        self.boxes: list[FindingBox] = []
        self._below = QVBoxLayout()
        self._arrange()
        self.editor.setAccessibleDescription(field.help)
        if isinstance(self.editor, Chips):
            self.editor.line.setPlaceholderText(papers_words.CHIP_SAID.format(said=field.help.rstrip(" .,")))
        for widget in (self.label, self.editor):
            widget.setToolTip(plain_tip(field.help))
        self.editor.changed.connect(self._tell_change)

    def _arrange(self) -> None:
        wide = self.fontMetrics().averageCharWidth()
        self.label.setFixedWidth(wide * LABEL_LETTERS)
        self.label.setWordWrap(True)
        self.asked_by.setFixedWidth(wide * PACKS_LETTERS)
        top = Qt.AlignmentFlag.AlignTop
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        grid.addWidget(self.label, 0, 0, top)
        grid.addWidget(self.editor, 0, 1, top)
        grid.addWidget(self.asked_by, 0, 2, top)
        grid.addWidget(self.problem, 1, 1)
        grid.addLayout(self._below, 2, 1)
        grid.setColumnStretch(1, 1)

    def show_value(self, value: object) -> None:
        """Show what the document has; nobody is told of a change."""
        self.editor.blockSignals(True)
        self.editor.set_value(value)
        self.editor.blockSignals(False)
        self._show_problem()

    def show_asked(self, asked: Asked | None, titles: dict[str, str], said: dict[str, str]) -> None:
        """Show which packs ask. titles: of packs by id. said: what rules said, by rule."""
        packs = asked.packs if asked is not None else ()
        self.asked_by.setText(papers_words.ASKED_BY.format(packs=", ".join(packs)) if packs else "")
        about = [f"{pack}: {titles.get(pack, '')}" for pack in packs]
        rules = asked.rules if asked is not None else ()
        about += [papers_words.ASKED_RULE.format(rule=rule, explain=said.get(rule, "")).strip(": ") for rule in rules]
        self.asked_by.setToolTip(plain_tip("\n".join(about)))
        needed = asked is not None and asked.missing
        self.label.setText(f"{self.title} ({papers_words.REQUIRED})" if needed else self.title)

    def show_findings(self, findings: Iterable[Finding]) -> None:
        """Show what rules said, in this order. What is shown already stays, so that a button keeps the focus."""
        wanted = list(findings)
        if wanted == [box.finding for box in self.boxes]:
            return
        for box in self.boxes:
            self._below.removeWidget(box)
            box.hide()
            box.deleteLater()
        self.boxes = [FindingBox(finding, self) for finding in wanted]
        for box in self.boxes:
            box.fix_wanted.connect(self.fix_wanted)
            self._below.addWidget(box)
        self._describe()

    def _tell_change(self) -> None:
        self._show_problem()
        self.changed.emit(self.path)

    def _show_problem(self) -> None:
        said = self.editor.problem()
        self.problem.setText(said)
        self.problem.setVisible(bool(said))
        self._describe()

    def _describe(self) -> None:
        """A screen reader hears what is wrong with the field."""
        said = [f"{words.OUTCOMES[box.finding.outcome]} {box.finding.message}" for box in self.boxes]
        self.editor.setAccessibleDescription(" ".join((self._help, self.problem.text(), *said)).strip())


def editor_of(field: RecordField, title: str, parent: QWidget) -> PlainEditor | RowEditor | ConsentEditor:
    """Return the editor of a field: the consents have their own, other lists of records have rows."""
    if field.path == "consents":
        return ConsentEditor(title, parent)
    if field.kind == "parts":
        return RowEditor(field.path, title, parent)
    return plain_editor(field, title, parent)
