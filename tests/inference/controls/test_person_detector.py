"""What a detector says, read into people."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from understudy.inference.controls.heatmaps import decode_heatmaps
from understudy.inference.controls.person_box import Box, PersonWindow
from understudy.inference.controls.person_detector import detector_input, people_in

DOG = 16


def rows(*people: tuple[float, float, float, float, float, int]) -> NDArray[np.float32]:
    return np.array([people], np.float32)


def test_boxes_come_back_in_the_pictures_shape() -> None:
    (person,) = people_in(rows((320, 160, 480, 640, 0.9, 0)), 720, 1280)
    assert person.box.edges() == (640, 180, 960, 720)


def test_who_is_no_person_or_hardly_seen_or_has_no_size_is_left_out() -> None:
    output = rows((0, 0, 9, 9, 0.9, DOG), (0, 0, 9, 9, 0.04, 0), (9, 9, 9, 20, 0.9, 0))
    assert people_in(output, 720, 1280) == []


def test_one_person_who_is_found_twice_comes_once_and_the_surest() -> None:
    output = rows((100, 100, 200, 300, 0.6, 0), (102, 98, 203, 305, 0.8, 0), (400, 100, 500, 300, 0.7, 0))
    assert [round(person.score, 1) for person in people_in(output, 640, 640)] == [0.8, 0.7]


def test_a_rider_is_not_taken_for_the_horse() -> None:
    output = rows((100, 100, 200, 300, 0.9, DOG + 1), (105, 100, 200, 300, 0.5, 0))
    assert len(people_in(output, 640, 640)) == 1


def test_the_older_output_of_eighty_classes_says_the_same() -> None:
    output = np.zeros((1, 84, 3), np.float32)
    output[0, :4, 0] = (400, 400, 160, 480)  # centre and size
    output[0, 4, 0] = 0.9
    output[0, :4, 1] = (100, 100, 50, 50)
    output[0, 4 + DOG, 1] = 0.9
    (person,) = people_in(output, 720, 1280)
    assert person.box.edges() == pytest.approx((640, 180, 960, 720))


def test_an_output_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\(3, 7\)"):
        people_in(np.zeros((1, 3, 7), np.float32), 9, 9)


def test_the_picture_goes_in_stretched_as_planes_from_0_to_1() -> None:
    picture = np.zeros((720, 1280, 3), np.uint8)
    picture[:, 640:, 0] = 255
    planes = detector_input(picture)
    assert planes.shape == (1, 3, 640, 640)
    assert planes.dtype == np.float32
    assert (planes[0, 0, :, :319].max(), planes[0, 0, :, 321:].min(), planes[0, 1:].max()) == (0, 1, 0)


@given(st.floats(-300, 1500), st.floats(-300, 900), st.floats(5, 1500), st.floats(5, 900))
def test_a_window_has_the_networks_shape_and_holds_its_box_with_room(
    left: float, top: float, width: float, height: float
) -> None:
    window = PersonWindow.around(Box(left, top, left + width, top + height))
    assert window.height / window.width == pytest.approx(4 / 3)
    assert window.width >= 1.25 * width * (1 - 1e-9)
    assert window.height >= 1.25 * height * (1 - 1e-9)
    corners = np.array([[0, 0, 1], [48, 64, 1]], np.float32)
    placed = window.to_picture(corners, 48, 64)
    np.testing.assert_allclose(placed[:, :2].mean(axis=0), (left + width / 2, top + height / 2), atol=1e-2)
    np.testing.assert_allclose(placed[1, :2] - placed[0, :2], (window.width, window.height), rtol=1e-4)


@given(st.floats(4, 43), st.floats(4, 59), st.floats(1.5, 2.5), st.floats(0.05, 1.0))
def test_a_peak_between_pixels_is_found_to_a_twentieth(x: float, y: float, spread: float, height: float) -> None:
    rows_, columns = np.mgrid[0:64, 0:48]
    heatmap = height * np.exp(-((columns - x) ** 2 + (rows_ - y) ** 2) / (2 * spread**2))
    (found,) = decode_heatmaps(heatmap[None].astype(np.float32))
    np.testing.assert_allclose(found[:2], (x, y), atol=0.05)
    assert 0.7 * height <= found[2] <= height


def test_a_peak_at_the_border_stays_on_its_pixel_and_nothing_is_nothing() -> None:
    heatmaps = np.zeros((3, 64, 48), np.float32)
    heatmaps[0, 0, 47] = 2.0
    heatmaps[1] = -0.5
    np.testing.assert_array_equal(decode_heatmaps(heatmaps), [[47, 0, 1], [0, 0, 0], [0, 0, 0]])


def test_noise_never_throws_a_point_further_than_a_pixel() -> None:
    heatmaps = np.random.default_rng(1).uniform(0, 0.01, (133, 64, 48)).astype(np.float32)
    found = decode_heatmaps(heatmaps)
    greatest = heatmaps.reshape(133, -1).argmax(axis=1)
    assert np.abs(found[:, 0] - greatest % 48).max() <= 1
    assert np.abs(found[:, 1] - greatest // 48).max() <= 1
