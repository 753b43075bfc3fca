"""The record as a form: only what this shot's packs ask, or all of it; what rules said beside the field that mends it.

It edits a document path by path and asks nobody: whoever holds it has the document judged and tells it what came.
"""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from understudy.bridge.errors import Finding
from understudy.bridge.papers_messages import Consents, Judged
from understudy.ui import papers_words
from understudy.ui.chips import Chips
from understudy.ui.consent_editor import ConsentEditor
from understudy.ui.finding_box import FindingBox
from understudy.ui.papers_findings import TOP, Asked, asked_fields, by_field, shown_fields
from understudy.ui.record_catalogue import SECTIONS, catalogue, section_of
from understudy.ui.record_document import Document, new_document, people_of, stated_paths, value_at, with_value
from understudy.ui.record_line import RecordLine
from understudy.ui.row_editor import RowEditor


class RecordForm(QScrollArea):
    """Every field has a line of its own; which are seen hangs on what is asked."""

    edited = Signal()
    """A person changed the document."""
    fix_wanted = Signal(object, object)
    """Finding, Fix."""
    pick_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, widgetResizable=True)
        self.setAccessibleName(papers_words.FORM_NAME)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.document: Document = new_document()
        self.lines: dict[str, RecordLine] = {}
        self.top_boxes: list[FindingBox] = []
        self._titles: dict[str, QLabel] = {}
        self._asked: dict[str, Asked] = {}
        self._packs: dict[str, str] = {}
        self._placed: dict[str, list[Finding]] = {}
        self._everything = False
        self._body = QWidget(self)
        self._top = QVBoxLayout()
        self._rest = QLabel(self._body, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self._rest.setProperty("role", "quiet")
        self._arrange()
        self._show_what_is_asked()

    @property
    def consents(self) -> ConsentEditor:
        """The editor of the record's consents."""
        editor = self.lines["consents"].editor
        if not isinstance(editor, ConsentEditor):
            raise TypeError("the consents have an editor of their own")
        return editor

    def set_document(self, document: Document) -> None:
        """Show another document, or the same one as a fix made it."""
        self.document = document
        for path, line in self.lines.items():
            line.show_value(value_at(document, path))
        self._suggest_people()
        self._show_what_is_asked()

    def take_typed(self) -> None:
        """Take in words that stand in a line and were not ended: a shortcut moves no focus."""
        for line in self.lines.values():
            if isinstance(line.editor, Chips | ConsentEditor | RowEditor):
                line.editor.take_typed()

    def show_judged(self, judged: Judged) -> None:
        """Show what is asked, and every finding beside the field that mends it."""
        self._asked = asked_fields(judged.fields)
        self._packs = {pack.id: pack.title for pack in judged.packs}
        self.show_findings(judged.findings)

    def show_findings(self, findings: Iterable[Finding]) -> None:
        """Show these findings in the place of those before; what is asked stays."""
        found = list(findings)
        self._placed = by_field(found, self._asked)
        said = {one.rule: one.message for one in found}
        for path, line in self.lines.items():
            line.show_asked(self._asked.get(path), self._packs, said)
            line.show_findings(self._placed.get(path, ()))
        self._show_top(self._placed.get(TOP, []))
        self._show_what_is_asked()

    def show_everything(self, everything: bool) -> None:
        """Show every field, or only what is asked."""
        self._everything = everything
        self._show_what_is_asked()

    def know(self, known: Consents) -> None:
        """Offer the registry's people and consents."""
        names = {one.talent: one.name for one in known.people if one.name}
        talents = [one.talent for one in known.people]
        for path, field in catalogue().items():
            editor = self.lines[path].editor
            if field.kind == "people" and isinstance(editor, Chips):
                editor.offer(talents, names)
        self.consents.know(known)

    def boxes(self) -> list[FindingBox]:
        """Return every finding that is shown, from top to bottom."""
        return [*self.top_boxes, *(box for line in self.lines.values() for box in line.boxes)]

    def go_to_first_problem(self) -> None:
        """Move to the first field beside which something refuses; where nothing does, to the first that warns."""
        told = [
            path
            for path in self.lines
            if any(one.outcome in ("refuse", "broken", "warn") for one in self._placed.get(path, ()))
        ]
        refusing = (path for path in told if any(one.refuses for one in self._placed[path]))
        path = next(refusing, told[0] if told else None)
        if path is not None:
            self.ensureWidgetVisible(self.lines[path])
            self.lines[path].editor.setFocus()

    def _arrange(self) -> None:
        layout = QVBoxLayout(self._body)
        layout.addLayout(self._top)
        for section in SECTIONS:
            title = QLabel(papers_words.SECTIONS[section], self._body, textFormat=Qt.TextFormat.PlainText)
            title.setProperty("role", "section")
            title.setIndent(0)
            self._titles[section] = title
            layout.addWidget(title)
            for path, field in catalogue().items():
                if section_of(path) == section:
                    line = self.lines[path] = RecordLine(field, self._body)
                    line.changed.connect(self._edit)
                    line.fix_wanted.connect(self.fix_wanted)
                    layout.addWidget(line)
        layout.addWidget(self._rest)
        layout.addStretch(1)
        self.setWidget(self._body)
        self.consents.pick_wanted.connect(self.pick_wanted)

    def _edit(self, path: str) -> None:
        self.document = with_value(self.document, path, self.lines[path].editor.value())
        self._suggest_people()
        self.edited.emit()

    def _suggest_people(self) -> None:
        cast = self.lines["cast"].editor
        if isinstance(cast, RowEditor):
            cast.suggest(people_of(self.document))

    def _show_top(self, findings: list[Finding]) -> None:
        if findings == [box.finding for box in self.top_boxes]:
            return
        for box in self.top_boxes:
            self._top.removeWidget(box)
            box.hide()
            box.deleteLater()
        self.top_boxes = [FindingBox(finding, self._body) for finding in findings]
        for box in self.top_boxes:
            box.fix_wanted.connect(self.fix_wanted)
            self._top.addWidget(box)

    def _show_what_is_asked(self) -> None:
        shown = shown_fields(self._asked, self._placed, everything=self._everything)
        if value_at(self.document, "ground") not in (None, "record"):
            shown |= {"ground", "attestation"}
        for path, line in self.lines.items():
            # A field in which somebody types does not go away under their hands.
            line.setVisible(path in shown or line.isAncestorOf(self.focusWidget() or self))
        for section, title in self._titles.items():
            title.setVisible(any(section_of(path) == section for path in shown))
        hidden = set(stated_paths(self.document, tuple(self.lines))) - shown
        said = [papers_words.not_shown(len(hidden))] if hidden else []
        self._rest.setText(" ".join(said))
        self._rest.setVisible(bool(said))
