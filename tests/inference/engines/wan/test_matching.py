"""Grain, sharpness and black level come to the plate's, within limits and only under coverage."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from understudy.inference.engines.smooth import blur
from understudy.inference.engines.wan.grain import LEVELS, Grain, grain_field, measure_grain
from understudy.inference.engines.wan.matching import (
    GREATEST_GAIN,
    GREATEST_GRAIN,
    Untouched,
    matched,
    measure_match,
    nothing,
    record,
)

Array = NDArray[np.float32]
SIZE = (160, 240)


def scene() -> Array:
    random = np.random.default_rng(4)
    coarse = cv2.resize(
        random.uniform(0.02, 0.8, (5, 8, 3)).astype(np.float32), SIZE[::-1], interpolation=cv2.INTER_CUBIC
    )
    edges = (np.arange(SIZE[1]) // 12 % 2).astype(np.float32)[None, :, None] * 0.1
    return np.clip(coarse + edges, 0.01, 0.95).astype(np.float32)


def calm() -> Array:
    """Return a slope from dark to bright: nothing that could be taken for grain."""
    return np.repeat(np.linspace(0.05, 0.8, SIZE[1], dtype=np.float32)[None, :, None], SIZE[0], axis=0).repeat(
        3, axis=2
    )


def used() -> Array:
    matte = np.zeros(SIZE, np.float32)
    matte[40:120, 80:160] = 1.0
    return matte


def grained(picture: Array, strength: float, size: float, frame: int = 0) -> Array:
    grain = Grain(((strength,) * 3,) * len(LEVELS), size, 0.3)
    return picture + grain_field(picture.shape, grain, frame, 99) * np.float32(strength)


@settings(max_examples=15, deadline=None)
@given(
    value=st.sampled_from([0.0, 0.4, 1.0, float("nan"), float("inf")]),
    size=st.sampled_from([(1, 1), (3, 2), (64, 64)]),
    fill=st.sampled_from([0.0, 1.0]),
)
def test_when_pictures_are_constant_tiny_or_not_finite_then_the_match_is_finite(
    value: float, size: tuple[int, int], fill: float
) -> None:
    picture, matte = np.full((*size, 3), value, np.float32), np.full(size, fill, np.float32)
    match = measure_match([Untouched(picture, picture, matte)])
    assert np.isfinite(matched(np.nan_to_num(picture, posinf=1.0), np.ones(size, np.float32), match, 1, 2)).all()


def test_when_there_are_no_frames_or_no_plate_is_left_then_nothing_is_changed_and_the_record_says_so() -> None:
    everything = Untouched(scene(), scene(), np.ones(SIZE, np.float32))
    assert measure_match([]) == measure_match([everything]) == nothing()
    assert matched(scene(), used(), nothing(), 1, 1).tobytes() == scene().tobytes()
    assert "too little" in record(nothing())["matched"]


def test_when_nothing_is_covered_then_the_same_bits_come_back() -> None:
    match = measure_match([Untouched(grained(scene(), 0.02, 0.6), scene(), used())])
    assert matched(scene(), np.zeros(SIZE, np.float32), match, 1, 1).tobytes() == scene().tobytes()


def test_when_a_part_is_covered_then_the_rest_keeps_its_bits() -> None:
    match = measure_match([Untouched(grained(scene(), 0.02, 0.6), scene(), used())])
    made = matched(scene(), used(), match, 1, 1)
    assert (made[used() == 0] == scene()[used() == 0]).all()
    assert (made[used() > 0] != scene()[used() > 0]).any()


def test_when_the_generated_picture_lacks_grain_then_it_has_the_plates_afterwards() -> None:
    plate, made_of = grained(calm(), 0.02, 0.7), grained(calm(), 0.004, 0.7, 1)
    match = measure_match([Untouched(plate, made_of, used())])
    after = measure_grain(matched(made_of, used(), match, 7, 3), used() > 0)
    assert np.mean(after.strength) == pytest.approx(0.02, rel=0.25)


def test_when_the_generated_picture_is_noisier_then_no_grain_is_added() -> None:
    plate, made_of = grained(calm(), 0.004, 0.5), grained(calm(), 0.02, 0.5, 1)
    match = measure_match([Untouched(plate, made_of, used())])
    before = measure_grain(made_of, used() > 0)
    after = measure_grain(matched(made_of, used(), match, 7, 3), used() > 0)
    assert np.mean(after.strength) <= 1.1 * np.mean(before.strength)


def test_when_the_plate_is_all_noise_then_no_more_grain_is_added_than_the_limit_and_that_is_told() -> None:
    plate = grained(np.full((*SIZE, 3), 0.4, np.float32), 0.2, 0.0)
    flat = np.full((*SIZE, 3), 0.4, np.float32)
    match = measure_match([Untouched(plate, flat, used())])
    assert "grain" in match.limited
    assert "grain" in record(match)["matched_limited"]
    change = matched(flat, used(), match, 1, 1)[used() > 0] - 0.4
    assert float(change.std()) < 1.1 * GREATEST_GRAIN


def test_when_frame_and_seed_are_the_same_then_the_grain_is_and_else_it_is_not() -> None:
    match = measure_match([Untouched(grained(scene(), 0.02, 0.6), scene(), used())])
    first, again, other = (matched(scene(), used(), match, frame, 5) for frame in (1, 1, 2))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


def test_when_the_generated_picture_is_softer_then_its_detail_comes_nearer_to_the_plates() -> None:
    plate = scene()
    soft = blur(plate, 0.7)
    match = measure_match([Untouched(plate, soft, used())])
    inside = used() > 0
    made = matched(soft, used(), replace(match, plate_grain=Grain.none()), 1, 1)
    assert 1.0 < match.gain <= GREATEST_GAIN
    assert np.square(made - plate)[inside].mean() < 0.6 * np.square(soft - plate)[inside].mean()


def test_when_the_plate_is_out_of_focus_then_sharpening_stops_at_its_limit() -> None:
    match = measure_match([Untouched(blur(scene(), 4.0), scene(), used())])
    assert match.gain == 0.6
    assert "sharpness" in match.limited


def test_when_black_is_lifted_then_it_comes_back_and_bright_parts_stay() -> None:
    plate = scene() * np.float32(0.9)
    plate[:40] = 0.03
    match = measure_match([Untouched(plate, plate + np.float32(0.015), used())])
    assert match.lift == pytest.approx((-0.015,) * 3, abs=0.003)
    bright = np.full((*SIZE, 3), 0.8, np.float32)
    bright_match = replace(nothing(), lift=match.lift, measured=True)
    assert np.abs(matched(bright, used(), bright_match, 1, 1) - bright).max() < 1e-6
