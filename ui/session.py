"""The panel's tie to one daemon: who it is, whether it lives, its jobs, and every event, as signals.

Three threads: the interface's, where all of this lives; the watcher's of `bridge.watch`, which only fills a queue; and
the errands', which asks. After the daemon was away the whole list is asked for again, so nothing stale stays.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from understudy.bridge.client import Client
from understudy.bridge.errors import DaemonUnreachable, KeyRefused, ProtocolError, RequestError, UnderstudyError
from understudy.bridge.keys import Connection
from understudy.bridge.messages import Event, FrameFinished, JobSummary, Progress, Status, Welcome
from understudy.bridge.watch import Watcher
from understudy.ui.errands import CLOSE_SECONDS, Errands, Failed, is_gone
from understudy.ui.job_rows import JobRow, in_order, row_of

LOOK_MILLISECONDS = 1000
DRAIN_MILLISECONDS = 50
"""Events of so long are shown together: a hundred jobs that run cost no more than one."""
DRAIN_EVENTS = 2000
LIST_LIMIT = 10_000
RECENT = 200
"""Jobs that are asked for to find the few that changed."""
SUBSCRIBE_SECONDS = 5.0

Life = Literal["looking", "alive", "away", "refused"]
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands between the panel and the daemon."""

    life: Life = "looking"
    connection: Connection | None = None
    welcome: Welcome | None = None
    status: Status | None = None
    same_machine: bool = False
    problem: UnderstudyError | None = None


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a look at the daemon brought."""

    connection: Connection
    welcome: Welcome | None
    status: Status
    same_machine: bool


class Session(QObject):
    """One daemon at a time. Every method is for the interface's thread, and none of them waits."""

    standing_changed = Signal(object)
    """Standing: after each look."""
    jobs_listed = Signal(object)
    """list[JobRow]: all of them, anew."""
    jobs_changed = Signal(object)
    """list[JobRow]: some that changed, or are new."""
    progressed = Signal(object)
    """dict[str, Progress]: the newest of each job."""
    frames_finished = Signal(str, object)
    """A job and the frames whose layers are now on disk."""

    def __init__(self, where: Path, parent: QObject | None = None) -> None:
        """where: a connection file, or a HOME that holds one or soon will."""
        super().__init__(parent)
        self.where = where
        self.standing = Standing()
        self.errands = Errands("understudy-panel")
        self._client: Client | None = None  # of the errands' thread alone
        self._watcher: Watcher | None = None
        self._ending: threading.Thread | None = None
        self._heard: deque[Event] = deque()
        self._stale: set[str] = set()
        self._looking = self._refreshing = False
        self._round = 0
        """Counts daemons: an answer of an earlier one is let go."""
        self._look_timer = QTimer(self, interval=LOOK_MILLISECONDS)
        self._look_timer.timeout.connect(self._look)
        self._drain_timer = QTimer(self, interval=DRAIN_MILLISECONDS)
        self._drain_timer.timeout.connect(self._drain)

    def start(self) -> None:
        """Begin to look for the daemon, and go on for as long as this lives."""
        self._look_timer.start()
        self._drain_timer.start()
        self._look()

    def connect_to(self, where: Path) -> None:
        """Turn to another daemon, or to the same one anew."""
        self.where = where
        self._round += 1
        self._heard.clear()
        self._stale.clear()
        self._looking = self._refreshing = False
        self._let_go_of_watcher()
        self._tell(Standing())
        self.jobs_listed.emit([])
        self.errands.run(self._hang_up, _nothing, _nothing)
        self._look_timer.start()
        self._look()

    def ask(self, do: Callable[[Client], Value], then: Callable[[Value], None], failed: Failed) -> None:
        """Ask the daemon in the errands' thread and hand the answer, or the error, back to the interface's."""
        self.errands.run(lambda: do(self._reach()), self._while_here(then), self._while_here(failed))

    def ask_aside(self, do: Callable[[Client], Value], then: Callable[[Value], None], failed: Failed) -> None:
        """The same with a thread and a client of its own, for what may take minutes."""
        where = self.where

        def apart() -> Value:
            with Client.connect(where) as client:
                return do(client)

        self.errands.aside("understudy-aside", apart, self._while_here(then), self._while_here(failed))

    def refresh(self, job_id: str) -> None:
        """Have one job shown as it now stands."""
        self._stale.add(job_id)

    def close(self, *, wait: bool = True) -> None:
        """End every thread of this session. wait: for a moment, until they have; inside a host nobody waits."""
        self._round += 1
        self._look_timer.stop()
        self._drain_timer.stop()
        self._let_go_of_watcher()
        self.errands.run(self._hang_up, _nothing, _nothing)
        self.errands.close(wait=wait)
        if self._ending is not None and wait:
            self._ending.join(CLOSE_SECONDS)

    def _while_here(self, call: Callable[[Value], None]) -> Callable[[Value], None]:
        """Return `call` for as long as the panel stays with this daemon: an answer of an earlier one is let go, and
        one to a window that was deleted.
        """
        turn = self._round
        return lambda value: call(value) if turn == self._round and not is_gone(call) else None

    # ---- in the errands' thread -------------------------------------------------------------------------------

    def _reach(self) -> Client:
        if self._client is None:
            self._client = Client.connect(self.where)
        return self._client

    def _hang_up(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    # ---- life ---------------------------------------------------------------------------------------------------

    def _look(self) -> None:
        if self._looking:
            return
        self._looking = True
        self.ask(_see, self._found, self._missed)

    def _found(self, seen: _Seen) -> None:
        self._looking = False
        was = self.standing.life
        self._tell(
            replace(
                self.standing,
                life="alive",
                connection=seen.connection,
                welcome=seen.welcome,
                status=seen.status,
                same_machine=seen.same_machine,
                problem=None,
            )
        )
        if was != "alive":
            self._catch_up(seen.connection)
        elif seen.status.queued:
            self._ask_queue()

    def _missed(self, problem: UnderstudyError) -> None:
        self._looking = False
        refused = isinstance(problem, (KeyRefused, ProtocolError))
        if refused:
            self._look_timer.stop()  # only someone can change that: `connect_to` looks again
        self._tell(replace(self.standing, life="refused" if refused else "away", problem=problem))

    def _tell(self, standing: Standing) -> None:
        self.standing = standing
        self.standing_changed.emit(standing)

    # ---- jobs ---------------------------------------------------------------------------------------------------

    def _catch_up(self, connection: Connection) -> None:
        """Watch first and list then: what changes in between is heard, and asked for again."""
        if self._watcher is not None and self._watcher.problem is not None:
            self._let_go_of_watcher()  # it gave up on a key that was refused
        if self._watcher is None:
            self._watcher = Watcher(connection, (), None, self._heard.append, _nothing_heard)
        watcher = self._watcher

        def list_all(client: Client) -> list[JobRow]:
            watcher.wait_subscribed(SUBSCRIBE_SECONDS)
            return in_order(row_of(summary) for summary in client.list_jobs(limit=LIST_LIMIT))

        self.ask(list_all, self.jobs_listed.emit, self._missed)

    def _drain(self) -> None:
        progress: dict[str, Progress] = {}
        frames: dict[str, list[int]] = {}
        for _ in range(min(len(self._heard), DRAIN_EVENTS)):
            event = self._heard.popleft()
            if isinstance(event.what, Progress):
                progress[event.job_id] = event.what
            elif isinstance(event.what, FrameFinished):
                frames.setdefault(event.job_id, []).append(event.what.frame)
            else:
                self._stale.add(event.job_id)
        if progress:
            self.progressed.emit(progress)
        for job_id, finished in frames.items():
            self.frames_finished.emit(job_id, finished)
        if self._stale and not self._refreshing and self.standing.life == "alive":
            self._refresh_stale()

    def _refresh_stale(self) -> None:
        stale, self._stale = frozenset(self._stale), set()
        self._refreshing = True

        def find(client: Client) -> list[JobRow]:
            recent = {summary.job_id: summary for summary in client.list_jobs(limit=RECENT)}
            found = (recent.get(job_id) or _shown(client, job_id) for job_id in stale)
            return [row_of(summary) for summary in found if summary is not None]

        def found(rows: list[JobRow]) -> None:
            self._refreshing = False
            self.jobs_changed.emit(rows)

        def failed(problem: UnderstudyError) -> None:
            self._refreshing = False
            if isinstance(problem, DaemonUnreachable):
                self._missed(problem)  # all jobs are listed when it is back

        self.ask(find, found, failed)

    def _ask_queue(self) -> None:
        """Have places in the queue shown anew: no event tells them, nor that somebody changed a priority."""

        def queue(client: Client) -> list[JobRow]:
            return [row_of(summary) for summary in client.list_jobs(("queued",), limit=RECENT)]

        self.ask(queue, self.jobs_changed.emit, self._missed)

    def _let_go_of_watcher(self) -> None:
        """Close the watcher where its thread may be waited for."""
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            self._ending = threading.Thread(target=watcher.close, name="understudy-watch-end", daemon=True)
            self._ending.start()


def _see(client: Client) -> _Seen:
    status = client.status()
    return _Seen(client.connection, client.welcome, status, client.same_machine)


def _shown(client: Client, job_id: str) -> JobSummary | None:
    """Return how a job stands; None where this daemon has none that this key may see: news of the others stay."""
    try:
        return client.show_job(job_id).summary
    except RequestError:
        return None


def _nothing(_: object) -> None:
    return


def _nothing_heard() -> None:
    """The looks notice it too, and they can say what is wrong."""
