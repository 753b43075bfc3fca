"""From files to numbers: what is planted in a sequence is found, and what cannot be compared is said."""

from __future__ import annotations

import tracemalloc
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from evaluation_rig import FIRST, HEIGHT, INSIDE, WIDTH, inside_times, matte_of, plate_of, write_frames
from numpy.typing import NDArray

pytest.importorskip("skimage", reason="measures need scikit-image: pip install 'understudy[evaluate]'")
pytest.importorskip("matplotlib", reason="the plot needs matplotlib: pip install 'understudy[evaluate]'")

from understudy.bridge.errors import PlateError, RequestError
from understudy.inference.evaluation.against_plate import Wanted
from understudy.inference.evaluation.measure import evaluate
from understudy.inference.evaluation.plot import draw_plot
from understudy.inference.evaluation.results_file import results_text
from understudy.inference.evaluation.roles import Asked
from understudy.inference.evaluation.rows import Evaluation, PictureRow
from understudy.inference.picture.movies import MovieWriter

TEN = range(FIRST, FIRST + 10)


@pytest.fixture
def plate(tmp_path: Path) -> str:
    return write_frames(tmp_path / "plate", "plate", TEN)


@pytest.fixture
def matte(tmp_path: Path) -> str:
    return write_frames(tmp_path / "matte", "matte", TEN, matte_of)


def measured(result: str, against: str, matte: str | None = None, **wanted: Any) -> Evaluation:
    return evaluate(Asked(result=result, against=against, matte=matte), Wanted(**wanted))


def pictures(found: Evaluation) -> list[PictureRow]:
    return [row for row in found.rows if isinstance(row, PictureRow)]


def rules(found: Evaluation) -> dict[str, tuple[int, ...]]:
    return {finding.rule: finding.frames for finding in found.findings}


def test_when_no_frame_is_in_common_then_both_ranges_are_named(tmp_path: Path, plate: str) -> None:
    result = write_frames(tmp_path / "result", "comp", range(1, 4))
    with pytest.raises(RequestError, match=r"1-3.*1001-1010") as refused:
        measured(result, plate)
    assert "--first" in refused.value.remedy


def test_when_the_sizes_differ_then_nothing_is_scaled(tmp_path: Path, plate: str) -> None:
    result = write_frames(tmp_path / "result", "comp", TEN, lambda frame: plate_of(frame)[:32])
    with pytest.raises(PlateError, match=r"96x32.*96x64"):
        measured(result, plate)


def test_when_the_matte_has_another_size_then_it_is_refused(tmp_path: Path, plate: str) -> None:
    matte = write_frames(tmp_path / "matte", "matte", TEN, lambda frame: matte_of(frame)[:32])
    with pytest.raises(PlateError, match="96x32"):
        measured(plate, plate, matte)


def test_when_the_result_is_a_folder_without_a_manifest_then_it_is_no_take(tmp_path: Path, plate: str) -> None:
    with pytest.raises(RequestError, match=r"no take: it has no manifest\.json"):
        measured(str(tmp_path / "plate"), plate)


def test_when_a_stray_number_makes_the_range_absurd_then_it_is_told_and_not_walked(tmp_path: Path, plate: str) -> None:
    result = write_frames(tmp_path / "result", "comp", [1001, 900_000_000])
    with pytest.raises(RequestError, match="from 1001 to 900000000"):
        measured(result, plate)
    named = Asked(result=result, against=plate, frames="1001-1001")
    assert evaluate(named, Wanted(segment_length=5)).frames == 1


@pytest.mark.parametrize("typed", ["nothing.####.exr", "nothing.mov", "nothing"])
def test_when_there_is_no_such_result_then_it_says_so(tmp_path: Path, plate: str, typed: str) -> None:
    with pytest.raises(RequestError, match="there is no"):
        measured(str(tmp_path / typed), plate)


def test_when_the_result_is_a_picture_without_a_number_then_a_sequence_is_asked_for(plate: str) -> None:
    with pytest.raises(RequestError, match="without a frame number"):
        measured(plate.replace("####", "1001"), plate)


def test_when_the_matte_is_empty_then_the_picture_is_measured_and_the_matte_is_told_of(
    tmp_path: Path, plate: str
) -> None:
    empty = write_frames(tmp_path / "matte", "matte", TEN, lambda frame: matte_of(frame) * 0)
    found = measured(plate, plate, empty)
    assert rules(found)["matte_empty"] == tuple(TEN)
    assert found.summary["ssim"].mean == 1
    assert "ssim_inside" not in found.summary
    assert "colour_inside" not in found.summary


