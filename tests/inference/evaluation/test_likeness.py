"""SSIM and PSNR on pictures whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("skimage", reason="measures need scikit-image: pip install 'understudy[evaluate]'")

from understudy.inference.evaluation.likeness import (
    judged_pixels,
    mean_where,
    peak_signal_to_noise,
    similarity_map,
)

EVERYWHERE = np.ones((40, 50), np.bool_)


def grain(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.2, 0.8, (40, 50, 3)).astype(np.float32)


def test_when_there_is_no_pixel_then_there_is_no_number() -> None:
    assert peak_signal_to_noise(grain(), grain(), ~EVERYWHERE) is None
    assert mean_where(grain()[:, :, 0], ~EVERYWHERE) is None


def test_when_a_picture_is_smaller_than_the_window_then_there_is_no_similarity() -> None:
    assert similarity_map(grain()[:10], grain()[:10]) is None


def test_when_a_pixel_is_no_number_then_no_window_that_holds_it_is_judged() -> None:
    finite = EVERYWHERE.copy()
    finite[20, 25] = False
    judged = judged_pixels(finite)
    assert not judged[15:26, 20:31].any()
    assert judged[14, 25]
    assert judged[20, 31]
    assert not judged[:5].any()


def test_when_two_pictures_are_identical_then_similarity_is_one_and_the_ratio_infinite() -> None:
    similar = similarity_map(grain(), grain())
    assert similar is not None
    assert mean_where(similar, judged_pixels(EVERYWHERE)) == 1.0
    assert peak_signal_to_noise(grain(), grain(), EVERYWHERE) == "inf"


def test_when_the_structure_is_another_then_similarity_is_near_zero() -> None:
    similar = similarity_map(grain(1), grain(2))
    assert similar is not None
    assert abs(mean_where(similar, judged_pixels(EVERYWHERE)) or 0) < 0.1


@given(st.floats(0.001, 0.2))
def test_when_every_code_is_off_by_a_known_amount_then_the_ratio_is_the_known_one(offset: float) -> None:
    found = peak_signal_to_noise(grain() + np.float32(offset), grain(), EVERYWHERE)
    assert found == pytest.approx(-20 * math.log10(offset), abs=0.01)


def test_when_noise_has_a_known_deviation_then_the_ratio_is_the_known_one() -> None:
    noise = 0.05 * np.random.default_rng(3).standard_normal((40, 50, 3)).astype(np.float32)
    assert peak_signal_to_noise(grain() + noise, grain(), EVERYWHERE) == pytest.approx(26.02, abs=0.2)
