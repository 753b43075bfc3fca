"""A delivered version proves itself: signed movies, a signed list of every file; nothing is delivered that does not."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from spine_rig import Told, gathered, order_of

from understudy.bridge.options import JobOptions
from understudy.bridge.settings import load_settings
from understudy.bridge.shot import RequestedMovie
from understudy.inference.provenance.credentials import read_credentials
from understudy.inference.provenance.frame_list import LIST_NAME, SEAL_NAME, read_list
from understudy.inference.provenance.trust import trust_anchors
from understudy.inference.work_order import WorkerEnd, WorkOrder
from understudy.inference.worker import Reporter, perform


@pytest.fixture
def order(options: JobOptions, tmp_path: Path, home: Path) -> WorkOrder:
    made = order_of(gathered(options, frames="1001-1003"), tmp_path / "job")
    movie = RequestedMovie(layer="comp", kind="prores_422_hq")
    output = msgspec.structs.replace(made.job.output, movies=(movie,))
    return msgspec.structs.replace(made, job=msgspec.structs.replace(made.job, output=output))


def run(order: WorkOrder, told: Told | None = None) -> WorkerEnd:
    return perform(order, Reporter((Told() if told is None else told).append))


def test_when_a_version_is_delivered_then_its_movies_and_its_list_read_back_as_trusted_on_this_machine(
    order: WorkOrder, tmp_path: Path
) -> None:
    end = run(order)
    assert end.error is None
    version, anchors = tmp_path / "job" / "v001", trust_anchors(load_settings())
    listed = read_list((version / LIST_NAME).read_bytes())
    on_disk = {path.relative_to(version).as_posix() for path in version.rglob("*") if path.is_file()}
    assert {file.path for file in listed.files} == on_disk - {LIST_NAME, SEAL_NAME}
    assert {file.path for file in end.files} == on_disk
    for name, sidecar in (("review.mp4", None), ("movies/comp_prores_422_hq.mov", None), (LIST_NAME, SEAL_NAME)):
        reading = read_credentials(version / name, anchors, sidecar=version / sidecar if sidecar else None)
        assert reading is not None
        assert (reading.state, reading.failures, reading.ingredient_failures) == ("Trusted", (), ())
        assert reading.says["job"] == "testjob1"
        assert reading.says["clearance"] == "uncleared"
        assert [one["role"] for one in reading.says["inputs"]] == ["plate", "matte", "reference", "clean_plate"]
