"""The middle of the panel with the viewer in it: a chosen take is shown, words where there is none to show."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QStackedWidget, QWidget

from understudy.bridge.errors import Finding
from understudy.bridge.keys import Connection
from understudy.bridge.messages import JobDetail, Outputs
from understudy.bridge.take_segments import TakeSegment
from understudy.ui import words
from understudy.ui.centre import EmptyCentre
from understudy.ui.frames.plate import JobPlate
from understudy.ui.frames.remote import Door
from understudy.ui.job_rows import TakeStanding
from understudy.ui.other_takes import OtherTake
from understudy.ui.remote_take import RemoteTake
from understudy.ui.session import Session
from understudy.ui.viewer import Viewer


class TakeCentre(QStackedWidget):
    """A TakeViewer (centre.py). The viewer watches the take's folder itself, so frames that land need no word."""

    def __init__(self, session: Session | None = None, parent: QWidget | None = None) -> None:
        """session: whose daemon shows plates that nothing here reads; None = none does."""
        super().__init__(parent)
        self._session = session
        self.setAccessibleName(words.CENTRE_NAME)
        self.empty, self.viewer = EmptyCentre(), Viewer()
        for widget in (self.empty, self.viewer):
            self.addWidget(widget)
        self._shown: tuple[str, Path | None] | None = None
        """A job, and where its take lies; None = elsewhere."""
        self._known: tuple[tuple[Finding, ...], tuple[TakeSegment, ...]] = ((), ())
        self._others: tuple[OtherTake, ...] = ()
        self._door: Door | None = None
        self._remote: RemoteTake | None = None
        self._remote_others: dict[str, RemoteTake] = {}
        """Of the shown take's shot, by job: each is asked once for what only its header says."""
        self._frame: int | None = None
        """Where to go once a take is read that lay elsewhere until now."""
        self.viewer.frame_changed.connect(self._note_frame)
        self.viewer.take_read.connect(self._go_back)

    def show_remote_take(
        self, connection: Connection, outputs: Outputs, detail: JobDetail, standing: TakeStanding
    ) -> None:
        """Show a take through its daemon. The same one with more frames, or another state, keeps its frame."""
        job_id, shot = detail.summary.job_id, detail.job.shot
        self._note_known(outputs, detail)
        if self._shown != (job_id, None) or self._remote is None or self._remote.inputs_only:
            self._shown = job_id, None
            self._remote = RemoteTake(self._door_of(connection), outputs, detail)
            self.viewer.show_take(
                Path(f"{job_id} elsewhere"), None, shot.rate, detail.findings, expected=shot.range,
                segments=outputs.segments, others=self._others, remote=self._remote,
            )  # fmt: skip
        else:
            self._remote.update(outputs, detail)
            self.viewer.learn(*self._known, self._others)
        self.setCurrentWidget(self.viewer)
        self.setFocusProxy(self.viewer)

    def show_take(self, folder: Path, outputs: Outputs, detail: JobDetail, standing: TakeStanding) -> None:
        """Show a take. The same one in another folder, or under another state, keeps its frame."""
        job_id, shot = detail.summary.job_id, detail.job.shot
        self._note_known(outputs, detail)
        if self._shown != (job_id, folder):
            self._shown = job_id, folder
            self._remote = self._inputs(outputs, detail)
            plate = JobPlate(shot.plate) if shot.plate is not None else None
            self.viewer.show_take(
                folder, plate, shot.rate, detail.findings, expected=shot.range, segments=outputs.segments,
                others=self._others, remote=self._remote,
            )  # fmt: skip
        else:
            self.viewer.learn(*self._known, self._others)
        self.setCurrentWidget(self.viewer)
        self.setFocusProxy(self.viewer)

    def compare_with(self, others: tuple[OtherTake, ...]) -> None:
        """Offer these takes beside the shown one's layers."""
        self._others = tuple(self._reached(one) for one in others)
        if self._shown is not None:
            self.viewer.learn(*self._known, self._others)

    def frames_finished(self, frames: tuple[int, ...]) -> None:
        """Nothing to do: the viewer looks at the folder."""

    def show_words(self, text: str) -> None:
        if self._shown is not None:
            self.viewer.close_take(wait=False)  # a thread may hang at a mount, or wait for a daemon
        self._shown = self._frame = None
        self.empty.show_words(text)
        self.setCurrentWidget(self.empty)
        self.setFocusProxy(self.empty)

    def close_take(self) -> None:
        self._shown = None
        self.viewer.close_take()
        if self._door is not None:
            self._door.close()
            self._door = None

    def _note_known(self, outputs: Outputs, detail: JobDetail) -> None:
        """Take in what is known of a take that is to be shown; of another job nothing stays."""
        if self._shown is None or self._shown[0] != detail.summary.job_id:
            self._frame, self._others = None, ()
            self._remote_others.clear()
        self._known = detail.findings, outputs.segments

    def _reached(self, other: OtherTake) -> OtherTake:
        """Return another take with the way to its pictures, where it lies elsewhere."""
        if other.told is None or self._door is None:
            return other
        outputs, detail = other.told
        remote = self._remote_others.setdefault(outputs.job_id, RemoteTake(self._door, outputs, detail))
        remote.update(outputs, detail)
        return other._replace(told=None, remote=remote)

    def _inputs(self, outputs: Outputs, detail: JobDetail) -> RemoteTake | None:
        """Return the way to the job's plate, for a take that lies here and a plate that nothing here reads."""
        connection = self._session.standing.connection if self._session is not None else None
        if connection is None:
            return None
        return RemoteTake(self._door_of(connection), outputs, detail, inputs_only=True)

    def _door_of(self, connection: Connection) -> Door:
        """Return the door of this daemon: it keeps what came, so that a take chosen again is not sent again."""
        if self._door is None or self._door.connection != connection:
            if self._door is not None:
                self._door.close()
            self._door = Door(connection)
        return self._door

    def _note_frame(self, frame: int) -> None:
        self._frame = frame

    def _go_back(self) -> None:
        if self._frame is not None:
            self.viewer.set_frame(self._frame)
