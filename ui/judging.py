"""Papers judged while they are typed: the daemon is asked some moments after the last letter, one question at once."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal

from understudy.bridge.client import Client
from understudy.bridge.errors import RequestError, UnderstudyError
from understudy.bridge.papers_client import judge_draft
from understudy.bridge.papers_messages import Judged
from understudy.bridge.record_file import record_from
from understudy.ui.draft import Draft
from understudy.ui.record_document import Document
from understudy.ui.session import Session, Standing

PAUSE_MILLISECONDS = 350
"""Whoever types a name is not judged at every letter of it."""


class Judging(QObject):
    """Asks for the newest document alone. For the interface's thread."""

    started = Signal()
    judged = Signal(object)
    """Judged."""
    unsound = Signal(object)
    """UnderstudyError: the record does not read, and the daemon was not asked."""
    failed = Signal(object)
    """UnderstudyError: the daemon was not there, or did not want to."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.draft: Draft | None = None
        self._session = session
        self._document: Document = {}
        self._under_way = self._again = False
        self._missed = False
        """Whether the last question was not answered: it is asked again as soon as a daemon is there."""
        self._timer = QTimer(self, singleShot=True, interval=PAUSE_MILLISECONDS)
        self._timer.timeout.connect(self._ask)
        session.standing_changed.connect(self._show_standing)

    def judge(self, document: Document, *, at_once: bool = False) -> None:
        """Have this document judged, soon or at once. It must not be changed afterwards."""
        self._document = document
        if at_once:
            self._timer.stop()
            self._ask()
        else:
            self._timer.start()

    def stop(self) -> None:
        self._timer.stop()
        self._again = self._missed = False

    def _ask(self) -> None:
        draft, document = self.draft, self._document
        if draft is None:
            return
        if self._under_way:
            self._again = True
            return
        self._under_way, self._again = True, False
        self.started.emit()

        def asked(client: Client) -> Judged | RequestError:
            try:
                record = record_from(document)
            except RequestError as problem:
                return problem
            return judge_draft(
                client, record, shot=draft.shot, project=draft.project, mode=draft.mode, engine=draft.engine,
                pictures_drive=draft.pictures_drive,
            )  # fmt: skip

        self._session.ask(asked, self._answered, self._failed)

    def _answered(self, answer: Judged | RequestError) -> None:
        self._end()
        if self._again:
            self._ask()  # it is old news
        elif isinstance(answer, Judged):
            self.judged.emit(answer)
        else:
            self.unsound.emit(answer)

    def _failed(self, problem: UnderstudyError) -> None:
        self._end()
        self._missed = True
        self.failed.emit(problem)

    def _end(self) -> None:
        self._under_way = self._missed = False

    def _show_standing(self, standing: Standing) -> None:
        if standing.life == "alive" and self._missed and not self._under_way:
            self._ask()
        elif standing.life == "looking":
            self._under_way = False  # another daemon: an answer of the earlier one never comes
            self._missed = True
