"""Smoothing over time: no lag, nothing made surer than it was, gaps filled, cuts kept."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from understudy.inference.controls.smoothing import CUT, SURE, cuts, smooth

RATE = Fraction(24)
FILM = Fraction(24000, 1001)
Floats = NDArray[np.float32]

lengths = st.integers(1, 24)
confidences = lengths.flatmap(lambda count: arrays.arrays(np.float32, (count, 7), elements=st.floats(0, 1, width=32)))
positions = st.floats(-50, 50, width=32)


def track(places: Floats, confidence: Floats | float = 1.0) -> Floats:
    """Return (frames, points, 3) of places (frames, points, 2), the points spread over a person 400 pixels tall."""
    poses = np.zeros((*places.shape[:2], 3), np.float32)
    poses[:, :, :2] = places
    poses[:, :, 1] += np.linspace(0, 400, places.shape[1], dtype=np.float32)
    poses[:, :, 2] = confidence
    return poses


@given(confidences)
def test_whatever_is_smoothed_confidences_stay_bit_for_bit(confidence: Floats) -> None:
    places = np.random.default_rng(1).normal(0, 5, (*confidence.shape, 2)).astype(np.float32)
    assert np.array_equal(smooth(track(places, confidence), RATE)[:, :, 2], confidence)


@given(confidences, positions, positions)
def test_what_stands_still_stays(confidence: Floats, across: float, down: float) -> None:
    poses = track(np.broadcast_to(np.float32([across, down]), (*confidence.shape, 2)), confidence)
    np.testing.assert_allclose(smooth(poses, RATE), poses, atol=1e-3)


@given(lengths, st.floats(-20, 20, width=32), st.floats(0.3125, 1, width=32))
def test_what_moves_evenly_is_neither_late_nor_early(count: int, speed: float, confidence: float) -> None:
    ramp = np.arange(count, dtype=np.float32)[:, None, None] * np.float32([speed, -speed])
    poses = track(np.broadcast_to(ramp, (count, 7, 2)), confidence)
    np.testing.assert_allclose(smooth(poses, RATE), poses, atol=2e-3)


def test_when_the_sureness_varies_then_even_motion_still_has_no_lag() -> None:
    ramp = np.arange(40, dtype=np.float32)[:, None, None] * np.float32([9.0, -4.0])
    confidence = np.random.default_rng(2).uniform(0.31, 1, (40, 7)).astype(np.float32)
    poses = track(np.broadcast_to(ramp, (40, 7, 2)), confidence)
    np.testing.assert_allclose(smooth(poses, RATE), poses, atol=2e-3)


@settings(max_examples=40)
@given(confidences, st.integers(0, 2**32 - 1))
def test_the_same_backwards_is_the_same(confidence: Floats, seed: int) -> None:
    places = np.random.default_rng(seed).normal(0, 5, (*confidence.shape, 2)).astype(np.float32)
    poses = track(places, confidence)
    np.testing.assert_allclose(smooth(poses[::-1], RATE)[::-1], smooth(poses, RATE), atol=2e-3)


def test_when_a_point_is_hidden_then_it_is_drawn_between_and_stays_unsure() -> None:
    ramp = np.arange(30, dtype=np.float32)[:, None, None] * np.float32([5.0, 2.0])
    truth = track(np.broadcast_to(ramp, (30, 7, 2)))
    poses = truth.copy()
    poses[10:20, 3] = (999.0, -999.0, 0.05)  # what a detector guesses behind a table
    smoothed = smooth(poses, RATE)
    np.testing.assert_allclose(smoothed[:, 3, :2], truth[:, 3, :2], atol=2e-3)
    assert np.array_equal(smoothed[10:20, 3, 2], np.full(10, 0.05, np.float32))


def test_when_a_point_is_hidden_at_the_end_then_it_stays_where_it_was_seen_last() -> None:
    poses = track(np.zeros((12, 7, 2), np.float32))
    poses[8:, 2] = (500.0, 500.0, 0.0)
    np.testing.assert_allclose(smooth(poses, RATE)[8:, 2, 0], 0, atol=1e-3)


def test_when_a_point_is_never_sure_then_it_is_left_as_it_is() -> None:
    poses = track(np.random.default_rng(3).normal(0, 9, (12, 7, 2)).astype(np.float32))
    poses[:, 4, 2] = SURE / 2
    assert np.array_equal(smooth(poses, RATE)[:, 4], poses[:, 4])


@pytest.mark.parametrize(("hertz", "kept"), [(1, 0.99), (2, 0.98), (4, 0.8), (6, 0.5), (12, 0.2)])
def test_slow_motion_is_kept_and_shaking_is_calmed_as_stated(hertz: float, kept: float) -> None:
    frames = np.arange(480)
    wave = np.cos(2 * np.pi * hertz * frames / 24).astype(np.float32)
    poses = track(np.broadcast_to(wave[:, None, None], (480, 7, 2)))
    inner = slice(120, 360)
    share = np.dot(smooth(poses, RATE)[inner, 0, 0], wave[inner]) / np.dot(wave[inner], wave[inner])
    assert share == pytest.approx(kept, abs=0.03)


def test_at_a_higher_rate_the_same_motion_keeps_the_same_share() -> None:
    shares = []
    for rate in (24, 60):
        wave = np.cos(2 * np.pi * 3 * np.arange(20 * rate) / rate).astype(np.float32)
        poses = track(np.broadcast_to(wave[:, None, None], (20 * rate, 7, 2)))
        inner = slice(5 * rate, 15 * rate)
        shares.append(
            np.dot(smooth(poses, Fraction(rate))[inner, 0, 0], wave[inner]) / np.dot(wave[inner], wave[inner])
        )
    assert shares[0] == pytest.approx(shares[1], abs=0.02)


def test_noise_on_a_walk_is_halved_and_the_walk_is_not_moved() -> None:
    seconds = np.arange(96) / 24
    walk = 40 * np.sin(2 * np.pi * 0.9 * seconds)[:, None, None] * np.ones((1, 7, 2))
    noise = np.random.default_rng(4).normal(0, 3, (96, 7, 2))
    truth = track(walk.astype(np.float32))
    error = smooth(track((walk + noise).astype(np.float32)), FILM)[:, :, :2] - truth[:, :, :2]
    assert np.sqrt((error**2).mean()) < 0.75 * 3
    np.testing.assert_allclose(smooth(truth, FILM), truth, atol=0.6)


def test_when_there_is_a_cut_then_nothing_is_smoothed_across_it() -> None:
    before, after = np.zeros((8, 7, 2), np.float32), np.full((8, 7, 2), 3 * 400 * CUT, np.float32)
    poses = track(np.concatenate([before, after]))
    assert cuts(poses) == [8]
    np.testing.assert_allclose(smooth(poses, RATE), poses, atol=1e-2)


def test_when_one_hand_is_flung_then_it_is_no_cut() -> None:
    poses = track(np.zeros((8, 7, 2), np.float32))
    poses[4:, 0, 0] += 900
    assert cuts(poses) == []


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_shot_of_a_few_frames_can_be_smoothed(count: int) -> None:
    poses = track(np.ones((count, 7, 2), np.float32))
    np.testing.assert_allclose(smooth(poses, RATE), poses, atol=1e-4)
