"""Where segments lie and whose pixels they are, of the plan alone and of manifests."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from redo_rig import keeping, redo_of, run
from spine_rig import gathered, order_of

from understudy.bridge.options import JobOptions
from understudy.bridge.take_segments import TakeSegment, seams_of
from understudy.inference.compliance.manifest import Manifest, read_manifest
from understudy.inference.drawn_shot import draw_shot
from understudy.inference.take_segments import planned_segments, with_origins
from understudy.inference.work_order import WorkOrder


@pytest.fixture(scope="module")
def order(tmp_path_factory: pytest.TempPathFactory) -> WorkOrder:
    """Return an order of 26 frames: two segments of 13 for `preview`."""
    folder = tmp_path_factory.mktemp("segments")
    shot = draw_shot(folder / "shot", frames=26, width=96, height=54)
    options = JobOptions(
        plate=shot.plate, matte=shot.matte, reference=shot.reference, clean_plate=shot.clean_plate, engine="preview",
        self_attest="a test of segments",
    )  # fmt: skip
    return keeping(order_of(gathered(options), folder / "first"))


@pytest.fixture(scope="module")
def delivered(order: WorkOrder) -> WorkOrder:
    end, _ = run(order)
    assert end.state == "delivered", end
    return order


def manifest_of(order: WorkOrder) -> Manifest:
    return read_manifest((Path(order.folder) / f"v{order.version:03}" / "manifest.json").read_bytes())


def test_when_the_rate_of_an_engine_with_its_own_is_not_known_then_there_is_no_plan_yet(order: WorkOrder) -> None:
    settings = msgspec.structs.replace(order.job.settings, engine="wan-animate", engine_options={"preset": "std"})
    job = msgspec.structs.replace(order.job, settings=settings)
    assert planned_segments(job, "job0", 1, None) == ()


def test_when_a_version_is_delivered_then_its_manifest_says_where_segments_meet(delivered: WorkOrder) -> None:
    segments = manifest_of(delivered).segments
    assert [(one.first, one.last) for one in segments] == [(1001, 1013), (1014, 1026)]
    assert {(one.job_id, one.version) for one in segments} == {("testjob1", 1)}
    assert seams_of(segments) == (1014,)


def test_when_segments_are_redone_twice_then_each_says_which_version_made_its_pixels(
    delivered: WorkOrder, tmp_path: Path
) -> None:
    second = redo_of(delivered, tmp_path / "second", 2, alone=True, options={"light": "0"})
    assert run(second)[0].state == "delivered"
    third = redo_of(second, tmp_path / "third", 1, alone=True, options={"light": "0.3"})
    assert run(third)[0].state == "delivered"
    assert [one.version for one in manifest_of(second).segments] == [1, 2]
    assert [(one.job_id, one.version) for one in manifest_of(third).segments] == [
        (third.job_id, 3),
        (second.job_id, 2),
    ]


def test_when_a_redo_keeps_segments_then_the_plan_alone_names_the_version_before(delivered: WorkOrder) -> None:
    redone = redo_of(delivered, Path("nowhere"), 2)
    planned = planned_segments(redone.job, redone.job_id, 2, None)
    assert [(one.job_id, one.version) for one in planned] == [("testjob1", 1), (redone.job_id, 2)]


def test_when_a_frame_says_who_made_its_pixels_then_its_segment_says_so_and_no_other() -> None:
    own = (
        TakeSegment(first=1, last=3, job_id="here", version=4),
        TakeSegment(first=4, last=6, job_id="here", version=4),
    )
    marks = {4: "job other7 version 2, dissolved by 0.5 into job third version 1", 1: "an unknown word"}
    assert with_origins(own, marks.get) == (own[0], msgspec.structs.replace(own[1], job_id="other7", version=2))


def test_a_manifest_of_before_still_reads(delivered: WorkOrder) -> None:
    old = msgspec.to_builtins(manifest_of(delivered))
    del old["segments"]
    assert read_manifest(msgspec.json.encode(old)).segments == ()
