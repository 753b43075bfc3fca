"""Jobs against the registry of a real daemon: at admission, at a cache hit, at a redo, at delivery. Stub workers."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from understudy.bridge.client import Client
from understudy.bridge.errors import ComplianceError
from understudy.bridge.messages import RedoSegment
from understudy.bridge.record import Consent, Record
from understudy.bridge.roundtrip import redo_segment
from understudy.inference.authority.ledger import Ledger, read_ledger
from understudy.inference.authority.papers import RegisteredConsent, Talent
from understudy.inference.authority.registry import Change, Registry
from understudy.inference.compliance.manifest import read_manifest

from .conftest import DaemonProcess, Job, finished, let, make_job, send, state_of, until

ANA = Consent(consent_id="c-1", talent="ana", document="a" * 64, signed_on="2026-01-05")


def with_papers(job: Job, *consents: Consent) -> Job:
    record = Record(likeness="digital_replica", on_screen=("ana",), consents=consents)
    job.request = msgspec.structs.replace(job.request, record=record)
    return job


def register(daemon: DaemonProcess, event: str = "added", **changes: Any) -> None:
    """Write as another process would, beside the running daemon."""
    registry = Registry(daemon.home, Ledger(daemon.home))
    fields = {"id": "c-1", "talent": "ana", "document": "a" * 64, "signed_on": "2026-01-05"}
    registry.write(
        "lea",
        [
            Change("talent", Talent(id="ana"), "added"),
            Change("consent", RegisteredConsent(**{**fields, **changes}), event),
        ],
    )
    registry.close()


def revoke(daemon: DaemonProcess) -> None:
    register(daemon, "revoked", revoked_on="2026-01-06")


def manifest_of(client: Client, job_id: str) -> Any:
    return read_manifest((Path(client.outputs(job_id).folder) / "manifest.json").read_bytes())


def test_without_a_registry_a_record_is_taken_at_its_word_and_the_manifest_says_so(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    with daemon.client() as client:
        job = with_papers(make_job(tmp_path, prompt="float8_from=1001"), ANA)
        assert finished(client, job_id := send(client, job)).state == "delivered"
        assert manifest_of(client, job_id).vouched_by == "self-attested"


def test_a_consent_named_by_its_id_is_filled_in_and_the_registry_vouches_for_it(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    register(daemon)
    bare = Consent(consent_id="c-1", talent="", document="", signed_on="")
    with daemon.client() as client:
        job_id = send(client, with_papers(make_job(tmp_path, prompt="float8_from=1001"), bare))
        assert finished(client, job_id).state == "delivered"
        told = client.show_job(job_id)
        assert told.job.record.consents == (ANA,)
        assert told.record is not None
        assert told.record.consents == (Consent(consent_id="c-1", talent="", document="", signed_on=""),)  # as sent
        manifest = manifest_of(client, job_id)
    assert manifest.vouched_by == "registry"
    assert len(manifest.snapshot) == 64


def test_after_a_revocation_a_new_job_is_refused_and_so_is_the_result_that_is_there_already(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    register(daemon)
    with daemon.client() as client:
        finished(client, send(client, with_papers(make_job(tmp_path, content="same"), ANA)))
        revoke(daemon)
        again = with_papers(make_job(tmp_path, content="same"), ANA)
        with pytest.raises(ComplianceError, match="consent c-1 was revoked on 2026-01-06"):
            client.submit(again.request, again.token)
    assert list(read_ledger(daemon.home))[-1].event == "job.refused"


def test_after_a_revocation_a_redo_and_a_retry_are_refused(daemon: DaemonProcess, tmp_path: Path) -> None:
    register(daemon)
    with daemon.client() as client:
        delivered = send(client, with_papers(make_job(tmp_path / "a", frames=60), ANA))
        failed = send(client, with_papers(make_job(tmp_path / "b", prompt="end=failed"), ANA))
        assert [finished(client, job_id).state for job_id in (delivered, failed)] == ["delivered", "failed"]
        revoke(daemon)
        with pytest.raises(ComplianceError, match="was revoked"):
            redo_segment(client, RedoSegment(token=secrets.token_hex(16), job_id=delivered, segment=2, seed=1))
        with pytest.raises(ComplianceError, match="was revoked"):
            client.control(failed, "retry")


BARE = Consent(consent_id="c-1", talent="", document="", signed_on="")


def hand_over(client: Client, job_id: str, job: Job) -> None:
    for digest in client.lacking(job_id):
        client.hand_over(job_id, digest, job.paths[digest])


def test_when_the_registry_was_mended_then_a_retry_goes_by_what_it_says_now(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    register(daemon, id="c-2")
    with daemon.client() as client:
        job = with_papers(make_job(tmp_path), BARE)
        with pytest.raises(ComplianceError, match="consent c-1 is not in it"):
            client.submit(job.request, job.token)
        (summary,) = client.list_jobs()
        register(daemon)
        client.control(summary.job_id, "retry")
        hand_over(client, summary.job_id, job)
        assert finished(client, summary.job_id).state == "delivered"
        assert client.show_job(summary.job_id).job.record.consents == (ANA,)


def test_when_legal_extends_a_consent_that_the_registry_filled_in_then_retry_and_redo_say_the_new_end(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    register(daemon, expires_on="2036-01-05")
    with daemon.client() as client:
        failed = send(client, with_papers(make_job(tmp_path / "a", prompt="end=failed"), BARE))
        delivered = send(client, with_papers(make_job(tmp_path / "b", frames=60), BARE))
        assert [finished(client, job_id).state for job_id in (failed, delivered)] == ["failed", "delivered"]
        register(daemon, "changed", expires_on="2037-01-05")
        client.control(failed, "retry")
        redone = redo_segment(client, RedoSegment(token=secrets.token_hex(16), job_id=delivered, segment=2, seed=1))
        for job_id, state in ((failed, "failed"), (redone.job_id, "delivered")):
            assert finished(client, job_id).state == state
            assert [one.expires_on for one in client.show_job(job_id).job.record.consents] == ["2037-01-05"]


def test_when_legal_extends_a_consent_while_its_job_waits_then_the_job_goes_on(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    register(daemon, expires_on="2036-01-05")
    with daemon.client() as client:
        job_id = send(client, with_papers(make_job(tmp_path, prompt="slow=0.5"), BARE))
        client.control(job_id, "pause")
        until(lambda: state_of(client, job_id) == "paused")
        register(daemon, "changed", expires_on="2037-01-05")
        client.control(job_id, "resume")
        assert finished(client, job_id).state == "delivered"


def test_when_a_consent_that_the_registry_filled_in_is_another_paper_now_then_the_job_waits(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    register(daemon)
    with daemon.client() as client:
        job_id = send(client, with_papers(make_job(tmp_path, prompt="slow=0.5"), BARE))
        client.control(job_id, "pause")
        until(lambda: state_of(client, job_id) == "paused")
        register(daemon, "changed", document="b" * 64)
        client.control(job_id, "resume")
        until(lambda: state_of(client, job_id) == "parked")
        error = client.show_job(job_id).summary.error
        assert error is not None
        assert "`document` is aaaaaaaaaaaa in the record and bbbbbbbbbbbb in the registry" in error.message


def test_a_record_that_was_filled_in_keeps_its_salt_when_it_is_tried_again(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    register(daemon)
    with daemon.client() as client:
        job_id = send(client, with_papers(make_job(tmp_path, prompt="end=failed"), BARE))
        finished(client, job_id)
        before = client.show_job(job_id).job.record
        client.control(job_id, "retry")
        assert client.show_job(job_id).job.record == before
        assert before.salt


def test_when_it_is_revoked_before_the_delivery_is_told_then_the_version_is_taken_back(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    register(daemon)
    with daemon.client() as client:
        let(gate := tmp_path / "gate", 1004)
        job_id = send(client, with_papers(make_job(tmp_path, prompt=f"hold={gate}"), ANA))
        settled = daemon.home / "jobs" / job_id / "v001"
        until(settled.is_dir)
        revoke(daemon)
        let(gate)
        summary = finished(client, job_id)
        assert summary.state == "quarantined"
        assert summary.error is not None
        assert "was revoked on 2026-01-06" in summary.error.message
        assert client.show_job(job_id).findings[-1].rule == "registry_still_bears_it_out"
    assert not settled.exists()
    assert (daemon.home / "jobs" / job_id / ".provisional" / "v001").is_dir()
    events = [entry.event for entry in read_ledger(daemon.home) if entry.subjects.get("job") == job_id]
    assert events == ["job.accepted", "job.finished"]


def test_a_record_that_says_other_than_the_registry_is_refused_by_the_field(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    register(daemon, document="b" * 64)
    with daemon.client() as client:
        job = with_papers(make_job(tmp_path), ANA)
        with pytest.raises(ComplianceError, match="`document` is aaaaaaaaaaaa in the record and bbbbbbbbbbbb"):
            client.submit(job.request, job.token)


def test_when_it_is_revoked_while_the_job_waits_then_it_is_parked_and_does_not_start_when_resumed(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    register(daemon)
    with daemon.client() as client:
        busy = send(client, make_job(tmp_path / "busy", prompt="slow=0.5", frames=40))
        until(lambda: state_of(client, busy) == "running")
        waiting = send(client, with_papers(make_job(tmp_path / "waiting"), ANA))
        assert state_of(client, waiting) == "queued"
        revoke(daemon)
        until(lambda: state_of(client, waiting) == "parked")
        error = client.show_job(waiting).summary.error
        assert error is not None
        assert "consent c-1 was revoked on 2026-01-06" in error.message
        client.control(busy, "cancel")
        client.control(waiting, "resume")
        until(lambda: state_of(client, waiting) == "parked")
        time.sleep(2.5)  # two looks at what is parked
        assert state_of(client, waiting) == "parked"
        assert client.control(waiting, "cancel").state == "cancelled"


def test_when_it_is_revoked_while_the_job_runs_then_it_stops_and_waits(daemon: DaemonProcess, tmp_path: Path) -> None:
    register(daemon)
    with daemon.client() as client:
        running = send(client, with_papers(make_job(tmp_path / "a", prompt="slow=0.3", frames=60), ANA))
        until(lambda: client.show_job(running).summary.frames_done > 1)
        revoke(daemon)
        until(lambda: state_of(client, running) == "parked")
        assert client.show_job(running).summary.frames_done < 60


def test_where_the_settings_say_finish_then_a_running_job_is_finished_and_quarantined(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path / "home", when_revoked="finish").start()
    try:
        register(daemon)
        with daemon.client() as client:
            let(gate := tmp_path / "gate", 1002)
            papers = with_papers(make_job(tmp_path / "a", prompt=f"slow=0.3 hold={gate}", frames=12), ANA)
            running = send(client, papers)
            until(lambda: client.show_job(running).summary.frames_done > 1)
            revoke(daemon)
            let(gate)  # slowly enough for the daemon to hear of it while the job runs
            summary = finished(client, running)
            assert (summary.state, summary.frames_done) == ("quarantined", 12)
    finally:
        daemon.stop()


def test_who_is_not_named_in_what_was_revoked_is_left_alone(daemon: DaemonProcess, tmp_path: Path) -> None:
    register(daemon)
    with daemon.client() as client:
        running = send(client, make_job(tmp_path / "a", prompt="slow=0.2", frames=15))
        until(lambda: state_of(client, running) == "running")
        revoke(daemon)
        assert finished(client, running).state == "delivered"
