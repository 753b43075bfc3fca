"""Which job runs next: the queue, free slots, the start of a job, and what artists want of one that runs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable

from understudy.bridge.errors import EngineError, JobParked, PlateError, UnderstudyError
from understudy.bridge.messages import Progress
from understudy.inference.daemon.changes import Changes
from understudy.inference.daemon.executor import Ending, Executor, who_starts
from understudy.inference.daemon.house import House
from understudy.inference.daemon.inputs import Inputs
from understudy.inference.daemon.jobs import HELD, Ticket, can_move, queue_order
from understudy.inference.daemon.orders import make_order
from understudy.inference.daemon.papers_watch import PapersWatch
from understudy.inference.daemon.reports import Reports
from understudy.inference.daemon.standing import parked_for, why_fallen
from understudy.inference.daemon.tables import JobRow
from understudy.inference.engines.roster import needs_gpu
from understudy.inference.work_order import FromWorker, WorkOrder

LOOK_ROUND_SECONDS = 1.0
"""How often parked jobs are looked at."""
VERIFYING_STEP_FILES = 16
_log = logging.getLogger(__name__)


class _StopAskedError(Exception):
    """Somebody changed their mind while the blobs were verified, or no slot is left for the job: it is queued again."""


class Dispatch:
    """Starts jobs, stops them, and passes on what is heard of them. Lives in the event loop."""

    def __init__(self, house: House, changes: Changes, inputs: Inputs, executor: Executor) -> None:
        self._house = house
        self._changes = changes
        self._inputs = inputs
        self._reports = Reports(house, changes, executor.say)
        self._papers = PapersWatch(house, changes, self._interrupt)
        self._executor = executor
        self._starting: dict[str, asyncio.Task[None]] = {}
        self._needs: dict[str, bool] = {}
        """Of the jobs that are starting: whether each needs a GPU. They have their slots in mind already."""
        self._called_off: set[str] = set()
        """Jobs whose start was called off while their blobs were verified. Read by the verifying threads."""
        self.draining = False
        self.drained = asyncio.Event()
        self._stopping: asyncio.Task[None] | None = None

    async def recover(self) -> None:
        """Put in order what an earlier daemon left: what ran is queued again, what was wished is done."""
        for row in await self._changes.jobs(*HELD):
            await self._changes.let_go(row, "requeue")
        for row in await self._changes.jobs("uploading", "queued", "parked", "paused"):
            if row.wish == "cancel":
                await self._changes.end(row, "cancel")
            elif row.state == "uploading":
                await self._changes.look_whether_complete(row.job_id)

    async def run(self) -> None:
        """Start jobs while slots are free, for ever; look at parked jobs now and then."""
        self._executor.open(self)
        looked = time.monotonic()
        while True:
            self._changes.work.clear()
            try:
                await self._fill_slots()
            except Exception:  # noqa: BLE001 - the daemon's edge: a disk that fails for a moment must not end it
                _log.exception("the queue could not be read")
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._changes.work.wait(), LOOK_ROUND_SECONDS)
            if time.monotonic() - looked >= LOOK_ROUND_SECONDS:
                looked = time.monotonic()
                await self._look_round()

    async def queue(self) -> tuple[str, ...]:
        """Return the queued jobs in the order in which they would start."""
        turns = await self._house.stored(self._house.store.last_turns)
        return queue_order((_ticket(row) for row in await self._changes.jobs("queued")), turns)

    async def control(self, job_id: str, action: str) -> JobRow:
        """Cancel, pause or resume. A job that a worker holds ends within a step; that it was wished is durable now."""
        async with self._changes.lock:
            row = await self._changes.job(job_id)
            if row.state in HELD and can_move(row.state, action):
                return await self._stop(row, action)
            if action == "cancel":
                return await self._changes.end(row, "cancel")
            row = await self._changes.change(job_id, action)
        return await self._changes.look_whether_complete(job_id) if row.state == "uploading" else row

    def drain(self, now: bool) -> None:
        """Start nothing new; `drained` is set when nothing runs. `now`: what runs stops, to go on at the next start."""
        self.draining = True
        if now and self._stopping is None:
            self._stopping = asyncio.create_task(self._stop_everything(), name="stop everything")
        self._changes.work.set()

    async def heard(self, job_id: str, message: FromWorker) -> None:
        await self._reports.heard(job_id, message)

    async def lost(self, job_id: str, ending: Ending) -> None:
        await self._reports.lost(job_id, ending)

    def free(self) -> None:
        self._changes.work.set()

    async def _look_round(self) -> None:
        try:
            await self._papers.look()
            await self._changes.look_at_parked()
        except Exception:  # noqa: BLE001 - as above
            _log.exception("parked jobs could not be looked at")

    async def _fill_slots(self) -> None:
        if self.draining:
            if not self._starting and all(slot.job_id is None for slot in self._executor.slots()):
                self.drained.set()
            return
        room = self._executor.room()
        if not (room.with_gpu or room.without_gpu):
            return
        needs = {row.job_id: needs_gpu(row.engine) for row in await self._changes.jobs("queued")}
        queue = [(job_id, self._needs[job_id]) for job_id in self._starting]
        queue += [(job_id, needs[job_id]) for job_id in await self.queue() if job_id in needs]
        for job_id in who_starts(queue, room):
            if job_id in self._starting:
                continue
            self._needs[job_id] = needs[job_id]
            task = asyncio.create_task(self._start(job_id), name=f"start {job_id}")
            self._starting[job_id] = task
            task.add_done_callback(lambda _, job_id=job_id: self._started(job_id))  # type: ignore[misc]

    def _started(self, job_id: str) -> None:
        self._starting.pop(job_id, None)
        self._needs.pop(job_id, None)
        self._called_off.discard(job_id)
        self._changes.work.set()

    async def _start(self, job_id: str) -> None:
        """Verify a job's blobs and hand it to the executor; whatever goes wrong ends this job only."""
        async with self._changes.lock:
            row = await self._changes.job(job_id)
            if row.state != "queued":
                return
            if not await self._papers_stand(job_id):
                return
            row = await self._changes.change(job_id, "start")
        try:
            self._hand_on(await self._house.on_disk(make_order, self._house, self._inputs, row, self._step(row)))
        except _StopAskedError:
            await self.lost(job_id, Ending("was never given it", asked="close"))
        except UnderstudyError as problem:
            await self._not_started(job_id, problem)
        except Exception as problem:  # noqa: BLE001 - the daemon's edge: one job's fault must not end the others
            _log.exception("job %s could not be started", job_id)
            fault = EngineError(f"the daemon could not start the job: {problem}", remedy="See daemon.log, then retry.")
            await self._not_started(job_id, fault)

    async def _papers_stand(self, job_id: str) -> bool:
        """Say whether a job may start; one whose papers fell while it waited is parked."""
        fallen = await self._house.looked(why_fallen, self._house, job_id)
        if fallen is not None:
            await self._changes.park(job_id, parked_for(fallen))
        return fallen is None

    def _interrupt(self, row: JobRow) -> None:
        """Have a worker let go of a job that nobody wished to pause: it is queued again."""
        if row.job_id in self._starting:
            self._called_off.add(row.job_id)
        self._executor.stop(row.job_id, "pause")

    def _hand_on(self, order: WorkOrder) -> None:
        room = self._executor.room().less(needs_gpu(order.job.settings.engine))
        if order.job_id in self._called_off or room is None:
            raise _StopAskedError  # called off, or the worker that it was meant for died meanwhile
        self._executor.start(order)

    async def _not_started(self, job_id: str, problem: UnderstudyError) -> None:
        async with self._changes.lock:
            parks, lacks = isinstance(problem, JobParked), isinstance(problem, PlateError)
            action = "park" if parks else "lack" if lacks else "fail"
            await self._changes.let_go(await self._changes.job(job_id), action, reason=problem.report())

    def _step(self, row: JobRow) -> Callable[[int, int], None]:
        """Return what the verifying thread calls for every file."""
        loop = asyncio.get_running_loop()

        def step(done: int, total: int) -> None:
            if row.job_id in self._called_off:
                raise _StopAskedError
            if done % VERIFYING_STEP_FILES == 0:
                progress = Progress(stage="verifying", done=done, total=total)
                loop.call_soon_threadsafe(self._changes.progress, row, progress)

        return step

    async def _stop(self, row: JobRow, action: str) -> JobRow:
        if row.wish == "cancel":
            return row
        row = await self._changes.note(row.job_id, wish=action)
        if row.job_id in self._starting:
            self._called_off.add(row.job_id)
        self._executor.stop(row.job_id, "cancel" if action == "cancel" else "pause")
        return row

    async def _stop_everything(self) -> None:
        self._called_off.update(self._starting)
        await asyncio.gather(*self._starting.values(), return_exceptions=True)
        await self._executor.close()


def _ticket(row: JobRow) -> Ticket:
    return Ticket(row.job_id, row.user, row.number, row.priority, row.house_priority)
