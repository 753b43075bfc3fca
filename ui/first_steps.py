"""What the empty list offers, by how the panel stands: a daemon to start, or a first job to fill in."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from understudy.ui import words
from understudy.ui.daemon_start import DaemonStart
from understudy.ui.jobs_pane import JobsPane
from understudy.ui.session import Session, Standing


class FirstSteps(QObject):
    """Tells the list what to say while there is no job. For the interface's thread."""

    def __init__(
        self, session: Session, pane: JobsPane, new: Callable[[], object], daemon: Callable[[], object]
    ) -> None:
        """new: opens the form. daemon: opens the daemon's window."""
        super().__init__(pane)
        self._session, self._pane = session, pane
        self.starting = DaemonStart(session, self)
        for label, do in (
            (words.EMPTY_START, self.starting.start), (words.EMPTY_DAEMON, daemon), (words.EMPTY_NEW, new),
        ):  # fmt: skip
            pane.empty.add(label, do)
        self.starting.changed.connect(lambda: self.show_standing(session.standing))
        session.standing_changed.connect(self.show_standing)
        self.show_standing(session.standing)

    def show_standing(self, standing: Standing) -> None:
        """Say what the list lacks, and offer it."""
        if self.starting.under_way:
            self._pane.say_when_empty(words.DAEMON_STARTING.capitalize())
        elif standing.life == "alive":
            self._pane.say_when_empty(words.EMPTY_JOBS, words.EMPTY_NEW)
        elif standing.life == "looking":
            self._pane.say_when_empty(words.EMPTY_LOOKING)
        elif standing.life == "refused":
            said = standing.problem
            self._pane.say_when_empty(f"{said.message}\n{said.remedy}" if said is not None else "", words.EMPTY_DAEMON)
        else:
            problem = self.starting.problem
            said_of_start = f"{problem.message}\n{problem.remedy}\n\n" if problem is not None else ""
            self._pane.say_when_empty(said_of_start + words.EMPTY_AWAY, words.EMPTY_START, words.EMPTY_DAEMON)
