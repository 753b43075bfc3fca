"""Fitting a driver into a format: whole, centred, unstretched."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.inference.picture.header import Window
from understudy.inference.picture.letterbox import format_like, letterbox

sides = st.integers(8, 400)


@given(width=sides, height=sides, target=st.tuples(sides, sides), aspect=st.sampled_from([0.5, 1.0, 2.0]))
def test_a_source_lies_whole_and_centred_and_fills_one_direction(
    width: int, height: int, target: tuple[int, int], aspect: float
) -> None:
    inside = letterbox(Window(0, 0, width, height), aspect, target).inside
    assert inside.width == target[0] or inside.height == target[1]
    for start, length, whole in ((inside.x, inside.width, target[0]), (inside.y, inside.height, target[1])):
        assert start >= 0
        assert start + length <= whole
        assert abs(start - (whole - start - length)) <= 1


@given(width=st.integers(64, 400), height=st.integers(64, 400), target=st.tuples(st.integers(64, 400), sides))
def test_a_source_is_never_stretched_by_more_than_its_edges_rounding(
    width: int, height: int, target: tuple[int, int]
) -> None:
    inside = letterbox(Window(0, 0, width, height), 1.0, target).inside
    scale = min(target[0] / width, target[1] / height)
    assert abs(inside.width - scale * width) <= 0.5 + 1e-9 or inside.width == 1
    assert abs(inside.height - scale * height) <= 0.5 + 1e-9 or inside.height == 1


def test_a_squeezed_source_is_shown_in_the_shape_that_people_see() -> None:
    box = letterbox(Window(0, 0, 100, 100), 2.0, (400, 400))
    assert (box.inside.width, box.inside.height) == (400, 200)
    into_squeezed = letterbox(Window(0, 0, 200, 100), 1.0, (100, 200), 2.0)
    assert (into_squeezed.inside.width, into_squeezed.inside.height) == (100, 100)


def test_at_scale_one_the_bits_are_the_sources_and_black_is_around_them() -> None:
    source = np.random.default_rng(3).random((20, 30, 3), np.float32)
    fitted = letterbox(Window(5, -4, 30, 20), 1.0, (30, 40)).picture(source)
    assert fitted.shape == (40, 30, 3)
    assert np.array_equal(fitted[10:30], source)
    assert not fitted[:10].any()
    assert not fitted[30:].any()


def test_overscan_beyond_the_display_window_is_not_seen() -> None:
    display, data = Window(0, 0, 30, 20), Window(-5, -5, 40, 30)
    overscanned = np.ones((30, 40, 3), np.float32)
    overscanned[5:25, 5:35] = 0.5
    fitted = letterbox(display, 1.0, (30, 20)).picture(overscanned, data)
    assert np.array_equal(np.unique(fitted), [0.5])


def test_a_point_stays_on_the_thing_that_it_marks() -> None:
    source = np.zeros((90, 160), np.float32)
    source[30:34, 100:104] = 1
    box = letterbox(Window(0, 0, 160, 90), 1.0, (80, 160))
    small = box.picture(source, kind="matte")
    rows, columns = np.nonzero(small > 0.5)
    point = box.keypoints(np.array([[101.5, 31.5, 0.7]], np.float32))[0]
    assert np.allclose(point, [columns.mean(), rows.mean(), 0.7], atol=0.01)


def test_a_room_inside_the_target_is_filled_instead_of_all_of_it() -> None:
    box = letterbox(Window(0, 0, 100, 50), 1.0, (220, 120), room=(10.0, 10.0, 200.0, 100.0))
    assert box.inside == Window(10, 10, 200, 100)


@given(
    aspect=st.floats(0.2, 5.0), area=st.integers(64**2, 2000 * 1200), multiple=st.sampled_from([1, 2, 8, 16])
)  # fmt: skip
def test_a_format_keeps_shape_area_and_multiples(aspect: float, area: int, multiple: int) -> None:
    width, height = format_like(aspect, area, multiple)
    assert width % multiple == height % multiple == 0
    assert width * height <= area * (1 + 1e-6)
    ideal = (area * aspect) ** 0.5, (area / aspect) ** 0.5
    assert ideal[0] - multiple < width
    assert ideal[1] - multiple < height


def test_the_usual_shapes_have_their_usual_sizes() -> None:
    assert format_like(16 / 9, 1280 * 720, 2) == (1280, 720)
    assert format_like(9 / 16, 1280 * 720, 16) == (720, 1280)
    assert format_like(1.0, 1280 * 720, 16) == (960, 960)


@pytest.mark.parametrize(
    ("source", "at_720p", "at_480p"),
    [  # what Wan-Animate's own preprocessing makes of these at 1280 x 720 and 832 x 480 pixels of area
        ((1280, 720), (1280, 720), (832, 464)),
        ((1920, 1080), (1280, 720), (832, 464)),
        ((3840, 2160), (1280, 720), (832, 464)),
        ((4096, 1716), (1472, 608), (976, 400)),
        ((2048, 858), (1472, 608), (976, 400)),
        ((1080, 1920), (720, 1280), (464, 832)),
        ((640, 480), (1104, 816), (720, 544)),
        ((1998, 1080), (1296, 704), (848, 464)),
    ],
)
def test_the_sizes_are_those_of_the_official_rule(
    source: tuple[int, int], at_720p: tuple[int, int], at_480p: tuple[int, int]
) -> None:
    aspect = source[0] / source[1]
    assert format_like(aspect, 1280 * 720, 16) == at_720p
    assert format_like(aspect, 832 * 480, 16) == at_480p


def test_when_a_side_is_a_whole_multiple_by_arithmetic_then_rounding_does_not_lose_it() -> None:
    # The square root of 921600 x 392 / 800 is 672; computed as the official code does it is a little less, and 656.
    assert format_like(392 / 800, 1280 * 720, 16) == (672, 1360)


@given(width=sides, height=sides, target=st.tuples(sides, sides), aspect=st.sampled_from([0.5, 1.0, 2.0]))
def test_points_that_were_taken_back_come_out_where_they_were(
    width: int, height: int, target: tuple[int, int], aspect: float
) -> None:
    box = letterbox(Window(0, 0, width, height), aspect, target)
    points = np.array([[0.0, 0.0, 1.0], [width - 1.0, height / 2, 0.5]], np.float32)
    square = points.copy()
    square[:, 0] = (points[:, 0] + 0.5) * aspect - 0.5
    np.testing.assert_allclose(box.points_back(box.keypoints(points)), square, atol=0.02)
