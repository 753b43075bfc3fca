"""Playing at the shot's rate: a clock that says which frame is due, and a count of those that were painted."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from understudy.bridge.frames import FrameRate
from understudy.ui.playhead import Playhead, played, steps_due
from understudy.ui.viewer_words import playback_words


class Playback(QObject):
    """Frames are dropped rather than slowed down, and counted. Of the interface's thread."""

    due = Signal(int)
    """How many frames have begun since the start."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.rate = FrameRate(24)
        self._began = 0
        self._start = 0
        self._painted: set[int] = set()
        self._asked: dict[int, int] = {}
        """Frame to the step at which it was last asked for."""
        self._clock = QTimer(self)
        self._clock.setTimerType(Qt.TimerType.PreciseTimer)
        self._clock.timeout.connect(lambda: self.due.emit(self._steps()))

    @property
    def runs(self) -> bool:
        return self._clock.isActive()

    def start(self, frame: int) -> None:
        """Begin at a frame. The clock ticks twice a frame, so that none begins more than half a frame late."""
        self._began, self._start = time.monotonic_ns(), frame
        self._painted = set()
        self._asked = {}
        self._clock.start(max(1, int(500 / self.rate.fraction)))

    def stop(self) -> None:
        self._clock.stop()

    def frame(self, head: Playhead, steps: int) -> int:
        frame = played(head, self._start, steps)
        self._asked[frame] = steps
        return frame

    def was_painted(self, frame: int) -> None:
        """Count a frame that was due as painted, once."""
        if self.runs and frame in self._asked:
            self._painted.add(self._asked[frame])

    def words(self) -> str:
        """Return how it goes."""
        return playback_words(len(self._painted), self._steps(), self.seconds, float(self.rate.fraction))

    @property
    def seconds(self) -> float:
        return (time.monotonic_ns() - self._began) / 1e9

    @property
    def painted(self) -> int:
        return len(self._painted)

    def _steps(self) -> int:
        return steps_due(self.rate, time.monotonic_ns() - self._began)
