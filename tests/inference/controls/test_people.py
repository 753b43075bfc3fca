"""Who is in the matte: everybody whose own part of it is more than an arm that passes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from understudy.inference.controls.people import count_people, people_in

LEFT, RIGHT = (20, 20, 50, 80), (100, 20, 130, 80)


def matte(*boxes: tuple[int, int, int, int]) -> NDArray[np.float32]:
    made = np.zeros((90, 160), np.float32)
    for left, top, right, bottom in boxes:
        made[top:bottom, left:right] = 1
    return made


def test_when_the_matte_is_empty_then_nobody_is_in_it_whoever_was_found() -> None:
    assert people_in(matte(), [LEFT, RIGHT]) == 0


def test_when_nobody_was_found_then_nobody_is_counted() -> None:
    assert people_in(matte(LEFT), []) == 0


def test_when_two_people_lie_in_the_matte_then_two_are_counted() -> None:
    assert people_in(matte(LEFT, RIGHT), [LEFT, RIGHT]) == 2


def test_when_a_second_person_is_in_the_picture_but_not_in_the_matte_then_one_is_counted() -> None:
    assert people_in(matte(LEFT), [LEFT, RIGHT]) == 1


def test_when_a_second_person_only_reaches_over_then_one_is_counted() -> None:
    assert people_in(matte(LEFT), [LEFT, (40, 20, 90, 80)]) == 1


def test_when_one_person_was_found_twice_then_one_is_counted() -> None:
    assert people_in(matte(LEFT), [LEFT, (18, 22, 51, 80)]) == 1


def test_when_boxes_lie_outside_the_picture_or_are_inside_out_then_they_are_nobody() -> None:
    assert people_in(matte(LEFT), [LEFT, (-90, -90, -10, -10), (500, 20, 600, 80), (60, 60, 50, 50)]) == 1


def test_mattes_are_read_only_where_more_than_one_person_was_found() -> None:
    read: list[int] = []

    def reader(frame: int) -> NDArray[np.float32]:
        read.append(frame)
        return matte(LEFT, RIGHT)

    assert count_people({1: [], 2: [LEFT], 3: [LEFT, RIGHT]}, reader) == {1: 0, 2: 1, 3: 2}
    assert read == [3]
