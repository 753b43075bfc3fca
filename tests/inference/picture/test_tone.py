"""The curve between light and the model's codes: what it promises, for any value."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.inference.picture import tone
from understudy.inference.picture.colour import ColourConfig
from understudy.inference.picture.colour_configs import STANDARD
from understudy.inference.picture.tone import ModelColour, decode, encode, measure_exposure

LIGHT = st.floats(0, 65504, width=32)


@pytest.fixture(scope="module")
def config() -> ColourConfig:
    return ColourConfig.open(STANDARD)


def one(value: float) -> np.ndarray:
    return np.array([value], np.float32)


@given(LIGHT)
def test_the_round_trip_is_within_a_ten_thousandth_and_near_black_within_a_millionth(light: float) -> None:
    back = float(decode(encode(one(light)))[0])
    assert abs(back - light) <= max(1e-4 * light, 1e-9)


@given(LIGHT, LIGHT)
def test_more_light_never_has_a_smaller_code(light: float, other: float) -> None:
    codes = encode(np.array(sorted((light, other)), np.float32))
    assert codes[0] <= codes[1] + 1.2e-7  # a last bit, where neighbouring floats are asked for
    if max(light, other) > min(light, other) * 1.001 + 1e-30:
        assert codes[0] < codes[1]


@given(st.floats(-65504, 65504, width=32))
def test_negative_light_mirrors_positive_light(light: float) -> None:
    assert encode(one(-light))[0] == -encode(one(light))[0]


def test_every_half_comes_back_within_a_ten_thousandth() -> None:
    halves = np.arange(0x7C00, dtype=np.uint16).view(np.float16).astype(np.float32)
    error = np.abs(decode(encode(halves)) - halves)
    assert (error <= np.maximum(1e-4 * halves, 1e-9)).all()
    assert decode(encode(one(0.0)))[0] == 0


def test_below_the_knee_the_codes_are_those_of_srgb() -> None:
    light = np.linspace(0, tone.KNEE, 10_001)
    srgb = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    assert np.abs(encode(light) - srgb).max() < 2e-5


def test_display_white_top_and_the_largest_half_have_the_stated_codes() -> None:
    codes = encode(np.array([1.0, tone.TOP, 65504.0]))
    assert codes == pytest.approx([0.9315, 1.0, 1.0674], abs=1e-4)


@pytest.mark.parametrize("joint", [tone.TOE, tone.KNEE])
def test_the_curve_has_neither_step_nor_kink_where_its_pieces_meet(joint: float) -> None:
    width = joint * 1e-3
    below, at, above = (float(code) for code in encode(np.array([joint - width, joint, joint + width])))
    assert (above - at) / (at - below) == pytest.approx(1, abs=0.03)


def test_values_that_are_no_numbers_make_no_warning_and_no_infinity() -> None:
    codes = encode(np.array([np.nan, np.inf, -np.inf]))
    assert np.isnan(codes[0])
    assert codes[1] == -codes[2] == np.float32(tone.CODE_LIMIT)
    assert np.isfinite(decode(np.array([5.0, -5.0, 1e30]))).all()


def test_a_picture_larger_than_a_block_has_the_codes_of_its_pixels() -> None:
    picture = np.random.default_rng(3).random((301, 77, 3), dtype=np.float32) * 4
    assert picture.size > tone.BLOCK_VALUES
    assert np.array_equal(encode(picture)[300, 5], encode(picture[300, 5].copy()))


@pytest.mark.parametrize("space", ["ACEScg", "ACES2065-1", "lin_rec709_scene", "lin_rec2020_scene"])
@pytest.mark.parametrize("stops", [-3.0, 0.0, 2.5])
def test_plate_light_from_0_to_100_survives_the_model_within_a_thousandth(
    config: ColourConfig, space: str, stops: float
) -> None:
    random = np.random.default_rng(7)
    light = (2.0 ** random.uniform(-14, np.log2(100), (64, 64, 1)) * random.uniform(0.2, 1, (64, 64, 3))) / 2.0**stops
    plate = light.astype(np.float32)
    colour = ModelColour(config, space, stops)
    error = np.abs(colour.to_plate(colour.to_model(plate)) - plate)
    assert (error / plate.max(axis=2, keepdims=True)).max() < 1e-4


def test_alpha_passes_through_the_model_untouched(config: ColourConfig) -> None:
    plate = np.random.default_rng(8).random((9, 11, 4)).astype(np.float16)
    colour = ModelColour(config, "ACEScg", 1.0)
    codes = colour.to_model(plate)
    assert np.array_equal(codes[:, :, 3], plate[:, :, 3].astype(np.float32))
    assert np.array_equal(colour.to_plate(codes)[:, :, 3], codes[:, :, 3])


def test_a_movies_codes_below_the_knee_reach_the_model_unchanged(config: ColourConfig) -> None:
    codes = np.random.default_rng(9).random((32, 32, 3), dtype=np.float32) * np.float32(0.9)
    working = config.convert(codes, "srgb_rec709_scene", config.scene_linear)
    seen = ModelColour(config, config.scene_linear, 0.0).to_model(working)
    assert np.abs(seen - codes).max() < 1e-5


def grey(light: float) -> tuple[np.ndarray, np.ndarray]:
    matte = np.zeros((40, 60), np.float32)
    matte[10:30, 20:40] = 1
    picture = np.full((40, 60, 3), 5.0, np.float32)
    picture[10:30, 20:40] = light
    return picture, matte


def test_the_exposure_brings_the_subject_to_middle_grey_whatever_surrounds_it() -> None:
    assert measure_exposure([grey(0.18)], display_referred=False) == 0.0
    assert measure_exposure([grey(0.045)], display_referred=False) == 2.0
    assert measure_exposure([grey(1.44)], display_referred=False) == -3.0


def test_a_few_glints_and_one_odd_frame_do_not_move_the_exposure() -> None:
    picture, matte = grey(0.18)
    picture[10, 20:40] = 5000
    picture[12, 20] = np.nan
    assert measure_exposure([(picture, matte), grey(0.18), grey(80)], display_referred=False) == pytest.approx(
        0, abs=0.01
    )


def test_display_referred_pictures_and_shots_without_a_subject_are_left_alone() -> None:
    picture, matte = grey(0.01)
    assert measure_exposure([(picture, matte)], display_referred=True) == 0.0
    assert measure_exposure([(picture, np.zeros_like(matte))], display_referred=False) == 0.0
    assert measure_exposure([(np.zeros_like(picture), matte)], display_referred=False) == 0.0


def test_a_wild_measurement_is_held_to_six_stops() -> None:
    assert measure_exposure([grey(1e-4)], display_referred=False) == 6.0
    assert measure_exposure([grey(4000)], display_referred=False) == -6.0
