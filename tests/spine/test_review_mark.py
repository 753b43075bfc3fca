"""The invisible mark on the way of a job: in the review alone, read back, written down, the same bytes again."""

from __future__ import annotations

from pathlib import Path

import pytest
from spine_rig import RunningDaemon, Told, gathered, order_of
from unsigned import without_credentials

from understudy.bridge.exr_file import picture_digest
from understudy.bridge.options import JobOptions
from understudy.bridge.roundtrip import follow_job, send_job
from understudy.inference.compliance.manifest import Manifest, read_manifest
from understudy.inference.provenance.watermark_key import content_id_of, id_words, make_key, read_key
from understudy.inference.provenance.watermark_movies import read_file
from understudy.inference.work_order import WorkerEnd, WorkerFrame, WorkOrder
from understudy.inference.worker import JobPaused, Reporter, perform


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return make_key(tmp_path / "keys")


def made(order: WorkOrder) -> tuple[WorkerEnd, Path]:
    told = Told()
    return perform(order, Reporter(told.append)), Path(order.folder) / "v001"


def manifest_of(version: Path) -> Manifest:
    return read_manifest((version / "manifest.json").read_bytes())


def unsigned_review(version: Path) -> bytes:
    """Return the review but for its credentials, whose signature is another every time."""
    return without_credentials((version / "review.mp4").read_bytes())


def test_the_review_carries_the_jobs_id_and_manifest_report_and_gate_say_so(
    tmp_path: Path, options: JobOptions, key: Path
) -> None:
    end, version = made(order_of(gathered(options), tmp_path / "job", watermark_key=str(key)))
    words = id_words(content_id_of("testjob1", 1))
    assert end.state == "delivered"
    said = {finding.rule: finding for finding in end.findings}["review_carries_its_mark"]
    assert said.message == f"content id {words} reads back from 8 frames of review.mp4"
    written = manifest_of(version).watermark
    assert written is not None
    assert written.content_id == words
    assert words in (version / "report.html").read_text()
    assert read_key(key).hex() not in (version / "manifest.json").read_text()
    assert read_file(version / "review.mp4", read_key(key)).reading.content_id == content_id_of("testjob1", 1)


def test_the_layers_are_the_same_with_and_without_a_mark(tmp_path: Path, options: JobOptions, key: Path) -> None:
    job = gathered(options, frames="1001-1002")
    _, with_mark = made(order_of(job, tmp_path / "with", watermark_key=str(key)))
    _, without = made(order_of(job, tmp_path / "without"))
    layers = sorted(path.relative_to(without) for path in without.rglob("*.exr"))
    assert layers
    assert [picture_digest(with_mark / path) for path in layers] == [picture_digest(without / path) for path in layers]
    assert unsigned_review(with_mark) != unsigned_review(without)
    assert manifest_of(without).watermark is None


def test_when_a_job_is_made_again_then_the_marked_review_has_the_same_bytes(
    tmp_path: Path, options: JobOptions, key: Path
) -> None:
    job = gathered(options)
    reviews = []
    for name in ("one", "other"):
        _, version = made(order_of(job, tmp_path / name, watermark_key=str(key)))
        reviews.append(unsigned_review(version))
    assert reviews[0] == reviews[1]


def test_when_a_job_is_paused_half_way_and_goes_on_then_the_marked_review_has_the_same_bytes(
    tmp_path: Path, options: JobOptions, key: Path
) -> None:
    job = gathered(options)
    _, whole = made(order_of(job, tmp_path / "whole", watermark_key=str(key)))
    order = order_of(job, tmp_path / "resumed", watermark_key=str(key))

    def pause_at_the_third_frame(message: object) -> None:
        told.append(message)
        if sum(isinstance(one, WorkerFrame) for one in told) == 3:
            reporter.stop(JobPaused("paused"))

    told: list[object] = []
    reporter = Reporter(pause_at_the_third_frame)
    assert perform(order, reporter).state == "paused"
    end, resumed = made(order)
    assert end.state == "delivered"
    assert unsigned_review(resumed) == unsigned_review(whole)


def test_when_the_key_is_gone_then_the_job_fails_and_says_what_to_do(
    tmp_path: Path, options: JobOptions, key: Path
) -> None:
    order = order_of(gathered(options, frames="1001-1002"), tmp_path / "job", watermark_key=str(key))
    key.unlink()
    end, version = made(order)
    assert end.state == "failed"
    assert end.error is not None
    assert "watermark" in end.error.remedy
    assert not version.exists()


def test_a_daemon_marks_by_default_with_a_key_that_stays_in_its_home(
    daemon: RunningDaemon, options: JobOptions, tmp_path: Path
) -> None:
    accepted = send_job(daemon.connection, gathered(options, frames="1001-1002"))
    assert follow_job(daemon.connection, accepted.job_id, tmp_path / "out").summary.state == "delivered"
    version = tmp_path / "out"
    key = read_key(daemon.home / "watermark.key")
    assert read_file(version / "review.mp4", key).reading.content_id == content_id_of(accepted.job_id, 1)
    assert not any(key.hex().encode() in path.read_bytes() for path in version.rglob("*") if path.is_file())
