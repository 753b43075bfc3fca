"""What is purged of old jobs, what never is, and what is written down of it."""

from __future__ import annotations

import fcntl
import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from terminal_rig import Terminal

from understudy.bridge.errors import DaemonError
from understudy.inference.authority.acting import acting_user
from understudy.inference.authority.entries import Entry
from understudy.inference.authority.ledger import judge_ledger, known_hashes, read_ledger
from understudy.inference.daemon.lookup import Lookup
from understudy.inference.daemon.purge import Purged, purge
from understudy.inference.version_lock import VersionLock

from .conftest import DaemonProcess, finished, make_job, send, state_of, until
from .test_retention import start_again_as_if_old

LONG_AGO_SECONDS = 1_577_836_800.0  # 2020-01-01


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[DaemonProcess]:
    process = DaemonProcess(tmp_path / "home", keep_ended_days=0).start()
    yield process
    process.stop()


def left_by(daemon: DaemonProcess, job_id: str) -> list[Path]:
    """Leave a face crop and carried pictures of a job, as a worker would."""
    paths = [daemon.home / "jobs" / job_id / name for name in (".scratch/face.0001.npy", ".carried/last/1.npy")]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"a face of {job_id}".encode())
    return paths


def purged(daemon: DaemonProcess, days: int = 30, **options: object) -> tuple[Purged, ...]:
    with closing(Lookup(daemon.home / "store.sqlite")) as store:
        return purge(daemon.home, store, days, **options)  # type: ignore[arg-type]


def entries(daemon: DaemonProcess) -> list[Entry]:
    assert judge_ledger(daemon.home).damage is None
    assert not (daemon.home / "purged.jsonl").exists(), "the ledger is where it belongs"
    return [entry for entry in read_ledger(daemon.home) if entry.event == "intermediates.purged"]


def daemon_user(daemon: DaemonProcess) -> str:
    return acting_user(daemon.home).name


def layers(folder: str) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in Path(folder).rglob("*.exr")}


