"""What jobs have cost on the session's daemon: asked in the errands' thread, kept until the daemon changes."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from understudy.bridge.cost_messages import Cost
from understudy.bridge.errors import DaemonUnreachable, UnderstudyError
from understudy.ui.session import Session, Standing


class Costs(QObject):
    """For the interface's thread."""

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._asking = False
        self.measured: tuple[Cost, ...] = ()
        self.is_told = True
        """False = this daemon is older and does not know the question."""
        session.standing_changed.connect(self._note_life)

    def ask(self) -> None:
        """Ask anew, unless that is under way; `changed` tells of the answer."""
        if self._asking or self._session.standing.life != "alive":
            return
        self._asking = True
        self._session.ask(lambda client: client.costs(), self._told, self._not_told)

    def _note_life(self, standing: Standing) -> None:
        if standing.life != "alive":  # an answer under way is let go, and another daemon has figures of its own
            self._asking, self.measured, self.is_told = False, (), True

    def _told(self, measured: tuple[Cost, ...]) -> None:
        self._asking = False
        self.is_told = True
        if measured != self.measured:
            self.measured = measured
            self.changed.emit()

    def _not_told(self, problem: UnderstudyError) -> None:
        self._asking = False
        if not isinstance(problem, DaemonUnreachable):  # one that is away is looked for; this is asked again then
            self.is_told, self.measured = False, ()
            self.changed.emit()
