"""Asking a real daemon to make a segment again: who may, of what, and what becomes of it. Stub workers."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import msgspec
import pytest

from understudy.bridge.client import Client
from understudy.bridge.errors import ComplianceError, KeyRefused, RequestError
from understudy.bridge.messages import RedoSegment
from understudy.bridge.roundtrip import redo_segment
from understudy.bridge.shot import Redo, SegmentSeed

from .conftest import DaemonProcess, finished, guest, make_job, send, until
from .test_retention import start_again_as_if_old

FRAMES = 60
"""Three segments of twenty for the engine `preview`."""


def asked(job_id: str, segment: int = 2, **said: Any) -> RedoSegment:
    return RedoSegment(token=secrets.token_hex(16), job_id=job_id, segment=segment, **said)


@pytest.fixture
def delivered(client: Client, tmp_path: Path) -> str:
    return finished(client, send(client, make_job(tmp_path / "shot", frames=FRAMES))).job_id


def test_a_redo_is_a_job_of_the_same_shot_that_names_the_version_it_goes_on_from(
    client: Client, delivered: str
) -> None:
    accepted = redo_segment(client, asked(delivered, seed=7, options={"light": "0"}))
    assert accepted.version == 2
    assert finished(client, accepted.job_id).state == "delivered"
    before, now = client.show_job(delivered).job, client.show_job(accepted.job_id).job
    assert (now.shot, now.record, now.output) == (before.shot, before.record, before.output)
    assert now.settings.segment_seeds == (SegmentSeed(segment=2, seed=7),)
    assert now.settings.engine_options == {"light": "0"}
    assert now.redo == Redo(
        job_id=delivered, version=1, first_job_id=delivered, segment=2, seed=7, options={"light": "0"},
        repeatable=False, unrepeatable="other options (light)",
    )  # fmt: skip


def test_versions_of_one_line_count_on_and_the_place_they_began_is_kept(client: Client, delivered: str) -> None:
    second = finished(client, redo_segment(client, asked(delivered, seed=7)).job_id)
    third = redo_segment(client, asked(second.job_id, 3, seed=8, alone=True))
    again = redo_segment(client, asked(delivered, 3, seed=9))
    assert (second.version, third.version, again.version) == (2, 3, 4)
    finished(client, third.job_id)
    redo = client.show_job(third.job_id).job.redo
    assert redo is not None
    assert (redo.job_id, redo.version, redo.first_job_id, redo.repeatable) == (second.job_id, 2, delivered, True)
    assert client.show_job(third.job_id).job.settings.segment_seeds == (
        SegmentSeed(segment=2, seed=7),
        SegmentSeed(segment=3, seed=8),
    )
    fourth = redo_segment(client, asked(third.job_id, 1))
    of_an_alone = client.show_job(fourth.job_id).job.redo
    assert of_an_alone is not None
    assert not of_an_alone.repeatable
    assert of_an_alone.unrepeatable == "segment 3 was made again alone in the version before"


def test_when_memory_ran_short_before_the_segment_then_the_redo_says_that_it_cannot_be_repeated_and_why(
    client: Client, tmp_path: Path
) -> None:
    job = make_job(tmp_path / "shot", frames=FRAMES, prompt="float8_from=1021")  # from the second segment on
    before = finished(client, send(client, job)).job_id
    why = []
    for segment in (1, 2, 3):
        redo = client.show_job(redo_segment(client, asked(before, segment, seed=7)).job_id).job.redo
        assert redo is not None
        assert redo.repeatable is (redo.unrepeatable == "")
        why.append(redo.unrepeatable)
    said = "20 frames, from 1021 on, were made with float8 weights because memory ran short"
    assert why == ["", "", said]


def test_when_the_same_request_comes_twice_then_it_is_one_job(client: Client, delivered: str) -> None:
    request = asked(delivered)
    assert client.redo(request).job_id == client.redo(request).job_id


def test_when_there_is_no_such_segment_then_the_answer_lists_those_there_are(client: Client, delivered: str) -> None:
    with pytest.raises(RequestError, match="has 3 segments; there is no segment 4") as refused:
        client.redo(asked(delivered, 4))
    assert "2 = 1021-1040" in refused.value.remedy


def test_when_the_job_is_not_delivered_then_it_says_how_it_stands(client: Client, tmp_path: Path) -> None:
    job = make_job(tmp_path, frames=FRAMES)
    job_id = client.submit(job.request, job.token).job_id
    with pytest.raises(RequestError, match=f"job {job_id} is uploading; only a delivered"):
        client.redo(asked(job_id))
    client.control(job_id, "cancel")
    with pytest.raises(RequestError, match="is cancelled"):
        client.redo(asked(job_id))


def test_a_job_that_a_key_may_not_see_is_not_there_and_one_that_it_may_only_see_is_not_redone(
    shared_daemon: DaemonProcess, client: Client, ben: Client, tmp_path: Path
) -> None:
    hidden = finished(client, send(client, make_job(tmp_path / "hidden", frames=FRAMES))).job_id
    shared = finished(client, send(client, make_job(tmp_path / "shared", frames=FRAMES, project="dune"))).job_id
    with pytest.raises(RequestError, match="there is no job"):
        ben.redo(asked(hidden))
    with pytest.raises(KeyRefused, match="not redo it"):
        ben.redo(asked(shared))
    producer = Client(guest(shared_daemon, "pia", "dune", roles=("producer",)))
    assert finished(producer, redo_segment(producer, asked(shared)).job_id).user == "pia"
    producer.close()


def test_when_the_files_of_the_version_were_removed_then_nothing_of_it_can_be_kept(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    with daemon.client() as client:
        old = finished(client, send(client, make_job(tmp_path, frames=FRAMES))).job_id
    start_again_as_if_old(daemon, old)
    until(lambda: not (daemon.home / "jobs" / old).exists())
    with daemon.client() as client, pytest.raises(RequestError, match="have been removed") as refused:
        client.redo(asked(old))
    assert "keep_ended_days" in refused.value.remedy


def test_a_version_that_a_redo_goes_on_from_is_not_removed_under_it(daemon: DaemonProcess, tmp_path: Path) -> None:
    """The redo waits, paused; the old job's time is over."""
    with daemon.client() as client:
        old = finished(client, send(client, make_job(tmp_path / "old", frames=FRAMES))).job_id
        gone = finished(client, send(client, make_job(tmp_path / "gone", frames=FRAMES))).job_id
        blocker = send(client, make_job(tmp_path / "blocker", prompt="slow=0.2", frames=FRAMES))
        redo = client.redo(asked(old)).job_id
        assert client.control(redo, "pause").state == "paused"
        client.control(blocker, "cancel")
    start_again_as_if_old(daemon, old, gone)
    until(lambda: not (daemon.home / "jobs" / gone).exists())
    assert (daemon.home / "jobs" / old / "v001").is_dir()


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"dissolve": True}, "without --alone"),
        ({"dissolve": True, "alone": True, "segment": 3}, "is the last"),
        ({"dissolve": True, "alone": True}, "nothing to dissolve in"),
    ],
)
def test_a_dissolve_that_leads_nowhere_is_refused(
    client: Client, delivered: str, said: dict[str, Any], words: str
) -> None:
    with pytest.raises(RequestError, match=words):
        client.redo(asked(delivered, **said))


