"""A job on its way, off the interface: files are read and hashed, the job is submitted, what is lacking is brought."""

from __future__ import annotations

import time
from collections.abc import Callable

from PySide6.QtCore import QObject, Signal

from understudy.bridge.client import Client
from understudy.bridge.errors import ComplianceError, DaemonUnreachable, JobParked, UnderstudyError
from understudy.bridge.gather import gather_job
from understudy.bridge.keys import Connection
from understudy.bridge.messages import Accepted
from understudy.bridge.options import JobOptions
from understudy.bridge.roundtrip import new_token, send_job
from understudy.bridge.shot import JobRequest
from understudy.ui import words
from understudy.ui.session import Session

TELL_SECONDS = 0.1
"""A file that is hashed in a millisecond is no news of its own."""


class Sending(QObject):
    """One job at a time. For the interface's thread."""

    told = Signal(str, int, int)
    """Words, done, of how much."""
    done = Signal(object)
    """Accepted."""
    failed = Signal(object)
    """UnderstudyError."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._last_told = 0.0
        self._tried: tuple[JobRequest, str] | None = None
        self.under_way = False
        self.refused_job = ""
        """The job that the gate refused last: its findings stand in the store."""

    def send(self, options: JobOptions) -> None:
        """Send a job. The same one after a failure carries the same token: what was stored is not made twice."""
        connection = self._session.standing.connection
        if self.under_way:
            return
        if connection is None:
            self.failed.emit(DaemonUnreachable(words.DAEMON_STATES["away"], remedy=words.DAEMON_START.replace("&", "")))
            return
        self.under_way, self.refused_job = True, ""
        self._session.errands.aside(
            "understudy-send", lambda: self._work(connection, options), self._finish, self._fail
        )

    def _work(self, connection: Connection, options: JobOptions) -> Accepted:
        """Read, submit, bring. In a thread of its own."""

        def hashed(done: int, total: int) -> None:
            self._tell(lambda: words.SUBMIT_READING.format(done=done, total=total), done, total)

        def sent(done: int, total: int) -> None:
            self._tell(lambda: words.SUBMIT_SENDING.format(done=done >> 20, total=total >> 20), done >> 10, total >> 10)

        def parked(problem: JobParked) -> None:
            text = words.SUBMIT_WAITING.format(message=problem.message, remedy=problem.remedy)
            self._session.errands.tell(lambda: self.told.emit(text, 0, 1))

        gathered = gather_job(options, hashed=hashed)
        token = self._token_of(gathered.job)
        try:
            return send_job(connection, gathered, sent=sent, parked=parked, token=token)
        except ComplianceError:
            with Client.connect(connection) as client:
                found = client.find_job(token)
            self.refused_job = found.job_id if found is not None else ""
            raise

    def _token_of(self, job: JobRequest) -> str:
        """Return the token of the try before where it was of this very job, digests of files and papers included.

        In the thread that sends; there is one at a time.
        """
        if self._tried is None or self._tried[0] != job:
            self._tried = job, new_token()
        return self._tried[1]

    def _tell(self, text: Callable[[], str], done: int, total: int) -> None:
        now = time.monotonic()
        if done == total or now - self._last_told > TELL_SECONDS:
            self._last_told = now
            said = text()
            self._session.errands.tell(lambda: self.told.emit(said, done, total))

    def _finish(self, accepted: Accepted) -> None:
        self.under_way, self._tried = False, None
        self.done.emit(accepted)

    def _fail(self, problem: UnderstudyError) -> None:
        self.under_way = False
        if isinstance(problem, ComplianceError):
            self._tried = None  # refused for good: the same options with mended papers behind them are another job
        self.failed.emit(problem)
