"""Changes of jobs: made durable, then told. The one place where both happen, in this order.

Lives in the event loop. Whoever reads a job and then changes it holds `lock` meanwhile, so that what was read is still
true when it is written.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from understudy.bridge.errors import DaemonError, ErrorReport, Finding, JobParked
from understudy.bridge.messages import Found, Progress
from understudy.bridge.shot import JobRequest
from understudy.inference.authority.head import AdmittedPapers
from understudy.inference.daemon.audience import Audience
from understudy.inference.daemon.house import House
from understudy.inference.daemon.inputs import Inputs
from understudy.inference.daemon.jobs import HELD, after_run, can_move, ends, next_state
from understudy.inference.daemon.papers import Sealed, finished, waived_since
from understudy.inference.daemon.standing import why_fallen
from understudy.inference.daemon.submission import folder_of
from understudy.inference.daemon.tables import JobRow, What
from understudy.inference.version_lock import writer_of

STORE_RETRY_SECONDS = 1.0
PARKED_FIRST_WAIT_SECONDS = 1.0
PARKED_LONGEST_WAIT_SECONDS = 60.0
_log = logging.getLogger(__name__)
_Made = TypeVar("_Made")


class Changes:
    """What may happen to jobs, whoever wants it: artists, workers, a full disk."""

    def __init__(self, house: House, audience: Audience, inputs: Inputs) -> None:
        self.lock = asyncio.Lock()
        self.work = asyncio.Event()
        """Set when a job may have become ready, or a slot free."""
        self._house = house
        self._store = house.store
        self._audience = audience
        self._inputs = inputs
        self._waits: dict[str, tuple[float, float]] = {}
        """Parked job to (monotonic time of the next look at it, seconds between looks)."""

    async def job(self, job_id: str) -> JobRow:
        return await self._house.stored(self._store.job, job_id)

    async def jobs(self, *states: str) -> list[JobRow]:
        return await self._house.stored(self._store.jobs, states)

    async def change(
        self,
        job_id: str,
        action: str,
        *,
        reason: ErrorReport | None = None,
        sealed: Sealed | None = None,
        **with_it: Any,
    ) -> JobRow:
        """Move a job by `action` (see jobs.py, `Store.move`) and tell it. Raises RequestError where it cannot be.

        Where the job ends by it, the ledger is told first: of what is `sealed`, where it is delivered.
        """
        if ends(action):
            await self._record_ending(job_id, action, reason, sealed, with_it.get("before", ()))
        with_it["reason"] = reason
        row, heard = await self._durably(lambda: self._house.stored(self._store.move, job_id, action, **with_it))
        if row.state not in HELD:
            self._audience.forget_progress(job_id)
        if row.state == "paused" or action == "resume":
            self._waits.pop(job_id, None)
        elif row.state == "parked":
            self.wait_for_room(job_id)
        elif ends(action):
            self._inputs.forget(job_id)
            self._waits.pop(job_id, None)
            # What it held may be free now: nobody waits out what he would have waited for nothing.
            self._waits = {other: (0.0, wait) for other, (_, wait) in self._waits.items()}
        self._audience.tell(heard)
        self.work.set()
        return row

    async def _record_ending(
        self, job_id: str, action: str, reason: ErrorReport | None, sealed: Sealed | None, before: Sequence[What]
    ) -> None:
        row = await self.job(job_id)
        if can_move(row.state, action):
            said = finished(row, next_state(row.state, action), reason, sealed)
            if sealed is not None:
                later = [finding for what in before if isinstance(what, Found) for finding in what.findings]
                said = (*await self._house.stored(waived_since, self._store, row, later), *said)
            await self._durably(lambda: self._house.recorded(self._house.ledger.append, *said))

    async def note(self, job_id: str, *whats: What, **columns: Any) -> JobRow:
        """Store events that change no state, and columns, and tell them."""
        row, heard = await self._durably(lambda: self._house.stored(self._store.note, job_id, *whats, **columns))
        self._audience.tell(heard)
        return row

    def progress(self, row: JobRow, progress: Progress) -> None:
        self._audience.tell_progress(row, progress)

    async def let_go(
        self,
        row: JobRow,
        action: str,
        *,
        reason: ErrorReport | None = None,
        before: Sequence[What] = (),
        **with_it: Any,
    ) -> JobRow:
        """Move a held job that no worker holds any more, by `action` or as was wished meanwhile (see jobs.py)."""
        follows = after_run(action, row.wish)
        if follows not in ("cancel", "pause"):
            return await self.change(row.job_id, follows, reason=reason, before=before, **with_it)
        if before:
            await self.note(row.job_id, *before)
        return await self.end(row, follows, reason=reason if follows == action else None)

    async def end(self, row: JobRow, wish: str, reason: ErrorReport | None = None) -> JobRow:
        """Cancel or pause a job that no worker holds. What is withdrawn goes before the word that says so.

        A version that stands under its own name was delivered before its worker could say so: one has to say it again.
        """
        if row.state in HELD and await self._house.looked(folder_of(row, provisional=False).is_dir):
            return await self.change(row.job_id, "requeue")
        if wish == "pause" or not can_move(row.state, "cancel"):
            return await self.change(row.job_id, wish, reason=reason)
        if row.wish != "cancel":
            await self.note(row.job_id, wish="cancel")
        await self.withdraw(row)
        return await self.change(row.job_id, "cancel", reason=reason)

    async def withdraw(self, row: JobRow) -> None:
        """Remove what is provisional of a job, its scratch, and what a redo of it would go on from."""
        await self._house.looked(_remove, folder_of(row, provisional=True))
        await self.clear_scratch(row)
        await self.clear_carried(row)

    async def clear_scratch(self, row: JobRow) -> None:
        """Remove what a job kept for the case of a crash."""
        await self._house.looked(_remove, self._house.scratch_of(row.job_id))

    async def clear_carried(self, row: JobRow) -> None:
        """Remove what a redo of a job's version would go on from."""
        await self._house.looked(_remove, self._house.carried_of(row.job_id))

    async def look_whether_complete(self, job_id: str) -> JobRow:
        """Queue a job that uploads when the vault holds all its files."""
        complete = await self._house.looked(self._inputs.complete, job_id)
        async with self.lock:
            row = await self.job(job_id)
            return await self.change(job_id, "stored") if complete and row.state == "uploading" else row

    async def park(self, job_id: str, problem: JobParked) -> None:
        """Set a job aside that found no room, until there is some; one that a worker holds has its files already."""
        row = await self.job(job_id)
        if row.state not in HELD and can_move(row.state, "park"):
            await self.change(job_id, "park", reason=problem.report())

    async def park_locked(self, job_id: str, problem: JobParked) -> None:
        """The same for a caller that does not hold the lock."""
        async with self.lock:
            await self.park(job_id, problem)

    async def open_again(
        self,
        job_id: str,
        *,
        new_version: bool,
        job: JobRequest,
        admission: tuple[Finding, ...],
        papers: AdmittedPapers,
    ) -> JobRow:
        """Start an ended job anew (see `Store.retry`) and tell it."""
        async with self.lock:
            row, heard = await self._durably(
                lambda: self._house.stored(
                    self._store.retry, job_id, new_version=new_version, job=job, admission=admission, papers=papers
                )
            )
        self._audience.tell(heard)
        return row

    def wait_for_room(self, job_id: str) -> None:
        """Look at a parked job later: each time it is parked again, or may not go on, twice as late."""
        _, wait = self._waits.get(job_id, (0.0, PARKED_FIRST_WAIT_SECONDS / 2))
        wait = min(2 * wait, PARKED_LONGEST_WAIT_SECONDS)
        self._waits[job_id] = (time.monotonic() + wait, wait)

    async def look_at_parked(self) -> None:
        """Let parked jobs go on, the oldest first: their papers stand, there is room, and nobody else writes them."""
        now = time.monotonic()
        due = [row for row in reversed(await self.jobs("parked")) if self._waits.get(row.job_id, (0.0,))[0] <= now]
        able = await self._house.looked(self._able, due)
        for row in due:
            if row.job_id not in able:
                self.wait_for_room(row.job_id)
                continue
            async with self.lock:
                if (await self.job(row.job_id)).state != "parked":
                    continue
                await self.change(row.job_id, "unpark")
            await self.look_whether_complete(row.job_id)

    def _able(self, rows: Sequence[JobRow]) -> set[str]:
        """Return which of these parked jobs may go on. The vault is walked over once at most, however many they are."""
        standing = [row for row in rows if why_fallen(self._house, row.job_id) is None]
        self._inputs.make_room(*(row.job_id for row in standing))
        return {
            row.job_id
            for row in standing
            if not writer_of(folder_of(row, provisional=True)) and self._inputs.fits(row.job_id)
        }

    async def _durably(self, change: Callable[[], Awaitable[_Made]]) -> _Made:
        """Wait while the disk is too full to store a change, or the ledger is damaged: a worker's word is never lost
        for that, and nothing is told that the ledger does not say.
        """
        while True:
            try:
                return await change()
            except (JobParked, DaemonError) as problem:
                _log.error("%s", problem.message)
                await asyncio.sleep(STORE_RETRY_SECONDS)


def _remove(folder: Path) -> None:
    if folder.is_dir() and not folder.is_symlink():
        shutil.rmtree(folder, ignore_errors=True)
