"""Bringing a take to this machine: one fetch at a time, in a thread of its own, with its progress, to be stopped.

What has arrived stays: the same fetch into the same folder goes on from there (`bridge.take`).
"""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QFileDialog, QProgressDialog, QWidget

from understudy.bridge.client import Client
from understudy.bridge.errors import UnderstudyError
from understudy.bridge.fetching import fetch_take
from understudy.bridge.messages import JobSummary
from understudy.ui import words
from understudy.ui.session import Session


class Fetching(QObject):
    """Asks where to, fetches, tells. For the interface's thread."""

    told = Signal(str)
    failed = Signal(object)
    """UnderstudyError."""
    fetched = Signal(str, object)
    """A job and the folder in which its take lies now."""
    _moved = Signal(int, int)
    """Files that lie here and files in all; from the fetching thread."""

    def __init__(self, session: Session, window: QWidget) -> None:
        super().__init__(window)
        self._session, self._window = session, window
        self._stop: threading.Event | None = None
        self.progress: QProgressDialog | None = None
        self._moved.connect(self._show_progress)

    def ask(self, summary: JobSummary) -> None:
        """Ask for a folder and fetch into it."""
        title = words.FETCH_TITLE.format(take=words.take_of(summary.shot, summary.version))
        chosen = QFileDialog.getExistingDirectory(self._window, title)
        if chosen:
            self.fetch(summary, Path(chosen) / folder_name(summary))

    def fetch(self, summary: JobSummary, folder: Path) -> None:
        """Bring a delivered take into `folder`; goes on where an earlier fetch of it was stopped.

        It goes on, too, when the panel turns to another daemon: it has a client of its own.
        """
        if self._stop is not None:
            self.told.emit(words.FETCH_BUSY)
            return
        stop = self._stop = threading.Event()
        self.open_progress(summary).canceled.connect(stop.set)
        job_id, where = summary.job_id, self._session.where

        def bring() -> Path | None:
            with Client.connect(where) as client:
                whole = fetch_take(client, job_id, folder, self._moved.emit, stop.is_set)
            return folder if whole else None

        self._session.errands.aside("understudy-fetch", bring, partial(self._done, job_id), self._not_done)

    def close(self) -> None:
        """Let a fetch that is under way stop after the file that it brings."""
        if self._stop is not None:
            self._stop.set()

    def open_progress(self, summary: JobSummary) -> QProgressDialog:
        """Open the window that says how far a fetch has come."""
        title = words.FETCH_UNDER_WAY.format(take=words.take_of(summary.shot, summary.version))
        self.progress = QProgressDialog(title, words.FETCH_STOP, 0, 0, self._window)
        self.progress.setAccessibleName(title)
        self.progress.setMinimumDuration(0)
        self.progress.setAutoClose(False)
        self.progress.setAutoReset(False)
        self.progress.show()
        return self.progress

    def _show_progress(self, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress.setMaximum(total)
            self.progress.setValue(done)

    def _done(self, job_id: str, folder: Path | None) -> None:
        self._end()
        if folder is None:
            self.told.emit(words.FETCH_STOPPED)
            return
        self.told.emit(words.FETCHED.format(folder=folder))
        self.fetched.emit(job_id, folder)

    def _not_done(self, problem: UnderstudyError) -> None:
        self._end()
        self.failed.emit(problem)

    def _end(self) -> None:
        self._stop = None
        progress, self.progress = self.progress, None
        if progress is not None:
            progress.hide()
            progress.deleteLater()


def folder_name(summary: JobSummary) -> str:
    """Return what the folder of a fetched take is called. Pure. Takes of two shows may share a name, never a job."""
    take = words.take_of(summary.shot, summary.version).replace(" ", "_")
    return f"{take}_{summary.job_id}"
