"""Jobs that wait for the machine: what parks them, and how often they are looked at."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from understudy.inference.daemon.audience import Audience
from understudy.inference.daemon.changes import PARKED_FIRST_WAIT_SECONDS, Changes
from understudy.inference.daemon.dispatch import Dispatch
from understudy.inference.daemon.house import House
from understudy.inference.daemon.inputs import Inputs
from understudy.inference.daemon.local_executor import LocalExecutor
from understudy.inference.daemon.store import NewJob, Place
from understudy.inference.vault import Vault

from .conftest import house_with, make_job

QUEUED = "job0full"
PARKED = ("job0wai2", "job0wai3", "job0wai4")
LOOKS = 50
MOST_CLEANINGS = 9
"""Each wait is twice as long as the last: the tenth would come after four minutes."""


class Counted(Vault):
    """A vault that counts how often it was walked over."""

    cleanings = 0

    def clean(self, keep: Collection[str], room_bytes: int | None = None) -> int:
        self.cleanings += 1
        return super().clean(keep, room_bytes)


class Parked:
    """A daemon's inside whose vault is full of one queued job's files, so that three others are parked."""

    def __init__(self, folder: Path) -> None:
        house = house_with(folder / "home", make_job(folder / "in"), QUEUED)
        self.vault = Counted(house.home / "vault", house.vault.bytes_used + 1)
        self.house: House = replace(house, vault=self.vault)
        for job_id in PARKED:
            job = make_job(folder / job_id, frames=1)
            place = Place(str(house.home / "jobs" / job_id))
            house.store.accept(NewJob(job_id, "ann", job_id * 2, job.request, place, cache_key="", admission=()))
            house.store.move(job_id, "park")
        self.inputs = Inputs(self.house)
        self.changes = Changes(self.house, Audience(self.house, lambda connection, body: "gone"), self.inputs)


@pytest.fixture
def parked(tmp_path: Path) -> Iterator[Parked]:
    parked = Parked(tmp_path)
    yield parked
    parked.house.close()


def test_one_look_at_many_parked_jobs_walks_over_a_full_vault_once(parked: Parked) -> None:
    asyncio.run(parked.changes.look_at_parked())
    assert parked.vault.cleanings == 1


def test_parked_jobs_that_find_no_room_are_looked_at_more_and_more_seldom(parked: Parked) -> None:
    async def story() -> None:
        for _ in range(LOOKS):
            await parked.changes.look_at_parked()

    asyncio.run(story())
    assert 1 <= parked.vault.cleanings <= MOST_CLEANINGS
    assert {row.job_id for row in parked.house.store.jobs(("parked",))} == set(PARKED)


def test_when_a_job_ends_then_the_next_look_at_parked_jobs_does_not_wait(parked: Parked) -> None:
    async def story() -> None:
        for _ in range(LOOKS):
            await parked.changes.look_at_parked()
        await parked.changes.end(await parked.changes.job(QUEUED), "cancel")
        await parked.changes.look_at_parked()

    asyncio.run(story())
    assert {row.job_id for row in parked.house.store.jobs(("uploading",))} == set(PARKED)


def unreadable(parked: Parked) -> Path:
    """Put something in a blob's place that is there and cannot be read: as with EIO, ESTALE or EMFILE."""
    blob = parked.vault.path(next(iter(parked.house.store.blobs(QUEUED))))
    blob.rename(blob.with_suffix(".aside"))
    blob.mkdir()
    return blob


@pytest.mark.parametrize("action", ["cancel", "fail"])
def test_when_a_job_ends_then_nothing_of_what_it_lacked_stays_in_memory(parked: Parked, action: str) -> None:
    inputs, job_id = parked.inputs, PARKED[0]

    async def story() -> dict[str, int]:
        inputs.complete(job_id)
        assert set(inputs._lacking) == {job_id}
        await parked.changes.change(job_id, action)
        assert not inputs._lacking
        inputs.complete(job_id)
        return inputs.lacking(job_id, "ann")

    assert asyncio.run(story())  # who asks is still told
    assert not inputs._lacking


async def something_ends(parked: Parked, job_id: str) -> None:
    """End another job, so that parked ones are looked at anew; look."""
    await parked.changes.end(await parked.changes.job(job_id), "cancel")
    await parked.changes.look_at_parked()


def test_a_job_whose_file_cannot_be_read_for_a_while_is_parked_and_goes_on_by_itself(parked: Parked) -> None:
    blob = unreadable(parked)

    async def story() -> list[str]:
        dispatch = Dispatch(parked.house, parked.changes, parked.inputs, LocalExecutor(0))
        await dispatch._start(QUEUED)
        row = await parked.changes.job(QUEUED)
        assert row.error is not None
        assert "Is a directory" in row.error.message
        blob.rmdir()
        blob.with_suffix(".aside").rename(blob)
        await something_ends(parked, PARKED[0])
        return [row.state, (await parked.changes.job(QUEUED)).state]

    assert asyncio.run(story()) == ["parked", "queued"]


def test_a_job_that_is_parked_whenever_it_starts_waits_twice_as_long_each_time(parked: Parked) -> None:
    unreadable(parked)

    async def story() -> None:
        dispatch = Dispatch(parked.house, parked.changes, parked.inputs, LocalExecutor(0))
        await dispatch._start(QUEUED)
        for job_id in PARKED:
            await something_ends(parked, job_id)
            assert (await parked.changes.job(QUEUED)).state == "queued"
            await dispatch._start(QUEUED)
        assert parked.changes._waits[QUEUED][1] == PARKED_FIRST_WAIT_SECONDS * 2 ** len(PARKED)

    asyncio.run(story())
