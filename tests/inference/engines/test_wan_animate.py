"""Wan-Animate behind the engine door: whole jobs on a tiny checkpoint of the official classes."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import OpenEXR
import pytest
from diffusers import WanAnimateTransformer3DModel
from spine_rig import Told, gathered, order_of
from tiny_networks import write_segmenter
from tiny_wan import make_tiny_checkpoint
from wan_shot import FIRST, HEIGHT, WIDTH, draw_wan_shot, header, layer, run, write

from understudy.bridge.errors import JobCancelled
from understudy.bridge.options import JobOptions
from understudy.inference.engines.descriptions import WAN_ANIMATE
from understudy.inference.engines.door import DENOISING
from understudy.inference.extra_layers import NOT_SHOWN
from understudy.inference.picture.images import read_image
from understudy.inference.work_order import WorkerEnd, WorkerFrame, WorkerProgress, WorkOrder
from understudy.inference.worker import Reporter, perform

SMALL = ["steps=2", "segment_frames=9"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_checkpoint(tmp_path_factory.mktemp("weights"), seed=1)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("UNDERSTUDY_WEIGHTS", str(checkpoint))


def order(options: JobOptions, folder: Path, *more: str, **changed: Any) -> WorkOrder:
    return order_of(gathered(options, option=[*SMALL, *more], **changed), folder)


def test_when_the_model_is_not_here_then_the_job_fails_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNDERSTUDY_WEIGHTS", str(tmp_path / "nothing"))
    end, told = run(order(draw_wan_shot(tmp_path / "shot", 3), tmp_path / "out"))
    assert end.state == "failed"
    assert end.error is not None
    assert "understudy weights pull" in end.error.remedy
    assert not told.of(WorkerFrame)
    assert not list((tmp_path / "out").rglob("*.exr"))


def test_when_nothing_can_tell_the_pose_then_it_is_said_and_never_silently_none(tmp_path: Path) -> None:
    options = draw_wan_shot(tmp_path / "shot", 2)
    end, _ = run(order(options, tmp_path / "out", "pose=keypoints", keypoints=None))
    assert end.state == "failed"
    assert end.error is not None
    assert "--keypoints" in end.error.remedy


def test_when_nothing_in_the_matte_is_above_one_half_then_the_job_is_refused_before_the_model_is_loaded(
    tmp_path: Path,
) -> None:
    options = draw_wan_shot(tmp_path / "shot", 2)
    faint = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    faint[24:88, 14:38] = 0.4
    for frame in (FIRST, FIRST + 1):
        write(tmp_path / "shot" / f"matte.{frame}.exr", faint)
    end, told = run(order(options, tmp_path / "out"))
    assert end.state == "refused"
    assert end.error is not None
    assert "there is nobody to replace" in end.error.message
    assert "--matte-channel" in end.error.remedy
    assert any(finding.rule == "matte_shows_somebody" and finding.refuses for finding in end.findings)
    assert not any(message.stage.startswith("loading") for message in told.of(WorkerProgress))
    assert not list((tmp_path / "out").rglob("*.exr"))


@pytest.mark.parametrize("frames", [1, 2, 5, 9, 10, 18])
def test_as_many_frames_come_back_as_went_in_under_their_own_numbers(tmp_path: Path, frames: int) -> None:
    end, told = run(order(draw_wan_shot(tmp_path / "shot", frames), tmp_path / "out"))
    assert end.state == "delivered", end.error
    expected = list(range(FIRST, FIRST + frames))
    assert [message.frame for message in told.of(WorkerFrame)] == expected
    for name in WAN_ANIMATE.layers["replace"]:
        files = sorted((tmp_path / "out" / "v001" / name).glob("*.exr"))
        assert [int(path.name.split(".")[-2]) for path in files] == expected


def test_outside_the_effective_matte_the_plate_stands_to_the_bit_and_inside_it_does_not(tmp_path: Path) -> None:
    run(order(draw_wan_shot(tmp_path / "shot", 3), tmp_path / "out"))
    with OpenEXR.File(str(tmp_path / "shot" / f"plate.{FIRST}.exr"), separate_channels=True) as file:
        plate = np.dstack([file.channels()[channel].pixels for channel in "RGB"])
    comp, effective = layer(tmp_path / "out", "comp", FIRST), layer(tmp_path / "out", "matte_effective", FIRST)[..., 0]
    outside = effective == 0
    assert 0.1 < outside.mean() < 0.9
    assert np.array_equal(comp[outside].view(np.uint16), plate[outside].view(np.uint16))
    assert np.abs(comp[effective == 1].astype(np.float32) - plate[effective == 1]).mean() > 0.01


def test_every_file_names_the_model_by_digest_and_the_trained_source_type(tmp_path: Path, checkpoint: Path) -> None:
    run(order(draw_wan_shot(tmp_path / "shot", 2), tmp_path / "out"))
    said = header(tmp_path / "out", "comp", FIRST)
    weights = json.loads(said["understudy/weights"])
    assert len(weights["wan2.2-animate-14b"]) == 64
    assert said["understudy/digital_source_type"].endswith("compositeWithTrainedAlgorithmicMedia")
    assert '"steps":"2"' in said["understudy/settings"]


def test_a_segmentation_network_is_named_by_digest_too_and_one_that_is_not_here_fails_first(
    tmp_path: Path, checkpoint: Path
) -> None:
    options = draw_wan_shot(tmp_path / "shot", 2)
    end, told = run(order(options, tmp_path / "none", "segmenter=people"))
    assert end.error is not None
    assert "there is no segmentation network 'people'" in end.error.message
    assert not told.of(WorkerFrame)
    write_segmenter(tmp_path / "home" / "weights" / "segmenters" / "people.onnx", side=64)
    end, _ = run(order(options, tmp_path / "out", "segmenter=people"))
    assert end.state == "delivered", end.error
    assert set(json.loads(header(tmp_path / "out", "comp", FIRST)["understudy/weights"])) == {
        "wan2.2-animate-14b",
        "people.onnx",
    }


def test_mode_animate_delivers_beauty_character_matte_and_skeleton_and_where_asked_the_drivers_own_face(
    tmp_path: Path,
) -> None:
    options = draw_wan_shot(tmp_path / "shot", 4)
    work = order(options, tmp_path / "out", "face_layer=on", mode="animate", matte=None, format="32x48")
    end, _ = run(work)
    assert end.state == "delivered", end.error
    assert layer(tmp_path / "out", "beauty", FIRST).shape == (48, 32, 3)
    assert layer(tmp_path / "out", "skeleton", FIRST).max() > 0.5
    assert not (tmp_path / "out" / "v001" / "face_box").exists()
    said = json.loads(header(tmp_path / "out", "face", FIRST)["understudy/face"])
    left, right, top, bottom = said["box"]
    assert said["face"] == "seen"
    assert (right - left, bottom - top) == pytest.approx((9, 9), abs=1), "in the driver's pixels, not the format's"
    plate = np.asarray(read_image(tmp_path / "shot" / f"plate.{FIRST}.exr").pixels, np.float32)
    wanted = cv2.resize(plate[top:bottom, left:right], (512, 512), interpolation=cv2.INTER_LINEAR)
    found = layer(tmp_path / "out", "face", FIRST).astype(np.float32)
    light = np.median(found / wanted)  # a driver is exposed for the model, and that is never undone
    np.testing.assert_allclose(found, wanted * light, atol=0.02)


@pytest.fixture(scope="module")
def one_frame(tmp_path_factory: pytest.TempPathFactory, checkpoint: Path) -> tuple[Path, WorkerEnd]:
    """Return the folder of a delivered job of one frame, and how it ended."""
    folder = tmp_path_factory.mktemp("one")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("UNDERSTUDY_HOME", str(folder / "home"))
        environment.setenv("UNDERSTUDY_WEIGHTS", str(checkpoint))
        shot = draw_wan_shot(folder / "shot", 1, clean_plate=False)
        end, _ = run(order(shot, folder / "out"))
    assert end.state == "delivered", end.error
    return folder, end


def test_character_over_clean_is_comp_where_all_may_change_and_on_the_soft_edge_as_the_page_says(
    one_frame: tuple[Path, WorkerEnd],
) -> None:
    character, clean, comp, matte, effective, plate = (
        np.asarray(read_image(folder_of(one_frame[0], name)).pixels, np.float32)
        for name in ("character", "clean", "comp", "matte", "matte_effective", "plate")
    )
    over = np.abs(character[..., :3] + clean * (1 - character[..., 3:]) - comp)
    m, straight = effective[..., :1], np.abs(clean - plate)
    assert (m == 1).mean() > 0.1
    assert over[np.repeat(m == 1, 3, axis=2)].max() < WAN_ANIMATE.error
    c = np.divide(matte[..., :1], m, out=np.zeros_like(m), where=m > 0)
    behind = np.divide(straight, m, out=np.zeros_like(straight), where=m > 0)  # |B - P|: clean is B m + P (1 - m)
    assert (over <= m * c * (1 - m) * behind + WAN_ANIMATE.error).all()


def test_when_no_clean_plate_is_given_then_it_is_said_how_far_clean_is_known(one_frame: tuple[Path, WorkerEnd]) -> None:
    (said,) = [finding for finding in one_frame[1].findings if finding.rule == "clean_is_estimated"]
    assert said.outcome == "warn", "one frame shows nothing of what the performer hides"
    assert said.frames == (FIRST,)
    assert "--clean-plate" in said.remedy


def folder_of(folder: Path, name: str) -> Path:
    file = f"{name}.{FIRST}.exr"
    return folder / "shot" / file if name == "plate" else folder / "out" / "v001" / name / file


def test_the_face_that_the_model_is_shown_and_the_place_it_is_cut_from_are_layers(
    one_frame: tuple[Path, WorkerEnd],
) -> None:
    tmp_path = one_frame[0]
    left, right, top, bottom = json.loads(header(tmp_path / "out", "face", FIRST)["understudy/face"])["box"]
    crop = json.loads(header(tmp_path / "out", "face", FIRST)["understudy/crop"])
    assert crop["scale"] == [1.0, 1.0]
    across, down = crop["crop"][:2]
    plate = np.asarray(read_image(tmp_path / "shot" / f"plate.{FIRST}.exr").pixels, np.float32)
    taken = plate[top + down : bottom + down, left + across : right + across]
    face = read_image(tmp_path / "out" / "v001" / "face" / f"face.{FIRST}.exr")
    assert (face.header.display.width, face.header.display.height) == (512, 512)
    wanted = cv2.resize(taken, (512, 512), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_allclose(face.pixels.astype(np.float32), wanted, atol=0.02)
    box = layer(tmp_path / "out", "face_box", FIRST)[..., 0]
    assert box.shape == (HEIGHT, WIDTH)
    corners = np.argwhere(box == 1)[[0, -1]] - [down, across]
    assert corners.tolist() == [[top, left], [bottom - 1, right - 1]]
    assert box.sum() == taken.shape[0] * taken.shape[1]
    assert header(tmp_path / "out", "face_box", FIRST)["colorInteropID"] == "data"


def test_a_segment_in_which_nobody_is_never_reaches_the_model_and_the_next_goes_on_from_the_plate(
    tmp_path: Path,
) -> None:
    options = draw_wan_shot(tmp_path / "shot", 18)
    for frame in range(FIRST, FIRST + 9):
        write(tmp_path / "shot" / f"matte.{frame}.exr", np.zeros((HEIGHT, WIDTH, 3), np.float32))
    end, told = run(order(options, tmp_path / "out"))
    assert end.state == "delivered", end.error
    assert len(told.of(WorkerFrame)) == 18
    assert layer(tmp_path / "out", "matte_effective", FIRST).max() == 0
    assert layer(tmp_path / "out", "face", FIRST).max() == 0
    assert header(tmp_path / "out", "face", FIRST)["understudy/face"] == NOT_SHOWN
    assert layer(tmp_path / "out", "face", FIRST + 17).max() > 0.1
    assert layer(tmp_path / "out", "matte_effective", FIRST + 17).max() == 1


def test_when_it_is_cancelled_while_denoising_then_it_stops_there_and_finished_frames_stay(tmp_path: Path) -> None:
    told = Told()
    reporter: Reporter

    def tell(message: Any) -> None:
        told.append(message)
        if isinstance(message, WorkerFrame):
            reporter.stop(JobCancelled("enough"))

    reporter = Reporter(tell)
    end = perform(order(draw_wan_shot(tmp_path / "shot", 18), tmp_path / "out"), reporter)
    assert end.state == "cancelled"
    assert 1 <= len(told.of(WorkerFrame)) < 18


def test_when_a_step_is_cancelled_then_nothing_holds_the_model_any_more(tmp_path: Path) -> None:
    """The reporter keeps the error that stopped the job, and with it every frame of code that it went through."""
    reporter: Reporter
    seen: list[int] = []

    def tell(message: Any) -> None:
        if isinstance(message, WorkerProgress) and message.stage == DENOISING and message.segment == 2:
            seen.append(models_alive())
            reporter.stop(JobCancelled("enough"))

    reporter = Reporter(tell)
    end = perform(order(draw_wan_shot(tmp_path / "shot", 18), tmp_path / "out"), reporter)
    assert end.state == "cancelled"
    assert seen[0] == 1
    assert models_alive() == 0


def models_alive() -> int:
    return sum(type(one) is WanAnimateTransformer3DModel for one in gc.get_objects())
