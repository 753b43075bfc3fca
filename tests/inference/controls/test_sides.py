"""Left and right kept apart over time."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from understudy.inference.controls.sides import EXCHANGE, keep_sides
from understudy.inference.controls.wholebody import FACE
from understudy.inference.drawn_figure import stand

COUNT = 24
NAMES = [f"{name}_{side}" for name in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle") for side in "lr"]


def walk(count: int = COUNT, width: float = 1.0) -> NDArray[np.float32]:
    """Return a walking figure (frames, 133, 3), seen from the side where `width` is 0."""
    poses = np.zeros((count, 133, 3), np.float32)
    for index in range(count):
        swing = float(np.sin(index / 4))
        joints = stand((300.0 + 3 * index, 500.0), 400.0, {"arm_r": -22 + 20 * swing, "thigh_l": 7 - 14 * swing}).joints
        middle = joints["neck"][0]
        for place, name in enumerate(NAMES, start=5):
            x, y = joints[name]
            poses[index, place] = (middle + width * (x - middle), y, 1)
    poses[:, 91:133] = np.random.default_rng(1).normal(300, 50, (42, 3))
    poses[:, 91:133, 2] = 0.8
    return poses


@given(st.sets(st.integers(0, COUNT - 1), max_size=8))
def test_whichever_frames_are_the_wrong_way_round_they_are_put_right_and_told(wrong: set[int]) -> None:
    truth = walk()
    found = truth.copy()
    for index in wrong:
        found[index] = truth[index, EXCHANGE]
    kept, exchanged = keep_sides(found)
    assert set(exchanged) == wrong
    np.testing.assert_array_equal(kept, truth)


def test_what_is_the_right_way_round_stays_bit_for_bit() -> None:
    truth = walk()
    kept, exchanged = keep_sides(truth)
    assert exchanged == []
    assert np.array_equal(kept, truth)


def test_when_somebody_really_turns_round_then_nothing_is_exchanged() -> None:
    ahead, back = walk(), walk()
    turning = np.linspace(1, -1, COUNT)
    for index in range(COUNT):
        ahead[index] = walk(COUNT, float(turning[index]))[index]
    kept, exchanged = keep_sides(ahead)
    assert exchanged == []
    assert np.array_equal(kept, ahead)
    assert not np.array_equal(kept, back)


def test_when_a_detector_is_of_another_opinion_for_long_then_it_is_believed() -> None:
    found = walk(80)
    found[40:] = found[40:, EXCHANGE]
    assert keep_sides(found)[1] == []


def test_when_joints_are_unsure_then_nothing_is_exchanged() -> None:
    found = walk()
    found[10] = found[10, EXCHANGE]
    found[:, 5:17, 2] = 0.1
    assert keep_sides(found)[1] == []


def test_exchanging_twice_changes_nothing_and_a_face_has_no_sides_to_exchange() -> None:
    assert np.array_equal(EXCHANGE[EXCHANGE], np.arange(133))
    assert np.array_equal(EXCHANGE[FACE], np.arange(133)[FACE])


def test_a_shot_of_one_frame_stays() -> None:
    assert keep_sides(walk(1))[1] == []
