"""The record's file: opened and saved in a thread of its own, with the fixes that are told to the ledger before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from shiboken6 import isValid

from understudy.bridge.client import Client
from understudy.bridge.errors import Finding, Fix, UnderstudyError
from understudy.bridge.fixes import applied
from understudy.ui.record_document import Document, new_document
from understudy.ui.record_files import Opened, open_record, save_record
from understudy.ui.session import Session


@dataclass(frozen=True, slots=True)
class AppliedFix:
    """A fix that is in the document and not yet in its file."""

    job_id: str
    rule: str
    fix: Fix


class RecordDesk(QObject):
    """One file at a time. For the interface's thread; none of it waits."""

    opened = Signal(object)
    """Opened: whoever takes it begins with it."""
    saved = Signal(object)
    """Path."""
    failed = Signal(object)
    """UnderstudyError: nothing was changed, on the disk or here."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.path: Path | None = None
        """Where it is saved; None = nowhere yet."""
        self._stands: Document = new_document()
        self._fixes: list[AppliedFix] = []

    def begin(self, document: Document, path: Path | None = None) -> None:
        """Turn to a document: one that was opened, or one that is no file yet."""
        self.path, self._stands, self._fixes = path, document, []

    def let_go(self) -> Document:
        """Forget fixes that were not saved; return the document as it stands on the disk."""
        self._fixes = []
        return self._stands

    def open(self, path: Path) -> None:
        """Read a file; `opened` or `failed` follows."""
        self._session.errands.aside("understudy-record", lambda: open_record(path), self._opened, self._fail)

    def is_changed(self, document: Document) -> bool:
        """Say whether this document is another than the one on the disk."""
        return document != self._stands

    def apply(self, document: Document, finding: Finding, fix: Fix, job_id: str) -> Document:
        """Return the document as `fix` makes it. job_id: whose finding it is; empty = a draft's, of which no ledger
        speaks."""
        if job_id:
            self._fixes.append(AppliedFix(job_id, finding.rule, fix))
        return applied(document, fix)

    def save(self, document: Document, path: Path) -> None:
        """Tell the ledger what fixes are in it, then write. `saved` or `failed` follows."""
        told = [one for one in self._fixes if applied(document, one.fix) == document]

        def done(written: Path) -> None:
            if not isValid(self):
                return  # its window was deleted meanwhile; the file is written
            self.path, self._stands = written, document
            self._fixes = [one for one in self._fixes if one not in told]
            self.saved.emit(written)

        if told:
            self._session.ask(_noted(told, lambda: save_record(document, path)), done, self._fail)
        else:
            self._session.errands.aside("understudy-record", lambda: save_record(document, path), done, self._fail)

    def _fail(self, problem: UnderstudyError) -> None:
        self.failed.emit(problem)

    def _opened(self, opened: Opened) -> None:
        self.opened.emit(opened)


def _noted(fixes: list[AppliedFix], save: Callable[[], Path]) -> Callable[[Client], Path]:
    """Return an errand: the ledger first, as `understudy fix` does it, and then the file."""

    def noted(client: Client) -> Path:
        for one in fixes:
            client.note_fix(one.job_id, one.rule, one.fix.kind)
        return save()

    return noted
