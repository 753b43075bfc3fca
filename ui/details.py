"""The right side of the panel: the chosen job's page, asked for in the errands' thread, kept where it was scrolled."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypedDict

from PySide6.QtWidgets import QTextBrowser, QWidget

from understudy.bridge.client import Client
from understudy.bridge.errors import KeyRefused, RequestError, UnderstudyError
from understudy.bridge.keys import Connection
from understudy.bridge.messages import JobDetail, JobSummary, Outputs
from understudy.bridge.take_segments import TakeSegment
from understudy.ui import words
from understudy.ui.centre import TakeViewer
from understudy.ui.detail_page import detail_page
from understudy.ui.job_rows import JobRow, TakeStanding, standing_of
from understudy.ui.other_takes import OtherTake, find_takes, others_of_shot
from understudy.ui.session import Session
from understudy.ui.viewer_take import job_in


@dataclass(frozen=True, slots=True)
class _Read:
    """A job as the daemon tells it, read in the errands' thread."""

    detail: JobDetail
    outputs: Outputs | None
    """None = its files are not to be seen, or there are none."""
    connection: Connection
    folder: Path | None = None
    """Where its take lies on this machine; None = nowhere here."""
    others: tuple[OtherTake, ...] = ()
    """Other takes of the shot that can be seen."""


class _Names(TypedDict):
    shot: str
    version: int


class Details(QTextBrowser):
    """Shows a job in words, and hands its take to the viewer."""

    def __init__(self, session: Session, viewer: TakeViewer, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(words.DETAILS_NAME)
        self.setOpenLinks(False)
        self.setPlainText(words.DETAILS_EMPTY)
        self.detail: JobDetail | None = None
        self.outputs: Outputs | None = None
        """What the daemon said of the take's files; None = there are none, or they are not to be seen."""
        self.folder: Path | None = None
        """Where the shown take lies on this machine; None = nowhere here."""
        self._session, self._viewer = session, viewer
        self._row: JobRow | None = None
        self._fetched: dict[str, Path] = {}
        """Folders to which takes were brought from elsewhere; another take may lie there by now, or none."""
        self.rows: Callable[[], Iterable[JobRow]] = tuple
        """Every job that is listed: among them are the other takes of a shot."""

    def choose(self, row: JobRow | None, done: Callable[[], None] = lambda: None) -> None:
        """Show another job; None = none. done: called when it is read."""
        before, self._row = self._row, row
        if row is None:
            self._clear()
            return
        if before is not None and before.summary.job_id != row.summary.job_id:
            self._clear()
        job_id = row.summary.job_id
        others = others_of_shot(self.rows(), row.summary)
        read = partial(_read, job_id=job_id, others=others, fetched=self._fetched.get(job_id))
        self._session.ask(read, partial(self._show, done=done), self._tell_problem)

    def shows(self, job_id: str) -> bool:
        """Say whether it is this job whose page and folder are here."""
        return self.detail is not None and self.detail.summary.job_id == job_id

    def segments_of(self, job_id: str) -> tuple[TakeSegment, ...]:
        """Return where a job's segments lie; empty for one that is not shown, or whose plan is not known."""
        outputs = self.outputs
        return outputs.segments if outputs is not None and outputs.job_id == job_id else ()

    def note_fetched(self, job_id: str, folder: Path) -> None:
        """From now on the job's take is looked at in `folder`."""
        self._fetched[job_id] = folder
        if self._row is not None and self._row.summary.job_id == job_id:
            self.choose(self._row)

    def _clear(self) -> None:
        self.detail = self.outputs = self.folder = None
        self.setPlainText(words.DETAILS_EMPTY)
        self._viewer.show_words(words.CENTRE_EMPTY)

    def _show(self, read: _Read, done: Callable[[], None]) -> None:
        if self._row is None or self._row.summary.job_id != read.detail.summary.job_id:
            return  # another was chosen meanwhile
        self.detail, self.outputs, self.folder = read.detail, read.outputs, read.folder
        at = self.verticalScrollBar().value()
        folder = read.outputs.folder if read.outputs is not None else ""
        standing = standing_of(read.detail.summary, read.outputs.state if read.outputs is not None else "")
        self.setHtml(detail_page(read.detail, standing, folder))
        self.verticalScrollBar().setValue(at)
        self._show_take(read, standing)
        done()

    def _show_take(self, read: _Read, standing: TakeStanding) -> None:
        summary = read.detail.summary
        names: _Names = {"shot": summary.shot, "version": summary.version}
        if standing in ("none", "quarantined"):
            self._viewer.show_words(words.CENTRE_WITHDRAWN.format(take=words.take_of(**names)))
        elif read.outputs is None:
            self._viewer.show_words(words.CENTRE_NOT_YET.format(**names))
        elif read.outputs.removed:
            self._viewer.show_words(words.CENTRE_REMOVED.format(**names))
        elif not read.outputs.files:
            self._viewer.show_words(words.CENTRE_NOT_YET.format(**names))
        elif self.folder is None:
            self._viewer.show_remote_take(read.connection, read.outputs, read.detail, standing)
        else:
            self._viewer.show_take(self.folder, read.outputs, read.detail, standing)
        self._viewer.compare_with(read.others)

    def _tell_problem(self, problem: UnderstudyError) -> None:
        self.setPlainText(f"{words.HAPPENED}: {problem.message}\n{words.NEXT}: {problem.remedy}")


def _read(client: Client, job_id: str, others: tuple[JobSummary, ...], fetched: Path | None) -> _Read:
    detail = client.show_job(job_id)
    try:
        outputs = client.outputs(job_id)
    except (RequestError, KeyRefused):  # quarantined, or nothing was made yet
        return _Read(detail, None, client.connection)
    lies_here = client.same_machine and Path(outputs.folder).is_dir()
    if client.same_machine and outputs.provisional and not lies_here:
        return _Read(detail, None, client.connection)  # not begun yet: nothing lies anywhere
    folder = Path(outputs.folder) if lies_here and not outputs.removed else None
    if folder is None and fetched is not None and job_in(fetched) == job_id:
        folder = fetched
    seen = folder is not None or not client.same_machine
    found = find_takes(client, detail.summary.version, others) if seen and outputs.files else ()
    return _Read(detail, outputs, client.connection, folder, found)
