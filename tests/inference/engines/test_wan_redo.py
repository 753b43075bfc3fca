"""A segment of a Wan-Animate job made again: whole jobs on a tiny checkpoint of the official classes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pytest
from redo_rig import bits, changed_frames, folder_of, header, keeping, redo_of, run
from spine_rig import Told, gathered, order_of
from tiny_wan import make_tiny_checkpoint
from wan_shot import FIRST, draw_wan_shot

from understudy.bridge.errors import Finding
from understudy.inference.engines.descriptions import WAN_ANIMATE
from understudy.inference.engines.door import DENOISING
from understudy.inference.reuse import Twin
from understudy.inference.work_order import WorkerEnd, WorkerFrame, WorkerProgress, WorkOrder
from understudy.inference.worker import JobPaused, Reporter, perform

LAYERS = WAN_ANIMATE.layers["replace"]
FRAMES = 21
SEGMENTS = (range(FIRST, FIRST + 8), range(FIRST + 8, FIRST + 15), range(FIRST + 15, FIRST + 21))
"""What 21 frames become in segments of 9 with one carried over: 8, 7 and 6 of their own."""


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_checkpoint(tmp_path_factory.mktemp("weights"), seed=1)


class Made(NamedTuple):
    """A redo that was run, and what it told."""

    order: WorkOrder
    end: WorkerEnd
    told: Told


@pytest.fixture(scope="module", autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory, checkpoint: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("UNDERSTUDY_HOME", str(tmp_path_factory.mktemp("home")))
        environment.setenv("UNDERSTUDY_WEIGHTS", str(checkpoint))
        yield


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory, _home: None) -> WorkOrder:
    """Return a delivered job of three segments."""
    folder = tmp_path_factory.mktemp("delivered")
    options = draw_wan_shot(folder / "shot", FRAMES)
    order = keeping(order_of(gathered(options, option=["steps=2", "segment_frames=9"]), folder / "out"))
    redone(order)
    return order


@pytest.fixture(scope="module")
def cascade(tmp_path_factory: pytest.TempPathFactory, delivered: WorkOrder) -> Made:
    """Return the second segment and all after it, made again with another seed."""
    order = redo_of(delivered, tmp_path_factory.mktemp("cascade"), 2, seed=7)
    return Made(order, *run(order))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, delivered: WorkOrder) -> Made:
    """Return the second segment alone, made again with that seed."""
    order = redo_of(delivered, tmp_path_factory.mktemp("alone"), 2, seed=7, alone=True)
    return Made(order, *run(order))


def redone(order: WorkOrder) -> WorkerEnd:
    end, _ = run(order)
    assert end.state == "delivered", end.error
    return end


def seams(end: WorkerEnd) -> list[Finding]:
    return [finding for finding in end.findings if finding.rule == "seam"]


def test_a_cascade_keeps_the_pixels_before_and_changes_the_segment_and_all_after_it(
    delivered: WorkOrder, cascade: Made
) -> None:
    assert cascade.end.state == "delivered", cascade.end.error
    assert changed_frames(delivered, cascade.order, LAYERS) == [*SEGMENTS[1], *SEGMENTS[2]]
    denoised = [message for message in cascade.told.of(WorkerProgress) if message.stage == DENOISING]
    begun = [message.segment for message in denoised if message.done == 0]
    assert begun == [2, 3], "the first segment never reaches the model"
    assert not seams(cascade.end)


def test_a_redo_with_the_same_seed_makes_the_same_pixels(delivered: WorkOrder, tmp_path: Path) -> None:
    order = redo_of(delivered, tmp_path / "out", 2)
    redone(order)
    assert changed_frames(delivered, order, LAYERS) == []


def test_when_what_was_carried_over_is_gone_then_the_segment_before_is_made_again_for_it(
    delivered: WorkOrder, cascade: Made, tmp_path: Path
) -> None:
    lost = redo_of(keeping_in(delivered, tmp_path / "nothing"), tmp_path / "bare", 2, seed=7)
    redone(lost)
    assert changed_frames(cascade.order, lost, LAYERS) == []


def keeping_in(order: WorkOrder, folder: Path) -> WorkOrder:
    return msgspec.structs.replace(order, carried=str(folder))


def test_when_it_is_gone_and_could_not_come_out_the_same_then_the_redo_says_so_and_makes_nothing(
    delivered: WorkOrder, tmp_path: Path
) -> None:
    order = redo_of(keeping_in(delivered, tmp_path / "nothing"), tmp_path / "out", 2, options={"steps": "3"})
    end, _ = run(order)
    assert end.state == "failed"
    assert end.error is not None
    assert "no longer kept" in end.error.message
    assert "segment 1" in end.error.remedy


def test_other_options_hold_for_what_is_made_again_and_the_kept_files_say_theirs(
    delivered: WorkOrder, tmp_path: Path
) -> None:
    order = redo_of(delivered, tmp_path / "out", 3, options={"steps": "3"})
    redone(order)
    assert changed_frames(delivered, order, LAYERS) == [*SEGMENTS[2]]
    kept, made = header(order, "comp", FIRST), header(order, "comp", FIRST + 20)
    assert json.loads(made["understudy/settings"])["engine_options"]["steps"] == "3"
    assert "understudy/pixels_from" not in made
    assert kept["understudy/pixels_from"] == "job testjob1 version 1"
    assert json.loads(kept["understudy/pixels_settings"])["engine_options"]["steps"] == "2"
    for said in (kept, made):
        redo = json.loads(said["understudy/redo"])
        assert (redo["job_id"], redo["version"], redo["segment"], redo["options"]) == ("testjob1", 1, 3, {"steps": "3"})
        assert said["understudy/job"] == "redone2"
        assert said["understudy/version"] == "2"


def test_alone_keeps_the_later_pixels_and_reports_both_seams_beside_the_plate(
    delivered: WorkOrder, alone: Made
) -> None:
    assert alone.end.state == "delivered", alone.end.error
    assert changed_frames(delivered, alone.order, LAYERS) == [*SEGMENTS[1]]
    first, second = seams(alone.end)
    assert first.frames == (FIRST + 7, FIRST + 8)
    assert second.frames == (FIRST + 14, FIRST + 15)
    assert first.facts["plate"] == "0", "the drawn performer stands still over this seam"
    assert "times" not in first.facts
    jump, plate = float(second.facts["jump"]), float(second.facts["plate"])
    assert float(second.facts["times"]) == pytest.approx(jump / plate, rel=0.01)
    assert min(float(first.facts["jump"]), jump) > 0
    assert "across a seam" in (folder_of(alone.order) / "report.html").read_text()


def test_a_dissolve_lies_between_the_new_picture_and_the_one_that_the_next_segment_goes_on_from(
    delivered: WorkOrder, alone: Made, tmp_path: Path
) -> None:
    hard = alone.order
    soft = redo_of(delivered, tmp_path / "soft", 2, seed=7, alone=True, dissolve=True)
    ends = [alone.end, redone(soft)]
    assert changed_frames(hard, soft, LAYERS) == [FIRST + 14]
    new, old, between = (
        bits(order, "patch", FIRST + 14).view(np.float16).astype(np.float32) for order in (hard, delivered, soft)
    )
    assert np.allclose(between, (new + old) / 2, atol=2e-3)
    said = header(soft, "comp", FIRST + 14)["understudy/pixels_from"]
    assert said == "job redone2 version 2, dissolved by 0.5 into job testjob1 version 1"
    (told,) = [finding for finding in ends[1].findings if finding.rule == "dissolved"]
    assert told.frames == (FIRST + 14,)
    jumps = [float(seams(end)[1].facts["jump"]) for end in ends]
    assert jumps[1] < jumps[0]


def test_a_redo_that_was_stopped_goes_on_with_the_same_bits(
    delivered: WorkOrder, cascade: Made, tmp_path: Path
) -> None:
    order = redo_of(delivered, tmp_path / "out", 2, seed=7)

    def stop_in_the_last_segment(message: object) -> None:
        if isinstance(message, WorkerFrame) and message.frame == FIRST + 16:
            reporter.stop(JobPaused("enough"))

    reporter = Reporter(stop_in_the_last_segment)
    assert perform(order, reporter).state == "paused"
    redone(order)
    assert changed_frames(cascade.order, order, LAYERS) == []


def test_a_redo_of_a_redo_goes_on_from_what_that_one_left(cascade: Made, tmp_path: Path) -> None:
    second = cascade.order
    third = redo_of(second, tmp_path / "third", 3, seed=9)
    redone(third)
    assert changed_frames(second, third, LAYERS) == [*SEGMENTS[2]]
    assert header(third, "comp", FIRST)["understudy/pixels_from"] == "job testjob1 version 1"
    assert header(third, "comp", FIRST + 8)["understudy/pixels_from"] == "job redone2 version 2"


def test_what_took_its_pixels_from_an_identical_job_is_redone_from_what_that_one_left(
    delivered: WorkOrder, tmp_path: Path
) -> None:
    twin = msgspec.structs.replace(
        keeping_in(delivered, tmp_path / "twin" / ".carried"), job_id="testjob2", folder=str(tmp_path / "twin"),
        scratch=str(tmp_path / "twin" / ".scratch"), reuse=str(folder_of(delivered)), reuse_carried=delivered.carried,
    )  # fmt: skip
    assert "pixels_reused" in {finding.rule for finding in redone(twin).findings}
    order = redo_of(twin, tmp_path / "out", 3, options={"steps": "3"})  # could not be made again: it must be there
    redone(order)
    assert changed_frames(delivered, order, LAYERS) == [*SEGMENTS[2]]


def test_when_the_weights_are_others_by_now_then_an_identical_jobs_pixels_are_not_used(delivered: WorkOrder) -> None:
    folder, said = str(folder_of(delivered)), str(header(delivered, "comp", FIRST)["understudy/weights"])
    found = Twin(folder, said).frame(FIRST, LAYERS)
    assert found is not None
    assert found.origin["understudy/face"] == header(delivered, "comp", FIRST)["understudy/face"]
    assert Twin(folder, said.replace("wan2.2", "another")).frame(FIRST, LAYERS) is None


def test_when_a_kept_file_is_no_longer_the_delivered_one_then_nothing_is_made_of_it(
    delivered: WorkOrder, tmp_path: Path
) -> None:
    copy = tmp_path / "copy" / "v001"
    shutil.copytree(folder_of(delivered), copy)
    path = copy / "comp" / f"comp.{FIRST + 3}.exr"
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    order = redo_of(msgspec.structs.replace(delivered, folder=str(copy.parent)), tmp_path / "out", 2)
    end, _ = run(order)
    assert end.state == "failed"
    assert end.error is not None
    assert f"frame {FIRST + 3} of version 1" in end.error.message
