"""What the panel's window and its form take from memory, and what they leave there."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QLineEdit, QMainWindow, QSplitter

from understudy.bridge.gather import engine_options
from understudy.bridge.options import JobOptions
from understudy.ui.jobs_pane import JobsPane
from understudy.ui.memory import Memory, layout_of, take_layout, when_moved
from understudy.ui.remembered import FIELDS, Show, filled, said_in
from understudy.ui.session import Session, Standing
from understudy.ui.submit_dialog import SubmitDialog


class PanelMemory(QObject):
    """For the interface's thread."""

    def __init__(
        self,
        memory: Memory,
        window: QMainWindow,
        session: Session,
        pane: JobsPane,
        splitters: Mapping[str, QSplitter],
    ) -> None:
        super().__init__(window)
        self.memory = memory
        self._window, self._pane, self._splitters = window, pane, splitters
        self._columns = pane.table.horizontalHeader()
        self._form: SubmitDialog | None = None
        self._shown = Show()
        self._said: frozenset[str] = frozenset()
        """Fields that came said into the form; the others are memory's."""
        memory.loaded.connect(self._take)
        session.standing_changed.connect(self._note_daemon)
        when_moved(splitters, self._columns, self.note_layout)
        pane.show_box.currentIndexChanged.connect(self.note_layout)
        pane.jobs.rearranged.connect(self.note_layout)

    def choices(self, options: JobOptions, said: Collection[str] = ()) -> JobOptions:
        """Return what a host selected, with what its show made last. said: see `filled`."""
        self._shown = self.memory.show(options.project)
        self._said = said_in(options).union(said)
        return filled(options, self._shown, self._said)

    def watch_form(self, form: SubmitDialog) -> None:
        """Remember what is sent, and fill in the show that is typed."""
        self._form = form
        form.with_show = self.choices
        form.accepted_job.connect(self._note_job)
        form.replaced.connect(self._note_whole)
        project = form.fields["project"].editor
        if isinstance(project, QLineEdit):
            project.editingFinished.connect(self._change_show)

    def note_layout(self) -> None:
        """Remember how the window stands."""
        if self.memory.is_loaded and self._window.isVisible():
            folded = tuple(sorted(self._pane.jobs.folded, key=lambda group: (group[0] or "", group[1])))
            self.memory.note_layout(
                layout_of(self._window, self._splitters, self._columns, show=self._pane.shown, folded=folded)
            )

    def close(self) -> None:
        self.note_layout()
        self.memory.close()

    def _take(self) -> None:
        layout = self.memory.known.layout
        take_layout(self._window, self._splitters, self._columns, layout)
        self._pane.take_shown(layout.show)
        self._pane.jobs.fold(layout.folded)

    def _note_job(self, _job_id: str, _text: str) -> None:
        if self._form is not None:
            sent = self._form.sent
            self.memory.note_job(sent, engine_options(sent.option))

    def _note_whole(self, job: JobOptions) -> None:
        """Leave a job as it came: of its show nothing is filled in."""
        self._shown = self.memory.show(job.project)
        self._said = frozenset(FIELDS)

    def _note_daemon(self, standing: Standing) -> None:
        if standing.life == "alive" and standing.connection is not None:
            self.memory.note_daemon(standing.connection.file)

    def _change_show(self) -> None:
        """Another show was typed: what came from the one before gives way, what somebody typed stays."""
        if self._form is None:
            return
        options, problems = self._form.options()
        show = self.memory.show(options.project)
        if show == self._shown or problems:
            return
        said = self._said.union(self._form.touched)
        plain, came = JobOptions(), self._shown.fields
        given = {name: getattr(plain, name) for name in set(came).intersection(FIELDS).difference(said)}
        own = [f"{name}={value}" for name, value in self._shown.options.get(options.engine, {}).items()]
        given["option"] = [one for one in options.option if one not in own]
        self._shown = show
        self._form.fill(filled(msgspec.structs.replace(options, **given), show, said))