def test_what_an_old_job_of_the_project_left_goes_and_its_delivered_layers_stay(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    with daemon.client() as client:
        old = finished(client, send(client, make_job(tmp_path / "a", project="dune"))).job_id
        other = finished(client, send(client, make_job(tmp_path / "b", project="emma"))).job_id
        new = finished(client, send(client, make_job(tmp_path / "c", project="dune"))).job_id
        take = client.outputs(old).folder
    start_again_as_if_old(daemon, old, other)
    before = layers(take)
    assert len(before) == 4
    of_old, of_other, of_new = (left_by(daemon, name) for name in (old, other, new))
    gone = purged(daemon, project="dune", actor="jo")
    assert [(one.kind, one.job_id, one.files) for one in gone] == [("scratch", old, 1), ("carried", old, 1)]
    assert not any(path.exists() for path in of_old)
    assert all(path.exists() for path in (*of_other, *of_new))
    assert layers(take) == before


def test_what_goes_is_written_down_by_its_digest_and_without_its_content(daemon: DaemonProcess, tmp_path: Path) -> None:
    with daemon.client() as client:
        old = finished(client, send(client, make_job(tmp_path / "a", project="dune"))).job_id
    start_again_as_if_old(daemon, old)
    left_by(daemon, old)
    first = purged(daemon, project="dune", actor="jo")
    assert [entry.subjects["digest"] for entry in entries(daemon)] == [one.digest for one in first]
    assert [entry.subjects["kind"] for entry in entries(daemon)] == ["scratch", "carried"]
    jo = next(iter(known_hashes(daemon.home, ["jo"])))
    assert {(one.actor, one.subjects["job"], one.subjects["older_than_days"]) for one in entries(daemon)} == {
        (jo, old, "30")
    }
    assert b"face" not in (daemon.home / "ledger" / "entries.jsonl").read_bytes()
    left_by(daemon, old)
    assert [one.digest for one in purged(daemon, project="dune")] == [one.digest for one in first]
    assert len(entries(daemon)) == 4


def test_when_the_ledger_was_cut_then_nothing_goes(daemon: DaemonProcess, tmp_path: Path) -> None:
    with daemon.client() as client:
        old = finished(client, send(client, make_job(tmp_path / "a"))).job_id
    start_again_as_if_old(daemon, old)
    paths = left_by(daemon, old)
    book = daemon.home / "ledger" / "entries.jsonl"
    book.write_bytes(book.read_bytes()[:-20] + b"x" * 19 + b"\n")
    with pytest.raises(DaemonError):
        purged(daemon)
    assert all(path.exists() for path in paths)


def test_a_home_without_a_ledger_has_a_file_of_its_own_for_it(daemon: DaemonProcess, tmp_path: Path) -> None:
    with daemon.client() as client:
        old = finished(client, send(client, make_job(tmp_path / "a", project="dune"))).job_id
    start_again_as_if_old(daemon, old)
    daemon.stop()
    (daemon.home / "ledger").rename(tmp_path / "ledger of before")
    left_by(daemon, old)
    first = purged(daemon, project="dune", actor="jo")
    lines = [json.loads(line) for line in (daemon.home / "purged.jsonl").read_text().splitlines()]
    assert [line["digest"] for line in lines] == [one.digest for one in first]
    assert (daemon.home / "purged.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_dry_run_says_what_would_go_and_leaves_everything(daemon: DaemonProcess, tmp_path: Path) -> None:
    with daemon.client() as client:
        old = finished(client, send(client, make_job(tmp_path / "a", project="dune"))).job_id
    start_again_as_if_old(daemon, old)
    paths = left_by(daemon, old)
    assert [(one.kind, one.digest) for one in purged(daemon, dry_run=True)] == [("scratch", ""), ("carried", "")]
    assert all(path.exists() for path in paths)
    assert entries(daemon) == []


def test_when_a_live_job_may_read_what_an_old_one_carried_then_it_stays(daemon: DaemonProcess, tmp_path: Path) -> None:
    with daemon.client() as client:
        old = finished(client, send(client, make_job(tmp_path / "a", content="the same"))).job_id
        waiting = make_job(tmp_path / "a", content="the same")
        live = client.submit(waiting.request, waiting.token).job_id
        client.control(live, "pause")
    start_again_as_if_old(daemon, old)
    paths = left_by(daemon, old)
    with daemon.client() as client:
        assert state_of(client, live) == "paused"
    assert purged(daemon) == ()
    assert all(path.exists() for path in paths)


@contextmanager
def purging_until_it_opens(daemon: DaemonProcess, path: Path) -> Iterator[Future[tuple[Purged, ...]]]:
    """Purge on a thread and yield once it opens `path` to digest it; let it read when the block ends.

    By a write lease (fcntl(2)): the kernel holds whoever opens the file until its holder lets go, 45 seconds at most.
    """
    with path.open("rb+") as file, ThreadPoolExecutor(1) as thread:
        # The default signal of a broken lease, SIGIO, would end this process; SIGURG is ignored.
        fcntl.fcntl(file, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        purging = thread.submit(purged, daemon)
        try:
            until(lambda: purging.done() or fcntl.fcntl(file, fcntl.F_GETLEASE) != fcntl.F_WRLCK)
            yield purging
        finally:
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)


def test_when_a_job_is_tried_again_while_it_is_purged_then_it_keeps_all_that_it_goes_on_from(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    with daemon.client() as client:
        failed = finished(client, send(client, make_job(tmp_path / "a", prompt="end=failed"))).job_id
        other = finished(client, send(client, make_job(tmp_path / "b"))).job_id
    start_again_as_if_old(daemon, failed, other)
    paths = left_by(daemon, failed)
    of_other = left_by(daemon, other)
    assert layers(str(daemon.home / "jobs" / failed / ".provisional"))
    with purging_until_it_opens(daemon, paths[0]) as purging, daemon.client() as client:
        client.control(failed, "retry")
    assert {one.job_id for one in purging.result()} == {other}
    assert all(path.exists() for path in paths)
    assert layers(str(daemon.home / "jobs" / failed / ".provisional"))
    assert not any(path.exists() for path in of_other)
    assert failed not in {entry.subjects["job"] for entry in entries(daemon)}


def test_when_a_new_job_may_read_what_is_being_purged_then_it_stays(daemon: DaemonProcess, tmp_path: Path) -> None:
    with daemon.client() as client:
        old = finished(client, send(client, make_job(tmp_path / "a", content="the same"))).job_id
    start_again_as_if_old(daemon, old)
    paths = left_by(daemon, old)
    with purging_until_it_opens(daemon, paths[0]) as purging, daemon.client() as client:
        twin = make_job(tmp_path / "a", content="the same")
        client.control(client.submit(twin.request, twin.token).job_id, "pause")
    assert purging.result() == ()
    assert all(path.exists() for path in paths)


def test_frames_that_were_never_delivered_go_unless_somebody_writes_there(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    with daemon.client() as client:
        failed = finished(client, send(client, make_job(tmp_path / "a", prompt="end=failed"))).job_id
    start_again_as_if_old(daemon, failed)
    provisional = daemon.home / "jobs" / failed / ".provisional" / "v001"
    provisional.mkdir(parents=True, exist_ok=True)
    (provisional / "face.1001.exr").write_bytes(b"a face")
    lock = VersionLock(provisional)
    lock.acquire()
    assert "undelivered" not in {one.kind for one in purged(daemon)}
    assert (provisional / "face.1001.exr").exists()
    lock.release()
    assert "undelivered" in {one.kind for one in purged(daemon)}
    assert not provisional.exists()


@pytest.mark.parametrize(
    ("prompt", "end", "gone"),
    [("end_v1=quarantined", "delivered", ["v001"]), ("end=quarantined", "quarantined", ["v001", "v002"])],
)
def test_frames_of_every_version_that_was_set_aside_go_and_the_delivered_one_stays(
    daemon: DaemonProcess, tmp_path: Path, prompt: str, end: str, gone: list[str]
) -> None:
    with daemon.client() as client:
        job_id = finished(client, send(client, make_job(tmp_path / "a", project="dune", prompt=prompt))).job_id
        client.control(job_id, "retry")
        assert finished(client, job_id).state == end
        take = Path(client.outputs(job_id).folder)
    provisional = take.parent / ".provisional" if end == "delivered" else take.parent
    assert sorted(path.name for path in provisional.iterdir()) == gone
    before = layers(str(take)) if end == "delivered" else {}
    start_again_as_if_old(daemon, job_id)
    assert [(one.kind, one.files) for one in purged(daemon, project="dune")] == [("undelivered", 4)] * len(gone)
    assert not provisional.exists()
    assert layers(str(take)) == before


def test_poses_that_nobody_used_for_so_long_go_with_any_project(daemon: DaemonProcess) -> None:
    poses = daemon.home / "poses"
    poses.mkdir()
    for name in ("old.pose", "new.pose"):
        (poses / name).write_bytes(b"where a body was")
    os.utime(poses / "old.pose", (LONG_AGO_SECONDS, LONG_AGO_SECONDS))
    assert [(one.kind, one.files) for one in purged(daemon, project="dune")] == [("poses", 1)]
    assert [path.name for path in poses.iterdir()] == ["new.pose"]


def test_when_a_folder_of_intermediates_is_a_link_then_it_is_not_followed(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    with daemon.client() as client:
        old = finished(client, send(client, make_job(tmp_path / "a"))).job_id
    start_again_as_if_old(daemon, old)
    own = tmp_path / "my own"
    own.mkdir()
    (own / "letter.txt").write_text("keep me")
    (daemon.home / "jobs" / old / ".scratch").symlink_to(own)
    assert purged(daemon) == ()
    assert (own / "letter.txt").exists()


def test_a_daemon_purges_by_itself_where_a_setting_says_after_how_long(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path / "home", keep_ended_days=0, keep_intermediates_days=30).start()
    with daemon.client() as client:
        old = finished(client, send(client, make_job(tmp_path / "a", project="dune"))).job_id
        take = client.outputs(old).folder
    daemon.stop()  # it clears what a job leaves only after it has said that it ended
    paths = left_by(daemon, old)
    start_again_as_if_old(daemon, old)
    until(lambda: not any(path.exists() for path in paths))
    assert len(layers(take)) == 4
    daemon.stop()
    assert [entry.subjects["kind"] for entry in entries(daemon)] == ["scratch", "carried"]


def test_the_command_tells_what_went(
    daemon: DaemonProcess, tmp_path: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with daemon.client() as client:
        old = finished(client, send(client, make_job(tmp_path / "a", project="dune"))).job_id
    start_again_as_if_old(daemon, old)
    left_by(daemon, old)
    monkeypatch.setenv("UNDERSTUDY_HOME", str(daemon.home))
    would = terminal("purge", "--project", "dune", "--older-than", 30, "--dry-run")
    assert would.code == 0
    assert "nothing was removed" in would.out
    gone = terminal("purge", "--project", "dune", "--older-than", 30, "--json").json
    assert [one["kind"] for one in gone] == ["scratch", "carried"]
    shown = terminal("ledger", "show", "--event", "intermediates.purged", "--json").json
    assert [entry["actor_name"] for entry in shown] == [daemon_user(daemon)] * 2


def test_when_there_is_no_store_then_the_command_says_where_it_belongs(terminal: Terminal, home: Path) -> None:
    ended = terminal("purge", "--project", "dune", "--older-than", 30)
    assert ended.code not in (0, 1)
    assert "daemon's machine" in ended.err
