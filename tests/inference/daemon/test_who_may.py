"""Who may see and do what over the wire. Real sockets, keys and store."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import zmq

from understudy.bridge.client import Client
from understudy.bridge.errors import KeyRefused, RequestError
from understudy.bridge.keys import ensure_local_keys, load_connection
from understudy.bridge.watch import Watcher

from .conftest import (
    DaemonProcess,
    finished,
    guest,
    make_job,
    send,
    until,
)


def test_a_key_with_projects_sees_its_projects_and_its_own_and_nothing_else(
    shared_daemon: DaemonProcess, client: Client, ben: Client, tmp_path: Path
) -> None:
    hidden = send(client, make_job(tmp_path / "hidden", project="arrival"))
    shared = send(client, make_job(tmp_path / "shared", project="dune"))
    for job_id in (hidden, shared):
        finished(client, job_id)
    listed = {summary.job_id for summary in ben.list_jobs()}
    assert shared in listed
    assert hidden not in listed
    for ask in (ben.show_job, ben.outputs, ben.lacking):
        with pytest.raises(RequestError, match="there is no job"):
            ask(hidden)
    with pytest.raises(RequestError, match="there is no job"):
        ben.show_job("neverwas")


def test_a_watcher_hears_only_of_what_its_key_may_see(
    shared_daemon: DaemonProcess, client: Client, ben: Client, tmp_path: Path
) -> None:
    heard: list[str] = []
    watcher = Watcher(ben.connection, (), 0, lambda event: heard.append(event.job_id), lambda: None)
    assert watcher.wait_subscribed(10)
    hidden = send(client, make_job(tmp_path / "hidden", project="arrival", prompt="slow=0.02"))
    shared = send(client, make_job(tmp_path / "shared", project="dune"))
    finished(client, hidden)
    finished(client, shared)
    until(lambda: shared in heard)
    watcher.close()
    assert hidden not in heard


def test_a_colleague_may_look_but_not_touch_and_a_producer_may_both(
    shared_daemon: DaemonProcess, client: Client, ben: Client, tmp_path: Path
) -> None:
    job = make_job(tmp_path, project="dune")
    job_id = client.submit(job.request, job.token).job_id
    assert ben.show_job(job_id).job == job.request
    with pytest.raises(KeyRefused, match="not cancel it"):
        ben.control(job_id, "cancel")
    producer = Client(guest(shared_daemon, "pia", "dune", roles=("producer",)))
    assert producer.control(job_id, "cancel").state == "cancelled"
    producer.close()


def test_a_key_cannot_submit_into_a_project_that_is_not_its_own(ben: Client, tmp_path: Path) -> None:
    job = make_job(tmp_path, project="arrival")
    with pytest.raises(KeyRefused, match="arrival"):
        ben.submit(job.request, job.token)


def test_a_digest_known_from_elsewhere_proves_nothing(client: Client, ben: Client, tmp_path: Path) -> None:
    """Ben learns the digests of files that lie in the vault already: he still has to bring the bytes."""
    finished(client, send(client, make_job(tmp_path, content="secret picture")))
    stolen = make_job(tmp_path, content="secret picture")
    job_id = ben.submit(stolen.request, stolen.token).job_id
    assert sorted(ben.lacking(job_id)) == sorted(stolen.paths)
    ben.control(job_id, "cancel")


def test_an_unknown_key_is_shut_out_in_the_handshake(shared_daemon: DaemonProcess) -> None:
    known = load_connection(shared_daemon.home)
    public, secret = zmq.curve_keypair()
    stranger = msgspec.structs.replace(known, public=public.decode(), secret=secret.decode())
    with pytest.raises(KeyRefused):
        Client(stranger, timeout_seconds=5).hello()


def test_a_key_that_is_taken_off_the_list_is_refused_at_its_next_word(shared_daemon: DaemonProcess) -> None:
    eve = Client(guest(shared_daemon, "eve"))
    eve.hello()
    ensure_local_keys(shared_daemon.home).users.remove_user("eve")
    with pytest.raises(KeyRefused, match="allow-list"):
        eve.list_jobs()
    eve.close()
