"""Mode animate from files to files, in this process: a driver moves a character in its own format."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import msgspec
import numpy as np
import OpenEXR
import pytest
from numpy.typing import NDArray
from spine_rig import Told, gathered, order_of

from understudy.bridge.errors import JobCancelled, RequestError
from understudy.bridge.exr_file import read_attribute
from understudy.bridge.options import JobOptions
from understudy.inference.compliance.manifest import read_manifest
from understudy.inference.drawn_shot import DrawnShot
from understudy.inference.footage import open_pictures
from understudy.inference.picture.images import read_image
from understudy.inference.picture.movies import MovieReader, MovieWriter
from understudy.inference.work_order import WorkerFrame, WorkOrder
from understudy.inference.worker import Reporter, perform

FORMAT = "96x160"
WIDTH, HEIGHT = 96, 160
Floats = NDArray[np.float32]


@pytest.fixture
def animate(drawn: DrawnShot) -> JobOptions:
    """Return the options that have the drawn shot's performer drive the drawn character, three small frames of it."""
    return JobOptions(
        mode="animate", plate=drawn.plate, matte=drawn.matte, reference=drawn.reference, format=FORMAT,
        frames="1001-1003", self_attest="a test of the mode animate",
    )  # fmt: skip


def keypoints_alone(animate: JobOptions, drawn: DrawnShot) -> JobOptions:
    return msgspec.structs.replace(animate, plate=None, matte=None, keypoints=drawn.keypoints, rate="24")


def run(order: WorkOrder) -> Told:
    told = Told()
    told.append(perform(order, Reporter(told.append)))
    return told


def delivered(order: WorkOrder) -> Told:
    told = run(order)
    assert told[-1].state == "delivered", told[-1]
    return told


def stored(job: Path, layer: str, frame: int = 1001) -> Floats:
    return np.asarray(read_image(job / "v001" / layer / f"{layer}.{frame:04}.exr").pixels, np.float32)


def outcomes(told: Told) -> dict[str, str]:
    return {finding.rule: finding.outcome for finding in told[-1].findings}


def test_when_pictures_drive_then_beauty_character_and_matte_come_back_in_the_named_format(
    tmp_path: Path, animate: JobOptions
) -> None:
    told = delivered(order_of(gathered(animate), tmp_path))
    assert sorted(path.name for path in (tmp_path / "v001").iterdir() if path.is_dir()) == [
        "beauty", "character", "matte",
    ]  # fmt: skip
    assert [message.frame for message in told.of(WorkerFrame)] == [1001, 1002, 1003]
    beauty, character, matte = (stored(tmp_path, layer) for layer in ("beauty", "character", "matte"))
    assert beauty.shape == (HEIGHT, WIDTH, 3)
    assert np.array_equal(character[:, :, 3], matte[:, :, 0])
    assert 0.05 < matte[:, :, 0].mean() < 0.9
    behind = beauty - character[:, :, :3]
    assert np.abs(behind[matte[:, :, 0] == 1]).max() <= 2e-3
    with MovieReader(tmp_path / "v001" / "review.mp4") as movie:
        assert (movie.count, movie.rate, movie.width, movie.height) == (3, 24, WIDTH, HEIGHT)
    report = (tmp_path / "v001" / "report.html").read_text()
    assert 'data-view="driver"' in report
    assert 'data-view="matte"' in report
    assert 'data-view="plate"' not in report


def test_when_nothing_is_replaced_then_the_rules_about_the_plate_are_not_applicable(
    tmp_path: Path, animate: JobOptions
) -> None:
    said = outcomes(delivered(order_of(gathered(animate, frames="1001"), tmp_path)))
    assert said["plate_is_untouched"] == said["patch_over_plate_is_comp"] == "not_applicable"
    assert said["every_frame_is_there"] == said["layers_are_whole"] == "pass"


def test_when_the_character_moves_then_it_moves_from_frame_to_frame(tmp_path: Path, animate: JobOptions) -> None:
    delivered(order_of(gathered(animate, frames="1001-1008"), tmp_path))
    first, last = stored(tmp_path, "matte", 1001)[:, :, 0], stored(tmp_path, "matte", 1008)[:, :, 0]
    assert np.abs(first - last).mean() > 0.02


