"""What becomes of jobs that wait and run when a consent is revoked or runs out."""

from __future__ import annotations

from collections.abc import Callable

from understudy.bridge.errors import ComplianceError
from understudy.inference.daemon.changes import Changes
from understudy.inference.daemon.house import House
from understudy.inference.daemon.standing import parked_for, today, why_fallen
from understudy.inference.daemon.tables import JobRow


class PapersWatch:
    """Looks after the jobs that wait and run whenever the registry changed, or a day has gone. In the event loop."""

    def __init__(self, house: House, changes: Changes, stop: Callable[[JobRow], None]) -> None:
        """stop: asks the worker of a job to stop; the job is then queued again, and does not start."""
        self._house = house
        self._changes = changes
        self._stop = stop
        self._seen: tuple[str, str] | None = None

    async def look(self) -> None:
        """Park the queued jobs whose papers fell, and stop the running ones where the settings say so."""
        now = (await self._house.looked(self._house.registry.stamp), today())
        if now == self._seen:
            return
        for row in await self._changes.jobs("queued", "running"):
            fallen = await self._house.looked(why_fallen, self._house, row.job_id)
            if fallen is not None:
                await self._withdraw(row, fallen)
        self._seen = now

    async def _withdraw(self, before: JobRow, fallen: ComplianceError) -> None:
        async with self._changes.lock:
            row = await self._changes.job(before.job_id)
            if row.state == "queued":
                await self._changes.park(row.job_id, parked_for(fallen))
            elif row.state == "running" and self._house.settings.when_revoked == "stop":
                self._stop(row)
