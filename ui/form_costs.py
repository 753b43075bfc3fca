"""The costs in the form: the sentence, the comparison, and what either button would start."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtWidgets import QPushButton, QWidget

from understudy.bridge.costs import choose_cost, seconds_of
from understudy.bridge.engine_description import EngineDescription
from understudy.bridge.errors import RequestError
from understudy.bridge.frames import FilePattern, FrameRange
from understudy.bridge.options import JobOptions
from understudy.ui import cost_words
from understudy.ui.cost_words import comparison, cost_in_words
from understudy.ui.costs import Costs
from understudy.ui.costs_box import CostsBox
from understudy.ui.session import Session

ASK_MILLISECONDS = 10_000
"""How often a form that is open asks anew: jobs end while it is filled in."""


class FormCosts(QObject):
    """Shows what the form's job will cost. For the interface's thread."""

    changed = Signal()
    """The daemon told something new: the form says once more what it says."""

    def __init__(self, session: Session, draft: QPushButton, final: QPushButton, parent: QWidget) -> None:
        super().__init__(parent)
        self.box = CostsBox(parent)
        self.frames: int | None = None
        """How many the plate's files have, where nothing is typed; found in a thread (`frames_on_disk`)."""
        self._costs = Costs(session, self)
        self._costs.changed.connect(self.changed)
        self._form, self._draft, self._final = parent, draft, final
        self._labels = draft.text(), final.text()
        timer = QTimer(self, interval=ASK_MILLISECONDS)
        timer.timeout.connect(self._ask_while_shown)
        timer.start()
        parent.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if event.type() == QEvent.Type.Show:
            self.ask()
        return super().eventFilter(watched, event)

    def ask(self) -> None:
        self._costs.ask()

    def show_for(
        self, engines: Mapping[str, EngineDescription], options: JobOptions, own: Mapping[str, str], draft: str
    ) -> None:
        """Show what it costs. own: what is said of the chosen engine's options; draft: the drafts' engine."""
        engine = engines.get(options.engine)
        frames = frames_typed(options) or self.frames
        if engine is None or not self._costs.is_told:
            self.box.show_costs("" if self._costs.is_told else cost_words.NOTHING_TOLD, ())
            return
        measured = self._costs.measured
        cost = choose_cost(measured, engine, options.mode, own)
        rows = comparison(engines, measured, options.mode, engine.name, own, frames)
        self.box.show_costs(_sentence(cost_in_words(cost, engine, frames)), rows)
        self._final.setText(self._label(1, seconds_of(cost, frames) if cost and frames else None))
        drafts = engines.get(draft)
        cheap = choose_cost(measured, drafts, options.mode, {}) if drafts is not None else None
        self._draft.setText(self._label(0, seconds_of(cheap, frames) if cheap and frames else None))

    def _label(self, which: int, seconds: float | None) -> str:
        plain = self._labels[which]
        return plain if seconds is None else cost_words.BUTTON.format(label=plain, time=cost_words.about(seconds))

    def _ask_while_shown(self) -> None:
        if self._form.isVisible():
            self.ask()


def frames_typed(options: JobOptions) -> int | None:
    """Return how many frames are asked for; None where that is left to the files, or cannot be read."""
    try:
        return len(FrameRange.parse(options.frames)) if options.frames else None
    except RequestError:
        return None


def frames_on_disk(options: JobOptions) -> int | None:
    """Return how many frames the plate's files have; None for a movie. Reads a folder: never in the interface."""
    try:
        pattern = FilePattern(options.plate) if options.plate else None
        return len(pattern.frames_on_disk()) or None if pattern is not None and pattern.numbered else None
    except RequestError:
        return None


def _sentence(said: str) -> str:
    return f"{said[:1].upper()}{said[1:]}."
