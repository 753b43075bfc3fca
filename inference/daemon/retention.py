"""How long the files of ended jobs stay under HOME/jobs, and how long a job waits for files that nobody sends.

A job's row, events and findings stay for ever, with a note. What a show's template put elsewhere is the show's: a
project's files are never looked at here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import shutil
from pathlib import Path

from understudy.bridge.errors import Finding, JobError, RequestError
from understudy.bridge.messages import Found
from understudy.inference.daemon.changes import Changes
from understudy.inference.daemon.house import CARRIED, SCRATCH, House
from understudy.inference.daemon.jobs import has_ended
from understudy.inference.daemon.orders import twins_of
from understudy.inference.daemon.purge import LIVE_STATES, oldest_kept, purge
from understudy.inference.daemon.submission import new_job_id
from understudy.inference.daemon.tables import JobRow

LOOK_SECONDS = 3600.0
NOTE = "files_removed"
"""The rule's name in the finding that says so."""
_GOING = ".going-"
"""What a folder is called from the moment at which it is no longer a job's until it is gone."""
_log = logging.getLogger(__name__)


class Retention:
    """Takes away what has been kept long enough. Lives in the event loop; files are the house's threads' work."""

    def __init__(self, house: House, changes: Changes) -> None:
        self._house = house
        self._changes = changes
        self._days = house.settings.keep_ended_days
        self._intermediates_days = house.settings.keep_intermediates_days
        self._uploading_days = house.settings.keep_uploading_days

    async def run(self) -> None:
        """Look now and once an hour, for ever. A look that fails is logged; the next one does its work."""
        while self._days or self._uploading_days or self._intermediates_days:
            try:
                await self.give_up_waiting()
                await self.look()
                await self.purge()
            except Exception:  # noqa: BLE001 - the daemon's edge: a disk that fails for a moment must not end it
                _log.exception("old jobs could not be looked at")
            await asyncio.sleep(LOOK_SECONDS)
        await asyncio.Event().wait()

    async def purge(self) -> None:
        """Remove what was made on the way to takes that were done long enough ago, where a setting says how long."""
        if self._intermediates_days:
            house, days, actor = self._house, self._intermediates_days, "keep_intermediates_days"
            await house.on_disk(purge, house.home, house.store, days, actor=actor, ledger=house.ledger)

    async def give_up_waiting(self) -> None:
        """Fail every job whose client stopped sending long enough ago: what did come is pinned in the vault by it."""
        if not self._uploading_days:
            return
        oldest = await self._oldest_kept(self._uploading_days)
        for found in await self._changes.jobs("uploading"):
            async with self._changes.lock:
                row = await self._changes.job(found.job_id)
                since = await self._house.stored(self._house.store.settled_since, row)
                if row.state == "uploading" and since < oldest:
                    await self._changes.change(row.job_id, "fail", reason=self._never_came(row).report())

    async def look(self) -> None:
        """Remove the files of every job that ended long enough ago and that no live job may still read from."""
        if not self._days:
            return
        names = await self._house.looked(_names_in, self._house.jobs_folder)
        oldest = await self._oldest_kept(self._days)
        for name in names:
            folder = self._house.jobs_folder / name
            if name.startswith(_GOING):
                await self._house.looked(_remove, folder)
                continue
            async with self._changes.lock:
                going = await self._let_go(name, folder, oldest)
            if going is not None:
                await self._house.looked(_remove, going)

    async def _let_go(self, name: str, folder: Path, oldest: str) -> Path | None:
        """Take a folder's name from it, and note it, where its job's time is over; return what is to be deleted."""
        try:
            row = await self._changes.job(name)
        except RequestError:
            return None  # a project's folder, or somebody's own
        if not has_ended(row.state) or await self._house.stored(self._house.store.settled_since, row) >= oldest:
            return None
        if folder in await self._needed():
            return None
        if row.project is not None or await self._is_project(name):
            return folder / SCRATCH  # what lies beside it is a show's
        if Path(row.folder) != folder:
            return None
        # Told first: files that go unannounced would be looked for.
        await self._changes.note(row.job_id, Found(findings=(self._note(row),)))
        return await self._house.looked(_set_apart, folder)

    async def _needed(self) -> set[Path]:
        """Return the folders of delivered jobs whose pixels a job that has not ended may be reading."""
        folders: set[Path] = set()
        for row in await self._changes.jobs(*LIVE_STATES):
            folders.update(Path(twin.folder) for twin in await self._house.stored(twins_of, self._house, row))
            redo = await self._house.stored(self._house.store.redo, row.job_id)
            if redo is not None:
                folders.add(self._house.jobs_folder / redo.job_id)
        return folders

    async def _is_project(self, name: str) -> bool:
        return bool(await self._house.stored(self._house.store.jobs, (), projects=(name,), limit=1))

    async def _oldest_kept(self, days: int) -> str:
        return await self._house.stored(oldest_kept, self._house.store, days)

    def _never_came(self, row: JobRow) -> JobError:
        return JobError(
            f"the job lacks files, and none has come for more than {self._uploading_days} days",
            remedy=f"`understudy retry {row.job_id}`, said where its files are, opens it again and sends them. "
            "`keep_uploading_days` in the daemon's settings says how long a job waits.",
        )

    def _note(self, row: JobRow) -> Finding:
        return Finding(
            rule=NOTE,
            outcome="note",
            message=f"the job was {row.state} more than {self._days} days ago: its files are removed from the daemon",
            remedy="Submit it again to have them made anew. `keep_ended_days` in the daemon's settings says how long.",
        )


def _names_in(folder: Path) -> list[str]:
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))


def _set_apart(folder: Path) -> Path:
    """Rename a folder, so that nobody finds half of it while it is deleted."""
    going = folder.with_name(f"{_GOING}{folder.name}-{new_job_id()}")
    return folder.rename(going)


def _remove(folder: Path) -> None:
    """Delete a folder; with a scratch, what a redo would go on from, and the folder of both if they were all of it."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.name == SCRATCH:
        shutil.rmtree(folder.with_name(CARRIED), ignore_errors=True)
        with contextlib.suppress(OSError):
            folder.parent.rmdir()
