"""The papers of a job that is still a form: opened from its field, and mended where the gate refused them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QPushButton, QWidget

from understudy.bridge.errors import Finding, Fix, UnderstudyError
from understudy.bridge.fixes import fix_record
from understudy.bridge.gather import shot_name
from understudy.bridge.options import JobOptions
from understudy.ui import papers_words
from understudy.ui.finding_box import ASK_WAIVER, fix_button, has_button
from understudy.ui.flow_layout import FlowLayout
from understudy.ui.job_again import draft_from
from understudy.ui.papers_dialog import PapersDialog
from understudy.ui.papers_findings import told
from understudy.ui.session import Session
from understudy.ui.waiver_request import WaiverRequest


class SubmitPapers(QObject):
    """Between the form of a job and its record. For the interface's thread."""

    chosen = Signal(str)
    """The path of the record that is now the job's."""
    said = Signal(str)
    """What became of a fix, in words."""

    def __init__(self, session: Session, options: Callable[[], JobOptions], parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._options, self._window = session, options, parent
        self.dialog: PapersDialog | None = None
        self.job_id = ""
        """The refused job of which `bar` shows the fixes."""
        self._findings: tuple[Finding, ...] = ()
        self.edit = QPushButton(papers_words.EDIT, parent)
        self.edit.setAutoDefault(False)
        self.edit.clicked.connect(self.open)
        self.bar = QWidget(parent)
        self.bar.hide()
        self.buttons: dict[tuple[str, str], QPushButton] = {}
        self._row = FlowLayout(self.bar)

    def open(self) -> PapersDialog:
        """Open the form of the record, or of a new one."""
        options = self._options()
        draft = draft_from(options, shot_name(options))
        if self.dialog is None:
            self.dialog = PapersDialog(self._session, draft, self._window)
            self.dialog.use_wanted.connect(lambda path: self.chosen.emit(str(path)))
        self.dialog.set_draft(draft)
        named = Path(options.record) if options.record else None
        if named is None:
            if self.dialog.desk.path is not None or not self.dialog.isVisible():
                self.dialog.begin_anew()
        elif self.dialog.desk.path == named:
            self.dialog.read_again(named, self.job_id, self._findings)
        elif self.dialog.may_let_go():
            self.dialog.edit_file(named, self.job_id, self._findings)
        self.dialog.show()
        self.dialog.raise_()
        return self.dialog

    def follow(self) -> None:
        """Have open papers judged for the job that the form says now."""
        if self.dialog is not None and self.dialog.isVisible():
            options = self._options()
            self.dialog.set_draft(draft_from(options, shot_name(options)))

    def show_refused(self, job_id: str, findings: tuple[Finding, ...]) -> None:
        """Offer what would mend a refusal. job_id: of the refused job, where it is known."""
        self.clear()
        self.job_id, self._findings = job_id, findings
        for finding in told(findings):
            for fix in finding.fixes:
                if has_button(fix) and (finding.rule, fix.kind) not in self.buttons:
                    self._add(finding, fix)
        if self._options().record:
            self._offer(QPushButton(papers_words.MEND, self.bar)).clicked.connect(self.open)
        self.bar.setVisible(self._row.count() > 0)

    def clear(self) -> None:
        """Offer nothing any more: another job is on its way."""
        self.job_id, self._findings, self.buttons = "", (), {}
        while (item := self._row.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()
        self.bar.hide()

    def apply(self, finding: Finding, fix: Fix) -> None:
        """Do what a button says: change the record's file, as `understudy fix` does, or ask for a waiver."""
        record = self._options().record
        if fix.kind == ASK_WAIVER:
            request = WaiverRequest(self._session, finding, self.job_id, self._window)
            request.requested.connect(lambda card: self.said.emit(papers_words.request_done(card)))
            request.open()
        elif record and Path(record).suffix.lower() == ".json":
            path, rule, job_id = Path(record), finding.rule, self.job_id
            self._session.ask(
                lambda client: fix_record(client, path, rule, job_id), partial(self._fixed, finding, fix), self._failed
            )
        else:
            self.open()  # a TOML record is mended as JSON under another name

    def _add(self, finding: Finding, fix: Fix) -> None:
        button = self._offer(fix_button(fix, finding, self.bar))
        button.clicked.connect(partial(self.apply, finding, fix))
        self.buttons[(finding.rule, fix.kind)] = button

    def _offer(self, button: QPushButton) -> QPushButton:
        button.setAutoDefault(False)
        self._row.addWidget(button)
        button.show()
        return button

    def _fixed(self, finding: Finding, fix: Fix, changed: list[str]) -> None:
        button = self.buttons.get((finding.rule, fix.kind))
        if button is not None:
            button.setEnabled(False)
        if self.dialog is not None:
            self.dialog.read_again(Path(self._options().record or ""), self.job_id, self._findings)
        self.said.emit(papers_words.FIXED_FILE.format(changed="; ".join(changed)))

    def _failed(self, problem: UnderstudyError) -> None:
        self.said.emit(f"{problem.message}. {problem.remedy}")