def test_when_keypoints_alone_drive_then_the_marks_of_every_file_say_what_is_lacking(
    tmp_path: Path, animate: JobOptions, drawn: DrawnShot
) -> None:
    told = delivered(order_of(gathered(keypoints_alone(animate, drawn)), tmp_path))
    frames = sorted((tmp_path / "v001").rglob("*.exr"))
    assert len(frames) == 3 * 4
    assert {read_attribute(path, "understudy/driver") for path in frames} == {"keypoints alone: the face stays neutral"}
    manifest = read_manifest((tmp_path / "v001" / "manifest.json").read_bytes())
    assert manifest.marks["understudy/driver"].startswith("keypoints alone")
    assert any("keypoints alone" in finding.message for finding in told[-1].findings)
    assert stored(tmp_path, "matte").max() > 0.9


def test_when_a_backdrop_is_given_then_the_beauty_is_over_it_in_its_own_format(
    tmp_path: Path, animate: JobOptions, drawn: DrawnShot
) -> None:
    delivered(order_of(gathered(animate, clean_plate=drawn.clean_plate, format=None), tmp_path))
    backdrop = np.asarray(read_image(drawn.clean_plate.replace("####", "1001")).pixels, np.float32)
    beauty, character = stored(tmp_path, "beauty"), stored(tmp_path, "character")
    assert beauty.shape == backdrop.shape
    nobody = character[:, :, 3] == 0
    assert 0.05 < nobody.mean() < 0.99
    assert np.array_equal(beauty[nobody], backdrop[nobody])
    over = character[:, :, :3] + backdrop * (1 - character[:, :, 3:])
    assert np.abs(over - beauty)[~nobody].max() <= 2e-3 * max(1.0, float(beauty[~nobody].max()))


def test_when_something_passes_before_the_backdrop_then_it_stands_before_the_character(
    tmp_path: Path, animate: JobOptions, drawn: DrawnShot
) -> None:
    holdout = np.zeros((180, 320, 3), np.float16)
    holdout[:, 140:180] = 1
    OpenEXR.File({"type": OpenEXR.scanlineimage}, {"RGB": holdout}).write(str(tmp_path / "holdout.exr"))
    options = {"clean_plate": drawn.clean_plate, "holdout": str(tmp_path / "holdout.exr"), "format": None}
    delivered(order_of(gathered(animate, frames="1001", **options), tmp_path / "job"))
    backdrop = np.asarray(read_image(drawn.clean_plate.replace("####", "1001")).pixels, np.float32)
    assert np.array_equal(stored(tmp_path / "job", "beauty")[:, 140:180], backdrop[:, 140:180])
    assert stored(tmp_path / "job", "matte")[:, :140].max() > 0.9


def test_when_no_format_is_named_then_it_has_the_references_shape_at_the_engines_area(
    tmp_path: Path, animate: JobOptions
) -> None:
    pictures = open_pictures(order_of(gathered(animate, format=None), tmp_path), lambda done, total: None)
    height, width = pictures.reference.pixels.shape[:2]
    assert abs(pictures.size[0] / pictures.size[1] - width / height) < 0.01
    assert 0.97 * 1280 * 720 < pictures.size[0] * pictures.size[1] <= 1280 * 720


