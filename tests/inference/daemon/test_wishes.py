"""What becomes of a job when an artist's wish and the end of its run cross: every pair, and a kill between them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from understudy.bridge.errors import EngineError, JobParked, PlateError, UnderstudyError
from understudy.inference.daemon.audience import Audience
from understudy.inference.daemon.changes import Changes
from understudy.inference.daemon.dispatch import Dispatch
from understudy.inference.daemon.executor import Ending
from understudy.inference.daemon.inputs import Inputs
from understudy.inference.daemon.local_executor import LocalExecutor
from understudy.inference.daemon.tables import JobRow
from understudy.inference.work_order import WorkerEnd

from .conftest import DaemonProcess, house_with, make_job, send, state_of, until

WISHES = (None, "pause", "cancel")
ENDED_AS = {
    "paused": ("queued", "paused", "cancelled"),
    "parked": ("parked", "paused", "cancelled"),
    "cancelled": ("cancelled",) * 3,
    "failed": ("failed",) * 3,
    "refused": ("refused",) * 3,
    "quarantined": ("quarantined",) * 3,
    "delivered": ("delivered",) * 3,
}
"""A worker's last word to what its job is then: nothing wished, a pause, a cancel."""
NOT_STARTED: tuple[tuple[UnderstudyError, tuple[str, str, str]], ...] = (
    (JobParked("no room"), ("parked", "paused", "cancelled")),
    (PlateError("a file is gone"), ("uploading", "paused", "cancelled")),
    (EngineError("a fault"), ("failed", "failed", "failed")),
)
JOB = "job0held"


class Running:
    """A daemon's inside, without workers, that holds one job whose first frame is made."""

    def __init__(self, folder: Path) -> None:
        self.house = house_with(folder / "home", make_job(folder / "in"), JOB)
        self.house.store.move(JOB, "start")
        self.provisional = folder / "home" / "jobs" / JOB / ".provisional" / "v001"
        self.provisional.mkdir(parents=True)
        (self.provisional / "frame").write_bytes(b"1001")

    def wish(self, wish: str | None) -> None:
        self.house.store.note(JOB, wish=wish)

    def after(self, what: WorkerEnd | Ending | UnderstudyError | None) -> JobRow:
        """Return the job when a worker said that, was lost so, or never got it; None = a new daemon found it so."""

        async def story() -> JobRow:
            inputs = Inputs(self.house)
            changes = Changes(self.house, Audience(self.house, lambda connection, body: "gone"), inputs)
            dispatch = Dispatch(self.house, changes, inputs, LocalExecutor(0))
            if isinstance(what, WorkerEnd):
                await dispatch.heard(JOB, what)
            elif isinstance(what, Ending):
                await dispatch.lost(JOB, what)
            elif what is None:
                await dispatch.recover()
            else:
                await dispatch._not_started(JOB, what)
            return await changes.job(JOB)

        return asyncio.run(story())


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path)
    yield running
    running.house.close()


def kept(running: Running, row: JobRow) -> None:
    """Check that a wish is answered, and that frames are gone where, and only where, the job was withdrawn."""
    assert row.wish is None
    assert running.provisional.exists() is (row.state not in ("cancelled", "refused"))


@pytest.mark.parametrize("wish", WISHES)
@pytest.mark.parametrize("said", ENDED_AS)
def test_whatever_a_worker_says_last_a_wish_is_kept_and_an_end_stands(
    running: Running, said: str, wish: str | None
) -> None:
    running.wish(wish)
    row = running.after(WorkerEnd(state=said))
    assert row.state == ENDED_AS[said][WISHES.index(wish)]
    kept(running, row)


@pytest.mark.parametrize("wish", WISHES)
@pytest.mark.parametrize(("problem", "states"), NOT_STARTED, ids=lambda value: type(value).__name__)
def test_a_wish_is_kept_where_the_job_did_not_even_start(
    running: Running, problem: UnderstudyError, states: tuple[str, ...], wish: str | None
) -> None:
    running.wish(wish)
    row = running.after(problem)
    assert row.state == states[WISHES.index(wish)]
    kept(running, row)


@pytest.mark.parametrize("wish", WISHES)
@pytest.mark.parametrize("asked", [None, "pause", "close"])
def test_a_wish_is_kept_where_the_worker_goes_without_a_word(
    running: Running, asked: str | None, wish: str | None
) -> None:
    running.wish(wish)
    row = running.after(Ending("was killed by SIGKILL", asked=asked))  # type: ignore[arg-type]
    assert row.state == ("queued", "paused", "cancelled")[WISHES.index(wish)]
    assert row.crashes == (1 if (asked, wish) == (None, None) else 0)
    kept(running, row)


@pytest.mark.parametrize("wish", WISHES)
@pytest.mark.parametrize("state", ["running", "checking"])
def test_a_wish_is_kept_by_the_next_daemon_where_this_one_was_killed_before_the_end(
    running: Running, state: str, wish: str | None
) -> None:
    if state == "checking":
        running.house.store.move(JOB, "check")
    running.wish(wish)
    row = running.after(None)
    assert row.state == ("queued", "paused", "cancelled")[WISHES.index(wish)]
    kept(running, row)


@pytest.mark.parametrize("said", ["paused", "parked"])
def test_a_version_that_stands_is_not_cancelled_whatever_its_worker_says(running: Running, said: str) -> None:
    running.provisional.rename(running.provisional.parents[1] / "v001")
    running.wish("cancel")
    assert running.after(WorkerEnd(state=said)).state == "queued"  # the next worker says that it is delivered


def test_a_file_that_finds_no_room_never_parks_a_job_that_a_worker_holds(running: Running) -> None:
    running.wish("cancel")

    async def story() -> JobRow:
        inputs = Inputs(running.house)
        changes = Changes(running.house, Audience(running.house, lambda connection, body: "gone"), inputs)
        await changes.park_locked(JOB, JobParked("no room"))
        return await changes.job(JOB)

    row = asyncio.run(story())
    assert (row.state, row.wish) == ("running", "cancel")


def test_a_job_cancelled_before_the_daemon_stops_is_not_run_by_the_next(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path / "home").start()
    with daemon.client() as client:
        job_id = send(client, make_job(tmp_path / "in", prompt="slow=1"))
        until(lambda: state_of(client, job_id) == "running")
        client.control(job_id, "cancel")
    daemon.stop()
    daemon.start()
    with daemon.client() as client:
        assert state_of(client, job_id) == "cancelled"
    daemon.stop()
