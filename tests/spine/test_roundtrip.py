"""The whole spine with a real daemon, its worker, the wire and a client."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import msgspec
import pytest
from spine_rig import RunningDaemon, gathered

from understudy.bridge.client import Client
from understudy.bridge.errors import ComplianceError, RequestError
from understudy.bridge.exr_file import file_digest, read_attribute
from understudy.bridge.messages import Event, FrameFinished, StateChanged
from understudy.bridge.options import JobOptions
from understudy.bridge.roundtrip import change_job, follow_job, send_job
from understudy.inference.compliance.manifest import read_manifest


def states(events: list[Event]) -> list[str]:
    return [event.what.state for event in events if isinstance(event.what, StateChanged)]


def test_when_a_shot_is_recast_then_the_take_in_out_is_what_the_manifest_lists(
    shared_daemon: RunningDaemon, options: JobOptions, tmp_path: Path
) -> None:
    accepted = send_job(shared_daemon.connection, gathered(options))
    events: list[Event] = []
    detail = follow_job(shared_daemon.connection, accepted.job_id, tmp_path / "out", told=events.append)
    assert detail.summary.state == "delivered"
    assert states(events)[-3:] == ["running", "checking", "delivered"]
    assert [event.what.frame for event in events if isinstance(event.what, FrameFinished)] == list(range(1001, 1009))
    manifest = read_manifest((tmp_path / "out" / "manifest.json").read_bytes())
    assert len(manifest.files) == 8 * 6 + 2
    for file in manifest.files:
        assert file_digest(tmp_path / "out" / file.path) == file.file
    assert not (tmp_path / "out" / ".provisional").exists()


def test_when_frames_land_while_the_job_runs_then_they_say_provisional(
    shared_daemon: RunningDaemon, options: JobOptions, tmp_path: Path
) -> None:
    said: list[str] = []

    def look(event: Event) -> None:
        landed = (tmp_path / "out" / ".provisional").rglob("comp.*.exr")
        said.extend((read_attribute(path, "understudy/state") or "").strip() for path in landed)

    accepted = send_job(shared_daemon.connection, gathered(options, seed=2))
    follow_job(shared_daemon.connection, accepted.job_id, tmp_path / "out", told=look)
    assert said
    assert said[0] == "provisional"


def test_when_a_take_lies_in_out_already_then_it_is_kept_whole(
    shared_daemon: RunningDaemon, options: JobOptions, tmp_path: Path
) -> None:
    for seed in (3, 4):
        accepted = send_job(shared_daemon.connection, gathered(options, seed=seed))
        follow_job(shared_daemon.connection, accepted.job_id, tmp_path / "out")
    earlier = tmp_path / "out" / "earlier" / "take_001"
    assert read_manifest((earlier / "manifest.json").read_bytes()).marks["understudy/seed"] == "3"
    assert len(list((earlier / "comp").iterdir())) == len(list((tmp_path / "out" / "comp").iterdir())) == 8


def test_when_the_same_job_comes_again_then_no_byte_is_sent_and_its_pixels_are_reused(
    shared_daemon: RunningDaemon, options: JobOptions, tmp_path: Path
) -> None:
    first = send_job(shared_daemon.connection, gathered(options, engine="preview"))
    follow_job(shared_daemon.connection, first.job_id, tmp_path / "first")
    sent: list[int] = []
    again = send_job(
        shared_daemon.connection, gathered(options, engine="preview"), sent=lambda done, total: sent.append(total)
    )
    detail = follow_job(shared_daemon.connection, again.job_id, tmp_path / "again")
    assert max(sent, default=0) == 0
    assert any(finding.rule == "pixels_reused" for finding in detail.findings)
    assert read_attribute(tmp_path / "again" / "comp" / "comp.1001.exr", "understudy/job") == again.job_id


def test_when_a_client_comes_after_the_job_is_done_then_it_fetches_the_take(
    shared_daemon: RunningDaemon, options: JobOptions, tmp_path: Path
) -> None:
    accepted = send_job(shared_daemon.connection, gathered(options, seed=5))
    follow_job(shared_daemon.connection, accepted.job_id, None)
    follow_job(shared_daemon.connection, accepted.job_id, tmp_path / "later")
    assert len(list((tmp_path / "later" / "comp").iterdir())) == 8


def test_when_a_matte_lacks_frames_then_the_job_is_refused_before_any_upload_and_both_are_named(
    shared_daemon: RunningDaemon, options: JobOptions, tmp_path: Path
) -> None:
    with pytest.raises(ComplianceError) as refused:
        send_job(shared_daemon.connection, gathered(options, frames="1001-1010"))
    said = " ".join(finding.message for finding in refused.value.findings if finding.refuses)
    assert "1009-1010" in said
    assert "plate.####.exr" in said
    assert "matte.####.exr" in said


def test_when_a_job_is_cancelled_then_its_provisional_frames_are_withdrawn(
    shared_daemon: RunningDaemon, options: JobOptions, tmp_path: Path
) -> None:
    accepted = send_job(shared_daemon.connection, gathered(options, engine="preview", seed=6))

    landed: list[int] = []

    def cancel_at_the_first_frame(event: Event) -> None:
        if isinstance(event.what, FrameFinished):
            landed.append(event.what.frame)
        if isinstance(event.what, FrameFinished) and len(landed) == 1:
            with Client.connect(shared_daemon.connection) as client:
                client.control(accepted.job_id, "cancel")

    detail = follow_job(shared_daemon.connection, accepted.job_id, tmp_path / "out", told=cancel_at_the_first_frame)
    assert detail.summary.state == "cancelled"
    assert not list((tmp_path / "out").rglob("*.exr"))
    assert not list((shared_daemon.home / "jobs" / accepted.job_id).rglob("*.exr"))


def test_when_a_job_that_ended_is_tried_again_then_following_it_goes_past_its_first_end(
    shared_daemon: RunningDaemon, options: JobOptions, tmp_path: Path
) -> None:
    accepted = send_job(shared_daemon.connection, gathered(options, engine="preview", seed=7))
    with Client.connect(shared_daemon.connection) as client:
        client.control(accepted.job_id, "cancel")
        assert follow_job(shared_daemon.connection, accepted.job_id, None).summary.state == "cancelled"
        client.control(accepted.job_id, "retry")
    events: list[Event] = []
    detail = follow_job(shared_daemon.connection, accepted.job_id, tmp_path / "out", told=events.append)
    assert states(events).count("cancelled") == 1
    assert (detail.summary.state, detail.summary.version) == ("delivered", 2)
    assert read_attribute(tmp_path / "out" / "comp" / "comp.1001.exr", "understudy/version") == "2"


def test_when_the_daemon_dies_while_it_judges_a_job_then_asking_again_makes_one_job_and_not_two(
    daemon: RunningDaemon, options: JobOptions
) -> None:
    job = gathered(options)

    def die() -> None:
        daemon.kill()
        daemon.start_again()

    in_mid_admission = threading.Timer(0.3, die)
    in_mid_admission.start()
    accepted = send_job(daemon.connection, job)
    in_mid_admission.join()
    with Client.connect(daemon.connection) as client:
        assert [one.job_id for one in client.list_jobs()] == [accepted.job_id]
        assert follow_job(daemon.connection, accepted.job_id, None).summary.state == "delivered"


def test_when_a_client_died_in_mid_upload_then_the_one_that_follows_the_job_sends_the_rest(
    daemon: RunningDaemon, options: JobOptions, tmp_path: Path
) -> None:
    job = gathered(options)
    with Client.connect(daemon.connection) as client:
        job_id = client.submit(job.job, "a token of sixteen letters").job_id
        digest, path = next(iter(job.paths.items()))
        client.hand_over(job_id, digest, path)
    assert follow_job(daemon.connection, job_id, tmp_path / "out").summary.state == "delivered"


def test_when_the_vault_forgot_a_file_of_a_job_that_is_tried_again_then_it_is_sent_again_or_named(
    daemon: RunningDaemon, options: JobOptions, tmp_path: Path
) -> None:
    plate = Path(options.plate or "")
    for path in plate.parent.glob(plate.name.replace("####", "*")):
        shutil.copy(path, tmp_path)
    own = msgspec.structs.replace(options, plate=str(tmp_path / plate.name))
    accepted = send_job(daemon.connection, gathered(own))
    forgotten = sorted(tmp_path.glob("*.exr"))[3]
    with Client.connect(daemon.connection) as client:
        client.control(accepted.job_id, "cancel")
        assert follow_job(daemon.connection, accepted.job_id, None).summary.state == "cancelled"
        digest = file_digest(forgotten)
        (daemon.home / "vault" / "blobs" / digest[:2] / digest[2:]).unlink()
        away = forgotten.rename(tmp_path / "away")
        with pytest.raises(RequestError, match=forgotten.name):
            change_job(client, accepted.job_id, "retry")
        away.rename(forgotten)
        assert follow_job(daemon.connection, accepted.job_id, None).summary.state == "delivered"
