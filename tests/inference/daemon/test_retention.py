"""What is removed of ended jobs, and what never is."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from understudy.bridge.errors import RequestError
from understudy.bridge.messages import Finished
from understudy.bridge.take import Take
from understudy.inference.daemon.store import Store

from .conftest import DaemonProcess, Eyes, finished, make_job, send, state_of, until

LONG_AGO = "2020-01-01T00:00:00.000Z"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[DaemonProcess]:
    process = DaemonProcess(tmp_path / "home").start()
    yield process
    process.stop()


def start_again_as_if_old(daemon: DaemonProcess, *job_ids: str) -> None:
    """Start the daemon again in a world in which these jobs ended long ago."""
    daemon.stop()
    tables = sqlite3.connect(daemon.home / "store.sqlite")
    with tables:
        tables.executemany("UPDATE jobs SET changed_at = ? WHERE job_id = ?", [(LONG_AGO, name) for name in job_ids])
    tables.close()
    daemon.start()


def test_when_a_job_ended_long_ago_then_its_files_go_and_its_row_stays_with_a_note(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    with daemon.client() as client:
        old, failed = (
            finished(client, send(client, make_job(tmp_path / prompt, prompt=prompt))).job_id
            for prompt in ("slow=0", "end=failed")
        )
        new = finished(client, send(client, make_job(tmp_path / "new"))).job_id
    start_again_as_if_old(daemon, old, failed)
    jobs = daemon.home / "jobs"
    until(lambda: [path.name for path in jobs.iterdir()] == [new])
    with daemon.client() as client:
        assert [client.show_job(name).summary.state for name in (old, failed, new)] == [
            "delivered",
            "failed",
            "delivered",
        ]
        for name in (old, failed):
            note = client.show_job(name).findings[-1]
            assert (note.rule, note.outcome) == ("files_removed", "note")
            assert "more than 30 days ago" in note.message
        outputs = client.outputs(old)
        assert (outputs.removed, outputs.files) == (True, ())
        assert not client.outputs(new).removed
        take = Take(tmp_path / "out", old)
        take.open()
        with pytest.raises(RequestError, match="no longer"):
            take.settle(client, client.connection, Finished(version=1, folder=outputs.folder, files=()))


def test_when_files_were_removed_then_the_same_job_is_made_anew(daemon: DaemonProcess, tmp_path: Path) -> None:
    with daemon.client() as client:
        old = finished(client, send(client, make_job(tmp_path, content="the same"))).job_id
    start_again_as_if_old(daemon, old)
    until(lambda: not (daemon.home / "jobs" / old).exists())
    with daemon.client() as client:
        again = finished(client, send(client, make_job(tmp_path, content="the same"))).job_id
        assert len(client.outputs(again).files) == 4
        assert "reuse None" in [finding.message for finding in client.show_job(again).findings]


def test_when_the_setting_is_0_then_files_stay_for_ever(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path / "home", keep_ended_days=0).start()
    with daemon.client() as client:
        old = finished(client, send(client, make_job(tmp_path / "in"))).job_id
    start_again_as_if_old(daemon, old)
    with daemon.client() as client:
        finished(client, send(client, make_job(tmp_path / "later")))
        assert len(list(Path(client.outputs(old).folder).rglob("*.exr"))) == 4
    daemon.stop()


def test_when_a_job_belongs_to_a_project_then_its_versions_stay(daemon: DaemonProcess, tmp_path: Path) -> None:
    with daemon.client() as client:
        shows = finished(client, send(client, make_job(tmp_path / "a", project="dune"))).job_id
        own = finished(client, send(client, make_job(tmp_path / "b"))).job_id
        named_like_a_job = finished(client, send(client, make_job(tmp_path / "c", project=own))).job_id
    assert (daemon.home / "jobs" / own / "sh010").is_dir()
    start_again_as_if_old(daemon, shows, own, named_like_a_job)
    until(lambda: not (daemon.home / "jobs" / shows).exists())
    with daemon.client() as client:
        for name in (shows, own, named_like_a_job):
            assert len(list(Path(client.outputs(name).folder).rglob("*.exr"))) == 4


def test_when_a_live_job_may_reuse_a_delivered_one_then_that_stays_until_it_has_ended(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    with daemon.client() as client:
        old = finished(client, send(client, make_job(tmp_path / "a", content="the same"))).job_id
        spare = finished(client, send(client, make_job(tmp_path / "b"))).job_id
        waiting = make_job(tmp_path / "a", content="the same")
        live = client.submit(waiting.request, waiting.token).job_id
        client.control(live, "pause")
    start_again_as_if_old(daemon, old, spare)
    until(lambda: not (daemon.home / "jobs" / spare).exists())
    assert (daemon.home / "jobs" / old / "v001").is_dir()
    with daemon.client() as client:
        assert state_of(client, live) == "paused"
        client.control(live, "cancel")
    start_again_as_if_old(daemon, old)
    until(lambda: not (daemon.home / "jobs" / old).exists())


def test_when_a_removal_was_cut_off_by_a_kill_then_the_next_start_ends_it(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    daemon.kill()
    left = daemon.home / "jobs" / ".going-abcdefgh-12345678" / "v001"
    left.mkdir(parents=True)
    (left / "comp.1001.exr").write_bytes(b"half gone")
    stray = daemon.home / "jobs" / "notes of mine"
    stray.mkdir()
    daemon.start()
    until(lambda: [path.name for path in (daemon.home / "jobs").iterdir()] == [stray.name])


def test_when_the_result_cache_is_off_then_an_identical_job_is_made_anew(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path / "home", result_cache=False).start()
    with daemon.client() as client:
        for _ in range(2):
            job_id = send(client, make_job(tmp_path / "in", content="the same"))
            assert finished(client, job_id).state == "delivered"
            assert "reuse None" in [finding.message for finding in client.show_job(job_id).findings]
    daemon.stop()


def test_when_the_clock_jumps_ahead_then_nothing_is_old_for_that(daemon: DaemonProcess, tmp_path: Path) -> None:
    with daemon.client() as client:
        before, after = (finished(client, send(client, make_job(tmp_path / name))).job_id for name in ("a", "b"))
    daemon.stop()
    tables = sqlite3.connect(daemon.home / "store.sqlite")
    with tables:  # as if all of it had happened long ago, and the clock had just been set
        tables.execute("UPDATE jobs SET changed_at = ?", (LONG_AGO,))
        tables.execute("UPDATE events SET at = ?", (LONG_AGO,))
    tables.close()
    (daemon.home / "jobs" / ".going-x").mkdir()
    daemon.start()
    until(lambda: not (daemon.home / "jobs" / ".going-x").exists())
    assert sorted(path.name for path in (daemon.home / "jobs").iterdir()) == sorted([before, after])


def test_when_a_job_was_made_while_the_clock_was_behind_then_it_is_as_young_as_the_one_before_it(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    with daemon.client() as client:
        old, young, behind = (finished(client, send(client, make_job(tmp_path / name))).job_id for name in "abc")
    start_again_as_if_old(daemon, old, behind)
    until(lambda: not list((daemon.home / "jobs").glob(f"*{old}*")))  # its folder is renamed, then deleted
    assert sorted(path.name for path in (daemon.home / "jobs").iterdir()) == sorted([young, behind])


def test_when_the_files_of_a_job_stopped_coming_then_it_fails_for_all_to_see_and_a_retry_brings_it_back(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    job = make_job(tmp_path / "in")
    with daemon.client() as client:
        left = client.submit(job.request, job.token).job_id
        first, *rest = client.lacking(left)
        client.hand_over(left, first, job.paths[first])
        fresh = make_job(tmp_path / "fresh")
        waiting = client.submit(fresh.request, fresh.token).job_id
    start_again_as_if_old(daemon, left)
    eyes = Eyes(daemon, left)
    until(lambda: eyes.states(left) == ["uploading", "failed"])
    eyes.close()
    daemon.kill()
    daemon.start()
    with daemon.client() as client:
        summary = client.show_job(left).summary
        assert (summary.state, state_of(client, waiting)) == ("failed", "uploading")
        assert summary.error is not None
        assert "none has come for more than 7 days" in summary.error.message
        assert f"understudy retry {left}" in summary.error.remedy
        assert client.control(left, "retry").state == "uploading"
        assert set(client.lacking(left)) == set(rest)
        for digest in rest:
            client.hand_over(left, digest, job.paths[digest])
        assert finished(client, left).state == "delivered"


def test_when_a_job_uploads_slowly_then_the_time_counts_from_the_last_file_that_came(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    job, other = make_job(tmp_path / "slow"), make_job(tmp_path / "left")
    with daemon.client() as client:
        left, slow = (client.submit(one.request, one.token).job_id for one in (other, job))
    daemon.stop()
    tables = sqlite3.connect(daemon.home / "store.sqlite")
    with tables:
        tables.execute("UPDATE jobs SET changed_at = ?", (LONG_AGO,))
    tables.close()
    store = Store(daemon.home / "store.sqlite")
    store.possess(slow, next(iter(job.paths)))
    store.close()
    daemon.start()
    with daemon.client() as client:
        until(lambda: state_of(client, left) == "failed")
        assert state_of(client, slow) == "uploading"


def test_when_the_setting_is_0_then_a_job_waits_for_its_files_for_ever(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path / "home", keep_uploading_days=0).start()
    job, spare = make_job(tmp_path / "in"), make_job(tmp_path / "spare")
    with daemon.client() as client:
        left = client.submit(job.request, job.token).job_id
        ended = finished(client, send(client, spare)).job_id
    start_again_as_if_old(daemon, left, ended)
    until(lambda: not (daemon.home / "jobs" / ended).exists())
    with daemon.client() as client:
        assert state_of(client, left) == "uploading"
    daemon.stop()
