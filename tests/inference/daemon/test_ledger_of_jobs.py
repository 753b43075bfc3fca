"""What a real daemon writes into its ledger, when, and that it stands before anyone is told. Stub workers."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import threading
from pathlib import Path

import msgspec
import pytest

from understudy.bridge.errors import ComplianceError, DaemonError
from understudy.bridge.messages import RedoSegment
from understudy.bridge.roundtrip import redo_segment
from understudy.inference.authority.entries import Entry
from understudy.inference.authority.head import AdmittedPapers, LedgerHead
from understudy.inference.authority.ledger import Ledger, judge_ledger, read_ledger
from understudy.inference.daemon.tables import SCHEMA

from .conftest import DaemonProcess, finished, make_job, send, state_of, until


def entries(daemon: DaemonProcess, job_id: str) -> list[Entry]:
    return [entry for entry in read_ledger(daemon.home) if entry.subjects.get("job") == job_id]


def events(daemon: DaemonProcess, job_id: str) -> list[str]:
    return [entry.event for entry in entries(daemon, job_id)]


def test_a_delivered_job_is_in_the_ledger_from_its_acceptance_to_the_seal_on_its_files(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    with daemon.client() as client:
        job_id = send(client, make_job(tmp_path / "in", prompt="float8_from=1003"))
        assert finished(client, job_id).state == "delivered"
        folder = Path(client.outputs(job_id).folder)
    assert events(daemon, job_id) == ["job.accepted", "job.finished", "delivery.sealed"]
    accepted, _, sealed = entries(daemon, job_id)
    assert (accepted.outcome, len(accepted.record), len(accepted.facts)) == ("accepted", 64, 64)
    content = Ledger(daemon.home).list_path(sealed.subjects["files"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == sealed.subjects["files"]
    listed = msgspec.json.decode(content)
    on_disk = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.exr")}
    assert listed == {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in on_disk.items()}
    assert judge_ledger(daemon.home).damage is None


def test_the_head_is_taken_once_so_a_worker_that_dies_and_begins_again_writes_the_same(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    with daemon.client() as client:
        job_id = send(client, make_job(tmp_path / "in", prompt="crash_once_at=1002 float8_from=1001"))
        send(client, make_job(tmp_path / "other"))  # the ledger grows meanwhile
        assert finished(client, job_id).state == "delivered"
        folder = Path(client.outputs(job_id).folder)
    accepted = entries(daemon, job_id)[0]
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes())
    assert manifest["ledger_head"]["seq"] == accepted.seq
    head = msgspec.convert(manifest["ledger_head"], LedgerHead)
    assert judge_ledger(daemon.home, [head]).damage is None


def test_a_refused_job_is_in_the_ledger_before_the_artist_hears_of_it(daemon: DaemonProcess, tmp_path: Path) -> None:
    with daemon.client() as client, pytest.raises(ComplianceError):
        client.submit(make_job(tmp_path, record_id="refuse me").request, "t" * 32)
    assert [entry.event for entry in read_ledger(daemon.home)] == ["ledger.opened", "job.refused"]


def test_the_same_token_again_makes_no_second_entry(daemon: DaemonProcess, tmp_path: Path) -> None:
    job = make_job(tmp_path)
    with daemon.client() as client:
        job_id = client.submit(job.request, job.token).job_id
        assert client.submit(job.request, job.token).job_id == job_id
    assert events(daemon, job_id) == ["job.accepted"]


def test_when_many_submit_at_once_then_each_answer_stands_in_one_sound_chain(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    accepted: list[str] = []

    def submit(number: int) -> None:
        job = make_job(tmp_path / str(number))
        with daemon.client() as client:
            accepted.append(client.submit(job.request, job.token).job_id)

    threads = [threading.Thread(target=submit, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(accepted) == 6
    assert all(events(daemon, job_id) == ["job.accepted"] for job_id in accepted)
    assert judge_ledger(daemon.home).damage is None


def test_cancelled_failed_and_tried_again_are_told_with_their_reason(daemon: DaemonProcess, tmp_path: Path) -> None:
    with daemon.client() as client:
        failed = send(client, make_job(tmp_path / "a", prompt="end=failed"))
        finished(client, failed)
        client.control(failed, "retry")
        until(lambda: events(daemon, failed).count("job.finished") == 2)
        waiting = client.submit(make_job(tmp_path / "b").request, "u" * 32).job_id
        client.control(waiting, "cancel")
    first, end, again, _ = entries(daemon, failed)
    assert (first.outcome, end.outcome, end.subjects["why"]) == ("accepted", "failed", "engine")
    assert (again.event, again.outcome) == ("job.accepted", "tried again")
    assert [entry.outcome for entry in entries(daemon, waiting)] == ["accepted", "cancelled"]


def test_a_redo_says_of_which_version_it_is(daemon: DaemonProcess, tmp_path: Path) -> None:
    with daemon.client() as client:
        job_id = finished(client, send(client, make_job(tmp_path / "in", frames=60))).job_id
        redo = redo_segment(client, RedoSegment(token=secrets.token_hex(16), job_id=job_id, segment=2, seed=3))
        finished(client, redo.job_id)
    assert events(daemon, redo.job_id)[:2] == ["job.redo", "job.accepted"]
    assert entries(daemon, redo.job_id)[0].subjects["of"] == job_id


def test_when_a_file_that_was_to_be_delivered_is_not_there_then_the_job_fails_and_nothing_is_sealed(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    with daemon.client() as client:
        job_id = send(client, make_job(tmp_path / "in", prompt="lost_file"))
        summary = finished(client, job_id)
    assert summary.error is not None
    assert (summary.state, "lost.exr" in summary.error.message) == ("failed", True)
    assert events(daemon, job_id) == ["job.accepted", "job.finished"]


def test_when_the_daemon_is_killed_then_every_job_it_answered_for_is_in_the_ledger(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path / "home").start()
    told: list[str] = []
    with daemon.client() as client:
        for number in range(5):
            job = make_job(tmp_path / str(number))
            told.append(client.submit(job.request, job.token).job_id)
    daemon.kill()
    assert all(events(daemon, job_id) == ["job.accepted"] for job_id in told)
    daemon.start()
    daemon.stop()
    assert judge_ledger(daemon.home).damage is None


def test_when_the_ledger_was_cut_while_the_daemon_was_away_then_it_does_not_start(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path / "home").start()
    with daemon.client() as client:
        job = make_job(tmp_path / "in")
        client.submit(job.request, job.token)
    daemon.stop()
    path = daemon.home / "ledger/entries.jsonl"
    path.write_bytes(path.read_bytes().split(b"\n")[0] + b"\n")
    with pytest.raises(AssertionError, match="entry 2, which the newest job in the store names, is not in it"):
        daemon.start()


def test_a_store_from_before_the_ledger_is_taken_over_with_its_jobs(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path / "home").start()
    with daemon.client() as client:
        job = make_job(tmp_path / "in")
        job_id = client.submit(job.request, job.token).job_id
    daemon.stop()
    with sqlite3.connect(daemon.home / "store.sqlite") as store:
        store.execute("ALTER TABLE requests DROP COLUMN papers")
        store.execute("DROP TABLE runs")
        store.execute("PRAGMA user_version=1")
    daemon.start()
    with daemon.client() as client:
        for digest in client.lacking(job_id):
            client.hand_over(job_id, digest, job.paths[digest])
        assert finished(client, job_id).state == "delivered"
    daemon.stop()
    with sqlite3.connect(daemon.home / "store.sqlite") as store:
        assert store.execute("SELECT papers FROM requests").fetchone() == (None,)
    assert "papers BLOB" in SCHEMA
    assert AdmittedPapers().ledger_head is None


def test_when_the_ledger_is_cut_under_a_running_daemon_then_nothing_is_told_until_it_is_put_back(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    path = daemon.home / "ledger/entries.jsonl"
    with daemon.client() as client:
        running = send(client, make_job(tmp_path / "a", prompt="slow=0.2", frames=8))
        until(lambda: state_of(client, running) == "running")
        whole = path.read_bytes()
        path.write_bytes(whole[: whole.index(b"\n") + 1])
        job = make_job(tmp_path / "b")
        with pytest.raises(DaemonError, match="it was cut"):
            client.submit(job.request, job.token)
        until(lambda: client.show_job(running).summary.frames_done == 8)
        until(lambda: "it was cut" in daemon.log)
        assert state_of(client, running) == "checking"
        path.write_bytes(whole)
        assert finished(client, running).state == "delivered"
        client.submit(job.request, job.token)
    assert judge_ledger(daemon.home).damage is None
