"""The window of the papers: a record as a form, judged while it is typed, mended by buttons, saved for its job."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QCloseEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from understudy.bridge.errors import Finding, Fix, UnderstudyError
from understudy.bridge.papers_client import ask_consents
from understudy.bridge.papers_messages import Consents, Judged, WaiverCard
from understudy.ui import papers_words
from understudy.ui.asking import says_yes
from understudy.ui.consent_picker import ConsentPicker
from understudy.ui.draft import Draft
from understudy.ui.finding_box import ASK_WAIVER, fix_label
from understudy.ui.judging import Judging
from understudy.ui.packs_dialog import PacksDialog
from understudy.ui.papers_findings import summary, unsound
from understudy.ui.plain import plain_tip
from understudy.ui.record_desk import RecordDesk
from understudy.ui.record_document import Document, new_document
from understudy.ui.record_files import Opened
from understudy.ui.record_form import RecordForm
from understudy.ui.session import Session, Standing
from understudy.ui.waiver_request import WaiverRequest

WIDE_LETTERS, HIGH_LINES = 150, 50


class PapersDialog(QDialog):
    """Edits one record for one shot. What is typed is kept until it is saved or let go of."""

    use_wanted = Signal(object)
    """Path: the saved record is to be this job's."""

    def __init__(self, session: Session, draft: Draft, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.job_id = ""
        """The job whose findings opened these papers; empty = none."""
        self._of_job: tuple[Finding, ...] = ()
        self._coming: tuple[str, tuple[Finding, ...]] = "", ()
        """Of the file that is being opened."""
        self._before: Document = new_document()
        """What the form held when that file was asked for."""
        self._judged: Judged | None = None
        self._using = False
        self.form = RecordForm(self)
        self.desk = RecordDesk(session, self)
        self.judging = Judging(session, self)
        self.judging.draft = draft
        self.known = Consents(people=(), consents=())
        self.summary = QLabel(self, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.summary.setAccessibleName(papers_words.PACKS_TITLE)
        self.packs = QPushButton(papers_words.PACKS, self)
        self.everything = QCheckBox(papers_words.SHOW_ALL, self)
        self.everything.setToolTip(papers_words.SHOW_ALL_HELP)
        self.said = QLabel(self, wordWrap=True, textFormat=Qt.TextFormat.PlainText)
        self.said.setProperty("role", "quiet")
        self.new = QPushButton(papers_words.NEW, self)
        self.open_button = QPushButton(papers_words.OPEN, self)
        self.save = QPushButton(papers_words.SAVE, self)
        self.save_as = QPushButton(papers_words.SAVE_AS, self)
        self.use = QPushButton(papers_words.USE, self)
        self._arrange()
        self._join()
        self._show_name()
        self.show_standing(session.standing)

    # ---- what it edits --------------------------------------------------------------------------------------------

    def edit_file(self, path: Path, job_id: str = "", findings: tuple[Finding, ...] = ()) -> None:
        """Open a record's file; what is here stays where it does not open. findings: of the job `job_id` on it."""
        self._coming, self._before = (job_id, findings), self.form.document
        self.desk.open(path)

    def read_again(self, path: Path, job_id: str, findings: tuple[Finding, ...]) -> None:
        """Take a file anew that something else may have changed, where it is the one here, and what was said of it.

        What was edited here stays as it is, and is from now on of the job `job_id`.
        """
        if self.desk.path == path and self.is_changed():
            self.job_id, self._of_job = job_id, findings
        elif self.desk.path == path:
            self.edit_file(path, job_id, findings)

    def edit_document(self, document: Document, job_id: str = "", findings: tuple[Finding, ...] = ()) -> None:
        """Edit a document that is no file yet. findings: what was said of the job `job_id` that carried it."""
        self.job_id, self._of_job = job_id, findings
        self.desk.begin(document)
        self._show_document(document)

    def begin_anew(self) -> None:
        """Begin a record of this shot."""
        if not self.may_let_go():
            return
        shot = self.judging.draft.shot if self.judging.draft is not None else ""
        self.edit_document(new_document(shot))

    def set_draft(self, draft: Draft) -> None:
        """Judge for another shot, project, mode or engine."""
        if draft != self.judging.draft:
            self.judging.draft = draft
            self._judge(at_once=True)
            self.ask_consents()

    def _show_document(self, document: Document) -> None:
        self.form.set_document(document)
        self._show_name()
        self._judge(at_once=True)
        self.ask_consents()
        if self._of_job:
            self.form.show_findings(self._of_job)

    def _edited(self) -> None:
        self._show_name()
        self._judge()

    def _show_name(self) -> None:
        changed = self.desk.is_changed(self.form.document)
        name = self.desk.path.name if self.desk.path is not None else papers_words.NEW_NAME
        self.setWindowTitle(papers_words.FORM_OF.format(name=name, title=papers_words.FORM_TITLE))
        self.setWindowModified(changed)
        self.save.setEnabled(changed or self.desk.path is None)

    # ---- what the daemon says -------------------------------------------------------------------------------------

    def _judge(self, *, at_once: bool = False) -> None:
        self.judging.judge(self.form.document, at_once=at_once)

    def _show_judged(self, judged: Judged) -> None:
        self._judged = judged
        self.form.show_judged(judged)
        self.summary.setText(summary(judged))
        self.summary.setProperty("role", "")
        self.packs.setEnabled(True)

    def _show_unsound(self, problem: UnderstudyError) -> None:
        self.form.show_findings(unsound(problem))
        self.summary.setText(papers_words.UNSOUND)

    def _show_not_judged(self, problem: UnderstudyError) -> None:
        self.summary.setText(papers_words.NOT_JUDGED.format(message=problem.message, remedy=problem.remedy))

    def show_standing(self, standing: Standing) -> None:
        """Adapt to whether a daemon is there: files are edited without one."""
        if standing.life == "looking":
            self._know(Consents(people=(), consents=()))  # another daemon has a registry of its own
        if standing.life == "alive" and not self.known.today:
            self.ask_consents()

    def ask_consents(self) -> None:
        """Ask whom a record may name, and whose consents there are."""
        draft = self.judging.draft
        if draft is not None:
            self._session.ask(
                lambda client: ask_consents(client, project=draft.project, shot=draft.shot), self._know, self._know_not
            )

    def _know(self, known: Consents) -> None:
        self.known = known
        self.form.know(known)

    def _know_not(self, problem: UnderstudyError) -> None:
        """Ids can be typed all the same; `show_standing` asks again."""
        self.form.consents.setToolTip(plain_tip(problem.message))

    # ---- fixes ----------------------------------------------------------------------------------------------------

    def fix(self, finding: Finding, fix: Fix) -> None:
        """Do what a button of a finding says."""
        if fix.kind == ASK_WAIVER:
            self.ask_waiver(finding)
            return
        offered = any(one.rule == finding.rule and fix in one.fixes for one in self._of_job)
        document = self.desk.apply(self.form.document, finding, fix, self.job_id if offered else "")
        self.form.set_document(document)
        self._tell(papers_words.FIX_APPLIED.format(label=fix_label(fix)))
        self._show_name()
        self._judge(at_once=True)

    def ask_waiver(self, finding: Finding) -> WaiverRequest:
        """Open the request of a waiver."""
        subject = self.job_id or str(self.form.document.get("record_id") or "")
        dialog = WaiverRequest(self._session, finding, subject, self)
        dialog.requested.connect(self._waiver_requested)
        dialog.open()
        return dialog

    def _waiver_requested(self, card: WaiverCard) -> None:
        self._tell(papers_words.request_done(card))

    def pick_consents(self) -> ConsentPicker:
        """Open the picker; what is picked goes into the record by its id."""
        picker = ConsentPicker(self._session, self.judging.draft, self)
        picker.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        picker.picked.connect(self.form.consents.add)
        picker.open()
        return picker

    def show_packs(self) -> PacksDialog:
        """Show which packs are asked, why the others are not, and who has read them."""
        dialog = PacksDialog(self._judged.packs if self._judged is not None else (), self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
        return dialog

    # ---- files ----------------------------------------------------------------------------------------------------

    def save_to(self, path: Path) -> None:
        """Write the record as JSON."""
        self.form.take_typed()
        self.desk.save(self.form.document, path)

    def _save(self) -> None:
        if self.desk.path is not None:
            self.save_to(self.desk.path)
        else:
            self._save_as()

    def _save_as(self) -> None:
        """Ask where to. Qt adds the suffix before it asks whether a file that is there may be written over."""
        start = self.desk.path or Path(f"{self.form.document.get('record_id') or 'record'}.json")
        dialog = QFileDialog(self, self.save_as.text(), str(start), papers_words.JSON_FILES)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("json")
        dialog.fileSelected.connect(self._save_chosen)
        dialog.rejected.connect(self._stop_using)
        dialog.open()

    def _save_chosen(self, name: str) -> None:
        path = Path(name)
        if path.suffix.lower() == ".json":
            self.save_to(path)
        else:
            self._stop_using()
            self._tell(papers_words.SAVE_AS_JSON.format(name=path.name), wrong=True)

    def _stop_using(self) -> None:
        self._using = False

    def _choose_file(self) -> None:
        if self.may_let_go():
            start = str(self.desk.path.parent) if self.desk.path is not None else ""
            name, _ = QFileDialog.getOpenFileName(self, self.open_button.text(), start, papers_words.RECORD_FILES)
            if name:
                self.edit_file(Path(name))

    def _use(self) -> None:
        self._using = True
        if self.desk.path is None or self.is_changed():
            self._save()
        else:
            self._saved(self.desk.path)

    def _saved(self, path: Path) -> None:
        self._tell(papers_words.SAVED.format(path=path))
        self._show_name()
        if self._using:
            self._using = False
            self.use_wanted.emit(path)
            self.accept()

    def _opened(self, opened: Opened) -> None:
        self.job_id, self._of_job = self._coming
        if opened.path == self.desk.path and self.form.document != self._before:
            return  # the same file, read again while somebody typed: what was typed stays
        self.desk.begin(opened.document, opened.path)
        self._tell(opened.said)
        self._show_document(opened.document)

    def _failed(self, problem: UnderstudyError) -> None:
        self._using = False
        self._tell(f"{problem.message}. {problem.remedy} {papers_words.KEPT}", wrong=True)

    def _tell(self, said: str, *, wrong: bool = False) -> None:
        self.said.setProperty("role", "problem" if wrong else "quiet")
        self.said.style().polish(self.said)
        self.said.setText(said)

    def may_let_go(self) -> bool:
        """Say whether what is not saved may go; asks, where something is."""
        return not self.is_changed() or self.confirm(
            papers_words.LOSE.format(name=self.desk.path or papers_words.NEW_NAME)
        )

    def is_changed(self) -> bool:
        """Say whether the form holds something that its file does not, words that nobody has ended among them."""
        self.form.take_typed()
        return self.desk.is_changed(self.form.document)

    def confirm(self, question: str) -> bool:
        """Ask before what was typed is let go of."""
        return says_yes(question, self, papers_words.FORM_TITLE)

    # ---- what stands where ----------------------------------------------------------------------------------------

    def _arrange(self) -> None:
        head, foot = QHBoxLayout(), QHBoxLayout()
        head.addWidget(self.summary, 1)
        head.addWidget(self.packs)
        head.addWidget(self.everything)
        for button in (self.new, self.open_button, self.save, self.save_as):
            foot.addWidget(button)
        foot.addWidget(self.said, 1)
        foot.addWidget(self.use)
        layout = QVBoxLayout(self)
        layout.addLayout(head)
        layout.addWidget(self.form, 1)
        layout.addLayout(foot)
        for button in (self.packs, self.new, self.open_button, self.save, self.save_as, self.use):
            button.setAutoDefault(False)  # Return ends a word here, and never the form
        self.packs.setEnabled(False)
        letters = self.fontMetrics()
        self.resize(letters.averageCharWidth() * WIDE_LETTERS, letters.height() * HIGH_LINES)

    def _join(self) -> None:
        self.form.edited.connect(self._edited)
        self.form.fix_wanted.connect(self.fix)
        self.form.pick_wanted.connect(self.pick_consents)
        self.desk.opened.connect(self._opened)
        self.desk.saved.connect(self._saved)
        self.desk.failed.connect(self._failed)
        self.judging.judged.connect(self._show_judged)
        self.judging.unsound.connect(self._show_unsound)
        self.judging.failed.connect(self._show_not_judged)
        self.judging.started.connect(lambda: self.summary.setText(papers_words.JUDGING))
        self._session.standing_changed.connect(self.show_standing)
        self.packs.clicked.connect(self.show_packs)
        self.everything.toggled.connect(self.form.show_everything)
        self.new.clicked.connect(self.begin_anew)
        self.open_button.clicked.connect(self._choose_file)
        self.save.clicked.connect(self._save)
        self.save_as.clicked.connect(self._save_as)
        self.use.clicked.connect(self._use)
        for key, do in (("Ctrl+S", self._save), ("Ctrl+O", self._choose_file), ("F8", self.form.go_to_first_problem)):
            QShortcut(QKeySequence(key), self).activated.connect(do)

    def reject(self) -> None:
        """Close, unless something would be lost that its writer wants to keep."""
        if self.may_let_go():
            self.form.set_document(self.desk.let_go())
            self._show_name()
            self.judging.stop()
            super().reject()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        self.judging.stop()
        super().closeEvent(event)