def test_when_a_reference_is_asked_for_and_the_matte_is_empty_then_there_is_nothing_to_compare(
    tmp_path: Path, plate: str
) -> None:
    empty = write_frames(tmp_path / "matte", "matte", TEN, lambda frame: matte_of(frame) * 0)
    with pytest.raises(PlateError, match="covers nothing in any frame"):
        measured(plate, plate.replace("####", "1001"), empty)


def test_when_a_reference_is_asked_for_without_a_matte_then_it_is_wanted(plate: str) -> None:
    with pytest.raises(RequestError, match="there is no matte"):
        measured(plate, plate.replace("####", "1001"))


def test_when_pixels_are_no_numbers_then_they_are_left_out_and_counted(tmp_path: Path, plate: str) -> None:
    def damaged(frame: int) -> NDArray[np.float32]:
        pixels = plate_of(frame)
        if frame == 1003:
            pixels[20, 30] = np.nan
            pixels[50, 80] = np.inf
        return pixels

    found = measured(write_frames(tmp_path / "result", "comp", TEN, damaged), plate)
    assert rules(found)["values_not_finite"] == (1003,)
    assert pictures(found)[2].not_finite_pixels == 2
    assert {row.psnr for row in pictures(found)} == {"inf"}
    assert {row.ssim for row in pictures(found)} == {1.0}


def test_when_there_is_one_frame_then_it_is_measured_and_nothing_over_time_is(tmp_path: Path, plate: str) -> None:
    found = measured(write_frames(tmp_path / "result", "comp", [1004]), plate, segment_length=5)
    assert "one_frame" in rules(found)
    assert found.summary.keys() == {"ssim", "psnr"}
    assert draw_plot(found).startswith(b"\x89PNG")


def test_when_frames_are_missing_then_each_is_named_and_nothing_is_measured_over_the_gap(
    tmp_path: Path, plate: str
) -> None:
    result = write_frames(tmp_path / "result", "comp", [frame for frame in range(1000, 1009) if frame != 1004])
    found = measured(result, plate)
    assert found.missing_frames == {"result": (1004,), "against": (1000,)}
    assert [row.frame for row in found.rows] == [1001, 1002, 1003, 1005, 1006, 1007, 1008]
    assert [row.frame for row in pictures(found) if row.change is None] == [1001, 1005]


def test_when_the_result_is_the_plate_then_it_is_identical_and_nothing_stands_out(plate: str, matte: str) -> None:
    found = measured(plate, plate, matte, segment_length=5)
    assert {row.ssim for row in pictures(found)} == {1.0}
    assert {row.psnr_inside for row in pictures(found)} == {"inf"}
    assert found.summary["psnr"].mean == "inf"
    assert found.summary["colour_inside"].worst == 0
    assert not any(row.stands_out for row in pictures(found))
    assert found.seams[0].ratio == 1


def test_when_a_seam_is_planted_then_it_is_found_at_its_frame_beside_the_plates_own_change(
    tmp_path: Path, matte: str
) -> None:
    frames = range(FIRST, FIRST + 20)
    plate = write_frames(tmp_path / "long", "plate", frames)
    result = write_frames(tmp_path / "result", "comp", frames, inside_times(lambda frame: 1.3 if frame >= 1011 else 1))
    matte = write_frames(tmp_path / "mattes", "matte", frames, matte_of)
    found = measured(result, plate, matte, segment_length=5)
    assert [seam.frame for seam in found.seams] == [1006, 1011, 1016]
    assert [row.frame for row in pictures(found) if row.stands_out] == [1011]
    planted = found.seams[1]
    before, after = pictures(found)[9], pictures(found)[10]
    assert before.level is not None
    assert after.level is not None
    height = after.level[0] - before.level[0]
    assert planted.step == pytest.approx(height, abs=0.003)
    assert height > 0.03
    assert isinstance(planted.ratio, float)
    assert isinstance(planted.usual_ratio, float)
    assert planted.ratio > 2 * planted.usual_ratio
    assert found.seams[0].ratio == pytest.approx(found.seams[0].usual_ratio, rel=0.3)


def test_when_flicker_is_planted_then_it_is_found_and_is_none_of_the_plates(
    tmp_path: Path, plate: str, matte: str
) -> None:
    flickers = inside_times(lambda frame: 1.1 if frame % 2 else 1.0)
    found = measured(write_frames(tmp_path / "result", "comp", TEN, flickers), plate, matte)
    height = np.mean([abs(row.level[0] - row.plate_level[0]) for row in pictures(found)[::2]])  # type: ignore[index]
    for row in pictures(found)[1:-1]:
        assert row.flicker == pytest.approx(height, abs=0.003)
        assert row.plate_flicker is not None
        assert row.plate_flicker < 0.003
    assert height > 0.01


