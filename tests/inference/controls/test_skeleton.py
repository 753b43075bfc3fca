"""The skeleton as the model knows it."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from understudy.inference.controls.skeleton import BODY, LIMBS, draw_skeleton


def nobody() -> np.ndarray:
    return np.zeros((133, 3), np.float32)


def test_when_nobody_is_there_then_the_picture_is_black() -> None:
    assert not draw_skeleton(nobody(), 40, 60).any()


def test_when_one_joint_is_there_then_a_disc_of_its_own_colour_is_and_no_limb() -> None:
    points = nobody()
    points[0] = (100, 80, 1)
    drawn = draw_skeleton(points, 600, 800)
    assert drawn[80, 100].tolist() == [255, 0, 0]  # the nose's disc has the first colour
    assert set(map(tuple, drawn.reshape(-1, 3))) == {(0, 0, 0), (255, 0, 0)}
    assert np.count_nonzero(drawn.any(axis=2)) < 30


def test_when_two_joints_of_a_limb_are_there_then_the_limb_between_them_is_darker_than_its_colour() -> None:
    points = nobody()
    points[6], points[8] = (100, 100, 1), (300, 100, 1)  # right shoulder and elbow
    drawn = draw_skeleton(points, 600, 800)
    assert drawn[100, 200].tolist() == [153, 102, 0]  # 60 % of (255, 170, 0)


def test_when_a_point_is_unsure_then_neither_it_nor_its_limbs_are_drawn() -> None:
    points = nobody()
    points[6], points[8] = (100, 100, 1), (300, 100, 0.49)
    drawn = draw_skeleton(points, 600, 800)
    assert drawn[100, 200].tolist() == [0, 0, 0]
    assert drawn[100, 100].any()


def test_when_points_lie_outside_the_picture_then_what_is_inside_is_drawn() -> None:
    points = nobody()
    points[6], points[8] = (-100, 100, 1), (3000, 100, 1)
    assert draw_skeleton(points, 600, 800)[100, 400].any()


def test_when_a_hand_is_there_then_its_joints_are_pure_blue() -> None:
    points = nobody()
    points[112:133] = [(20 + 3 * n, 30, 1) for n in range(21)]
    drawn = draw_skeleton(points, 600, 800)
    assert drawn[30, 20].tolist() == [0, 0, 255]


def test_every_limb_joins_two_of_the_twenty_body_points() -> None:
    assert len(BODY) == 20
    assert all(0 <= start < 20 and 0 <= end < 20 for start, end, _ in LIMBS)


@pytest.mark.parametrize("which", range(4))
def test_when_the_official_drawing_is_at_hand_then_ours_is_the_same_pixel_for_pixel(footage: Path, which: int) -> None:
    golden = footage.parent / "golden" / "market"
    if not golden.is_dir():
        pytest.skip("no drawings of the official code beside the test footage")
    frame = json.loads((golden / "golden.json").read_text())["frames"][which]
    wanted = cv2.imread(str(golden / f"skeleton.{frame['frame']:04}.png"))[..., ::-1]
    drawn = draw_skeleton(np.array(frame["keypoints_133"], np.float32), *wanted.shape[:2])
    np.testing.assert_array_equal(drawn, wanted)
