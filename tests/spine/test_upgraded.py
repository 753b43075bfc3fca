"""A job that goes on under other code, papers or weights than those that its first frames were made by."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest
from spine_rig import Told, gathered, order_of

from understudy.bridge.errors import JobCancelled
from understudy.bridge.exr_file import read_attribute
from understudy.bridge.options import JobOptions
from understudy.inference.compliance.marks import software_version
from understudy.inference.picture.images import read_image
from understudy.inference.version import Version
from understudy.inference.work_order import WorkerFrame, WorkOrder
from understudy.inference.worker import Reporter, perform

FRAMES = range(1001, 1009)
PIXELS_BY = "understudy/pixels_by"
Build = Callable[[str], None]


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> Build:
    """Return what has the code be of another commit from now on."""
    return lambda commit: monkeypatch.setenv("UNDERSTUDY_COMMIT", commit)


@pytest.fixture
def order(options: JobOptions, tmp_path: Path, built: Build) -> WorkOrder:
    """Return an order of which some frames are made, by the commit `first`, and then no more."""
    built("first")
    order = order_of(gathered(options, engine="preview", multipart=True), tmp_path / "job")
    reporter = Reporter(lambda told: reporter.stop(JobCancelled("enough")) if isinstance(told, WorkerFrame) else None)
    assert perform(order, reporter).state == "cancelled"
    assert 1 <= len(left_of(order)) < len(FRAMES)
    return order


def left_of(order: WorkOrder) -> list[Path]:
    return sorted((Path(order.folder) / ".provisional" / "v001" / "comp").glob("*.exr"))


def delivered(order: WorkOrder) -> Told:
    told = Told()
    told.append(perform(order, Reporter(told.append)))
    assert told[-1].state == "delivered", told[-1]
    return told


def test_when_the_code_was_changed_meanwhile_then_the_version_is_delivered_and_no_finished_frame_is_made_again(
    order: WorkOrder, built: Build
) -> None:
    before = {path.name: read_image(path) for path in left_of(order)}
    built("second")
    told = delivered(order)
    version = Path(order.folder) / "v001"
    code = f"understudy {software_version()}, commit first"
    for path in version.rglob("*.exr"):
        assert read_attribute(path, "understudy/commit") == "second"
        earlier = f"comp{path.name[path.name.index('.') :]}" in before
        assert read_attribute(path, PIXELS_BY) == (code if earlier else None)
    for name, image in before.items():
        after = read_image(version / "comp" / name)
        assert np.array_equal(after.pixels.view(np.uint16), image.pixels.view(np.uint16))
        others = image.header.attributes.keys() - {"understudy/commit", "understudy/state"}
        assert len(others) > 20
        assert all(repr(after.header.attributes[one]) == repr(image.header.attributes[one]) for one in others)
    found = [finding for finding in told[-1].findings if finding.rule == "earlier_code"]
    assert [finding.frames for finding in found] == [tuple(FRAMES[: len(before)])]
    assert code in found[0].message
    listed = {(file.path, file.file) for message in told.of(WorkerFrame) for file in message.files}
    assert len(listed) == len(FRAMES) * 9, "what is announced of a frame is what lies there"


def test_when_it_goes_on_by_the_code_that_began_it_then_nothing_is_written_anew(order: WorkOrder) -> None:
    before = {path: path.stat().st_ino for path in left_of(order)}
    version = Version(order)
    version.open()
    assert {path: path.stat().st_ino for path in left_of(order)} == before
    assert {read_attribute(path, PIXELS_BY) for path in before} == {None}


def test_when_it_is_changed_twice_then_a_frame_still_says_by_which_code_it_was_made(
    order: WorkOrder, built: Build
) -> None:
    for commit in ("second", "third"):
        built(commit)
        Version(order).open()
    for path in left_of(order):
        assert read_attribute(path, "understudy/commit") == "third"
        assert (read_attribute(path, PIXELS_BY) or "").endswith("commit first")


def test_when_the_house_asks_for_other_metadata_meanwhile_then_all_frames_have_it(order: WorkOrder) -> None:
    delivered(msgspec.structs.replace(order, aigc_producer="001191110000MA01"))
    frames = list((Path(order.folder) / "v001").rglob("*.exr"))
    assert len({read_attribute(path, "AIGC") for path in frames}) == 1
    assert {read_attribute(path, PIXELS_BY) for path in frames} == {None}


@pytest.mark.parametrize("what", ["weights", "settings", "job"])
def test_when_a_frame_was_made_with_something_else_then_it_is_made_again(order: WorkOrder, what: str) -> None:
    """A weight or a LoRA that is another by now, above all: two models in one take would be told of one."""
    settings = msgspec.structs.replace(order.job.settings, seed=99)
    changed = {"job": msgspec.structs.replace(order.job, settings=settings)} if what == "settings" else {}
    version = Version(msgspec.structs.replace(order, **changed, **({"job_id": "other"} if what == "job" else {})))
    version.weights = {"lora": "a" * 64} if what == "weights" else {}
    version.open()
    assert version.finished_frames() == {}
    assert not list(version.folder.rglob("*.exr"))


def test_when_a_frame_cannot_be_told_anew_then_it_is_made_again(order: WorkOrder, built: Build) -> None:
    damaged = left_of(order)[0]
    data = bytearray(damaged.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 64] = bytes(64)  # the structure stands, the pixels do not
    damaged.write_bytes(data)
    built("second")
    told = delivered(order)
    comp = Path(order.folder) / "v001" / "comp" / damaged.name
    assert read_attribute(comp, PIXELS_BY) is None
    assert sorted(message.frame for message in told.of(WorkerFrame)) == list(FRAMES)
