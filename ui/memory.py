"""The panel's memory while it runs: read and written in a thread of its own, changed in the interface's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import msgspec
from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QHeaderView, QSplitter, QWidget

from understudy.bridge.errors import UnderstudyError
from understudy.bridge.options import JobOptions
from understudy.ui.errands import Errands
from understudy.ui.remembered import Layout, Remembered, Show, load, save

SETTLE_MILLISECONDS = 500
"""A splitter that is dragged is written once."""


class Memory(QObject):
    """What is remembered. Without a home nothing is read and nothing is written; nor is a file that was not read."""

    loaded = Signal()
    problem = Signal(str)

    def __init__(self, home: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.known = Remembered()
        self.is_loaded = home is None
        self._home = home
        self._forgotten = False
        self._errands = Errands("understudy-memory") if home is not None else None
        self._timer = QTimer(self, singleShot=True, interval=SETTLE_MILLISECONDS)
        self._timer.timeout.connect(self._save)
        if home is not None and self._errands is not None:
            self._errands.run(lambda: load(home), self._take, self._tell)

    def note_job(self, options: JobOptions, own: Mapping[str, str]) -> None:
        """Remember how a show's newest job is made."""
        self._change(self.known.with_job(options, own))

    def note_daemon(self, file: str) -> None:
        if file and (not self.known.daemons or self.known.daemons[0] != file):
            self._change(self.known.with_daemon(file))

    def note_layout(self, layout: Layout) -> None:
        if layout != self.known.layout and not self._forgotten:
            self._change(msgspec.structs.replace(self.known, layout=layout))

    def show(self, project: str | None) -> Show:
        return self.known.shows.get(project or "", Show())

    def forget(self) -> None:
        """Forget everything, also what could not be read."""
        self.is_loaded = True
        self._change(Remembered())
        self._forgotten = True  # the window that still stands is not what comes back

    def close(self) -> None:
        """Write what is not written yet, and end the thread."""
        if self._timer.isActive():
            self._save()
        if self._errands is not None:
            self._errands.close()

    def _change(self, known: Remembered) -> None:
        if self.is_loaded:  # else what is on the disk would be written over
            self.known = known
            self._timer.start()

    def _save(self) -> None:
        self._timer.stop()
        if self._errands is not None and self._home is not None:
            self._errands.run(partial(save, self._home, self.known), _nothing, self._tell)

    def _take(self, found: tuple[Remembered, str]) -> None:
        known, problem = found
        if not self._forgotten:
            self.known = known
        self.is_loaded = True
        if problem:
            self.problem.emit(problem)
        self.loaded.emit()

    def _tell(self, problem: UnderstudyError) -> None:
        self.problem.emit(f"{problem.message}. {problem.remedy}")


def _nothing(_: object) -> None:
    return


def take_layout(window: QWidget, splitters: Mapping[str, QSplitter], columns: QHeaderView, layout: Layout) -> None:
    """Have a window stand as it is remembered, as far as it fits what there is now."""
    if min(layout.size) > 0:
        window.resize(*layout.size)
    for name, sizes in layout.splitters.items():
        splitter = splitters.get(name)
        if splitter is not None and len(sizes) == splitter.count() and sum(sizes) > 0:
            splitter.setSizes(list(sizes))
    if len(layout.columns) == columns.count():
        for at, width in enumerate(layout.columns[:-1]):  # the last one takes what is left
            columns.resizeSection(at, max(width, columns.minimumSectionSize()))


def layout_of(window: QWidget, splitters: Mapping[str, QSplitter], columns: QHeaderView, **more: object) -> Layout:
    """Return how a window stands now. more: what else of a Layout is known."""
    return Layout(
        size=(window.width(), window.height()),
        splitters={name: tuple(splitter.sizes()) for name, splitter in splitters.items()},
        columns=tuple(columns.sectionSize(at) for at in range(columns.count())),
        **more,  # type: ignore[arg-type]
    )


def when_moved(splitters: Mapping[str, QSplitter], columns: QHeaderView, do: Callable[[], None]) -> None:
    """Call `do` when somebody moves a splitter or a column."""
    for splitter in splitters.values():
        splitter.splitterMoved.connect(lambda _position, _at: do())
    columns.sectionResized.connect(lambda _at, _before, _now: do())
