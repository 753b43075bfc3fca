"""Who is meant: the person in the matte."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from understudy.inference.controls.following import candidates, likeness, matte_box, share_in_matte, widened
from understudy.inference.controls.person_box import Box
from understudy.inference.controls.wholebody import no_points


def matte(*boxes: tuple[int, int, int, int], shape: tuple[int, int] = (300, 400)) -> NDArray[np.float32]:
    drawn = np.zeros(shape, np.float32)
    for left, top, right, bottom in boxes:
        drawn[top:bottom, left:right] = 1
    return drawn


def test_an_empty_matte_means_nobody() -> None:
    assert matte_box(matte()) is None
    assert candidates([Box(0, 0, 50, 50)], matte()) == []
    assert share_in_matte(no_points(), matte()) == 0


def test_the_mattes_box_ends_where_its_pixels_do() -> None:
    assert matte_box(matte((10, 20, 30, 60))) == Box(9.5, 19.5, 29.5, 59.5)


def test_the_right_box_is_likelier_than_half_of_it_or_one_with_somebody_else() -> None:
    person = matte((100, 50, 150, 250))
    right = Box(90, 40, 160, 260)
    half, both, beside = Box(90, 40, 160, 150), Box(90, 40, 260, 260), Box(200, 40, 270, 260)
    ranked = sorted((half, both, beside, right), key=lambda box: likeness(box, person), reverse=True)
    assert ranked[0] == right
    assert likeness(beside, person) == 0


def test_a_matte_in_pieces_still_finds_its_person() -> None:
    pieces = matte((100, 50, 150, 100), (100, 150, 150, 250))  # a table hides the middle
    assert candidates([Box(250, 40, 320, 260), Box(90, 40, 160, 260)], pieces)[0] == Box(90, 40, 160, 260)


def test_without_a_matte_the_largest_comes_alone() -> None:
    small, large = Box(0, 0, 10, 10), Box(50, 50, 90, 90)
    assert candidates([small, large], None) == [large]
    assert candidates([], None) == []


@given(st.floats(-500, 800), st.floats(-500, 800), st.floats(1, 900), st.floats(1, 900))
def test_likeness_is_a_share_wherever_the_box_lies(left: float, top: float, width: float, height: float) -> None:
    assert 0 <= likeness(Box(left, top, left + width, top + height), matte((100, 50, 150, 250))) <= 1.1


def test_points_outside_the_picture_or_unsure_say_nothing() -> None:
    person = matte((100, 50, 150, 250))
    points = no_points()
    points[0] = (120, 100, 0.9)
    points[1] = (-30, 100, 0.9)
    points[2] = (300, 100, 0.1)
    assert share_in_matte(points, person) == 1
    points[3] = (300, 100, 0.9)
    assert share_in_matte(points, person) == 0.5


def test_a_matte_is_widened_by_what_was_asked() -> None:
    assert matte_box(widened(matte((100, 50, 150, 250)), 10).astype(np.float32)) == Box(89.5, 39.5, 159.5, 259.5)
