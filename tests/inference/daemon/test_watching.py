"""What a watcher hears: everything once, in order, also after it was away."""

from __future__ import annotations

import time
from pathlib import Path

from understudy.bridge.client import Client
from understudy.bridge.messages import (
    Progress,
    StateChanged,
)

from .conftest import (
    DaemonProcess,
    Eyes,
    finished,
    let,
    make_job,
    send,
    until,
)


def test_a_watcher_that_comes_back_hears_what_it_missed_and_nothing_twice(
    shared_daemon: DaemonProcess, client: Client, tmp_path: Path
) -> None:
    job_id = send(client, make_job(tmp_path, prompt="slow=0.05", frames=12))
    first = Eyes(shared_daemon, job_id)
    until(lambda: len(first.durable()) > 5)
    first.close()
    finished(client, job_id)
    second = Eyes(shared_daemon, job_id, after=first.durable()[-1].number)
    until(lambda: "delivered" in second.states(job_id))
    second.close()
    numbers = [event.number for event in first.durable() + second.durable()]
    assert numbers == sorted(set(numbers))
    assert [e.what.state for e in second.durable() if isinstance(e.what, StateChanged)][-1] == "delivered"
    last = client.show_job(job_id).last_event
    assert numbers[-1] == last


def test_progress_is_told_while_it_is_fresh_and_never_after_the_end(
    shared_daemon: DaemonProcess, client: Client, tmp_path: Path
) -> None:
    let(gate := tmp_path / "gate", 1005)
    job = make_job(tmp_path, prompt=f"slow=0.05 hold={gate}", frames=10)
    job_id = client.submit(job.request, job.token).job_id
    eyes = Eyes(shared_daemon, job_id)
    assert eyes.wait_subscribed()  # progress is told to those who are there
    for digest in client.lacking(job_id):
        client.hand_over(job_id, digest, job.paths[digest])
    until(lambda: any(isinstance(event.what, Progress) for event in list(eyes.events)))
    let(gate)
    until(lambda: "delivered" in eyes.states(job_id))
    time.sleep(0.1)
    eyes.close()
    kinds = [type(event.what) for event in eyes.events]
    assert Progress in kinds
    assert kinds[-1] is StateChanged


def test_many_watchers_all_hear_everything(shared_daemon: DaemonProcess, client: Client, tmp_path: Path) -> None:
    crowd = [Eyes(shared_daemon) for _ in range(8)]
    job_id = send(client, make_job(tmp_path, frames=10))
    for eyes in crowd:
        until(lambda eyes=eyes: "delivered" in eyes.states(job_id))
        eyes.close()
    told = [[e.number for e in eyes.durable() if e.job_id == job_id] for eyes in crowd]
    assert all(numbers == told[0] for numbers in told)
