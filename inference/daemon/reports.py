"""What follows on a worker's words, and on its silence."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import msgspec

from understudy.bridge.errors import EngineError, Finding
from understudy.bridge.messages import Finished, Found, FrameFinished, Progress
from understudy.inference.daemon.changes import Changes
from understudy.inference.daemon.costs import note_run
from understudy.inference.daemon.executor import Ending
from understudy.inference.daemon.house import House
from understudy.inference.daemon.jobs import CRASHES_ALLOWED, HELD
from understudy.inference.daemon.papers import Sealed, seal
from understudy.inference.daemon.standing import registry_now, why_fallen
from understudy.inference.daemon.submission import folder_of
from understudy.inference.daemon.tables import JobRow, What
from understudy.inference.work_order import (
    AskPapers,
    FreshPapers,
    FromWorker,
    WorkerChecking,
    WorkerEnd,
    WorkerFindings,
    WorkerFrame,
    WorkerProgress,
)

ENDS = {
    "delivered": "deliver", "refused": "refuse", "quarantined": "quarantine", "cancelled": "cancel",
    "failed": "fail", "paused": "pause", "parked": "park",
}  # fmt: skip
"""A worker's last word to the action that it is."""
_log = logging.getLogger(__name__)


class Reports:
    """Hears the workers. Lives in the event loop; the reports of one job come one after another."""

    def __init__(self, house: House, changes: Changes, say: Callable[[str, FreshPapers], None]) -> None:
        """say: tells the worker of a job something."""
        self._house = house
        self._say = say
        self._changes = changes

    async def heard(self, job_id: str, message: FromWorker) -> None:
        """Make what a worker says durable and tell it."""
        if isinstance(message, WorkerProgress):
            self._changes.progress(await self._changes.job(job_id), _progress(message))
        elif isinstance(message, WorkerFrame):
            await self._changes.note(job_id, FrameFinished(frame=message.frame, files=message.files))
        elif isinstance(message, WorkerFindings):
            await self._changes.note(job_id, *await self._not_told(job_id, message.findings))
        elif isinstance(message, WorkerChecking):
            async with self._changes.lock:
                wish = (await self._changes.job(job_id)).wish
                await self._changes.change(job_id, "check", wish=wish)
        elif isinstance(message, AskPapers):
            self._say(job_id, FreshPapers(registry=await self._house.looked(registry_now, self._house, job_id)))
        elif isinstance(message, WorkerEnd):
            message, sealed = await self._sealed(job_id, message)
            async with self._changes.lock:
                await self._ended(await self._changes.job(job_id), message, sealed)

    async def lost(self, job_id: str, ending: Ending) -> None:
        """Queue a job again whose worker is gone, or end it as was wished, or fail it when workers keep dying."""
        async with self._changes.lock:
            row = await self._changes.job(job_id)
            if row.state not in HELD:
                return
            if row.wish is None and ending.asked is None:
                await self._crashed(row, ending)
            else:
                await self._changes.let_go(row, "requeue")

    async def _crashed(self, row: JobRow, ending: Ending) -> None:
        crashes = row.crashes + 1
        last = crashes > CRASHES_ALLOWED
        fault = EngineError(
            f"the worker {ending.how} while it made this job",
            remedy=(
                f"It died {crashes} times without getting further. {row.frames_done} finished frames are kept in "
                f"{folder_of(row, provisional=True)}; `understudy retry` goes on from there."
                if last
                else "Nothing to do: the job is queued again and goes on from its last finished frame."
            ),
            facts={"last_words": "\n".join(ending.last_words), "crashes": str(crashes)},
        )
        _log.warning("job %s: the worker %s (crash %d in a row)", row.job_id, ending.how, crashes)
        await self._changes.change(
            row.job_id, "fail" if last else "requeue", reason=fault.report(), crashes=0 if last else crashes
        )

    async def _sealed(self, job_id: str, end: WorkerEnd) -> tuple[WorkerEnd, Sealed | None]:
        """Read what a worker says is delivered, before it counts as that. What is not there is not delivered.

        The registry is asked once more: a farm's node had nobody to ask, and settling a version takes its time.
        """
        if end.state != "delivered":
            return end, None
        row = await self._changes.job(job_id)
        folder = folder_of(row, provisional=False)
        fallen = await self._house.looked(why_fallen, self._house, job_id)
        if fallen is not None:
            await self._house.looked(_take_back, folder, folder_of(row, provisional=True))
            return WorkerEnd(
                state="quarantined", error=fallen.report(), findings=fallen.findings, spent=end.spent
            ), None
        try:
            return end, await self._house.on_disk(seal, self._house.ledger, folder, end.files, self._step(row))
        except OSError as problem:
            lost = EngineError(
                f"{problem.filename or folder}, which was to be delivered, cannot be read: {problem.strerror}",
                remedy="`understudy retry` makes it again. Look after the disk of that folder.",
            )
            return msgspec.structs.replace(end, state="failed", error=lost.report()), None

    def _step(self, row: JobRow) -> Callable[[int, int], None]:
        """Return what the sealing thread calls as it goes on."""
        loop = asyncio.get_running_loop()

        def step(done: int, total: int) -> None:
            progress = Progress(stage="sealing", done=done, total=total)
            loop.call_soon_threadsafe(self._changes.progress, row, progress)

        return step

    async def _ended(self, row: JobRow, end: WorkerEnd, sealed: Sealed | None) -> None:
        before: list[What] = list(await self._not_told(row.job_id, end.findings))
        action = ENDS[end.state]
        if end.cost is not None:
            await self._house.stored(note_run, self._house.store, row.job_id, end.cost)
        if action == "deliver":
            folder = str(folder_of(row, provisional=False))
            before.append(Finished(version=row.version, folder=folder, files=end.files))
        elif action == "refuse":
            await self._changes.withdraw(row)
        await self._changes.let_go(row, action, reason=end.error, before=before, sealed=sealed)
        if action in ("deliver", "quarantine"):
            await self._changes.clear_scratch(row)
            if action == "quarantine":
                await self._changes.clear_carried(row)

    async def _not_told(self, job_id: str, findings: tuple[Finding, ...]) -> tuple[Found, ...]:
        """Return what is new: a job that runs again finds the same things again."""
        if not findings:
            return ()
        known = await self._house.stored(self._house.store.findings, job_id)
        fresh = tuple(finding for finding in findings if finding not in known)
        return (Found(findings=fresh),) if fresh else ()


def _take_back(settled: Path, provisional: Path) -> None:
    """Give a version that must not be delivered the name that it had while it was made."""
    provisional.parent.mkdir(parents=True, exist_ok=True)
    settled.rename(provisional)


def _progress(message: WorkerProgress) -> Progress:
    return Progress(
        stage=message.stage,
        done=message.done,
        total=message.total,
        segment=message.segment,
        segments=message.segments,
        seconds_left=message.seconds_left,
    )
