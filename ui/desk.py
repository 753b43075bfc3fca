"""The artist's desk as the panel sees it: the hosts that are open, what they select, the takes that they import.

Everything goes by way of the daemon (`bridge.desk_messages`). The watcher's thread only fills a queue; what is asked is
asked in the errands' thread.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from understudy.bridge.client import Client
from understudy.bridge.desk_messages import Desks, Listener, Tell
from understudy.bridge.errors import HostError, UnderstudyError
from understudy.bridge.keys import Connection
from understudy.bridge.seat import this_seat
from understudy.bridge.watch import Watcher
from understudy.ui import words
from understudy.ui.session import Session, Standing

DRAIN_MILLISECONDS = 50
LOOK_MILLISECONDS = 2000
"""How old the list of hosts may be; one that has gone in between says so when it is asked."""


class Ear:
    """Hears, as the panel, what other programs of one key tell it. Made and closed in any thread."""

    def __init__(self, connection: Connection) -> None:
        self.heard: deque[Tell] = deque()
        self.connection = connection
        self._watcher = Watcher(
            connection, (), None, lambda event: None, lambda: None, on_end=lambda problem: None,
            listener=Listener(ear="panel", seat=this_seat()), on_told=self.heard.append,
        )  # fmt: skip

    @property
    def ended(self) -> bool:
        """Whether it hears nothing any more: the key was refused."""
        return self._watcher.problem is not None

    def wait(self, seconds: float) -> bool:
        """Wait until the daemon has confirmed; return whether it has."""
        return self._watcher.wait_subscribed(seconds)

    def close_aside(self) -> None:
        """Let its thread end, where that may be waited for."""
        threading.Thread(target=self._watcher.close, name="understudy-ear-end", daemon=True).start()


class Desk(QObject):
    """For the interface's thread; none of it waits."""

    called = Signal(object)
    """Tell: another program wants the panel at the front, with a shot for the form or without."""
    answered = Signal(object)
    """Tell: what became of a take that a host was asked to import."""
    hosts_changed = Signal(object)
    """tuple[Listener, ...]: the hosts that can be asked."""

    def __init__(self, session: Session, ear: Ear | None = None, parent: QObject | None = None) -> None:
        """ear: one that hears already, of the session's daemon."""
        super().__init__(parent)
        self.hosts: tuple[Listener, ...] = ()
        self._session, self._ear = session, ear
        self._seat = this_seat()
        self._drain_timer = QTimer(self, interval=DRAIN_MILLISECONDS)
        self._drain_timer.timeout.connect(self._drain)
        self._look_timer = QTimer(self, interval=LOOK_MILLISECONDS)
        self._look_timer.timeout.connect(self._look)
        self._asking = False
        session.standing_changed.connect(self._show_standing)
        self._drain_timer.start()
        self._look_timer.start()

    def import_take(
        self, job_id: str, host: Listener, asked: Callable[[], None], failed: Callable[[UnderstudyError], None]
    ) -> None:
        """Ask a host to import a take; `answered` says what came of it. failed: nobody was there to be asked."""
        said = Tell(to="host", kind="import_take", seat=self._seat, desk=host.desk, job_id=job_id)

        def told(listeners: int) -> None:
            if listeners:
                asked()
                return
            gone = words.IMPORT_GONE.format(desk=host.title)
            failed(HostError(gone, remedy=words.IMPORT_GONE_REMEDY))
            self._look()

        self._session.ask(lambda client: client.tell(said), told, failed)

    def close(self) -> None:
        self._drain_timer.stop()
        self._look_timer.stop()
        if self._ear is not None:
            self._ear.close_aside()
            self._ear = None

    def _show_standing(self, standing: Standing) -> None:
        connection = standing.connection
        if standing.life == "looking":
            self._asking = False  # another daemon: an answer of the earlier one never comes
        if standing.life != "alive" or connection is None:
            self._set_hosts(())
            return
        if self._ear is not None and (self._ear.ended or not _same_daemon(self._ear.connection, connection)):
            self._ear.close_aside()
            self._ear = None
        if self._ear is None:
            self._ear = Ear(connection)
            self._look()

    def _look(self) -> None:
        if self._asking or self._session.standing.life != "alive":
            return
        self._asking = True
        self._session.ask(self._ask, self._found, self._missed)

    def _ask(self, client: Client) -> Desks:
        return client.desks(self._seat)

    def _found(self, desks: Desks) -> None:
        self._asking = False
        self._set_hosts(desks.hosts)

    def _missed(self, problem: UnderstudyError) -> None:
        del problem  # the session says it better
        self._asking = False
        self._set_hosts(())

    def _set_hosts(self, hosts: tuple[Listener, ...]) -> None:
        if hosts != self.hosts:
            self.hosts = hosts
            self.hosts_changed.emit(hosts)

    def _drain(self) -> None:
        while self._ear is not None and self._ear.heard:
            said = self._ear.heard.popleft()
            (self.answered if said.kind == "answer" else self.called).emit(said)


def _same_daemon(one: Connection, other: Connection) -> bool:
    """Say whether both lead to the same daemon as the same user: its port changes with every start."""
    return (one.server_public, one.public) == (other.server_public, other.public)
