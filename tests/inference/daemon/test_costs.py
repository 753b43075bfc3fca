from __future__ import annotations

from pathlib import Path

import pytest

from understudy.inference.daemon.costs import RUNS_KEPT, costs_of, note_run
from understudy.inference.daemon.store import Store
from understudy.inference.work_order import RunCost

from .conftest import DaemonProcess, finished, make_job, send


def test_when_nothing_was_made_here_then_nothing_is_told(daemon: DaemonProcess) -> None:
    with daemon.client() as client:
        assert client.costs() == ()


def test_when_jobs_have_ended_then_their_medians_are_told_also_after_a_restart(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    with daemon.client() as client:
        for at, seconds in enumerate((9, 2, 3)):
            job = make_job(tmp_path / str(at), prompt=f"cost={seconds}")
            assert finished(client, send(client, job)).state == "delivered"
        before = client.costs("preview")
    daemon.kill()
    daemon.start()
    with daemon.client() as client:
        (cost,) = client.costs()
        assert client.costs("identity") == ()
    assert (cost,) == before
    assert (cost.engine, cost.jobs, cost.frame_seconds, cost.start_seconds) == ("preview", 3, 3.0, 60.0)
    assert (cost.gpu_bytes, cost.host_bytes, cost.device) == (22 * 1024**3, 0, "NVIDIA H200")


@pytest.mark.parametrize("end", ["failed", "quarantined"])
def test_when_a_job_comes_to_nothing_then_it_says_nothing_of_cost(
    shared_daemon: DaemonProcess, tmp_path: Path, end: str
) -> None:
    with shared_daemon.client() as client:
        job = make_job(tmp_path, prompt=f"cost=1 end={end}")
        assert finished(client, send(client, job)).state == end
        assert client.costs() == ()


def test_when_many_jobs_are_alike_then_the_newest_are_kept_and_speak(tmp_path: Path) -> None:
    store = Store(tmp_path / "store.sqlite")
    row, _ = store.accept(_new_job(tmp_path))
    for number in range(RUNS_KEPT + 5):
        note_run(store, row.job_id, _cost(frame_seconds=float(number)))
    note_run(store, row.job_id, _cost(device="NVIDIA H200"))
    card, processor = costs_of(store).measured
    assert (card.device, card.jobs) == ("NVIDIA H200", 1)
    assert (processor.jobs, processor.frame_seconds) == (RUNS_KEPT, 14.5)
    store.close()


def _cost(*, frame_seconds: float = 1.0, device: str = "CPU") -> RunCost:
    return RunCost(
        height=90, width=160, frames=4, device=device, start_seconds=1.0, frame_seconds=frame_seconds,
        finish_seconds=0.1,
    )  # fmt: skip


def _new_job(folder: Path) -> object:
    from understudy.inference.daemon.writing import NewJob, Place

    job = make_job(folder / "job")
    return NewJob("job1", "ada", job.token, job.request, Place(str(folder)), "key", ())
