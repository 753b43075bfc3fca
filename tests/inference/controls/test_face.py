"""The face box and its crop: where the official code has them, and nowhere a crash."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from understudy.inference.controls.face import FACE_PIXELS, FaceBox, crop_face, face_box, head_box, neutral_face

Points = NDArray[np.float32]
HEIGHT, WIDTH = 720, 1280


def face_at(
    middle: tuple[float, float] = (640, 200), radii: tuple[float, float] = (60, 80), sure: float = 1.0
) -> Points:
    """Return a person of whom nothing but an oval of 68 face points is seen."""
    points = np.zeros((133, 3), np.float32)
    turn = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    points[23:91, 0] = middle[0] + radii[0] * np.cos(turn)
    points[23:91, 1] = middle[1] + radii[1] * np.sin(turn)
    points[23:91, 2] = sure
    return points


def test_when_no_face_point_is_there_then_there_is_no_box() -> None:
    assert face_box(np.zeros((133, 3), np.float32), HEIGHT, WIDTH) is None


def test_when_the_face_points_are_unsure_then_there_is_no_box() -> None:
    assert face_box(face_at(sure=0.29), HEIGHT, WIDTH) is None
    assert face_box(face_at(sure=0.31), HEIGHT, WIDTH) is not None


@pytest.mark.parametrize("middle", [(-200, 200), (1500, 200), (640, -300), (640, 900)])
def test_when_the_face_is_outside_the_picture_then_there_is_no_box(middle: tuple[float, float]) -> None:
    assert face_box(face_at(middle), HEIGHT, WIDTH) is None


@pytest.mark.parametrize("radii", [(0, 80), (60, 0), (0, 0), (0.2, 0.2)])
def test_when_the_face_has_no_extent_then_there_is_no_box(radii: tuple[float, float]) -> None:
    assert face_box(face_at((640.4, 200.4), radii), HEIGHT, WIDTH) is None


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_when_a_point_is_no_number_then_there_is_no_box(wrong: float) -> None:
    points = face_at()
    points[40, 0] = wrong
    assert face_box(points, HEIGHT, WIDTH) is None


def test_when_some_points_are_not_there_then_the_box_is_that_of_the_others() -> None:
    points = face_at()
    points[30] = 0
    box = face_box(points, HEIGHT, WIDTH)
    assert box is not None
    assert box.left > 500


@pytest.mark.parametrize(
    ("middle", "radii", "size", "official"),
    [  # the last column came out of the official code
        ((640, 200), (60, 80), (1280, 720), (571, 708, 103, 285)),
        ((633.3, 411.7), (17.2, 23.9), (832, 464), (613, 652, 382, 437)),
        ((20, 30), (60, 80), (1280, 720), (0, 88, 0, 115)),
        ((1270, 700), (60, 80), (1280, 720), (1201, 1280, 603, 720)),
        ((300.5, 300.5), (400, 350), (592, 600), (0, 592, 0, 600)),
        ((200, 100), (3, 4), (720, 1280), (196, 203, 95, 104)),
    ],
)
def test_the_box_is_the_official_one(
    middle: tuple[float, float], radii: tuple[float, float], size: tuple[int, int], official: tuple[int, ...]
) -> None:
    assert face_box(face_at(middle, radii), size[1], size[0]) == official


@given(
    middle=st.tuples(st.floats(-300, 1600), st.floats(-300, 1000)),
    radii=st.tuples(st.floats(0, 900), st.floats(0, 900)),
)
def test_a_box_lies_in_the_picture_and_holds_what_of_the_face_is_in_it(
    middle: tuple[float, float], radii: tuple[float, float]
) -> None:
    points = face_at(middle, radii)
    box = face_box(points, HEIGHT, WIDTH)
    if box is None:
        return
    assert 0 <= box.left < box.right <= WIDTH
    assert 0 <= box.top < box.bottom <= HEIGHT
    x, y = points[23:91, 0], points[23:91, 1]
    inside = (x >= 0) & (x < WIDTH - 1) & (y >= 0) & (y < HEIGHT - 1)
    assert (x[inside] >= box.left - 1e-3).all()
    assert (x[inside] <= box.right + 1).all()
    assert (y[inside] >= box.top - 1e-3).all()
    assert (y[inside] <= box.bottom + 1).all()


@pytest.mark.parametrize("which", range(4))
def test_when_the_official_boxes_are_at_hand_then_ours_are_the_same(footage: Path, which: int) -> None:
    golden = footage.parent / "golden" / "market" / "golden.json"
    if not golden.is_file():
        pytest.skip("no boxes of the official code beside the test footage")
    told = json.loads(golden.read_text())
    frame = told["frames"][which]
    points = np.array(frame["keypoints_133"], np.float32)
    box = face_box(points, told["height"], told["width"])
    assert box is not None
    assert list(box) == frame["face_box_x1_x2_y1_y2"]
    judged = head_box(points, told["height"], told["width"])
    assert judged is not None
    shared = (min(box.right, judged.right) - max(box.left, judged.left)) * (
        min(box.bottom, judged.bottom) - max(box.top, judged.top)
    )
    areas = [(b.right - b.left) * (b.bottom - b.top) for b in (box, judged)]
    assert shared / (sum(areas) - shared) > 0.65  # a cartoon boy: short chin, high brows


def head(**places: tuple[float, float]) -> Points:
    points = np.zeros((133, 3), np.float32)
    for name, place in places.items():
        points[("nose", "eye_l", "eye_r", "ear_l", "ear_r").index(name)] = (*place, 1)
    return points


def test_when_a_rig_has_eyes_or_ears_only_then_either_pair_gives_about_the_same_box() -> None:
    eyes = head_box(head(eye_l=(420, 200), eye_r=(380, 200)), HEIGHT, WIDTH)
    ears = head_box(head(ear_l=(446, 200), ear_r=(354, 200)), HEIGHT, WIDTH)
    assert eyes is not None
    assert ears is not None
    assert np.abs(np.subtract(eyes, ears)).max() <= 2
    assert eyes.left < 370
    assert eyes.right > 430
    assert eyes.top < 200 < eyes.bottom


def test_when_a_head_is_seen_from_behind_then_there_is_no_box() -> None:
    assert head_box(head(ear_l=(354, 200), ear_r=(446, 200)), HEIGHT, WIDTH) is None


def test_when_a_head_has_one_eye_and_no_pair_of_ears_then_there_is_no_box() -> None:
    assert head_box(head(nose=(400, 220), eye_l=(420, 200), ear_l=(446, 200)), HEIGHT, WIDTH) is None


def test_the_crop_holds_what_is_in_the_box_and_stretches_it_to_the_square() -> None:
    picture = np.zeros((60, 80, 3), np.float32)
    picture[10:30, 20:50] = (0.25, 0.5, 1)
    crop = crop_face(picture, FaceBox(20, 50, 10, 30))
    assert crop.shape == (FACE_PIXELS, FACE_PIXELS, 3)
    assert crop.dtype == np.float32
    assert (crop == np.array([0.25, 0.5, 1], np.float32)).all()


def test_the_crop_of_codes_and_that_of_their_floats_are_within_a_code() -> None:
    codes = np.random.default_rng(5).integers(0, 256, (90, 70, 3), dtype=np.uint8)
    box = FaceBox(3, 66, 7, 88)
    floats = crop_face(codes.astype(np.float32) / 255, box)
    assert np.abs(floats * 255 - crop_face(codes, box)).max() <= 1
    assert 0 <= floats.min() <= floats.max() <= 1


@pytest.mark.parametrize("box", [FaceBox(3, 66, 7, 88), FaceBox(0, 900, 0, 700)])
def test_the_crop_is_stretched_bilinearly_as_the_official_code_does_whether_it_grows_or_shrinks(box: FaceBox) -> None:
    codes = np.random.default_rng(5).integers(0, 256, (700, 900, 3), dtype=np.uint8)
    wanted = cv2.resize(codes[box.top : box.bottom, box.left : box.right], (FACE_PIXELS, FACE_PIXELS))
    assert np.array_equal(crop_face(codes, box), wanted)


def test_the_neutral_face_is_black() -> None:
    assert neutral_face().shape == (FACE_PIXELS, FACE_PIXELS, 3)
    assert not neutral_face().any()
