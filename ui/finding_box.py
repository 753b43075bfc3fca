"""One finding beside the field that mends it: what the rule said, what to do, and a button for each fix."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from understudy.bridge.errors import Finding, Fix
from understudy.bridge.fixes import changes_record, in_words
from understudy.ui import papers_words, words
from understudy.ui.flow_layout import FlowLayout
from understudy.ui.plain import plain_tip

ASK_WAIVER = "ask_waiver"


class FindingBox(QFrame):
    """Says one finding. It changes nothing itself."""

    fix_wanted = Signal(object, object)
    """Finding, Fix."""

    def __init__(self, finding: Finding, parent: QWidget) -> None:
        super().__init__(parent)
        self.finding = finding
        self.buttons: dict[str, QPushButton] = {}
        self.setProperty("role", "finding")
        self.setProperty("outcome", finding.outcome)
        layout = QVBoxLayout(self)
        layout.setSpacing(2)
        head = QLabel(f"{words.OUTCOMES[finding.outcome]}  {finding.rule}", self, textFormat=Qt.TextFormat.PlainText)
        head.setProperty("role", "outcome")
        head.setProperty("outcome", finding.outcome)
        head.setWordWrap(True)
        layout.addWidget(head)
        layout.addWidget(_words(finding.message, self))
        if finding.remedy:
            remedy = _words(finding.remedy, self)
            remedy.setProperty("role", "quiet")
            layout.addWidget(remedy)
        for said in (in_words(fix) for fix in finding.fixes if not has_button(fix)):
            layout.addWidget(_words(said[:1].upper() + said[1:], self))
        self._add_buttons(layout)
        self.setAccessibleName(f"{words.OUTCOMES[finding.outcome]} {finding.rule}")
        self.setAccessibleDescription(f"{finding.message} {finding.remedy}")

    def _add_buttons(self, layout: QVBoxLayout) -> None:
        fixes = [fix for fix in self.finding.fixes if has_button(fix)]
        if not fixes:
            return
        holder = QWidget(self)
        row = FlowLayout(holder)
        for fix in fixes:
            button = fix_button(fix, self.finding, holder)
            button.clicked.connect(partial(self.fix_wanted.emit, self.finding, fix))
            row.addWidget(button)
            self.buttons[fix.kind] = button
        outer = QHBoxLayout()
        outer.addWidget(holder, 1)
        layout.addLayout(outer)


def fix_button(fix: Fix, finding: Finding, parent: QWidget) -> QPushButton:
    """Return a button that says what a fix does."""
    label = fix_label(fix)
    button = QPushButton(label, parent)
    button.setAutoDefault(False)
    button.setAccessibleName(papers_words.FIX_NAME.format(label=label, rule=finding.rule))
    said = in_words(fix)
    button.setToolTip(plain_tip(said[:1].upper() + said[1:]))
    return button


def fix_label(fix: Fix) -> str:
    """Return what a fix is called on its button."""
    values = dict(fix.values)
    if "territories" in values:
        values["territories"] = values["territories"].replace(" ", ", ")
    if "field" in values:
        values["field"] = papers_words.LABELS.get(values["field"], values["field"]).lower()
    return papers_words.FIX[fix.kind].format(**values)


def has_button(fix: Fix) -> bool:
    """Say whether a fix is a button; the others are words: whom to ask, how to submit."""
    return fix.kind == ASK_WAIVER or (changes_record(fix) and fix.kind in papers_words.FIX)


def _words(said: str, parent: QWidget) -> QLabel:
    label = QLabel(said, parent, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
