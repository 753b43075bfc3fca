"""How jobs end when a worker dies late: no job runs for ever, none is withdrawn that stands delivered on disk."""

from __future__ import annotations

from pathlib import Path

from .conftest import DaemonProcess, finished, let, make_job, send, until


def test_a_job_that_kills_its_worker_while_it_is_checked_fails_like_any_other(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    with daemon.client() as client:
        job_id = send(client, make_job(tmp_path, prompt="crash_checking"))
        summary = finished(client, job_id)
        assert (summary.state, summary.frames_done) == ("failed", 4)
        assert summary.error is not None
        assert summary.error.facts["crashes"] == "3"


def test_a_version_that_stands_is_delivered_though_it_was_cancelled_before_its_worker_could_say_so(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    with daemon.client() as client:
        let(gate := tmp_path / "gate", 1004)
        job_id = send(client, make_job(tmp_path, prompt=f"crash_settled_once hold={gate} deaf"))
        version = daemon.home / "jobs" / job_id / "v001"
        until(version.is_dir)
        client.control(job_id, "cancel")
        let(gate)
        assert finished(client, job_id).state == "delivered"
        assert len(client.outputs(job_id).files) == len(list(version.rglob("*.exr"))) == 4


def test_a_version_that_stands_is_delivered_though_daemon_and_worker_died_before_it_was_told(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path / "home").start()
    with daemon.client() as client:
        let(gate := tmp_path / "gate", 1004)
        job_id = send(client, make_job(tmp_path / "in", prompt=f"hold={gate} deaf"))
        until((daemon.home / "jobs" / job_id / "v001").is_dir)
        client.control(job_id, "cancel")
        daemon.kill()
    daemon.start()
    with daemon.client() as client:
        assert finished(client, job_id).state == "delivered"
    daemon.stop()
