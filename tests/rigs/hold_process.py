"""A panel in a process of its own that measures how long its interface is held: `hold_process.py HOME JOB FOLDER`.

Every event that the interface's thread is given is timed, by the thread's own processor seconds: what other processes
take of the machine is not in it. Somebody is there all the while: rows are scrolled, letters are typed, the job is
looked at. A line `frames N` for each frame that is told, `life ...` as it changes, and at the end one line of JSON.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication

from understudy.bridge.options import JobOptions
from understudy.ui.panel import Panel
from understudy.ui.session import Session
from understudy.ui.take_centre import TakeCentre
from understudy.ui.theme import dress

SETTLE_SECONDS = 2.0
SEARCHES = ("s", "sh", "sh0", "sh01", "sh", "")


class TimedApplication(QApplication):
    """Times what is done for each event, with all that it sets off."""

    def __init__(self) -> None:
        super().__init__(["understudy"])
        self.worst: list[tuple[float, float, str]] = []
        """Processor seconds, seconds on the wall, and what it was: the worst ten."""
        self.counts = False
        self._within = False

    def notify(self, receiver: QObject, event: QEvent) -> bool:
        if self._within or not self.counts:
            return bool(super().notify(receiver, event))
        self._within = True
        name = f"{event.type().name} of {type(receiver).__name__}"  # asked before: both may be gone afterwards
        own, wall = time.thread_time(), time.perf_counter()
        try:
            return bool(super().notify(receiver, event))
        finally:
            self._within = False
            self.worst.append((time.thread_time() - own, time.perf_counter() - wall, name))
            if len(self.worst) > 200:
                self.worst = sorted(self.worst, reverse=True)[:10]


class Artist(QObject):
    """Scrolls, searches and looks, a little every tenth of a second, until the job is delivered."""

    def __init__(self, panel: Panel, job_id: str) -> None:
        super().__init__()
        self._panel, self._job_id = panel, job_id
        self._turn = 0
        self._ended = 0.0
        panel.session.frames_finished.connect(self._frames)
        panel.session.standing_changed.connect(self._life)
        self._lived = ""
        self._done = 0
        timer = QTimer(self, interval=100)
        timer.timeout.connect(self._act)
        timer.start()

    def _act(self) -> None:
        pane, self._turn = self._panel.pane, self._turn + 1
        row = self._panel.jobs.job(self._job_id)
        if self._turn % 40 == 1 and row is not None:
            pane.search.clear()
            pane.choose(self._job_id)
        elif self._turn % 40 > 30:
            pane.search.setText(SEARCHES[self._turn % len(SEARCHES)])
        else:
            pane.table.verticalScrollBar().setValue(self._turn * 97 % max(1, self._panel.jobs.rowCount()))
        if row is not None and row.summary.state == "delivered":
            self._ended = self._ended or time.monotonic()
            if time.monotonic() - self._ended > SETTLE_SECONDS:
                QApplication.quit()

    def _frames(self, job_id: str, frames: list[int]) -> None:
        if job_id == self._job_id:
            self._done += len(frames)
            print("frames", self._done, flush=True)

    def _life(self, standing: object) -> None:
        life = standing.life  # type: ignore[attr-defined]
        if life != self._lived:
            self._lived = life
            print("life", life, flush=True)


def main() -> None:
    home, job_id = sys.argv[1:3]
    application = TimedApplication()
    dress(application)
    panel = Panel(Session(Path(home)), JobOptions(), TakeCentre())
    panel.show()
    application.processEvents()
    application.counts = True
    panel.session.start()
    artist = Artist(panel, job_id)
    application.exec()
    application.counts = False
    row = panel.jobs.job(job_id)
    assert row is not None
    told = {
        "jobs": panel.jobs.count,
        "state": row.summary.state,
        "done": row.summary.frames_done,
        "worst": sorted(application.worst, reverse=True)[:10],
    }
    print(json.dumps(told), flush=True)
    del artist
    panel.close()


if __name__ == "__main__":
    main()
