"""The controls of a whole shot: lazy, one frame at a time, and whole where inputs are not."""

from __future__ import annotations

import dataclasses
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from understudy.inference.controls.conditioning import Controls, make_controls
from understudy.inference.controls.face import FACE_PIXELS, FaceBox, crop_face
from understudy.inference.controls.grid import Grid
from understudy.inference.controls.material import FaceSource, Material
from understudy.inference.controls.skeleton import draw_skeleton
from understudy.inference.controls.survey import survey

Picture = NDArray[np.float32]
HEIGHT, WIDTH = 240, 416
FRAMES = (1001, 1002, 1003, 1004)
NOBODY = np.zeros((133, 3), np.float32)


def person(across: float = 0.0, scale: float = 1.0) -> Picture:
    points = np.ones((133, 3), np.float32)
    places = (
        (0, -75), (4, -79), (-4, -79), (9, -77), (-9, -77), (15, -50), (-15, -50), (20, -25), (-20, -25), (22, 0),
        (-22, 0), (8, 0), (-8, 0), (8, 40), (-8, 40), (8, 80), (-8, 80),
    )  # fmt: skip
    points[:17, :2] = places
    points[17:23, :2] = (10, 82)
    turn = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    points[23:91, :2] = np.stack([30 * np.cos(turn), -75 + 34 * np.sin(turn)], axis=1)
    points[91:112, :2], points[112:133, :2] = places[9], places[10]
    points[:, :2] = points[:, :2] * scale + (WIDTH / 2 + across, HEIGHT / 2)
    return points


def plate(frame: int) -> Picture:
    picture = np.empty((HEIGHT, WIDTH, 3), np.float32)
    picture[..., 0] = np.linspace(-0.1, 1.1, WIDTH)
    picture[..., 1] = np.linspace(0, 1, HEIGHT)[:, None]
    picture[..., 2] = (frame - 1000) / 10
    return picture


