"""The steady crop: where it lies, and that pictures come back from it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.inference.picture.crop import (
    CropPath,
    boxes_from_matte,
    cut,
    place,
    plan_crop,
    put_back,
    scale_error,
    window_of_matte,
)
from understudy.inference.picture.header import Window

windows = st.builds(Window, st.integers(-20, 20), st.integers(-20, 20), st.integers(1, 30), st.integers(1, 30))


def still(width: int, height: int, model_width: int, model_height: int, plate: tuple[int, int] = (64, 48)) -> CropPath:
    return CropPath((1,), (0,), (0,), width, height, model_width, model_height, *plate)


def noise(height: int, width: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(7).normal(size=(height, width, channels)).astype(np.float32)


@st.composite
def performers(draw: st.DrawFn) -> tuple[dict[int, tuple[float, float, float, float] | None], tuple[int, int]]:
    """Boxes of a performer who walks, jumps or vanishes, in a plate of any shape."""
    width, height = draw(st.integers(40, 4000)), draw(st.integers(40, 3000))
    boxes: dict[int, tuple[float, float, float, float] | None] = {}
    for frame in range(1001, 1001 + draw(st.integers(1, 40))):
        left, top = draw(st.floats(0, width - 2)), draw(st.floats(0, height - 2))
        right, bottom = draw(st.floats(left + 1, width)), draw(st.floats(top + 1, height))
        boxes[frame] = draw(st.sampled_from([(left, top, right, bottom), None]))
    return boxes, (width, height)


@settings(max_examples=60, deadline=None)
@given(performers(), st.sampled_from([1.0, 2.0, 0.9115, 1.33]), st.sampled_from([16, 8, 1]))
def test_whatever_the_performer_does_the_crop_holds_them_and_fits_the_engine(
    shot: tuple[dict[int, tuple[float, float, float, float] | None], tuple[int, int]], aspect: float, multiple: int
) -> None:
    boxes, plate = shot
    crop = plan_crop(boxes, plate, aspect, multiple, 832 * 480)
    assert crop.model_width % multiple == crop.model_height % multiple == 0
    assert crop.model_width * crop.model_height <= 832 * 480
    across, down = crop.scale
    assert across <= max(1, aspect) * 1.02
    assert across / down == pytest.approx(aspect, rel=0.05)
    for frame, box in boxes.items():
        window = crop.window(frame)
        if box is not None:
            assert window.x <= max(0, box[0])
            assert window.y <= max(0, box[1])
            assert window.x + window.width >= box[2]
            assert window.y + window.height >= box[3]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 3000), min_size=2, max_size=120), st.sampled_from([4.0, 12.0]))
def test_when_the_crop_moves_then_its_size_is_constant_and_its_acceleration_bounded(
    lefts: list[float], smoothing: float
) -> None:
    boxes = {frame: (left, 300.0, left + 800, 1900.0) for frame, left in enumerate(lefts)}
    crop = plan_crop(boxes, (3840, 2160), area_pixels=832 * 480, smoothing_frames=smoothing)
    windows = [crop.window(frame) for frame in boxes]
    assert {(window.width, window.height) for window in windows} == {(crop.width, crop.height)}
    jerks = np.abs(np.diff([window.x for window in windows], n=2))
    bound = 0.97 / smoothing**2 * (max(lefts) - min(lefts)) / 2 + 2
    assert jerks.max(initial=0) <= bound


def test_when_the_performer_stays_then_the_crop_is_locked_on_whole_pixels_at_scale_one() -> None:
    boxes = {frame: (500.0 + frame % 7, 200.0, 800.0, 600.0) for frame in range(56, 164)}
    crop = plan_crop(boxes, (1280, 720))
    assert crop.locked
    assert crop.exact
    assert crop.scale == (1.0, 1.0)
    assert crop.width >= 300 + 2 * 0.2 * 400
    assert crop.height >= 400 + 2 * 0.2 * 400


def test_when_the_performer_crosses_a_wide_plate_then_the_crop_follows_and_shows_more_than_a_locked_one() -> None:
    boxes = {frame: (20.0 * frame, 400.0, 20.0 * frame + 500, 1900.0) for frame in range(150)}
    crop = plan_crop(boxes, (3840, 2160), area_pixels=832 * 480)
    assert not crop.locked
    assert crop.width < 1500
    assert crop.window(0).x >= -40
    assert crop.window(149).x + crop.width <= 3840 + 40


def test_when_frames_are_empty_then_the_box_lies_between_its_neighbours() -> None:
    boxes: dict[int, tuple[float, float, float, float] | None] = {
        0: (500, 500, 600, 600),
        1: None,
        2: (900, 500, 1000, 600),
    }
    crop = plan_crop(boxes, (2000, 2000), area_pixels=208 * 208, smoothing_frames=1e-6, minimum_side_pixels=16)
    assert not crop.locked
    assert crop.window(1).x == (crop.window(0).x + crop.window(2).x) // 2


def test_when_no_frame_has_a_box_then_the_whole_picture_is_the_crop() -> None:
    crop = plan_crop({1: None, 2: None}, (640, 360))
    assert crop.window(1) == Window(0, -4, 640, 368)
    assert crop.locked


def test_when_the_performer_is_tiny_then_the_crop_keeps_a_least_size_inside_the_picture() -> None:
    crop = plan_crop({1: (3.0, 3.0, 9.0, 12.0)}, (1920, 1080))
    window = crop.window(1)
    assert (window.x, window.y) == (0, 0)
    assert min(window.width, window.height) >= 256


def test_when_pixels_are_not_square_then_the_engine_sees_square_ones() -> None:
    crop = plan_crop({1: (100.0, 100.0, 300.0, 500.0)}, (1440, 1152), pixel_aspect=2.0)
    assert crop.scale == (2.0, 1.0)
    assert not crop.exact
    assert crop.model_width == 2 * crop.width


def test_when_sizes_make_no_sense_then_it_is_a_value_error() -> None:
    with pytest.raises(ValueError):
        plan_crop({}, (640, 360))
    with pytest.raises(ValueError):
        plan_crop({1: None}, (640, 360), area_pixels=100)
    with pytest.raises(KeyError):
        plan_crop({1: None}, (640, 360)).window(2)


@settings(max_examples=150, deadline=None)
@given(windows, windows, st.integers(-40, 40), st.integers(-40, 40), st.integers(1, 40), st.integers(1, 40))
def test_when_the_scale_is_one_then_what_is_cut_comes_back_bit_for_bit_wherever_the_crop_lies(
    data: Window, display: Window, left: int, top: int, width: int, height: int
) -> None:
    crop = CropPath(
        (5,), (left,), (top,), width, height, width, height, display.width, display.height, 1.0, (display.x, display.y)
    )
    pixels = noise(data.height, data.width)
    pixels[0, 0] = (np.inf, np.nan, 65504)
    try:
        seen = cut(pixels, crop, 5, data)
    except ValueError:
        return  # the crop touches neither window
    back = put_back(seen, crop, 5, data)
    inside = place(np.ones((height, width), np.bool_), crop.window(5), data)
    assert back[inside].tobytes() == pixels[inside].tobytes()
    assert not back[~inside].any()


def test_when_the_crop_reaches_past_the_picture_then_its_edge_pixels_are_repeated() -> None:
    crop = CropPath((1,), (-2,), (-1,), 4, 4, 4, 4, 8, 8)
    picture = noise(8, 8)
    seen = cut(picture, crop, 1)
    assert (seen[0, 0] == picture[0, 0]).all()
    assert (seen[3, 1] == picture[2, 0]).all()
    assert (seen[1:, 2:] == picture[:3, :2]).all()


def test_when_the_data_window_is_smaller_than_the_display_window_then_what_is_missing_is_black() -> None:
    crop = CropPath((1,), (0,), (0,), 8, 8, 8, 8, 8, 8)
    seen = cut(np.ones((4, 4, 3), np.float32), crop, 1, Window(2, 2, 4, 4))
    assert seen.sum() == 4 * 4 * 3
    assert not seen[:2].any()


def test_when_the_plate_has_overscan_then_the_crop_sees_it_instead_of_repeated_edges() -> None:
    overscan = noise(28, 28)
    crop = CropPath((1,), (-4,), (-4,), 16, 16, 16, 16, 20, 20, 1.0, (100, 50))
    seen = cut(overscan, crop, 1, Window(96, 46, 28, 28))
    assert (seen == overscan[:16, :16]).all()


def test_when_the_crop_is_scaled_then_only_the_asked_window_comes_back_and_equals_the_whole() -> None:
    crop = still(60, 44, 32, 32)
    made = noise(32, 32)
    whole = put_back(made, crop, 1)
    part = put_back(made, crop, 1, Window(10, 5, 20, 30))
    assert (part == whole[5:35, 10:30]).all()
    assert not whole[44:].any()
    assert not whole[:, 60:].any()


@pytest.mark.parametrize("model", [(96, 64), (80, 80), (64, 128), (200, 50)])
def test_when_pixels_are_a_smooth_ramp_then_any_scale_and_aspect_brings_it_back(model: tuple[int, int]) -> None:
    crop = CropPath((1,), (0,), (0,), 120, 100, *model, 120, 100)
    ramp = np.add.outer(np.arange(100.0), 2 * np.arange(120.0)).astype(np.float32)
    back = put_back(cut(ramp, crop, 1), crop, 1)
    # Keys' cubic with -0.75 wavers by 5 % of the step between two model pixels.
    step = 2 * max(1.0, 120 / model[0]) + max(1.0, 100 / model[1])
    assert np.abs(back - ramp)[8:-8, 8:-8].max() <= 0.06 * step


def test_when_a_lamp_stands_before_a_dark_wall_then_growing_puts_no_halo_around_it() -> None:
    wall = np.full((60, 60, 3), 0.1, np.float32)
    wall[20:30, 20:30] = 100
    crop = CropPath((1,), (0,), (0,), 60, 60, 32, 48, 60, 60)
    back = put_back(cut(wall, crop, 1), crop, 1)
    assert back.min() >= np.float32(0.0999)
    assert back.max() <= 100.001


def test_when_the_scale_falls_then_the_stated_error_grows_and_at_one_it_is_zero() -> None:
    errors = [scale_error(still(480, 320, width, width * 2 // 3)) for width in (480, 400, 240, 120)]
    assert errors[0] == 0
    assert 0 < errors[1] < errors[2] < errors[3]
    assert errors[2] < 0.02
    assert scale_error(still(480, 320, 240, 160), 128) < scale_error(still(480, 320, 240, 160), 16)


def test_when_a_matte_goes_there_and_back_then_it_never_leaves_its_values() -> None:
    matte = (noise(48, 64, 1)[..., 0] > 0).astype(np.float32)
    crop = still(64, 48, 48, 32)
    back = put_back(cut(matte, crop, 1, kind="matte"), crop, 1, kind="matte")
    assert back.shape == (48, 64)
    assert back.min() >= 0
    assert back.max() <= 1
    mask = put_back(np.ones((32, 48), np.float32), crop, 1, kind="mask")
    assert set(np.unique(mask)) == {1.0}


def test_when_keypoints_move_into_the_crop_then_they_stand_on_the_same_picture() -> None:
    crop = CropPath((1,), (10,), (20,), 40, 20, 80, 40, 64, 48)
    points = np.array([[10.0, 20.0, 0.5], [29.5, 29.5, 1.0]], np.float32)
    moved = crop.keypoints(points, 1)
    assert moved.tolist() == [[0.5, 0.5, 0.5], [39.5, 19.5, 1.0]]


def test_the_header_holds_the_transform_as_json() -> None:
    crop = CropPath((7,), (10,), (20,), 40, 20, 80, 40, 64, 48, 1.0, (-5, 0))
    facts = json.loads(crop.header(7))
    assert facts["crop"] == [5, 20, 40, 20]
    assert facts["size"] == [80, 40]
    assert facts["scale"] == [2.0, 2.0]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.data())
def test_the_box_of_a_matte_is_that_of_its_values_above_the_threshold(
    height: int, width: int, data: st.DataObject
) -> None:
    values = data.draw(st.lists(st.sampled_from([0.0, 0.4, 0.9, np.nan]), min_size=width, max_size=width * height))
    matte = np.zeros(width * height, np.float32)
    matte[: len(values)] = values
    matte = matte.reshape(height, width)
    rows, columns = np.nonzero(matte > 0.5)
    if rows.size == 0:
        assert boxes_from_matte(matte) is None
    else:
        assert boxes_from_matte(matte) == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


def test_the_window_of_a_matte_is_told_in_file_pixels() -> None:
    matte = np.zeros((10, 10), np.float32)
    assert window_of_matte(matte, Window(-3, 4, 10, 10)) is None
    matte[2:5, 6] = 0.001
    assert window_of_matte(matte, Window(-3, 4, 10, 10)) == Window(3, 6, 1, 3)


@settings(max_examples=60, deadline=None)
@given(windows, windows)
def test_when_pixels_are_placed_over_another_window_then_every_pixel_keeps_its_position(
    source: Window, target: Window
) -> None:
    pixels = noise(source.height, source.width, 1)[..., 0]
    placed = place(pixels, source, target)
    for row in range(target.height):
        for column in range(target.width):
            y, x = row + target.y - source.y, column + target.x - source.x
            inside = 0 <= y < source.height and 0 <= x < source.width
            assert placed[row, column] == (pixels[y, x] if inside else 0)
