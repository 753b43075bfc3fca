"""What can be done to the chosen job: menu entries with their keys, offered where the job's state allows them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, Qt, QUrl, Signal
from PySide6.QtGui import QAction, QDesktopServices, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QWidget

from understudy.bridge.client import Client
from understudy.bridge.errors import DaemonUnreachable, UnderstudyError
from understudy.bridge.messages import Accepted, JobSummary, RedoSegment
from understudy.bridge.roundtrip import change_job, redo_segment
from understudy.bridge.words import State
from understudy.ui import words
from understudy.ui.asking import says_yes
from understudy.ui.details import Details
from understudy.ui.fetching import Fetching
from understudy.ui.job_command import JobCommand, command_of
from understudy.ui.job_rows import JobRow, allowed, command_line
from understudy.ui.redo_costs import RedoCosts
from understudy.ui.redo_dialog import RedoDialog
from understudy.ui.session import LIST_LIMIT, Session

PRIORITY_STEPS = {"sooner": 10, "later": -10}
PRIORITY_MOST = 100
HAVE_PRIORITY: tuple[State, ...] = ("uploading", "queued", "parked", "paused")
"""States of jobs whose priority can be changed."""
ONE_JOB = frozenset({"copy", "fetch", "open", "redo"})
"""What is done to one job at a time."""


@dataclass(frozen=True, slots=True)
class _Changed:
    """What became of several changes."""

    done: tuple[JobSummary, ...]
    left: int
    problem: UnderstudyError | None
    """Of the first that could not be done."""


class JobActions(QObject):
    """The actions on one job. For the interface's thread."""

    told = Signal(str)
    """What became of it, in words."""
    failed = Signal(object)
    """UnderstudyError."""

    def __init__(self, session: Session, details: Details, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._details, self._window = session, details, parent
        self.fetching = Fetching(session, parent)
        self.fetching.told.connect(self.told)
        self.fetching.failed.connect(self.failed)
        self._rows: tuple[JobRow, ...] = ()
        self._one_step = threading.Lock()
        """A step of priority is asked and taken by one thread at a time: a key pressed thrice counts three times."""
        self.by_name = {name: self._action(name) for name in words.ACTIONS}
        self.choose(())

    def choose(self, rows: Sequence[JobRow]) -> None:
        """Offer what can be done to these jobs: to several, what can be done to one of them at least."""
        self._rows = tuple(rows)
        one_of_each = {row.summary.state: row.summary for row in rows}.values()  # ten thousand may be selected
        there = frozenset[str]().union(*map(allowed, one_of_each))
        for name, action in self.by_name.items():
            action.setEnabled(name in there and (len(self._rows) == 1 or name not in ONE_JOB))

    def _for(self, name: str) -> tuple[JobRow, ...]:
        """Return the chosen jobs that this can be done to."""
        return tuple(row for row in self._rows if name in allowed(row.summary))

    def _action(self, name: str) -> QAction:
        label, key, said = words.ACTIONS[name]
        action = QAction(label, self, toolTip=said, statusTip=said)
        action.setShortcut(QKeySequence(key))
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.triggered.connect(partial(self._do, name))
        return action

    def _do(self, name: str, _checked: bool = False) -> None:
        rows = self._for(name)
        if not rows or (name in ONE_JOB and len(self._rows) != 1):
            return
        if name == "copy_fetch":
            self._put("\n".join(command_line(row.summary) for row in rows))
        elif name in ONE_JOB:
            {"copy": self._copy, "open": self._open, "redo": self._redo, "fetch": self._fetch}[name](rows[0])
        elif name != "cancel" or self._is_sure(rows):
            self._change_all(rows, name)

    def _change_all(self, rows: Sequence[JobRow], name: str) -> None:
        """Change jobs one after the other; what one of them refuses does not stop the others.

        In a thread of its own: a job that goes on may first have to be brought gigabytes that the vault lost.
        """
        summaries, lock = [row.summary for row in rows], self._one_step

        def change(client: Client) -> _Changed:
            if name not in PRIORITY_STEPS:
                return _changed(summaries, lambda job_id: change_job(client, job_id, name))
            with lock:
                moved = _moved(client, summaries, PRIORITY_STEPS[name])
                return _changed(summaries, lambda job_id: client.control(job_id, "priority", moved[job_id]))

        self._session.ask_aside(change, self._tell_changed, self.failed.emit)

    def _tell_changed(self, told: _Changed) -> None:
        for summary in told.done:
            self._session.refresh(summary.job_id)
        if told.problem is not None:
            if told.done:
                jobs = words.counted(len(told.done), "job")
                problem = told.problem
                text = words.SEVERAL_LEFT.format(
                    jobs=jobs, left=told.left, message=problem.message, remedy=problem.remedy
                )
                self.told.emit(text)
            else:
                self.failed.emit(told.problem)
        elif len(told.done) == 1:
            summary = told.done[0]
            self.told.emit(
                words.CHANGED.format(
                    take=words.take_of(summary.shot, summary.version),
                    state=words.STATES[summary.state],
                    priority=summary.priority,
                )
            )
        else:
            self.told.emit(words.SEVERAL_DONE.format(jobs=words.counted(len(told.done), "job")))

    def _is_sure(self, rows: Sequence[JobRow]) -> bool:
        """Ask once before finished work is stopped, however many jobs it is of."""
        done, total = sum(row.done for row in rows), sum(row.summary.frames_total for row in rows)
        if not done and len(rows) == 1:
            return True
        if len(rows) > 1:
            jobs = words.counted(len(rows), "job")
            return self.confirm(words.SEVERAL_CANCEL_SURE.format(jobs=jobs, done=done, total=total))
        summary = rows[0].summary
        return self.confirm(
            words.CANCEL_SURE.format(
                shot=summary.shot, version=summary.version, done=summary.frames_done, total=summary.frames_total
            )
        )

    def confirm(self, question: str) -> bool:
        """Ask before finished work is stopped."""
        return says_yes(question, self._window)

    def _put(self, text: str) -> None:
        QGuiApplication.clipboard().setText(text)
        self.told.emit(words.COPIED.format(line=text.splitlines()[0]))

    def _copy(self, row: JobRow) -> None:
        """Copy the command that makes this job again; what it cannot know is said with it."""
        job_id = row.summary.job_id
        self._session.ask(lambda client: command_of(client.show_job(job_id)), self._copied, self.failed.emit)

    def _copied(self, command: JobCommand) -> None:
        self._put(command.line)
        if command.unknown:
            self.told.emit(words.COPIED_BUT.format(unknown="; ".join(command.unknown)))

    def _open(self, row: JobRow) -> None:
        """Open the folder of this job, once its page is read: it may be another's that is still shown."""
        if not self._details.shows(row.summary.job_id):
            self._details.choose(row, partial(self._open, row))
            return
        folder = self._details.folder
        if folder is None:
            self.told.emit(words.NO_FOLDER_HERE)
            return
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
        self.told.emit(str(folder))

    def _fetch(self, row: JobRow) -> None:
        self.fetching.ask(row.summary)

    def _redo(self, row: JobRow) -> None:
        segments = self._details.segments_of(row.summary.job_id)
        dialog = RedoDialog(row.summary, self._window, segments, costs=RedoCosts(self._session, row.summary.job_id))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.asked.connect(self.redo)
        dialog.open()

    def redo(self, request: RedoSegment) -> None:
        """Have a segment made again; the new version appears in the list."""
        self._session.ask_aside(lambda client: redo_segment(client, request), self._redone, self.failed.emit)

    def _redone(self, accepted: Accepted) -> None:
        self._session.refresh(accepted.job_id)
        self.told.emit(words.SUBMIT_ACCEPTED.format(**_fields(accepted)))


def _fields(accepted: Accepted) -> dict[str, object]:
    return {"job_id": accepted.job_id, "state": words.STATES[accepted.state], "version": accepted.version}


def _moved(client: Client, shown: Sequence[JobSummary], step: int) -> dict[str, int]:
    """Return what each job's priority will be, from what it is now: a row may still show the one before."""
    now = (*shown, *client.list_jobs(HAVE_PRIORITY, limit=LIST_LIMIT))
    return {one.job_id: max(-PRIORITY_MOST, min(PRIORITY_MOST, one.priority + step)) for one in now}


def _changed(jobs: Sequence[JobSummary], change: Callable[[str], JobSummary]) -> _Changed:
    """Change each job. Raises DaemonUnreachable where nobody is left to ask."""
    done: list[JobSummary] = []
    problem: UnderstudyError | None = None
    for job in jobs:
        try:
            done.append(change(job.job_id))
        except DaemonUnreachable:
            raise
        except UnderstudyError as refused:
            problem = problem or refused
    return _Changed(tuple(done), len(jobs) - len(done), problem)
