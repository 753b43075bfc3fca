"""Asks that a rule which blocked a job does not, this once: why, until when, for which shots. Somebody else decides."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFormLayout, QLabel, QVBoxLayout, QWidget

from understudy.bridge.errors import Finding, UnderstudyError
from understudy.bridge.papers_client import request_waiver
from understudy.bridge.papers_messages import WaiverCard
from understudy.ui import papers_words
from understudy.ui.record_editors import DayEditor, LongEditor, WordsEditor
from understudy.ui.session import Session, Standing

REASON_LENGTH = 20
"""In characters; the registry takes none that is shorter (docs/packs.md)."""


class WaiverRequest(QDialog):
    """One request. It closes when the daemon has taken it; closed before, it tells all the same what became of it."""

    requested = Signal(object)
    """WaiverCard."""

    def __init__(self, session: Session, finding: Finding, subject: str, parent: QWidget | None = None) -> None:
        """subject: the job that the rule blocked, or the id of its record; empty = there is none yet."""
        super().__init__(parent)
        self._session, self._rule, self._subject = session, finding.rule, subject
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(papers_words.REQUEST_TITLE.format(rule=finding.rule))
        self.reason = LongEditor(_plain(papers_words.REQUEST_REASON), "", self)
        self.until = DayEditor(_plain(papers_words.REQUEST_UNTIL), self)
        self.shots = WordsEditor(_plain(papers_words.REQUEST_SHOTS), self)
        self.shots.line.setPlaceholderText(papers_words.REQUEST_SHOTS_HINT)
        self.said = QLabel(self, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.said.setProperty("role", "problem")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel, parent=self)
        self.go = buttons.addButton(papers_words.REQUEST_GO, QDialogButtonBox.ButtonRole.ActionRole)
        self.go.setDefault(True)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow(papers_words.REQUEST_REASON, self.reason)
        form.addRow(papers_words.REQUEST_UNTIL, self.until)
        form.addRow(papers_words.REQUEST_SHOTS, self.shots)
        layout = QVBoxLayout(self)
        for text in (finding.message, papers_words.REQUEST_WHO.format(roles=_roles(finding))):
            label = QLabel(text, self, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
            label.setProperty("role", "quiet")
            layout.addWidget(label)
        layout.addLayout(form)
        layout.addWidget(self.said)
        layout.addWidget(buttons)
        self.setMinimumWidth(self.fontMetrics().averageCharWidth() * 84)
        for changed in (self.reason.changed, self.until.changed):
            changed.connect(self._check)
        buttons.rejected.connect(self.reject)
        self.go.clicked.connect(self.ask)
        session.standing_changed.connect(self._show_standing)
        self._check()

    def ask(self) -> None:
        """Ask the daemon for it."""
        reason, until = str(self.reason.value() or ""), str(self.until.value() or "")
        shots, subject, rule = tuple(self.shots.value() or ()), self._subject, self._rule
        self.go.setEnabled(False)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)  # an answer comes to it
        self._session.ask(
            lambda client: request_waiver(client, subject, rule, reason, until=until, shots=shots),
            self._taken,
            self._failed,
        )

    def _check(self) -> None:
        lacking = REASON_LENGTH - len(str(self.reason.value() or ""))
        said = self.until.problem()
        if lacking > 0:
            said = papers_words.REQUEST_SHORT.format(count=lacking, least=REASON_LENGTH)
        if not self._subject:
            said = papers_words.REQUEST_NO_JOB
        self.said.setText(said)
        self.go.setEnabled(not said)
        self.go.setToolTip(said)

    def _show_standing(self, standing: Standing) -> None:
        if standing.life == "looking":
            self._check()  # another daemon: an answer of the earlier one never comes

    def _taken(self, card: WaiverCard) -> None:
        self.requested.emit(card)
        self.accept()
        self.deleteLater()

    def _failed(self, problem: UnderstudyError) -> None:
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._check()
        self.said.setText(f"{problem.message}. {problem.remedy}")
        if not self.isVisible():
            self.open()  # closed meanwhile, it comes back: else a waiver would be waited for that nobody asked for


def _roles(finding: Finding) -> str:
    """Return who may grant it, as the rule says."""
    by = next((fix.values.get("by", "") for fix in finding.fixes if fix.kind == "ask_waiver"), "")
    return by.replace(" ", " or ")


def _plain(text: str) -> str:
    return text.replace("&", "")
