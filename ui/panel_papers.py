"""The papers in the panel's menus: the record of a refused job mended, waivers looked at and decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from understudy.bridge.messages import JobDetail, JobSummary
from understudy.bridge.options import JobOptions
from understudy.bridge.papers_messages import WaiverCard
from understudy.ui import papers_words
from understudy.ui.job_again import AGAIN_LINK, MEND_LINK, MENDED, document_of, draft_of, options_of
from understudy.ui.job_rows import JobRow
from understudy.ui.papers_dialog import PapersDialog
from understudy.ui.session import Session
from understudy.ui.waivers_dialog import WaiversDialog


class PanelPapers(QObject):
    """Papers of the chosen job, and waivers. For the interface's thread."""

    told = Signal(str)
    failed = Signal(object)
    """UnderstudyError."""

    def __init__(self, session: Session, again: Callable[[JobOptions], None], parent: QWidget) -> None:
        """again: opens the form of a job with these options."""
        super().__init__(parent)
        self._session, self._again, self._window = session, again, parent
        self._row: JobRow | None = None
        self.dialog: PapersDialog | None = None
        self.waivers_dialog: WaiversDialog | None = None
        self.mend = self._action(papers_words.MEND, "M", self.mend_chosen)
        self.mend.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self.mend.setToolTip(papers_words.MEND_HELP)
        self.waivers = self._action(papers_words.WAIVERS, "Ctrl+W", self.open_waivers)
        self.choose(())

    def choose(self, rows: Sequence[JobRow]) -> None:
        """Offer to mend the papers of the one job that is selected, where they stopped it."""
        self._row = rows[0] if len(rows) == 1 else None
        self.mend.setEnabled(self._row is not None and self._row.summary.state in MENDED)

    def mend_chosen(self) -> None:
        """Open the record of the chosen job with what was said of it."""
        if self._row is not None and self.mend.isEnabled():
            self._ask(self._row.summary, self._mend)

    def open_link(self, link: str, summary: JobSummary) -> None:
        """Do what a link in a job's page leads to."""
        if link == MEND_LINK and summary.state in MENDED:
            self._ask(summary, self._mend)
        elif link == AGAIN_LINK:
            self._ask(summary, self._begin_again)

    def _ask(self, summary: JobSummary, then: Callable[[JobDetail], None]) -> None:
        self._session.ask(lambda client: client.show_job(summary.job_id), then, self.failed.emit)

    def _begin_again(self, detail: JobDetail) -> None:
        self._again(options_of(detail, None))

    def open_waivers(self) -> WaiversDialog:
        """Show the waivers that this key may see."""
        dialog = WaiversDialog(self._session, parent=self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.decided.connect(self._decided)
        dialog.open()
        self.waivers_dialog = dialog
        return dialog

    def _mend(self, detail: JobDetail) -> None:
        dialog = PapersDialog(self._session, draft_of(detail.job), self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.use.setText(papers_words.AGAIN)
        dialog.use_wanted.connect(partial(self._send_again, detail))
        # What the registry filled in is no word of the artist's, and must not be sent back as one.
        record = detail.job.record if detail.record is None else detail.record
        dialog.edit_document(document_of(record), detail.summary.job_id, detail.findings)
        dialog.show()
        self.dialog = dialog

    def _send_again(self, detail: JobDetail, path: Path) -> None:
        self._again(options_of(detail, str(path)))

    def _decided(self, card: WaiverCard) -> None:
        state = papers_words.WAIVER_STATES[card.state].lower()
        self.told.emit(papers_words.WAIVER_DONE.format(waiver_id=card.waiver_id, state=state))

    def _action(self, label: str, key: str, do: Callable[[], object]) -> QAction:
        action = QAction(label, self)
        action.setShortcut(QKeySequence(key))
        action.triggered.connect(lambda _checked=False: do())
        return action
