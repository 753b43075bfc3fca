"""What making segments of a take again will cost, by what such jobs have cost on its daemon."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from understudy.bridge.client import Client
from understudy.bridge.costs import choose_cost
from understudy.bridge.engine_description import EngineDescription
from understudy.bridge.errors import UnderstudyError
from understudy.bridge.messages import JobDetail
from understudy.ui import cost_words
from understudy.ui.cost_words import cost_in_words, redo_frames
from understudy.ui.costs import Costs
from understudy.ui.session import Session


class RedoCosts(QObject):
    """For the interface's thread; asks at once, and says nothing until it is answered."""

    changed = Signal()

    def __init__(self, session: Session, job_id: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._detail: JobDetail | None = None
        self._costs = Costs(session, self)
        self._costs.changed.connect(self.changed)
        self._costs.ask()

        def show(client: Client) -> JobDetail:
            return client.show_job(job_id)

        session.ask(show, self._take, self._cannot)

    def words(self, segment: int, alone: bool, planned: int = 0) -> str:
        """Return the sentence; empty while it is not known, and for a segment that the take has not.

        planned: how many frames are made by the take's own plan; 0 = not known, and guessed by the engine's rule.
        """
        engine = self._engine()
        if self._detail is None or engine is None or not self._costs.is_told:
            return ""
        settings, total = self._detail.job.settings, self._detail.summary.frames_total
        made = planned or redo_frames(total, engine, settings.engine_options, segment, alone)
        if not made:
            return ""
        cost = choose_cost(self._costs.measured, engine, settings.mode, settings.engine_options)
        return cost_words.REDO.format(words=cost_in_words(cost, engine, made, kept=total - made))

    def _engine(self) -> EngineDescription | None:
        welcome = self._session.standing.welcome
        if self._detail is None or welcome is None:
            return None
        name = self._detail.job.settings.engine
        return next((one for one in welcome.engines if one.name == name), None)

    def _take(self, detail: JobDetail) -> None:
        self._detail = detail
        self.changed.emit()

    def _cannot(self, _: UnderstudyError) -> None:
        """The redo itself will be told what is wrong."""
