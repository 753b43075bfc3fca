"""The preset `std` of Wan-Animate: fewer pictures, every frame back, none silently another's. Whole jobs on a tiny
checkpoint of the official classes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
import OpenEXR
import pytest
from numpy.typing import NDArray
from redo_rig import changed_frames, folder_of, header, keeping, redo_of, run
from spine_rig import Told, gathered, order_of
from tiny_wan import make_tiny_checkpoint
from wan_shot import FIRST, draw_wan_shot, layer

from understudy.bridge.record import Consent, Record
from understudy.inference.compliance.manifest import read_manifest
from understudy.inference.engines.door import DENOISING
from understudy.inference.work_order import WorkerEnd, WorkerFrame, WorkerProgress, WorkOrder

LAYERS = ("comp", "patch", "character", "matte", "matte_effective", "matte_used", "skeleton", "difference")
FRAMES = 14
MADE = (1001, 1002, 1004, 1005, 1007, 1008, 1010, 1011, 1013, 1014)
"""Of 14 frames at 24 a second: in segments of 9 with one carried over, the first six and the last four."""
SEAM = 1008
"""The last frame of the first segment."""


class Done(NamedTuple):
    order: WorkOrder
    end: WorkerEnd
    told: Told


@pytest.fixture(scope="module", autouse=True)
def _home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("UNDERSTUDY_HOME", str(tmp_path_factory.mktemp("home")))
        environment.setenv("UNDERSTUDY_WEIGHTS", str(make_tiny_checkpoint(tmp_path_factory.mktemp("weights"), seed=1)))
        yield


def std_order(folder: Path, frames: int, *more: str) -> WorkOrder:
    options = draw_wan_shot(folder / "shot", frames)
    said = ["steps=2", "segment_frames=9", "preset=std", *more]
    return keeping(order_of(gathered(options, option=said), folder / "out"))


@pytest.fixture(scope="module")
def interpolated(tmp_path_factory: pytest.TempPathFactory, _home: None) -> Done:
    order = std_order(tmp_path_factory.mktemp("interpolated"), FRAMES, "between=interpolated")
    return Done(order, *run(order))


def plate(order: WorkOrder, frame: int) -> NDArray[Any]:
    path = Path(order.folder).parent / "shot" / f"plate.{frame}.exr"
    with OpenEXR.File(str(path), separate_channels=True) as file:
        return np.dstack([file.channels()[channel].pixels for channel in "RGB"])


def assert_the_plate_stands_outside(order: WorkOrder) -> None:
    """Look at every frame of the shot: comp is that frame's own plate, to the bit, where the effective matte is 0."""
    folder = Path(order.folder)
    for frame in order.job.shot.range:
        outside = layer(folder, "matte_effective", frame)[..., 0] == 0
        assert 0.1 < outside.mean() < 0.9
        comp, own = layer(folder, "comp", frame), plate(order, frame)
        assert np.array_equal(comp[outside].view(np.uint16), own[outside].view(np.uint16)), frame


def test_held_in_betweens_lie_over_their_own_plate_and_a_take_on_good_papers_is_still_no_final(tmp_path: Path) -> None:
    order = std_order(tmp_path, 4)
    order = msgspec.structs.replace(order, job=msgspec.structs.replace(order.job, record=cleared_record()))
    end, told = run(order)
    assert end.state == "delivered", end.error
    assert [message.frame for message in told.of(WorkerFrame)] == [1001, 1002, 1003, 1004]
    words = {frame: said_of(order, frame) for frame in order.job.shot.range}
    assert words == {1001: ("none", "1001"), 1002: ("held", "1001"), 1003: ("none", "1003"), 1004: ("none", "1004")}
    said = header(order, "comp", 1001)
    assert said["understudy/state"].rstrip() == "for_review"
    assert said["understudy/clearance"] == "cleared"
    assert "preset std" in said["understudy/not_final"]
    assert_the_plate_stands_outside(order)
    inside = np.all([layer(tmp_path / "out", "matte_effective", frame) == 1 for frame in (1001, 1002)], axis=0)
    assert inside.any()
    before, here = (layer(tmp_path / "out", "character", frame)[inside] for frame in (1001, 1002))
    assert np.array_equal(here, before), "the character is the held picture's"
    take = read_manifest((folder_of(order) / "manifest.json").read_bytes())
    assert take.state == "for_review"
    assert {file.frame for file in take.files if file.in_between == "held"} == {1002}
    judged = {finding.rule: finding for finding in end.findings}
    assert judged["in_betweens_are_marked"].outcome == "warn"
    assert judged["in_between"].frames == (1002,)
    assert "held: of frame 1001" in (folder_of(order) / "report.html").read_text()


def cleared_record() -> Record:
    consent = Consent(consent_id="c-1", talent="ana", document="a" * 64, signed_on="2026-01-05")
    return Record(record_id="r-1", likeness="synthetic_performer", performed_by=("ana",), consents=(consent,))


def said_of(order: WorkOrder, frame: int) -> tuple[str, str]:
    """Return what every layer's file of a frame says; all say the same."""
    said = {
        (marks["understudy/in_between"], marks["understudy/in_between_of"])
        for marks in (header(order, name, frame) for name in LAYERS)
    }
    (word,) = said
    return word


def test_every_frame_comes_back_and_every_interpolated_one_says_between_which(interpolated: Done) -> None:
    order, end, told = interpolated
    assert end.state == "delivered", end.error
    shot = list(order.job.shot.range)
    assert [message.frame for message in told.of(WorkerFrame)] == shot
    for name in LAYERS:
        files = sorted((folder_of(order) / name).glob("*.exr"))
        assert [int(path.name.split(".")[-2]) for path in files] == shot
    for frame in shot:
        expected = ("none", f"{frame}") if frame in MADE else ("interpolated", f"{frame - 1} {frame + 1}")
        assert said_of(order, frame) == expected
    assert_the_plate_stands_outside(order)
    segments = {message.segments for message in told.of(WorkerProgress) if message.stage == DENOISING}
    assert segments == {2}


def test_a_redo_goes_on_behind_the_seam_with_the_same_bits_and_keeps_the_others_with_their_marks(
    interpolated: Done, tmp_path: Path
) -> None:
    order = redo_of(interpolated.order, tmp_path / "out", 2)
    end, told = run(order)
    assert end.state == "delivered", end.error
    assert changed_frames(interpolated.order, order, LAYERS) == []
    denoised = [message for message in told.of(WorkerProgress) if message.stage == DENOISING]
    assert {message.segment for message in denoised} == {2}, "what is kept is not made again"
    kept = [frame for frame in order.job.shot.range if "understudy/pixels_from" in header(order, "comp", frame)]
    assert kept == list(range(FIRST, SEAM + 1))
    assert said_of(order, 1003) == ("interpolated", "1002 1004")
    assert said_of(order, SEAM + 1) == ("interpolated", f"{SEAM} {SEAM + 2}")
