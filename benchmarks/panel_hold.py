"""How long the panel's interface is held while 10,000 jobs are listed, searched, scrolled and told of.

A timer of nothing counts every turn of the interface's loop; the longest time between two turns is the hold. What the
thread waits for a core is taken off (`schedstat`), so a busy machine says the same. Best of three, as a busy machine
only adds.
"""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.stand_ins import lend_rigs
from benchmarks.table import Row, at_most

GOAL_MILLISECONDS = 50.0
JOBS = 10_000
RUNS = 3


def measure() -> list[Row]:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    lend_rigs()
    worst = min((_run() for _ in range(RUNS)), key=lambda held: max(held.values()))
    note = f"limit: 50 ms; {JOBS} jobs, offscreen, best of {RUNS} runs"
    return [
        at_most(f"the panel's interface is held: {doing}", milliseconds, GOAL_MILLISECONDS, "ms", 1.0, note)
        for doing, milliseconds in worst.items()
    ]


def _run() -> dict[str, float]:
    """Return the longest hold of each doing, in milliseconds."""
    from panel_rig import summaries
    from PySide6.QtWidgets import QApplication
    from qt_rig import application

    from understudy.bridge.messages import Progress
    from understudy.ui.job_list import JobList
    from understudy.ui.job_rows import in_order, row_of
    from understudy.ui.jobs_pane import JobsPane
    from understudy.ui.theme import dress

    made = application()
    dress(made)
    rows = in_order(row_of(job) for job in summaries(JOBS))  # in the panel another thread makes them
    jobs = JobList()
    pane = JobsPane(jobs)
    pane.resize(1000, 800)
    pane.show()
    made.processEvents()
    held: dict[str, float] = {}

    def turn(doing: str, act: object) -> None:
        before = _own_seconds()
        act()  # type: ignore[operator]
        QApplication.processEvents()
        held[doing] = max(held.get(doing, 0.0), (_own_seconds() - before) * 1000)

    turn("the list comes", lambda: jobs.set_jobs(rows))
    for text in ("s", "sh", "sh09", "sh099", "failed", ""):
        turn("a letter of a search", lambda text=text: pane.search.setText(text))
    for at in range(0, JOBS, 100):
        turn("a scroll", lambda at=at: pane.table.verticalScrollBar().setValue(at))
    for done in range(20):
        news = {f"job{number:07}": Progress(stage="frames", done=done, total=50) for number in range(100)}
        turn("progress of 100 jobs", lambda news=news: jobs.set_progress(news))
    pane.close()
    return held


def _own_seconds() -> float:
    """Return the processor seconds that this thread has had: its time, less what it waited for a core."""
    return int(Path("/proc/thread-self/schedstat").read_text().split()[0]) / 1e9
