"""The middle of the panel with the viewer in it: a chosen take is shown, words where there is none to show."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QStackedWidget, QWidget

from understudy.bridge.errors import Finding
from understudy.bridge.messages import JobDetail, Outputs
from understudy.bridge.take_segments import TakeSegment
from understudy.ui import words
from understudy.ui.centre import EmptyCentre
from understudy.ui.frames.plate import JobPlate
from understudy.ui.job_rows import TakeStanding
from understudy.ui.other_takes import OtherTake
from understudy.ui.viewer import Viewer


class TakeCentre(QStackedWidget):
    """A TakeViewer (centre.py). The viewer watches the take's folder itself, so frames that land need no word."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(words.CENTRE_NAME)
        self.empty, self.viewer = EmptyCentre(), Viewer()
        for widget in (self.empty, self.viewer):
            self.addWidget(widget)
        self._shown: tuple[str, Path] | None = None
        self._known: tuple[tuple[Finding, ...], tuple[TakeSegment, ...]] = ((), ())
        self._others: tuple[OtherTake, ...] = ()
        self._frame: int | None = None
        """Where to go once a take is read that lay elsewhere until now."""
        self.viewer.frame_changed.connect(self._note_frame)
        self.viewer.take_read.connect(self._go_back)

    def show_take(self, folder: Path, outputs: Outputs, detail: JobDetail, standing: TakeStanding) -> None:
        """Show a take. The same one in another folder, or under another state, keeps its frame."""
        job_id, shot = detail.summary.job_id, detail.job.shot
        if self._shown is not None and self._shown[0] != job_id:
            self._frame, self._others = None, ()
        self._known = detail.findings, outputs.segments
        if self._shown != (job_id, folder):
            self._shown = job_id, folder
            plate = JobPlate(shot.plate) if shot.plate is not None else None
            self.viewer.show_take(
                folder, plate, shot.rate, detail.findings, expected=shot.range, segments=outputs.segments,
                others=self._others,
            )  # fmt: skip
        else:
            self.viewer.learn(*self._known, self._others)
        self.setCurrentWidget(self.viewer)
        self.setFocusProxy(self.viewer)

    def compare_with(self, others: tuple[OtherTake, ...]) -> None:
        """Offer these takes beside the shown one's layers."""
        self._others = others
        if self._shown is not None:
            self.viewer.learn(*self._known, others)

    def frames_finished(self, frames: tuple[int, ...]) -> None:
        """Nothing to do: the viewer looks at the folder."""

    def show_words(self, text: str) -> None:
        if self._shown is not None:
            self.viewer.close_take()
        self._shown = self._frame = None
        self.empty.show_words(text)
        self.setCurrentWidget(self.empty)
        self.setFocusProxy(self.empty)

    def close_take(self) -> None:
        self._shown = None
        self.viewer.close_take()

    def _note_frame(self, frame: int) -> None:
        self._frame = frame

    def _go_back(self) -> None:
        if self._frame is not None:
            self.viewer.set_frame(self._frame)
