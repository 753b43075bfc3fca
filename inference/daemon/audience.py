"""Who watches, and what each of them has not heard yet. Sends only what is durable, in the order of the store.

A watcher holds a number; it is sent every event after it that its key may see, read from the store in batches. So an
event cannot be told before it is durable, told twice, or skipped by a watcher that was slow. Progress is not durable:
the newest of each job is sent after the events.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from understudy.bridge.errors import ProtocolError
from understudy.bridge.keys import User
from understudy.bridge.messages import Event, Heartbeat, Progress, Push
from understudy.bridge.wire import encode_push
from understudy.inference.daemon.house import House
from understudy.inference.daemon.jobs import may_see
from understudy.inference.daemon.store import utc_now
from understudy.inference.daemon.tables import JobRow, Told

HEARTBEAT_SECONDS = 1.0
BATCH_EVENTS = 200
FULL_WAIT_SECONDS = 0.05
FULL_LIMIT_SECONDS = 30.0
"""A watcher that takes nothing for so long is let go; it comes back with the number it has and misses nothing."""
WATCHERS_LIMIT = 1000

_log = logging.getLogger(__name__)

Sent = Literal["sent", "full", "gone"]
Send = Callable[[bytes, bytes], Sent]
"""(connection, body) -> what became of it. Never blocks."""


@dataclass
class _Watcher:
    connection: bytes
    user: Callable[[], User | None]
    """Asked again at every turn: a key that is taken off the list hears nothing more."""
    job_ids: frozenset[str]
    cursor: int
    hears_jobs: bool = True
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    progress: dict[str, tuple[JobRow, Progress, str]] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None

    def concerned(self, job_id: str) -> bool:
        return self.hears_jobs and (not self.job_ids or job_id in self.job_ids)


class Audience:
    """All watchers. Lives in the event loop."""

    def __init__(self, house: House, send: Send) -> None:
        self._house = house
        self._send = send
        self._watchers: dict[bytes, _Watcher] = {}
        self.newest = house.store.last_event()
        self.progress: dict[str, Progress] = {}
        """The newest word of every job that runs."""

    def add(
        self,
        connection: bytes,
        user: Callable[[], User | None],
        job_ids: Iterable[str],
        after: int,
        *,
        hears_jobs: bool = True,
    ) -> int:
        """Start sending to a connection and return the newest event number; an earlier watch of it is replaced."""
        self.remove(connection)
        if len(self._watchers) >= WATCHERS_LIMIT:
            raise ProtocolError(f"{WATCHERS_LIMIT} watchers are connected", remedy="Close some, then watch again.")
        watcher = _Watcher(connection, user, frozenset(job_ids), after, hears_jobs)
        watcher.task = asyncio.create_task(self._serve(watcher), name="watcher")
        self._watchers[connection] = watcher
        return self.newest

    def remove(self, connection: bytes) -> None:
        watcher = self._watchers.pop(connection, None)
        if watcher is not None and watcher.task is not None:
            watcher.task.cancel()

    def has(self, connection: bytes) -> bool:
        return connection in self._watchers

    def push_to(self, connection: bytes, body: bytes) -> bool:
        """Send this to one watcher now; return whether it went. One that is gone is forgotten."""
        watcher = self._watchers.get(connection)
        if watcher is None or watcher.user() is None:
            return False
        sent = self._send(connection, body)
        if sent == "gone":
            self.remove(connection)
        return sent == "sent"

    def tell(self, heard: Iterable[Told]) -> None:
        """Wake whom these durable events concern."""
        for told in heard:
            self.newest = max(self.newest, told.event.number)
            self._wake(told.event.job_id)

    def tell_progress(self, row: JobRow, progress: Progress) -> None:
        """Pass on where a job stands."""
        self.progress[row.job_id] = progress
        at = utc_now()
        for watcher in self._watchers.values():
            if watcher.concerned(row.job_id):
                watcher.progress[row.job_id] = (row, progress, at)
                watcher.wake.set()

    def forget_progress(self, job_id: str) -> None:
        """Drop the last word of a job that no worker holds any more."""
        self.progress.pop(job_id, None)
        for watcher in self._watchers.values():
            watcher.progress.pop(job_id, None)

    async def beat(self) -> None:
        """Send a heartbeat to every watcher once a second, for ever; forget those that are gone."""
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            body = encode_push(Heartbeat(last=self.newest))
            for connection in list(self._watchers):
                if self._send(connection, body) == "gone":
                    self.remove(connection)

    def close(self) -> None:
        for connection in list(self._watchers):
            self.remove(connection)

    def _wake(self, job_id: str) -> None:
        for watcher in self._watchers.values():
            if watcher.concerned(job_id):
                watcher.wake.set()

    async def _serve(self, watcher: _Watcher) -> None:
        """Serve one watcher until it is gone. One that cannot be served hears no heartbeat either, and comes back."""
        try:
            while (user := watcher.user()) is not None:
                if watcher.hears_jobs and not await self._catch_up(watcher, user):
                    return
                if not await self._send_progress(watcher, user):
                    return
                await watcher.wake.wait()
                watcher.wake.clear()
        except Exception:  # noqa: BLE001 - the daemon's edge: one watcher's fault must not end the others
            _log.exception("a watcher could not be served")
        finally:
            if self._watchers.get(watcher.connection) is watcher:
                del self._watchers[watcher.connection]

    async def _catch_up(self, watcher: _Watcher, user: User) -> bool:
        """Send every durable event that the watcher has not heard; return False when it is gone."""
        batch = BATCH_EVENTS
        while batch == BATCH_EVENTS:
            heard = await self._house.stored(
                self._house.store.events_after, watcher.cursor, watcher.job_ids, BATCH_EVENTS
            )
            for told in heard:
                if may_see(user, told.user, told.project) and not await self._push(watcher, told.event):
                    return False
                watcher.cursor = told.event.number
            batch = len(heard)
        return True

    async def _send_progress(self, watcher: _Watcher, user: User) -> bool:
        waiting, watcher.progress = watcher.progress, {}
        for row, progress, at in waiting.values():
            event = Event(number=watcher.cursor, job_id=row.job_id, at=at, what=progress)
            if may_see(user, row.user, row.project) and not await self._push(watcher, event):
                return False
        return True

    async def _push(self, watcher: _Watcher, push: Push) -> bool:
        body = encode_push(push)
        waited = 0.0
        while (sent := self._send(watcher.connection, body)) == "full" and waited < FULL_LIMIT_SECONDS:
            await asyncio.sleep(FULL_WAIT_SECONDS)
            waited += FULL_WAIT_SECONDS
        return sent == "sent"
