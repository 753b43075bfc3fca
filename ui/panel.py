"""The panel's window: jobs above what there is to know of the chosen one, and the take beside them.

It holds the parts together and thinks nothing of its own. Whoever has a viewer gives it to `Panel`; else a placeholder
stands there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from PySide6.QtCore import Qt, QTimer, QUrl
from PySide6.QtGui import QAction, QCloseEvent, QKeySequence
from PySide6.QtWidgets import QApplication, QLabel, QMainWindow, QMenu, QSplitter, QWidget

from understudy.bridge.desk_messages import Tell
from understudy.bridge.errors import UnderstudyError
from understudy.bridge.options import JobOptions
from understudy.ui import words
from understudy.ui.centre import EmptyCentre, TakeViewer
from understudy.ui.daemon_dialog import DaemonDialog
from understudy.ui.daemon_words import in_one_line
from understudy.ui.desk import Desk, Ear
from understudy.ui.details import Details
from understudy.ui.first_steps import FirstSteps
from understudy.ui.import_action import ImportAction
from understudy.ui.job_actions import JobActions
from understudy.ui.job_list import JobList
from understudy.ui.job_rows import JobRow
from understudy.ui.jobs_pane import JobsPane
from understudy.ui.memory import Memory
from understudy.ui.panel_memory import PanelMemory
from understudy.ui.panel_papers import PanelPapers
from understudy.ui.papers_dialog import PapersDialog
from understudy.ui.remembered import HOST_SAYS
from understudy.ui.session import Session, Standing
from understudy.ui.submit_dialog import SubmitDialog
from understudy.ui.thumbnails import Thumbnails

TOLD_MILLISECONDS = 8000
SETTLE_MILLISECONDS = 150
"""Somebody who runs down the list with an arrow key reads no page of it."""


class Panel(QMainWindow):
    """The window. Everything in it lives in the interface's thread."""

    def __init__(
        self,
        session: Session,
        choices: JobOptions | None = None,
        viewer: QWidget | None = None,
        ear: Ear | None = None,
        memory: Memory | None = None,
    ) -> None:
        """choices: what a host selected, for the form. viewer: a widget that is a TakeViewer. ear: see `Desk`.

        memory: what lasts.
        """
        super().__init__()
        self.setWindowTitle(words.TITLE)
        self.session = session
        self.choices = choices or JobOptions()
        self._choices_say: Collection[str] = ()
        self.middle: QWidget = viewer if viewer is not None else EmptyCentre()
        self.centre: TakeViewer = self.middle  # type: ignore[assignment]  # a widget that is a TakeViewer
        self.jobs = JobList(self)
        self.pane = JobsPane(self.jobs)
        self.details = Details(session, self.centre)
        self.details.rows = self.jobs.every
        self.actions_on_job = JobActions(session, self.details, self)
        self.papers = PanelPapers(session, self.open_form_with, self)
        self.thumbnails = Thumbnails(self)
        self.desk = Desk(session, ear, self)
        self.import_action = ImportAction(self.desk, self)
        self.form: SubmitDialog | None = None
        self.daemon: DaemonDialog | None = None
        self.daemon_line = QLabel(self, textFormat=Qt.TextFormat.PlainText)
        self.daemon_line.setProperty("role", "bar")
        self._settle = QTimer(self, singleShot=True, interval=SETTLE_MILLISECONDS)
        self._chosen: JobRow | None = None
        self._arrange()
        self.memory = PanelMemory(memory or Memory(), self, session, self.pane, self.splitters)
        self.memory.memory.problem.connect(self.statusBar().showMessage)
        self._join()
        self.first_steps = FirstSteps(session, self.pane, self.open_form, self.open_daemon)
        self._show_standing(session.standing)

    def _arrange(self) -> None:
        aside, parts = QSplitter(Qt.Orientation.Vertical), QSplitter(Qt.Orientation.Horizontal, self)
        aside.addWidget(self.pane)
        aside.addWidget(self.details)
        parts.addWidget(aside)
        parts.addWidget(self.middle)
        parts.setStretchFactor(1, 1)  # a larger window is for the picture
        self.splitters = {"aside": aside, "parts": parts}
        for splitter in (aside, parts):
            splitter.setChildrenCollapsible(False)
        self.setCentralWidget(parts)
        self.statusBar().addPermanentWidget(self.daemon_line)
        self.statusBar().setSizeGripEnabled(False)
        letters = self.fontMetrics()
        self.resize(letters.averageCharWidth() * 262, letters.height() * 52)
        parts.setSizes([letters.averageCharWidth() * share for share in (112, 150)])
        aside.setSizes([letters.height() * share for share in (24, 24)])
        self._fill_menus()

    def _fill_menus(self) -> None:
        file = self.menuBar().addMenu(words.FILE_MENU)
        self._add(file, words.SUBMIT, "Ctrl+N", self.open_form)
        self._add(file, words.DAEMON, "Ctrl+D", self.open_daemon)
        file.addAction(self.papers.waivers)
        self._add(file, words.MEMORY_RESET, "", self.forget)
        file.addSeparator()
        self._add(file, words.QUIT, "Ctrl+Q", self.close)
        job = self.menuBar().addMenu(words.JOB_MENU)
        job.addActions(list(self.actions_on_job.by_name.values()))
        job.addAction(self.import_action)
        job.addAction(self.papers.mend)
        self.pane.add_menu(job)
        view = self.menuBar().addMenu(words.VIEW_MENU)
        self._add(view, words.FIND, "Ctrl+F", self._find)
        self.pane.add_folds(view)
        view.addSeparator()
        parts = (self.pane.table, self.middle, self.details)
        for at, part in enumerate(parts, 2):
            self._add(view, part.accessibleName(), f"F{at}", part.setFocus)

    def _add(self, menu: QMenu, label: str, key: str, do: Callable[[], object]) -> None:
        action = QAction(label, self)
        action.setShortcut(QKeySequence(key))
        action.triggered.connect(lambda _checked=False: do())
        menu.addAction(action)

    def _join(self) -> None:
        session, jobs = self.session, self.jobs
        session.standing_changed.connect(self._show_standing)
        session.jobs_listed.connect(jobs.set_jobs)
        session.jobs_changed.connect(jobs.change_jobs)
        session.progressed.connect(jobs.set_progress)
        session.frames_finished.connect(self._note_frames)
        jobs.take_changed.connect(self.thumbnails.forget)
        jobs.thumbnail_wanted.connect(self.thumbnails.want)
        self.thumbnails.state_told.connect(jobs.set_take_state)
        self.thumbnails.ready.connect(self.pane.set_thumbnail)
        self.pane.chosen.connect(self._choose)
        for acts in (self.actions_on_job, self.import_action, self.papers):
            self.pane.selected.connect(acts.choose)
            acts.told.connect(self.tell)
            acts.failed.connect(self.tell_problem)
        self._settle.timeout.connect(lambda: self.details.choose(self._chosen))
        self.actions_on_job.fetching.fetched.connect(self.details.note_fetched)
        self.desk.called.connect(self._come_to_the_front)
        self.details.anchorClicked.connect(self._open_link)

    # ---- what comes -----------------------------------------------------------------------------------------------

    def _choose(self, row: JobRow | None) -> None:
        before, self._chosen = self._chosen, row
        if before is None or row is None or before.summary != row.summary:
            self._settle.start()

    def _open_link(self, link: QUrl) -> None:
        """Follow a link of the page that is read, whatever is selected meanwhile."""
        if self.details.detail is not None:
            self.papers.open_link(link.toString(), self.details.detail.summary)

    def _note_frames(self, job_id: str, frames: list[int]) -> None:
        if self._chosen is None or self._chosen.summary.job_id != job_id:
            return
        if self.details.folder is None:  # the first frames: now there is a folder to look into
            if not self._settle.isActive():  # begun anew by each of them, it would wait until none lands any more
                self._settle.start()
        else:
            self.centre.frames_finished(tuple(frames))

    def _show_standing(self, standing: Standing) -> None:
        self.daemon_line.setText(in_one_line(standing))
        self.thumbnails.use(standing.connection)
        if self.form is not None:
            self.form.show_standing(standing)

    # ---- what is done ---------------------------------------------------------------------------------------------

    def open_form(self) -> None:
        """Open the form for a new job; one at a time, and it keeps what was typed."""
        if self.form is None:
            self.form = SubmitDialog(self.session, self.memory.choices(self.choices, self._choices_say), self)
            self.memory.watch_form(self.form)
            self.form.accepted_job.connect(self._accepted)
            self.form.show_standing(self.session.standing)
        self.form.show()
        self.form.raise_()
        self.form.activateWindow()

    def _come_to_the_front(self, said: Tell) -> None:
        """Another program wants this window, with a shot for its form or without."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()
        QApplication.alert(self)  # for a window manager that lets nobody take the focus
        if said.options is None:
            return
        self.take_selection(said.options, HOST_SAYS if said.kind == "selection" else ())
        came = words.SELECTION_WAITS if self.form is not None and self.form.waiting else words.SELECTION_CAME
        self.tell(came.format(desk=said.title or words.TITLE, shot=said.options.shot or said.options.plate or ""))

    def take_selection(self, shot: JobOptions, said: Collection[str] = HOST_SAYS) -> None:
        """Open the form with a shot that a host selected. said: fields that it says although they are as declared."""
        self.choices = shot if self.form is None else self.form.take_shot(shot, said)
        self._choices_say = said
        self.open_form()

    def open_form_with(self, options: JobOptions) -> None:
        """Open the form with these options in the place of what was typed."""
        self.open_form()
        if self.form is not None:
            self.form.take_job(options)

    def open_daemon(self) -> None:
        """Show the daemon; one window of it, as a start under way comes back to it."""
        if self.daemon is None:
            self.daemon = DaemonDialog(self.session, self, self.memory.memory)
        self.daemon.open()

    def forget(self) -> None:
        """Forget what the panel remembers, once somebody has said yes."""
        if self.actions_on_job.confirm(words.MEMORY_RESET_SURE):
            self.memory.memory.forget()
            self.tell(words.MEMORY_RESET_DONE)

    def tell(self, text: str) -> None:
        self.statusBar().showMessage(text, TOLD_MILLISECONDS)

    def tell_problem(self, problem: UnderstudyError) -> None:
        self.statusBar().showMessage(f"{problem.message}. {problem.remedy}")

    def _accepted(self, job_id: str, text: str) -> None:
        if self.form is not None and self.form.sent_to == self.session.standing.connection:
            self.session.refresh(job_id)
            self.pane.choose(job_id)
        self.tell(text)

    def _find(self) -> None:
        self.pane.search.setFocus()
        self.pane.search.selectAll()

    def may_close(self) -> bool:
        """Say whether what is under way may be let go; asks, where something is."""
        if self.form is not None and self.form.is_sending and not self.actions_on_job.confirm(words.CLOSE_SENDING):
            return False
        open_papers = (dialog for dialog in self.findChildren(PapersDialog) if dialog.isVisible())
        return all(dialog.may_let_go() for dialog in open_papers)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        if not self.may_close():
            event.ignore()
            return
        self.memory.close()
        self.centre.close_take()
        self.thumbnails.close()
        self.actions_on_job.fetching.close()
        self.desk.close()
        self.session.close()
        super().closeEvent(event)
