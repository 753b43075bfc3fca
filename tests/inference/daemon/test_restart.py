"""`kill -9` of the daemon, its workers, its clients, at any moment: nothing accepted is lost, the bits are the same."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import pytest

from understudy.bridge.client import Client
from understudy.bridge.errors import UnderstudyError
from understudy.bridge.transfer import upload
from understudy.bridge.words import ENDED

from .conftest import DaemonProcess, Eyes, finished, let, make_job, send, state_of, until

FRAMES = 10


def layers(client: Client, job_id: str) -> dict[str, bytes]:
    outputs = client.outputs(job_id)
    return {file.path: Path(outputs.folder, file.path).read_bytes() for file in outputs.files}


def worker_of(client: Client) -> int | None:
    return client.status().slots[0].process


def test_a_job_survives_kills_of_its_daemon_at_random_moments_and_its_layers_are_the_same_bits(tmp_path: Path) -> None:
    chance = random.Random(20)
    daemon = DaemonProcess(tmp_path / "home").start()
    job = make_job(tmp_path / "in", prompt="slow=0.03", frames=FRAMES)
    client = daemon.client()
    untouched = send(client, make_job(tmp_path / "other", frames=FRAMES))
    finished(client, untouched)
    expected = layers(client, untouched)
    job_id = send(client, job)
    client.close()
    for _ in range(5):
        time.sleep(chance.uniform(0.0, 0.25))
        daemon.kill()
        daemon.start()
    with daemon.client() as client:
        summary = finished(client, job_id)
        assert (summary.state, summary.frames_done) == ("delivered", FRAMES)
        assert layers(client, job_id) == expected
    daemon.stop()


def test_whatever_was_accepted_before_a_kill_is_there_after_it_and_can_be_completed(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path / "home").start()
    jobs = [make_job(tmp_path / str(number)) for number in range(6)]
    with daemon.client() as client:
        ids = [client.submit(job.request, job.token).job_id for job in jobs]
        digest, path = next(iter(jobs[0].paths.items()))
        client.hand_over(ids[0], digest, path)
        daemon.kill()
    daemon.start()
    with daemon.client() as client:
        assert [client.submit(job.request, job.token).job_id for job in jobs] == ids
        assert digest not in client.lacking(ids[0])
        for job_id, job in zip(ids, jobs, strict=True):
            for lacking in client.lacking(job_id):
                client.hand_over(job_id, lacking, job.paths[lacking])
        assert {finished(client, job_id).state for job_id in ids} == {"delivered"}
    daemon.stop()


def test_a_killed_worker_costs_a_job_nothing_but_time(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path / "home").start()
    with daemon.client() as client:
        gate = tmp_path / "gate"
        job_id = send(client, make_job(tmp_path / "in", prompt=f"hold={gate}", frames=20))
        for done in (2, 6, 10):
            let(gate, 1000 + done)
            until(lambda done=done: client.show_job(job_id).summary.frames_done == done)
            worker = worker_of(client)
            assert worker is not None
            os.kill(worker, signal.SIGKILL)
        let(gate)
        summary = finished(client, job_id)
        assert (summary.state, summary.frames_done, summary.error) == ("delivered", 20, None)
        eyes = Eyes(daemon, job_id)
        until(lambda: "delivered" in eyes.states(job_id))
        eyes.close()
        assert eyes.states(job_id).count("queued") == 4
    daemon.stop()


def test_a_job_that_kills_its_workers_fails_with_their_last_words_and_keeps_what_was_finished(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path / "home").start()
    with daemon.client() as client:
        job_id = send(client, make_job(tmp_path / "bad", prompt="crash_at=1003", frames=5))
        after = send(client, make_job(tmp_path / "good"))
        summary = finished(client, job_id)
        assert (summary.state, summary.frames_done) == ("failed", 2)
        assert summary.error is not None
        assert "Segmentation fault (pretended)" in summary.error.facts["last_words"]
        assert "2 finished frames are kept" in summary.error.remedy
        assert len(client.outputs(job_id).files) == 2
        assert finished(client, after).state == "delivered"
    daemon.stop()


def test_a_job_whose_worker_dies_once_goes_on_where_it_was(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path / "home").start()
    with daemon.client() as client:
        job_id = send(client, make_job(tmp_path / "in", prompt="crash_once_at=1003", frames=5))
        assert finished(client, job_id).state == "delivered"
    daemon.stop()


@pytest.mark.parametrize(("action", "state"), [("cancel", "cancelled"), ("pause", "paused")])
def test_what_was_wished_before_a_kill_is_done_after_it(tmp_path: Path, action: str, state: str) -> None:
    daemon = DaemonProcess(tmp_path / "home").start()
    with daemon.client() as client:
        job_id = send(client, make_job(tmp_path / "in", prompt="slow=0.05 deaf", frames=100))
        until(lambda: client.show_job(job_id).summary.frames_done)
        client.control(job_id, action)
        daemon.kill()
    daemon.start()
    with daemon.client() as client:
        assert state_of(client, job_id) == state
        assert (daemon.home / "jobs" / job_id / ".provisional" / "v001").exists() is (state == "paused")
    daemon.stop()


def test_an_upload_that_a_kill_interrupted_is_completed_by_the_next_client(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path / "home").start()
    job = make_job(tmp_path / "in")
    with daemon.client() as client:
        job_id = client.submit(job.request, job.token).job_id

        def stop_half_way(done: int, total: int) -> None:
            if done * 2 > total:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            upload(client, client.connection, job_id, job.paths, stop_half_way)
    daemon.kill()
    daemon.start()
    with daemon.client() as client:
        upload(client, client.connection, job_id, job.paths, lambda done, total: None)
        assert finished(client, job_id).state == "delivered"
    daemon.stop()


def test_a_watcher_lives_through_kills_and_hears_every_event_once_and_in_order(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path / "home").start()
    with daemon.client() as client:
        job_id = send(client, make_job(tmp_path / "in", prompt="slow=0.03", frames=FRAMES))
    eyes = Eyes(daemon, job_id)
    for _ in range(2):
        time.sleep(0.2)
        daemon.kill()
        daemon.start()
    until(lambda: "delivered" in eyes.states(job_id))
    eyes.close()
    numbers = [event.number for event in eyes.durable()]
    assert numbers == sorted(set(numbers))
    with daemon.client() as client:
        assert numbers[-1] == client.show_job(job_id).last_event
    daemon.stop()


def test_clients_that_vanish_at_any_moment_leave_the_daemon_and_their_jobs_whole(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path / "home").start()
    chance = random.Random(7)
    jobs = [make_job(tmp_path / str(number)) for number in range(5)]
    for job in jobs:
        client = daemon.client()
        job_id = client.submit(job.request, job.token).job_id
        for digest in list(client.lacking(job_id))[: chance.randrange(9)]:
            client.hand_over(job_id, digest, job.paths[digest])
        client.close()
    with daemon.client() as client:
        for job in jobs:
            try:
                assert finished(client, send(client, job)).state == "delivered"
            except UnderstudyError as problem:
                pytest.fail(problem.message)
        assert all(summary.state in ENDED for summary in client.list_jobs())
    daemon.stop()
