"""The middle of the panel, where a take is looked at: what a viewer must offer, and what stands there without one."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from understudy.bridge.keys import Connection
from understudy.bridge.messages import JobDetail, Outputs
from understudy.ui import words
from understudy.ui.job_rows import TakeStanding, command_line
from understudy.ui.other_takes import OtherTake


class TakeViewer(Protocol):
    """What the panel says to the widget in its middle. All calls come from the interface's thread; none may wait."""

    def show_take(self, folder: Path, outputs: Outputs, detail: JobDetail, standing: TakeStanding) -> None:
        """Look at a take on this machine. folder: absolute, the version's, with a folder a layer.

        outputs: its files so far, their paths relative to `folder`; `outputs.provisional` while the job runs.
        detail: shot, range, rate, settings and findings. standing: shown beside the picture in words and shape.
        A call for the job that is shown already means that its files moved or its standing changed: keep the frame.
        """

    def show_remote_take(
        self, connection: Connection, outputs: Outputs, detail: JobDetail, standing: TakeStanding
    ) -> None:
        """The same for a take that lies elsewhere: looked at through the daemon of this connection."""

    def compare_with(self, others: tuple[OtherTake, ...]) -> None:
        """Offer other takes of the shown take's shot to compare it with. Called after the take is shown."""

    def frames_finished(self, frames: tuple[int, ...]) -> None:
        """Take note that every layer of these frames of the shown take is on disk now, provisional."""

    def show_words(self, text: str) -> None:
        """Let go of every file and show this instead: nothing is chosen, or nothing may be seen."""

    def close_take(self) -> None:
        """Let go of every file and thread: the panel closes."""


class EmptyCentre(QWidget):
    """Stands in for a viewer: says what is chosen, and where it lies."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(words.CENTRE_NAME)
        self.label = QLabel(
            words.CENTRE_EMPTY,
            self,
            alignment=Qt.AlignmentFlag.AlignCenter,
            wordWrap=True,
            textFormat=Qt.TextFormat.PlainText,
        )
        self.label.setProperty("role", "empty")
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        QVBoxLayout(self).addWidget(self.label)

    def show_take(self, folder: Path, outputs: Outputs, detail: JobDetail, standing: TakeStanding) -> None:
        summary = detail.summary
        take = f"{summary.shot} v{summary.version:03}, {words.STANDINGS[standing]}"
        self.label.setText(f"{take}\n{words.STANDING_HELP[standing]}\n\n{folder}")

    def show_remote_take(
        self, connection: Connection, outputs: Outputs, detail: JobDetail, standing: TakeStanding
    ) -> None:
        summary = detail.summary
        names = {"shot": summary.shot, "version": summary.version}
        self.label.setText(words.CENTRE_ELSEWHERE.format(**names, folder=outputs.folder, command=command_line(summary)))

    def compare_with(self, others: tuple[OtherTake, ...]) -> None:
        return

    def frames_finished(self, frames: tuple[int, ...]) -> None:
        return

    def show_words(self, text: str) -> None:
        self.label.setText(text)

    def close_take(self) -> None:
        return
