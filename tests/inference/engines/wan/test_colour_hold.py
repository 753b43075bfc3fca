"""Drift is measured outside the matte and undone inside, within limits, from one segment alone."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from understudy.inference.engines.wan.colour_hold import (
    GREATEST_OFFSET,
    Held,
    Hold,
    beyond_limits,
    held,
    measure_drift,
    no_drift,
    residual,
)

Array = NDArray[np.float32]
SIZE = (90, 160)


def scene() -> Array:
    random = np.random.default_rng(8)
    coarse = cv2.resize(
        random.uniform(0.1, 0.8, (8, 12, 3)).astype(np.float32), SIZE[::-1], interpolation=cv2.INTER_CUBIC
    )
    return np.clip(coarse, 0.02, 0.95).astype(np.float32)


def used() -> Array:
    matte = np.zeros(SIZE, np.float32)
    matte[20:80, 60:110] = 1.0
    return matte


def drifted(picture: Array, amount: float) -> Array:
    """Return what a model has made of it: contrast, colour and a slope from left to right, growing with `amount`."""
    gain = np.array([1 + 0.06 * amount, 1 - 0.03 * amount, 1 + 0.02 * amount], np.float32)
    offset = np.array([-0.01, 0.012, 0.015], np.float32) * np.float32(amount)
    slope = np.linspace(-0.008, 0.008, SIZE[1], dtype=np.float32)[None, :, None] * np.float32(amount)
    noise = np.random.default_rng(round(amount * 10)).standard_normal(picture.shape, dtype=np.float32) * 0.004
    return np.asarray(picture * gain + offset + slope + noise, np.float32)


@settings(max_examples=20, deadline=None)
@given(
    value=st.sampled_from([0.0, 0.4, 1.0, float("nan"), float("inf")]),
    size=st.sampled_from([(1, 1), (1, 40), (3, 2), (64, 48)]),
    fill=st.sampled_from([0.0, 1.0]),
)
def test_when_pictures_are_constant_tiny_or_not_finite_then_the_result_is_finite(
    value: float, size: tuple[int, int], fill: float
) -> None:
    picture = np.full((*size, 3), value, np.float32)
    drift = measure_drift([Held(picture, picture, np.full(size, fill, np.float32))])
    assert np.isfinite(held(np.nan_to_num(picture, posinf=1.0), drift, "full")).all()


def test_when_no_frame_or_no_plate_is_left_then_nothing_is_changed() -> None:
    whole = Held(scene(), drifted(scene(), 1), np.ones(SIZE, np.float32))
    for drift in (measure_drift([]), measure_drift([whole])):
        assert not drift.measured
        assert held(scene(), drift, "full").tobytes() == scene().tobytes()


def test_when_it_is_off_then_the_same_bits_come_back() -> None:
    drift = measure_drift([Held(scene(), drifted(scene(), 2), used())])
    assert held(scene(), drift, "off").tobytes() == scene().tobytes()


def test_when_there_is_no_drift_then_next_to_nothing_changes() -> None:
    drift = measure_drift([Held(scene(), scene(), used())])
    assert np.abs(held(scene(), drift, "full") - scene()).max() < 1e-4


@pytest.mark.parametrize("segment", [1, 2, 3])
def test_when_the_drift_grows_over_segments_then_full_undoes_it_inside_where_it_was_not_measured(segment: int) -> None:
    seen = drifted(scene(), segment)
    drift = measure_drift([Held(scene(), seen, used())])
    inside = used() > 0
    before = np.abs((seen - scene())[inside].mean(axis=0)).max()
    after = np.abs((held(seen, drift, "full") - scene())[inside].mean(axis=0)).max()
    assert before > 0.01 * segment
    assert after < 0.003


def test_when_it_is_gentle_then_half_is_undone() -> None:
    seen = drifted(scene(), 2)
    frames = [Held(scene(), seen, used())]
    drift = measure_drift(frames)
    off, gentle, full = (residual(frames, drift, hold) for hold in _holds())
    assert gentle == pytest.approx(off / 2, rel=0.15)
    assert full < 0.1 * off


def _holds() -> tuple[Hold, Hold, Hold]:
    return "off", "gentle", "full"


def test_when_the_picture_is_another_one_then_no_more_is_changed_than_the_limit_and_that_can_be_told() -> None:
    drift = measure_drift([Held(scene() * 0.2 + np.float32(0.7), scene(), used())])
    assert beyond_limits(drift)
    flat = np.zeros((*SIZE, 3), np.float32)
    assert np.abs(held(flat, drift, "full")).max() <= GREATEST_OFFSET + 0.04 + 1e-6


def test_when_a_lamp_clips_outside_then_it_does_not_bend_the_colour() -> None:
    plate = scene()
    seen = drifted(plate, 1)
    plate[:15, :30] = 1.0
    seen[:15, :30] = 0.6
    drift = measure_drift([Held(plate, seen, used())])
    inside = used() > 0
    assert np.abs((held(seen, drift, "full") - plate)[inside].mean(axis=0)).max() < 0.005


def test_when_the_same_segment_comes_again_then_every_bit_is_the_same() -> None:
    frames = [Held(scene(), drifted(scene(), amount), used()) for amount in (1, 1.2)]
    first, second = measure_drift(frames), measure_drift(frames)
    assert held(scene(), first, "full").tobytes() == held(scene(), second, "full").tobytes()


def test_when_nothing_was_measured_then_nothing_is_beyond_limits() -> None:
    assert not beyond_limits(no_drift())