def matte(frame: int) -> Picture:
    made = np.zeros((HEIGHT, WIDTH), np.float32)
    cv2.ellipse(made, (WIDTH // 2, HEIGHT // 2), (40, 100), 0, 0, 360, 1.0, -1)
    return made


def shot(**changes: object) -> Material:
    keypoints = {frame: person(2 * n) for n, frame in enumerate(FRAMES)}
    return dataclasses.replace(
        Material("replace", FRAMES, HEIGHT, WIDTH, keypoints, plate, matte),
        **changes,  # type: ignore[arg-type]
    )


def rules(controls: Controls) -> dict[str, tuple[int, ...]]:
    return {finding.rule: finding.frames for finding in controls.findings}


@pytest.mark.parametrize("lacking", ["plate", "matte"])
def test_when_replace_lacks_an_input_then_it_is_refused(lacking: str) -> None:
    with pytest.raises(ValueError, match="plate and a matte"):
        make_controls(shot(**{lacking: None}))


def test_when_a_reader_gives_another_size_then_the_frame_and_both_sizes_are_named() -> None:
    controls = make_controls(shot(clean_plate=lambda frame: plate(frame)[:100]))
    with pytest.raises(ValueError, match=r"frame 1002: the clean plate is \(100, 416\), not \(240, 416\)"):
        controls.background(1002)


def test_when_a_shot_has_no_frames_then_there_is_nothing_to_tell() -> None:
    assert make_controls(shot(frames=(), keypoints={})).findings == ()


@pytest.mark.parametrize(("what", "reader"), [("plate", plate), ("matte", matte)])
def test_when_plate_or_matte_change_their_size_then_it_is_told_before_anything_is_made(
    what: str, reader: Callable[[int], Picture]
) -> None:
    with pytest.raises(ValueError, match=f"frame 1003: the {what} is"):
        make_controls(shot(**{what: lambda frame: reader(frame)[: 100 if frame == 1003 else None]}))


def test_when_keypoints_have_another_shape_then_the_frame_is_named() -> None:
    with pytest.raises(ValueError, match=r"frame 1002: keypoints are \(133, 3\), not \(17, 3\)"):
        make_controls(shot(keypoints={1002: NOBODY[:17]}))


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_when_a_point_is_no_number_then_it_is_not_there_and_the_rest_is_drawn(wrong: float) -> None:
    points = person()
    points[[7, 95], 0] = wrong
    points[30, 2] = wrong
    made = make_controls(shot(keypoints=dict.fromkeys(FRAMES, points))).pictures(1001)
    without = person()
    without[[7, 95, 30]] = 0
    assert np.array_equal(made.skeleton, draw_skeleton(without, HEIGHT, WIDTH))
    assert made.face.any()


def test_when_a_frame_is_not_of_the_shot_then_it_is_a_key_error() -> None:
    controls = make_controls(shot())
    for ask in (controls.skeleton, controls.face):
        with pytest.raises(KeyError):
            ask(7)


def test_when_faces_mattes_and_keypoints_are_lacking_then_every_picture_is_still_made_and_all_is_listed() -> None:
    keypoints = {1001: person(), 1004: NOBODY}
    controls = make_controls(
        shot(keypoints=keypoints, matte=lambda frame: matte(frame) * (frame != 1003)), hold_frames=0
    )
    for frame in FRAMES:
        made = controls.pictures(frame)
        assert made.face.shape == (FACE_PIXELS, FACE_PIXELS, 3)
        assert made.face.any() == (frame == 1001)
        assert made.skeleton.any() == (frame == 1001)
        assert made.matte_used is not None
        assert made.matte_used.any() == (frame != 1003)
    assert rules(controls) == {
        "matte_shows_somebody": (1003,),
        "body_is_seen": (1002, 1004),
        "face_is_seen": (1002, 1004),
    }


def test_when_the_matte_is_narrower_than_its_grid_then_it_is_told_and_a_matte_is_made() -> None:
    def thread(frame: int) -> Picture:
        made = np.zeros((HEIGHT, WIDTH), np.float32)
        made[50:52, 100] = 1
        return made

    controls = make_controls(shot(matte=thread), grid=Grid(columns=20, rows=40))
    assert rules(controls)["matte_holds_the_grid"] == FRAMES
    assert controls.matte_used(1001).sum() == 19 * 20


def test_all_of_a_frame_is_what_each_asked_alone_gives() -> None:
    controls = make_controls(shot(clean_plate=lambda frame: plate(frame) * 0.5))
    made = controls.pictures(1003)
    assert np.array_equal(made.skeleton, controls.skeleton(1003))
    assert np.array_equal(made.face, controls.face(1003))
    assert made.background is not None
    assert np.array_equal(made.background, controls.background(1003))
    assert made.matte_used is not None
    assert np.array_equal(made.matte_used, controls.matte_used(1003))


def test_pictures_are_in_zero_to_one_and_the_background_is_the_plate_around_a_black_hole() -> None:
    made = make_controls(shot()).pictures(1002)
    assert made.background is not None
    assert made.matte_used is not None
    hole = made.matte_used > 0
    assert not made.background[hole].any()
    assert np.array_equal(made.background[~hole], np.clip(plate(1002), 0, 1)[~hole])
    assert made.face.dtype == made.background.dtype == made.matte_used.dtype == np.float32
    assert 0 <= made.face.min() <= made.face.max() <= 1


def test_when_a_face_is_brighter_than_the_models_range_then_it_ends_there() -> None:
    made = make_controls(shot(plate=lambda frame: plate(frame) * 3)).face(1002)
    assert made.max() == 1


def test_when_the_face_is_lost_at_a_cut_then_no_box_goes_over_it() -> None:
    sets = np.random.default_rng(4).random((2, HEIGHT // 8, WIDTH // 8, 3), np.float32)
    large = [cv2.resize(each, (WIDTH, HEIGHT)) for each in sets]
    keypoints = {1001: person(-60), 1002: NOBODY, 1003: NOBODY, 1004: person(60)}
    controls = make_controls(shot(keypoints=keypoints, plate=lambda frame: large[int(frame >= 1003)]))
    assert rules(controls)["one_shot"] == (1003,)
    assert controls.faces.boxes[1002] == controls.faces.boxes[1001]
    assert controls.faces.boxes[1003] == controls.faces.boxes[1004]


def test_when_faces_are_cut_from_larger_pictures_then_the_box_and_the_detail_are_theirs() -> None:
    def large(frame: int) -> Picture:
        return np.random.default_rng(frame).random((2 * HEIGHT, 2 * WIDTH, 3), np.float32)

    keypoints = {}
    for frame, points in shot().keypoints.items():
        keypoints[frame] = points.copy()
        keypoints[frame][:, :2] *= 2

    def part(frame: int, box: FaceBox) -> Picture:
        return large(frame)[box.top : box.bottom, box.left : box.right]

    source = FaceSource(part, 2 * HEIGHT, 2 * WIDTH, keypoints)
    controls, plain = make_controls(shot(faces=source)), make_controls(shot())
    box, small = controls.faces.boxes[1002], plain.faces.boxes[1002]
    assert box is not None
    assert small is not None
    assert np.abs(np.array(box) - 2 * np.array(small)).max() <= 2
    assert np.array_equal(controls.pictures(1002).face, crop_face(large(1002), box))
    assert np.array_equal(controls.face(1002), controls.pictures(1002).face)
    assert np.array_equal(controls.skeleton(1002), plain.skeleton(1002))


def test_when_a_face_is_neutral_in_animate_then_no_picture_is_read_for_it() -> None:
    read: list[int] = []
    controls = make_controls(
        shot(mode="animate", keypoints={}, plate=lambda frame: (read.append(frame), plate(frame))[1])
    )
    read.clear()
    controls.pictures(1001)
    assert read == []


def test_when_pictures_of_a_frame_are_made_then_its_plate_and_its_matte_are_read_once() -> None:
    read: list[tuple[str, int]] = []

    def noting(name: str, reader: object) -> object:
        return lambda frame: read.append((name, frame)) or reader(frame)  # type: ignore[operator]

    controls = make_controls(shot(plate=noting("plate", plate), matte=noting("matte", matte)))
    assert len(read) == 2 * len(FRAMES)
    read.clear()
    controls.pictures(1004)
    assert sorted(read) == [("matte", 1004), ("plate", 1004)]


def test_when_the_shot_has_been_surveyed_before_then_no_picture_and_no_matte_is_read_again() -> None:
    def unread(frame: int) -> Picture:
        raise AssertionError(f"frame {frame} was read again")

    looked = survey(FRAMES, plate, matte, Grid())
    controls = make_controls(shot(plate=unread, matte=unread), looked=looked)
    assert controls.findings == make_controls(shot()).findings


def test_when_two_people_are_in_the_matte_then_they_are_counted() -> None:
    beside = (WIDTH / 2, 0, WIDTH, HEIGHT)
    people = {frame: [(0, 0, WIDTH / 2, HEIGHT), beside] for frame in FRAMES[:2]}
    assert rules(make_controls(shot(people=people)))["one_person_in_the_matte"] == FRAMES[:2]


def test_in_animate_there_is_no_background_and_no_matte() -> None:
    controls = make_controls(shot(mode="animate"))
    made = controls.pictures(1001)
    assert made.background is None
    assert made.matte_used is None
    assert made.face.any()
    with pytest.raises(ValueError, match="mode animate has no matte"):
        controls.matte_used(1001)


def test_when_keypoints_alone_drive_then_the_face_is_neutral_and_it_is_told() -> None:
    controls = make_controls(shot(mode="animate", plate=None, matte=None))
    made = controls.pictures(1001)
    assert not made.face.any()
    assert made.skeleton.any()
    assert rules(controls) == {"face_is_seen": FRAMES}


def test_when_the_motion_is_retargeted_then_the_skeleton_is_the_references_and_the_face_still_the_drivers() -> None:
    big = person(scale=1.6)
    controls = make_controls(shot(mode="animate", reference=big), retarget=True)
    assert controls.keypoints(1001) == pytest.approx(big, abs=0.01)
    assert np.array_equal(controls.skeleton(1001), draw_skeleton(controls.keypoints(1001), HEIGHT, WIDTH))
    plain = make_controls(shot(mode="animate"))
    assert np.array_equal(controls.face(1001), plain.face(1001))
    assert set(rules(controls)) == {"retarget"}


def test_when_a_retargeted_driver_walks_away_then_the_references_framing_is_no_fault() -> None:
    away = {frame: person(scale=1 if frame == 1001 else 0.5) for frame in FRAMES}
    material = shot(mode="animate", keypoints=away, reference=person())
    assert "reference_scale" in rules(make_controls(material))
    assert "reference_scale" not in rules(make_controls(material, retarget=True))


def test_when_a_retarget_finds_nothing_to_compare_then_the_motion_stays_and_it_is_told() -> None:
    controls = make_controls(shot(mode="animate", reference=NOBODY), retarget=True)
    assert np.array_equal(controls.keypoints(1002), person(2))
    assert controls.retarget is None
    assert "retarget" in rules(controls)


def test_when_replace_asks_for_a_retarget_then_it_is_refused() -> None:
    with pytest.raises(ValueError, match="own proportions"):
        make_controls(shot(), retarget=True)


def test_when_the_shot_is_long_then_no_picture_of_it_is_kept() -> None:
    frames = tuple(range(200))
    keypoints = dict.fromkeys(frames, person())
    tracemalloc.start()
    controls = make_controls(shot(frames=frames, keypoints=keypoints))
    for frame in frames[:20]:
        controls.pictures(frame)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    one = HEIGHT * WIDTH * 3 * 4
    assert kept < 4 * one  # thumbnails are dropped with the survey; boxes and findings stay
    assert peak < 24 * one


@pytest.mark.parametrize("which", range(4))
def test_on_real_footage_face_and_skeleton_are_cut_and_drawn_as_the_official_code_does(
    footage: Path, which: int
) -> None:
    golden = footage.parent / "golden" / "market"
    if not golden.is_dir():
        pytest.skip("no results of the official code beside the test footage")
    told = json.loads((golden / "golden.json").read_text())["frames"][which]
    with av.open(str(footage / "market" / "plate.mp4")) as movie:
        frames = (frame for n, frame in enumerate(movie.decode(video=0)) if n == told["frame"])
        codes = next(frames).to_ndarray(format="rgb24")
    soft = cv2.imread(str(footage / f"market/matte/matte.{told['frame']:04}.png"), -1).astype(np.float32) / 255
    points = np.array(told["keypoints_133"], np.float32)
    material = Material(
        "replace", (1,), 720, 1280, {1: points}, lambda _: codes.astype(np.float32) / 255, lambda _: soft
    )
    made = make_controls(material, grid=Grid(columns=10, rows=20)).pictures(1)
    left, right, top, bottom = told["face_box_x1_x2_y1_y2"]
    wanted = cv2.resize(codes[top:bottom, left:right], (FACE_PIXELS, FACE_PIXELS))
    assert np.abs(made.face * 255 - wanted).max() <= 1
    assert np.array_equal(crop_face(codes, make_controls(material).faces.boxes[1] or (0, 0, 0, 0)), wanted)  # type: ignore[arg-type]
    drawn = cv2.imread(str(golden / f"skeleton.{told['frame']:04}.png"))[..., ::-1]
    assert np.array_equal(made.skeleton, drawn)
    used = cv2.imread(str(golden / f"matte_used.{told['frame']:04}.i3k7w10h20.png"), -1)
    assert made.matte_used is not None
    assert np.array_equal(made.matte_used > 0, used > 127)
