"""How the daemon's machine stands, for whoever asks: cards, queue, packs, ledger."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from datetime import datetime, timezone

from understudy.bridge.errors import RequestError
from understudy.bridge.keys import User
from understudy.bridge.machine_messages import GpuNow, Machine, Waiting
from understudy.inference.compliance.policy.library import all_packs
from understudy.inference.daemon.gpus import gpus_now
from understudy.inference.daemon.house import House
from understudy.inference.daemon.jobs import may_see
from understudy.inference.daemon.standing import packs_of, today
from understudy.inference.daemon.tables import JobRow

GPU_SECONDS = 2.0
"""How old an answer of the driver may be: ten panels that look do not start ten programs a second."""
GPU_SECONDS_AFTER_FAILURE = 60.0
"""A driver that hangs takes a thread for ten seconds each time it is asked."""
QUEUE_SHOWN = 200
_Cards = tuple[tuple[GpuNow, ...], str]


class MachineNow:
    """Answers AskMachine. In the event loop."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._began = time.monotonic()
        self._cards: tuple[float, _Cards] | None = None
        self._asking = asyncio.Lock()

    async def now(self, user: User, queue: tuple[str, ...]) -> Machine:
        """Return how it stands. queue: the queued jobs in the order in which they would start."""
        cards, problem = await self._cards_now()
        packs, packs_problem = await self._house.looked(_packs, self._house)
        rows = {row.job_id: row for row in await self._house.stored(self._house.store.jobs, ("queued",))}
        waiting = (rows[job_id] for job_id in queue[:QUEUE_SHOWN] if job_id in rows)
        head = self._house.ledger.head
        return Machine(
            gpus=cards,
            gpu_problem=problem,
            queue=tuple(_waiting(waiting, user, datetime.now(timezone.utc))),
            packs=packs,
            packs_problem=packs_problem,
            ledger_entries=head.seq,
            ledger_digest=head.digest,
            follows=self._house.settings.authority,
            uptime_seconds=time.monotonic() - self._began,
        )

    async def _cards_now(self) -> _Cards:
        async with self._asking:
            if self._cards is None or time.monotonic() > self._cards[0]:
                found = await self._house.on_disk(gpus_now)
                holds = GPU_SECONDS_AFTER_FAILURE if found[1] else GPU_SECONDS
                self._cards = time.monotonic() + holds, found
            return self._cards[1]


def _packs(house: House) -> tuple[tuple[str, ...], str]:
    try:
        packs = all_packs(packs_of(house))
        return tuple(pack.reference for pack in packs if pack.data.in_force(today())), ""
    except RequestError as problem:
        return (), f"{problem.message}. {problem.remedy}"


def _waiting(rows: Iterable[JobRow], user: User, now: datetime) -> Iterable[Waiting]:
    for row in rows:
        seconds = max(0.0, (now - datetime.fromisoformat(row.changed_at.replace("Z", "+00:00"))).total_seconds())
        if may_see(user, row.user, row.project):
            yield Waiting(job_id=row.job_id, shot=row.shot, user=row.user, seconds=seconds)
        else:
            yield Waiting(job_id="hidden", seconds=seconds)
