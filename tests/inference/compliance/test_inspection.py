"""Inspection: what real files on disk are read as, and what the rules make of it. The user's names, never ours."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import msgspec
import numpy as np
import pytest

from understudy.bridge.errors import Finding, JobCancelled
from understudy.bridge.frames import FrameRange, FrameRate
from understudy.bridge.shot import Keypoints, Matte, PictureFile, Pictures, Plate, Settings
from understudy.inference.compliance.evidence import inspect_inputs, merge_inspections
from understudy.inference.compliance.facts import InspectionFacts
from understudy.inference.compliance.gate import STAGES, evaluate, refusal
from understudy.inference.picture.movies import MovieWriter

Judge = Callable[..., dict[str, Finding]]


def read(order: Any, **changes: Any) -> InspectionFacts:
    return inspect_inputs(order, lambda done, total: None, **changes)


@pytest.fixture
def judge(say: Any) -> Judge:
    """Return a function that inspects an order and asks every rule of inspection."""

    def ask(order: Any) -> dict[str, Finding]:
        facts = read(order)
        return {name: say(name, facts) for name in STAGES["inspection"]}

    return ask


def refusals(found: dict[str, Finding]) -> list[str]:
    return [name for name, finding in found.items() if finding.refuses]


def test_a_sound_shot_is_read_whole_and_passes_every_rule_in_the_gates_own_process(on_disk: Any) -> None:
    steps: list[tuple[int, int]] = []
    facts = inspect_inputs(on_disk.order(), lambda done, total: steps.append((done, total)))
    found = evaluate("inspection", facts)
    assert refusal(found, "the shot") is None
    assert steps == [(number, 9) for number in range(1, 10)]
    plate = facts.role("plate")
    assert plate is not None
    assert [picture.frame for picture in plate.pictures] == [1, 2, 3, 4]
    assert {(p.width, p.height, p.pixel_type, p.channels) for p in plate.pictures} == {
        (48, 32, "half", ("R", "G", "B"))
    }
    matte = facts.mattes()[0].pictures[0]
    assert (matte.coverage, matte.peak) == (pytest.approx(16 * 20 / (32 * 48)), 1.0)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def flip_bytes(path: Path) -> None:
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 64] = bytes(value ^ 0xFF for value in data[middle : middle + 64])
    path.write_bytes(data)


def rename_from_text(path: Path) -> None:
    path.write_text("this is no picture at all, whatever its name says")


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("harm", [cut_short, flip_bytes, rename_from_text, empty, Path.unlink])
@pytest.mark.parametrize("name", ["plate.0003.exr", "m.0003.png"])
def test_when_a_frame_in_mid_range_is_damaged_then_it_is_named_as_the_user_typed_it(
    on_disk: Any, judge: Judge, harm: Callable[[Path], None], name: str, tmp_path: Path
) -> None:
    order = on_disk.order()
    harm(tmp_path / name)
    found = judge(order)
    assert refusals(found) == ["inputs_are_whole"]
    told = found["inputs_are_whole"]
    assert (told.frames, told.files) == ((3,), (name,))
    assert name in told.message
    assert str(tmp_path) not in told.message + told.remedy


def test_when_a_file_never_came_then_it_is_a_reading_and_no_crash(on_disk: Any, judge: Judge) -> None:
    order = on_disk.order()
    gone = msgspec.structs.replace(order, blobs={d: p for d, p in order.blobs.items() if not p.endswith("m.0002.png")})
    assert "m.0002.png" in judge(gone)["inputs_are_whole"].message


def test_when_the_plate_changes_its_size_in_mid_shot_then_both_files_and_sizes_are_named(
    on_disk: Any, judge: Judge
) -> None:
    on_disk.write_plate(3, on_disk.plate_pixels(3, 64, 32))
    found = judge(on_disk.order())["plate_keeps_its_size"]
    assert found.refuses
    assert found.message == "plate changes its size: plate.0001.exr is 48x32, plate.0003.exr is 64x32"
    assert found.files == ("plate.0001.exr", "plate.0003.exr")


def test_when_the_plate_turns_from_half_to_float_then_it_is_refused(on_disk: Any, judge: Judge) -> None:
    on_disk.write_plate(2, on_disk.plate_pixels(2).astype(np.float32))
    found = judge(on_disk.order())["plate_keeps_its_form"]
    assert found.message == "the plate changes its form: plate.0001.exr is half R,G,B, plate.0002.exr is float R,G,B"


def test_when_the_matte_has_another_size_then_both_sizes_and_files_are_named(on_disk: Any, judge: Judge) -> None:
    for frame in range(1, 5):
        on_disk.write_matte(frame, np.pad(on_disk.matte_pixels(), 2))
    found = judge(on_disk.order())["sizes_agree"]
    assert found.message == "sizes disagree: plate plate.0001.exr is 48x32, matte m.0001.png is 52x36"


def test_when_the_plate_holds_nan_and_infinity_then_it_passes_and_they_are_listed(on_disk: Any, judge: Judge) -> None:
    pixels = on_disk.plate_pixels(2)
    pixels[0, 0, 0], pixels[5, 5, 1], pixels[6, 6, 2] = np.nan, np.inf, -np.inf
    on_disk.write_plate(2, pixels)
    found = judge(on_disk.order())
    assert refusals(found) == []
    assert found["finite_values"].outcome == "warn"
    assert found["finite_values"].message == "values that are NaN or infinite: plate has 3 in frames 2"


def test_when_the_matte_is_empty_on_all_frames_then_it_is_refused(on_disk: Any, judge: Judge) -> None:
    for frame in range(1, 5):
        on_disk.write_matte(frame, np.zeros((32, 48), np.uint8))
    found = judge(on_disk.order())
    assert refusals(found) == ["matte_is_not_empty"]
    assert found["matte_is_not_empty"].message == "the matte m.####.png is empty on all 4 frames"


def test_when_the_matte_is_empty_on_some_frames_then_they_are_listed(on_disk: Any, judge: Judge) -> None:
    on_disk.write_matte(1, np.zeros((32, 48), np.uint8))
    on_disk.write_matte(2, np.zeros((32, 48), np.uint8))
    found = judge(on_disk.order())["matte_is_not_empty"]
    assert (found.outcome, found.frames) == ("warn", (1, 2))


def test_when_only_the_first_segment_was_read_then_an_empty_matte_there_refuses_nothing(on_disk: Any, say: Any) -> None:
    on_disk.write_matte(1, np.zeros((32, 48), np.uint8))
    first = read(on_disk.order(), frames=(1,))
    assert not first.whole
    assert not say("matte_is_not_empty", first).refuses


def test_two_inspections_together_are_the_whole_one(on_disk: Any) -> None:
    order = on_disk.order()
    merged = merge_inspections(read(order, frames=(1, 2)), read(order, frames=(3, 4)))
    assert merged == read(order)


def test_when_the_matte_covers_most_of_the_picture_then_it_asks(on_disk: Any, judge: Judge) -> None:
    on_disk.write_matte(4, 255 - on_disk.matte_pixels())
    found = judge(on_disk.order())
    assert refusals(found) == ["matte_is_not_too_large"]
    assert "up to 79% of the picture (frames 4)" in found["matte_is_not_too_large"].message
    assert "--allow-large-matte" in found["matte_is_not_too_large"].remedy


def test_when_a_large_matte_is_allowed_then_it_is_listed(on_disk: Any, judge: Judge, make: Any) -> None:
    on_disk.write_matte(4, 255 - on_disk.matte_pixels())
    job = make.job(FrameRange(1, 4), settings=Settings(allow_large_matte=True))
    found = judge(on_disk.order(job=job))
    assert refusals(found) == []
    assert found["matte_is_not_too_large"].outcome == "warn"


def test_when_the_reference_is_no_image_then_it_is_refused(on_disk: Any, judge: Judge, tmp_path: Path) -> None:
    (tmp_path / "hero.png").write_text("<svg/>")
    found = judge(on_disk.order())
    assert refusals(found) == ["reference_is_a_picture"]
    assert found["reference_is_a_picture"].message.startswith("the reference hero.png is no image: hero.png: ")


@pytest.mark.parametrize(("side", "outcome"), [(8, "refuse"), (100, "warn")])
def test_a_small_reference_is_listed_and_a_tiny_one_refused(
    on_disk: Any, judge: Judge, side: int, outcome: str
) -> None:
    on_disk.write_png("hero.png", np.full((side, side, 3), 90, np.uint8))
    assert judge(on_disk.order())["reference_is_a_picture"].outcome == outcome


def test_when_the_colour_space_is_unknown_then_near_names_are_offered(on_disk: Any, judge: Judge, make: Any) -> None:
    pictures = msgspec.structs.replace(make.sequence("plate.####.exr", range(1, 5)), colour="ACEScgg")
    found = judge(on_disk.order(plate=pictures))
    assert refusals(found) == ["colour_is_known"]
    assert "plate plate.####.exr: there is no colour space 'ACEScgg'" in found["colour_is_known"].message
    assert "'ACEScg'" in found["colour_is_known"].remedy


def test_when_no_colour_space_is_declared_then_the_assumption_is_listed(on_disk: Any, judge: Judge) -> None:
    found = judge(on_disk.order())["colour_is_known"]
    assert found.outcome == "warn"
    assert "plate plate.####.exr" in found.message
    assert "--colour" in found.remedy


def test_when_the_colour_config_is_unknown_then_it_is_refused(on_disk: Any, judge: Judge, make: Any) -> None:
    job = make.job(FrameRange(1, 4), settings=Settings(colour_config="studio-config-v99"))
    assert refusals(judge(on_disk.order(job=job))) == ["colour_is_known"]


def test_when_a_keypoints_file_is_not_one_then_it_is_refused(
    on_disk: Any, judge: Judge, make: Any, tmp_path: Path
) -> None:
    (tmp_path / "walk.json").write_text("[]")
    job = make.with_shot(make.job(FrameRange(1, 4)), keypoints=Keypoints(pictures=make.single("walk.json")))
    found = judge(on_disk.order(job=job))["inputs_are_whole"]
    assert found.refuses
    assert "walk.json" in found.message


def write_keypoints(folder: Path, size: tuple[int, int]) -> None:
    (folder / "walk.json").write_text(
        f'{{"format": "coco-wholebody-133", "width": {size[0]}, "height": {size[1]}, "frames": {{}}}}'
    )


def test_when_keypoints_are_of_another_picture_than_the_plate_then_both_sizes_are_named(
    on_disk: Any, judge: Judge, make: Any, tmp_path: Path
) -> None:
    job = make.with_shot(make.job(FrameRange(1, 4)), keypoints=Keypoints(pictures=make.single("walk.json")))
    write_keypoints(tmp_path, (48, 32))
    assert not refusals(judge(on_disk.order(job=job)))
    write_keypoints(tmp_path, (1920, 1080))
    found = judge(on_disk.order(job=job))["sizes_agree"]
    assert found.message == "sizes disagree: plate plate.0001.exr is 48x32, keypoints walk.json is 1920x1080"


def test_in_mode_animate_a_backdrop_may_have_a_size_of_its_own_and_the_holdout_lies_on_it(
    on_disk: Any, judge: Judge, make: Any
) -> None:
    on_disk.write_png("street.png", np.full((40, 64, 3), 90, np.uint8))
    on_disk.write_png("lamp.png", np.full((40, 64), 90, np.uint8))
    backdrop, lamp = Plate(pictures=make.single("street.png")), Matte(pictures=make.single("lamp.png"))
    job = make.job(FrameRange(1, 4), settings=Settings(mode="animate"))
    both = make.with_shot(job, clean_plate=backdrop, holdout=lamp)
    assert not refusals(judge(on_disk.order(job=both)))
    alone = judge(on_disk.order(job=make.with_shot(job, holdout=lamp)))["sizes_agree"]
    assert alone.message == "sizes disagree: plate plate.0001.exr is 48x32, holdout lamp.png is 64x40"
    replace = judge(on_disk.order(job=make.with_shot(make.job(FrameRange(1, 4)), clean_plate=backdrop)))
    assert "clean_plate street.png is 64x40" in replace["sizes_agree"].message


def test_when_the_matte_is_empty_on_some_frames_of_a_driver_then_it_is_told_what_that_means(
    on_disk: Any, judge: Judge, make: Any
) -> None:
    on_disk.write_matte(3, np.zeros((32, 48), np.uint8))
    found = judge(on_disk.order(job=make.job(FrameRange(1, 4), settings=Settings(mode="animate"))))
    assert "in which nobody drives the character: 3" in found["matte_is_not_empty"].message


def test_when_a_cancel_comes_while_reading_then_it_stops_at_once(on_disk: Any) -> None:
    def cancel(done: int, total: int) -> None:
        raise JobCancelled("stop")

    with pytest.raises(JobCancelled):
        inspect_inputs(on_disk.order(), cancel)


# ---- movies


def write_movie(path: Path, count: int = 6) -> None:
    with MovieWriter(path, Fraction(24), 48, 32) as movie:
        for number in range(count):
            movie.write(np.full((32, 48, 3), 40 + 10 * number, np.uint8))


def movie_pictures(name: str = "plate.mp4", first: int = 0) -> Pictures:
    file = PictureFile(file="b" * 64, picture="b" * 64, size=1, typed=name)
    return Pictures(files=(file,), kind="movie", typed=name, movie_first=first)


def test_a_movie_plate_is_read_in_its_range_alone(on_disk: Any, judge: Judge, tmp_path: Path) -> None:
    write_movie(tmp_path / "plate.mp4")
    order = on_disk.order(plate=movie_pictures())
    plate = read(order).role("plate")
    assert plate is not None
    assert plate.movie is not None
    assert (plate.movie.count, plate.movie.rate) == (6, FrameRate(24))
    assert [picture.frame for picture in plate.pictures] == [1, 2, 3, 4]
    assert refusals(judge(order)) == []


def test_when_a_movie_is_too_short_then_its_frames_are_told(on_disk: Any, judge: Judge, tmp_path: Path) -> None:
    write_movie(tmp_path / "plate.mp4", 3)
    found = judge(on_disk.order(plate=movie_pictures()))
    assert refusals(found) == ["movies_cover_the_range"]
    assert found["movies_cover_the_range"].message == "plate plate.mp4 has frames 0-2; the shot is 1-4"


def test_when_a_movie_is_cut_short_on_disk_then_it_is_refused(on_disk: Any, judge: Judge, tmp_path: Path) -> None:
    write_movie(tmp_path / "plate.mp4", 6)
    cut_short(tmp_path / "plate.mp4")
    found = judge(on_disk.order(plate=movie_pictures()))
    assert {"movies_are_steady", "inputs_are_whole"} & set(refusals(found))
    assert "plate.mp4" in " ".join(finding.message for finding in found.values() if finding.refuses)


def test_when_a_movie_has_a_variable_rate_then_it_is_refused(on_disk: Any, judge: Judge, tmp_path: Path) -> None:
    with av.open(str(tmp_path / "plate.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 240)
        for number, time in enumerate((0, 10, 20, 47, 50, 90)):
            frame = av.VideoFrame.from_ndarray(np.full((32, 48, 3), 40 * number, np.uint8), format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 240)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    found = judge(on_disk.order(plate=movie_pictures()))
    assert "movies_are_steady" in refusals(found)
    assert "constant rate" in found["movies_are_steady"].message
    assert "plate.mp4" in found["movies_are_steady"].message


def test_when_a_movie_is_interlaced_then_it_is_refused(on_disk: Any, judge: Judge, tmp_path: Path) -> None:
    with av.open(str(tmp_path / "plate.mov"), "w") as container:
        stream = container.add_stream("prores_ks", rate=25, options={"flags": "+ildct"})
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv422p10le"
        for number in range(6):
            frame = av.VideoFrame.from_ndarray(np.full((32, 48, 3), 40 * number, np.uint8), format="rgb24")
            container.mux(stream.encode(frame.reformat(format="yuv422p10le")))
        container.mux(stream.encode())
    found = judge(on_disk.order(plate=movie_pictures("plate.mov")))
    assert "movies_are_steady" in refusals(found)
    assert "interlaced" in found["movies_are_steady"].message


def test_a_movie_of_another_rate_than_stated_is_listed(on_disk: Any, judge: Judge, make: Any, tmp_path: Path) -> None:
    write_movie(tmp_path / "plate.mp4")
    job = make.with_shot(make.job(FrameRange(1, 4)), rate=FrameRate(25))
    found = judge(on_disk.order(plate=movie_pictures(), job=job))["rates_agree"]
    assert found.outcome == "warn"
    assert "the shot runs at 25/1, plate runs at 24/1" in found.message


def test_a_matte_may_be_a_movie(on_disk: Any, judge: Judge, tmp_path: Path) -> None:
    with MovieWriter(tmp_path / "m.mp4", Fraction(24), 48, 32) as movie:
        for _ in range(6):
            movie.write(cv2.cvtColor(on_disk.matte_pixels(), cv2.COLOR_GRAY2RGB))
    found = judge(on_disk.order(matte=movie_pictures("m.mp4")))
    assert refusals(found) == []
    assert "covers" in found["matte_is_not_too_large"].message


def test_when_a_movie_is_another_file_renamed_then_it_is_refused(on_disk: Any, judge: Judge, tmp_path: Path) -> None:
    shutil.copy(tmp_path / "hero.png", tmp_path / "plate.mp4")
    found = judge(on_disk.order(plate=movie_pictures()))
    assert refusals(found)