def test_when_the_driver_has_another_shape_then_it_is_letterboxed_and_its_points_stay_on_it(
    tmp_path: Path, animate: JobOptions, drawn: DrawnShot
) -> None:
    order = order_of(gathered(animate, keypoints=drawn.keypoints), tmp_path)
    footage = open_pictures(order, lambda done, total: None).footage()
    assert footage.plate is not None
    assert footage.matte is not None
    assert footage.keypoints is not None
    picture, matte, points = footage.plate(1001), footage.matte(1001), footage.keypoints(1001)
    assert picture.shape == (HEIGHT, WIDTH, 3)
    band = slice((HEIGHT - 54) // 2, (HEIGHT + 54) // 2)  # 320x180 is 96x54 in it
    assert not picture[: band.start].any()
    assert not picture[band.stop :].any()
    assert picture[band].min(axis=(0, 1)).max() > 0
    body = points[5:17]
    assert (matte[np.rint(body[:, 1]).astype(int), np.rint(body[:, 0]).astype(int)] > 0.3).mean() > 0.8


def test_a_closeup_is_the_drivers_own_pixels_and_points_lie_there_where_they_were_given(
    tmp_path: Path, animate: JobOptions, drawn: DrawnShot
) -> None:
    order = order_of(gathered(animate, keypoints=drawn.keypoints), tmp_path)
    footage = open_pictures(order, lambda done, total: None).footage()
    assert footage.closeup is not None
    assert footage.keypoints is not None
    assert footage.plate is not None
    assert (footage.closeup.width, footage.closeup.height) == (320, 180)
    given = json.loads(Path(drawn.keypoints).read_text())["frames"]["1001"]
    sure = np.array(given)[:, 2] > 0
    np.testing.assert_allclose(footage.closeup.points(footage.keypoints(1001))[sure], np.array(given)[sure], atol=0.01)
    whole = footage.closeup.part(1001, (0, 320, 0, 180))
    assert np.array_equal(footage.closeup.part(1001, (40, 90, 20, 60)), whole[20:60, 40:90])
    small = cv2.resize(whole, (96, 54), interpolation=cv2.INTER_AREA)
    band = footage.plate(1001)[(HEIGHT - 54) // 2 :][:54]
    assert np.abs(small - band).mean() < 0.01, "both are the same picture, the closeup before it was made small"


def test_when_the_drivers_pixels_are_squeezed_then_a_closeup_takes_the_columns_that_the_box_covers(
    tmp_path: Path, animate: JobOptions
) -> None:
    picture = np.random.default_rng(1).random((60, 80, 3), np.float32).astype(np.float16)
    squeezed = {"type": OpenEXR.scanlineimage, "pixelAspectRatio": 2.0}
    OpenEXR.File(squeezed, {"RGB": picture}).write(str(tmp_path / "driver.1001.exr"))
    job = gathered(animate, plate=str(tmp_path / "driver.####.exr"), matte=None, frames="1001", rate="24")
    closeup = open_pictures(order_of(job, tmp_path / "job"), lambda done, total: None).footage().closeup
    assert closeup is not None
    assert (closeup.width, closeup.height) == (160, 60)
    assert closeup.part(1001, (40, 61, 10, 20)).shape == (10, 11, 3)
    whole = closeup.part(1001, (0, 160, 0, 60))
    assert np.array_equal(closeup.part(1001, (40, 61, 10, 20)), whole[10:20, 20:31])


def test_when_a_movie_drives_then_its_rate_is_the_shots(tmp_path: Path, animate: JobOptions) -> None:
    with MovieWriter(tmp_path / "driver.mp4", 25, 64, 48) as movie:
        for shade in range(4):
            movie.write(np.full((48, 64, 3), 40 * shade, np.uint8))
    job = gathered(animate, plate=str(tmp_path / "driver.mp4"), matte=None, frames="1-2", first=0)
    delivered(order_of(job, tmp_path / "job"))
    with MovieReader(tmp_path / "job" / "v001" / "review.mp4") as review:
        assert (review.count, review.rate) == (2, 25)


def test_when_the_worker_stops_in_mid_shot_then_the_next_one_makes_the_same_bytes(
    tmp_path: Path, animate: JobOptions
) -> None:
    delivered(order_of(gathered(animate), tmp_path / "whole"))
    broken = order_of(gathered(animate), tmp_path / "broken")
    reporter = Reporter(
        lambda message: reporter.stop(JobCancelled("enough")) if isinstance(message, WorkerFrame) else None
    )
    assert perform(broken, reporter).state == "cancelled"
    delivered(broken)
    for path in (tmp_path / "whole" / "v001").rglob("*.exr"):
        assert path.read_bytes() == (tmp_path / "broken" / path.relative_to(tmp_path / "whole")).read_bytes()


def test_when_a_delivered_twin_is_named_then_its_pixels_come_back_under_this_jobs_own_marks(
    tmp_path: Path, animate: JobOptions
) -> None:
    delivered(order_of(gathered(animate), tmp_path / "first"))
    again = order_of(gathered(animate), tmp_path / "second", job_id="testjob2", reuse=str(tmp_path / "first" / "v001"))
    assert outcomes(delivered(again))["pixels_reused"] == "note"
    assert np.array_equal(stored(tmp_path / "second", "beauty"), stored(tmp_path / "first", "beauty"))
    path = tmp_path / "second" / "v001" / "beauty" / "beauty.1001.exr"
    assert read_attribute(path, "understudy/job") == "testjob2"


def test_when_the_matte_is_not_the_drivers_size_then_both_are_named(
    tmp_path: Path, animate: JobOptions, drawn: DrawnShot
) -> None:
    OpenEXR.File({"type": OpenEXR.scanlineimage}, {"RGB": np.ones((90, 160, 3), np.float16)}).write(
        str(tmp_path / "small.exr")
    )
    end = run(order_of(gathered(animate, matte=str(tmp_path / "small.exr")), tmp_path / "job"))[-1]
    assert end.state == "refused"
    said = " ".join(finding.message for finding in end.findings if finding.refuses)
    assert "plate.1001.exr is 320x180" in said
    assert "small.exr is 160x90" in said
    assert not (tmp_path / "job" / "v001").exists()


def test_when_the_matte_is_empty_in_some_frames_then_it_is_told_what_that_means_here(
    tmp_path: Path, animate: JobOptions, drawn: DrawnShot
) -> None:
    for frame in (1001, 1002, 1003):
        pixels = np.asarray(read_image(drawn.matte.replace("####", str(frame))).pixels, np.float16)
        OpenEXR.File({"type": OpenEXR.scanlineimage}, {"Y": pixels[:, :, 0] * (frame != 1003)}).write(
            str(tmp_path / f"matte.{frame}.exr")
        )
    told = delivered(order_of(gathered(animate, matte=str(tmp_path / "matte.####.exr")), tmp_path / "job"))
    found = next(finding for finding in told[-1].findings if finding.rule == "matte_is_not_empty")
    assert "nobody drives the character: 1003" in found.message


def test_when_nothing_drives_then_the_options_that_do_are_named(animate: JobOptions) -> None:
    with pytest.raises(RequestError, match="needs a driver") as refused:
        gathered(animate, plate=None, matte=None)
    assert "--plate" in refused.value.remedy
    assert "--keypoints" in refused.value.remedy


def test_when_a_backdrop_does_not_have_the_formats_shape_then_black_beside_it_is_told(
    tmp_path: Path, animate: JobOptions, drawn: DrawnShot
) -> None:
    order = order_of(gathered(animate, clean_plate=drawn.clean_plate), tmp_path)
    pictures = open_pictures(order, lambda done, total: None)
    assert [finding.rule for finding in pictures.findings] == ["backdrop_fills_the_format"]
    ground = np.asarray(pictures.ground(1001).pixels)
    assert not ground[:50].any()
    assert ground[HEIGHT // 2].all()


def test_when_a_backdrop_holds_values_that_are_no_numbers_then_the_beauty_has_none(
    tmp_path: Path, animate: JobOptions
) -> None:
    backdrop = np.full((HEIGHT, WIDTH, 3), 0.25, np.float16)
    backdrop[2, 3] = np.nan
    OpenEXR.File({"type": OpenEXR.scanlineimage}, {"RGB": backdrop}).write(str(tmp_path / "backdrop.exr"))
    told = delivered(
        order_of(gathered(animate, clean_plate=str(tmp_path / "backdrop.exr"), frames="1001"), tmp_path / "job")
    )
    assert stored(tmp_path / "job", "beauty")[2, 3].tolist() == [0.25] * 3
    assert outcomes(told)["finite_values"] == "warn"
