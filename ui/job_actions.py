"""What can be done to the chosen job: menu entries with their keys, offered where the job's state allows them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Qt, QUrl, Signal
from PySide6.QtGui import QAction, QDesktopServices, QGuiApplication, QKeySequence
from PySide6.QtWidgets import QMessageBox, QWidget

from understudy.bridge.messages import Accepted, JobSummary, RedoSegment
from understudy.bridge.roundtrip import change_job, redo_segment
from understudy.ui import words
from understudy.ui.details import Details
from understudy.ui.job_rows import JobRow, allowed, command_line
from understudy.ui.redo_costs import RedoCosts
from understudy.ui.redo_dialog import RedoDialog
from understudy.ui.session import Session

PRIORITY_STEP = 10
PRIORITY_MOST = 100


class JobActions(QObject):
    """The actions on one job. For the interface's thread."""

    told = Signal(str)
    """What became of it, in words."""
    failed = Signal(object)
    """UnderstudyError."""

    def __init__(self, session: Session, details: Details, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._details, self._window = session, details, parent
        self._row: JobRow | None = None
        self.by_name = {name: self._action(name) for name in words.ACTIONS}
        self.choose(None)

    def choose(self, row: JobRow | None) -> None:
        """Offer what can be done to this job."""
        self._row = row
        may = allowed(row.summary) if row is not None else frozenset()
        for name, action in self.by_name.items():
            action.setEnabled(name in may)

    def _action(self, name: str) -> QAction:
        label, key, said = words.ACTIONS[name]
        action = QAction(label, self, toolTip=said, statusTip=said)
        action.setShortcut(QKeySequence(key))
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.triggered.connect(partial(self._do, name))
        return action

    def _do(self, name: str, _checked: bool = False) -> None:
        row = self._row
        if row is None or name not in allowed(row.summary):
            return
        special: dict[str, Callable[[JobRow], None]] = {
            "copy": self._copy, "open": self._open, "redo": self._redo, "cancel": self._cancel
        }  # fmt: skip
        if name in special:
            special[name](row)
        elif name in ("sooner", "later"):
            step = PRIORITY_STEP if name == "sooner" else -PRIORITY_STEP
            value = max(-PRIORITY_MOST, min(PRIORITY_MOST, row.summary.priority + step))
            self._change(row.summary.job_id, "priority", value)
        else:
            self._change(row.summary.job_id, name)

    def _change(self, job_id: str, action: str, priority: int = 0) -> None:
        # In a thread of its own: a job that goes on may first have to be brought gigabytes that the vault lost.
        self._session.ask_aside(
            lambda client: change_job(client, job_id, action, priority), self._changed, self.failed.emit
        )

    def _changed(self, summary: JobSummary) -> None:
        self._session.refresh(summary.job_id)
        state = words.STATES[summary.state]
        self.told.emit(f"{summary.shot} v{summary.version:03} is {state}, priority {summary.priority}")

    def _cancel(self, row: JobRow) -> None:
        summary = row.summary
        question = words.CANCEL_SURE.format(
            shot=summary.shot, version=summary.version, done=summary.frames_done, total=summary.frames_total
        )
        if row.done and not self.confirm(question):
            return
        self._change(summary.job_id, "cancel")

    def confirm(self, question: str) -> bool:
        """Ask before finished work is stopped."""
        box = QMessageBox(QMessageBox.Icon.NoIcon, words.TITLE, question, parent=self._window)
        box.setStandardButtons(QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No)
        return box.exec() == QMessageBox.StandardButton.Yes

    def _copy(self, row: JobRow) -> None:
        line = command_line(row.summary)
        QGuiApplication.clipboard().setText(line)
        self.told.emit(line)

    def _open(self, row: JobRow) -> None:
        folder = self._details.folder
        if folder is None:
            self.told.emit(words.NO_FOLDER_HERE)
            return
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
        self.told.emit(str(folder))

    def _redo(self, row: JobRow) -> None:
        dialog = RedoDialog(row.summary, self._window, RedoCosts(self._session, row.summary.job_id))
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
