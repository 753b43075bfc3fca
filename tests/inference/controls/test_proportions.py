"""Measuring bodies: what is not sure is not measured, and what points at the camera is not taken for short."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from understudy.inference.controls.proportions import LIMBS, compare, limb_lengths, typical_size

Points = NDArray[np.float32]


def somebody(scale: float = 1.0) -> Points:
    points = np.ones((133, 3), np.float32)
    points[:17, :2] = (
        (0, -150), (8, -158), (-8, -158), (18, -154), (-18, -154), (30, -100), (-30, -100), (30, -50), (-30, -50),
        (30, 0), (-30, 0), (15, 0), (-15, 0), (15, 80), (-15, 80), (15, 160), (-15, 160),
    )  # fmt: skip
    points[17:23, :2] = [(30, 165)] * 3 + [(-30, 165)] * 3
    points[:, :2] *= scale
    return points


def length(points: Points, limb: str) -> float:
    return float(limb_lengths(points)[LIMBS.index(limb)])


def test_when_a_point_is_unsure_on_both_sides_then_its_limbs_are_not_measured() -> None:
    points = somebody()
    points[[9, 10], 2] = 0.49
    assert np.isnan(length(points, "forearm"))
    assert length(points, "upper_arm") == pytest.approx(50)


def test_when_one_side_is_foreshortened_or_unsure_then_the_other_counts() -> None:
    points = somebody()
    points[7, :2] = points[5, :2] + (0, 5)
    points[15, 2] = 0
    assert length(points, "upper_arm") == pytest.approx(50)
    assert length(points, "shin") == pytest.approx(80)


def test_when_a_toe_is_found_far_away_then_the_foot_is_half_a_shin() -> None:
    points = somebody()
    points[17, :2] += 900
    assert length(points, "foot") == pytest.approx(40)


def test_when_the_head_turns_then_the_mean_of_both_sides_counts() -> None:
    points = somebody()
    straight = length(points, "eye")
    points[1, 0], points[2, 0] = 14, -2
    assert length(points, "eye") == pytest.approx(straight, rel=0.1)


def test_when_the_legs_are_seen_in_too_few_frames_then_they_are_not_what_is_compared() -> None:
    keypoints = {n: somebody() for n in range(10)}
    for n in range(2, 10):
        keypoints[n][13:17, 2] = 0
    assert (compare(somebody(), keypoints) or pytest.fail("nothing to compare")).basis == "torso"
    keypoints[2][13:17, 2] = 1
    assert (compare(somebody(), keypoints) or pytest.fail("nothing to compare")).basis == "legs"


def test_the_typical_size_is_that_of_the_middle_frame_and_not_of_the_nearest() -> None:
    keypoints = {n: somebody(1 + n) for n in range(5)}
    size, basis = typical_size(somebody(6), keypoints) or pytest.fail("nothing to compare")
    assert basis == "legs"
    assert size == pytest.approx(2)


def test_when_there_is_nobody_to_compare_with_then_there_is_no_size() -> None:
    assert typical_size(somebody(), {}) is None
    assert typical_size(np.zeros((133, 3), np.float32), {1: somebody()}) is None
