"""Pixels without NaN, and sums over three channels."""

from __future__ import annotations

import numpy as np

from understudy.inference.engines.wan.pixels import dot, finite


def test_when_values_are_not_finite_then_they_are_mended_and_the_rest_stays() -> None:
    made = finite(np.array([np.nan, np.inf, -np.inf, 0.25], np.float32))
    assert made.tolist() == [0.0, 1.0, 0.0, 0.25]


def test_when_all_is_finite_then_nothing_is_copied() -> None:
    values = np.ones(3, np.float32)
    assert finite(values) is values


def test_when_three_channels_are_multiplied_then_they_are_summed() -> None:
    one, other = np.random.default_rng(1).random((2, 5, 4, 3), dtype=np.float32)
    np.testing.assert_allclose(dot(one, other), (one * other).sum(axis=-1), rtol=1e-6)