def test_options_that_would_move_the_kept_segments_are_refused_by_name(client: Client, tmp_path: Path) -> None:
    job = make_job(tmp_path, frames=FRAMES * 2)
    settings = msgspec.structs.replace(job.request.settings, engine="wan-animate")
    job.request = msgspec.structs.replace(job.request, settings=settings)
    wan = finished(client, send(client, job)).job_id
    others = ({"preset": "draft"}, {"preset": "std"}, {"face_layer": "off"})
    for options in ({"segment_frames": "49"}, {"carried_frames": "5"}, *others):
        with pytest.raises(RequestError, match=next(iter(options))):
            client.redo(asked(wan, options=options))
    assert client.redo(asked(wan, options={"steps": "30"})).version == 2


def test_where_fewer_pictures_are_made_the_segments_are_those_of_the_made_ones(client: Client, tmp_path: Path) -> None:
    job = make_job(tmp_path, frames=FRAMES * 2)
    settings = msgspec.structs.replace(job.request.settings, engine="wan-animate", engine_options={"preset": "std"})
    job.request = msgspec.structs.replace(job.request, settings=settings)
    std = finished(client, send(client, job)).job_id
    with pytest.raises(RequestError, match="has 1 segments") as refused:
        client.redo(asked(std))
    assert "1 = 1001-1120." in refused.value.remedy
    for options in ({"between": "interpolated"}, {"preset": "pro"}):
        with pytest.raises(RequestError, match=next(iter(options))):
            client.redo(asked(std, segment=1, options=options))


def test_a_client_cannot_submit_a_redo_of_its_own_making(client: Client, tmp_path: Path) -> None:
    job = make_job(tmp_path)
    redo = Redo(job_id="abcd2345", version=1, first_job_id="abcd2345", segment=1)
    with pytest.raises(RequestError, match="is not submitted"):
        client.submit(msgspec.structs.replace(job.request, redo=redo), job.token)


def test_admission_looks_at_a_redo_anew(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path / "home", real_gate=True).start()
    try:
        with daemon.client() as client:
            job_id = finished(client, send(client, make_job(tmp_path / "shot", frames=FRAMES))).job_id
            with pytest.raises(ComplianceError, match=r"warmth|settings are out of range"):
                client.redo(asked(job_id, options={"warmth": "1"}))
    finally:
        daemon.stop()