def test_when_the_light_inside_is_off_then_the_colour_is_off_there_and_nowhere_else(
    tmp_path: Path, plate: str, matte: str
) -> None:
    def grey(frame: int) -> NDArray[np.float32]:
        return np.full((HEIGHT, WIDTH, 3), 0.18, np.float32)

    def lighter(frame: int) -> NDArray[np.float32]:
        changed = grey(frame)
        changed[INSIDE] *= 1.2
        return changed

    flat = write_frames(tmp_path / "flat", "plate", TEN, grey)
    found = measured(write_frames(tmp_path / "result", "comp", TEN, lighter), flat, matte)
    first, second = (116 * light ** (1 / 3) - 16 for light in (0.18, 0.216))  # CIE 1976 L* of a grey
    off = (first + second) / 2 - 50
    expected = (second - first) / (1 + 0.015 * off**2 / (20 + off**2) ** 0.5)  # CIEDE2000 of greys
    assert found.summary["colour_inside"].mean == pytest.approx(expected, rel=1e-3)
    assert found.summary["colour_step"].mean == pytest.approx(expected, rel=1e-3)
    assert found.summary["colour_outside"].mean == 0
    assert found.summary["plate_colour_step"].mean == pytest.approx(0, abs=1e-3)


def test_when_colour_spaces_differ_then_the_pictures_are_compared_in_one(tmp_path: Path, plate: str) -> None:
    (tmp_path / "png").mkdir()
    for frame in TEN:
        light = np.clip(plate_of(frame), 0, 1)
        codes = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)  # IEC 61966-2-1
        cv2.imwrite(str(tmp_path / f"png/comp.{frame}.png"), np.rint(codes[:, :, ::-1] * 65535).astype(np.uint16))
    found = measured(str(tmp_path / "png/comp.####.png"), plate)
    assert isinstance(found.summary["psnr"].worst, float)
    assert found.summary["psnr"].worst > 80


def test_when_the_result_is_a_movie_then_its_first_picture_has_the_number_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "png").mkdir()
    shades = [40 + 10 * index for index in range(10)]
    with MovieWriter(tmp_path / "comp.mp4", Fraction(24), WIDTH, HEIGHT) as movie:
        for frame, shade in zip(TEN, shades, strict=True):
            picture = np.full((HEIGHT, WIDTH, 3), shade, np.uint8)
            movie.write(picture)
            cv2.imwrite(str(tmp_path / f"png/plate.{frame}.png"), picture)
    asked = Asked(result=str(tmp_path / "comp.mp4"), against=str(tmp_path / "png/plate.####.png"), first=FIRST)
    found = evaluate(asked, Wanted())
    assert [row.frame for row in found.rows] == list(TEN)
    assert isinstance(found.summary["psnr"].worst, float)
    assert found.summary["psnr"].worst > 40


def test_when_the_character_has_the_references_colours_then_every_distance_is_small(
    tmp_path: Path, plate: str, matte: str
) -> None:
    def red(frame: int) -> NDArray[np.float32]:
        changed = plate_of(frame)
        changed[INSIDE] *= (3, 0.5, 0.5)
        return changed

    result = write_frames(tmp_path / "result", "comp", TEN, red)
    whole = write_frames(tmp_path / "red", "red", [1], lambda frame: plate_of(frame) * np.float32([3, 0.5, 0.5]))
    alike = measured(result, whole.replace("####", "0001"), matte)
    other = measured(result, plate.replace("####", "1001"), matte)
    assert alike.kind == "reference"
    assert alike.summary["colour"].mean < 0.5  # type: ignore[operator]
    assert other.summary["colour"].mean > 20  # type: ignore[operator]
    assert alike.summary["chroma_distance"].mean < 0.3 < 0.9 < other.summary["chroma_distance"].mean  # type: ignore[operator]


def test_when_it_is_run_again_then_the_same_bytes_come_out(tmp_path: Path, plate: str, matte: str) -> None:
    result = write_frames(tmp_path / "result", "comp", TEN, inside_times(lambda frame: 1.1))
    first, second = (measured(result, plate, matte, segment_length=5) for _ in range(2))
    assert results_text(first) == results_text(second)
    assert draw_plot(first) == draw_plot(second)


def test_when_the_shot_is_longer_then_memory_stays_flat(tmp_path: Path) -> None:
    def peak(frames: range) -> int:
        pattern = write_frames(tmp_path / f"{len(frames)}", "plate", frames)
        mattes = write_frames(tmp_path / f"{len(frames)}", "matte", frames, matte_of)
        tracemalloc.start()
        measured(pattern, pattern, mattes)
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    peak(range(1, 4))  # what is loaded once
    short, long = peak(range(1, 7)), peak(range(1, 47))
    # A frame more is a row and three file names, some kilobytes; one picture of it alone would be 72.
    assert long - short < 40 * 8192
