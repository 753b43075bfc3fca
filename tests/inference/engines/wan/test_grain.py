"""Grain is measured as it was made, and made as it is asked for."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from understudy.inference.engines.wan.grain import LEVELS, Grain, grain_field, measure_grain

Array = NDArray[np.float32]
SIZE = (160, 240)
EVERYWHERE = np.ones(SIZE, bool)


def calm() -> Array:
    """Return a slope from dark to bright: nothing that could be taken for grain."""
    return np.repeat(np.linspace(0.05, 0.8, SIZE[1], dtype=np.float32)[None, :, None], SIZE[0], axis=0).repeat(
        3, axis=2
    )


def test_when_nothing_may_be_looked_at_then_there_is_no_grain() -> None:
    assert measure_grain(calm(), np.zeros(SIZE, bool)) == Grain.none()


def test_when_a_picture_is_flat_then_its_grain_is_nothing_and_finite() -> None:
    found = measure_grain(np.full((*SIZE, 3), 0.5, np.float32), EVERYWHERE)
    assert np.isfinite([*np.ravel(found.strength), found.size, found.alike]).all()
    assert np.max(found.strength) < 1e-6


@pytest.mark.parametrize("size", [0.0, 0.7, 1.2])
@pytest.mark.parametrize("strength", [0.008, 0.025])
def test_when_grain_is_known_then_its_strength_and_size_are_found(strength: float, size: float) -> None:
    grain = Grain(((strength,) * 3,) * len(LEVELS), size, 0.3)
    picture = calm() + grain_field((*SIZE, 3), grain, 1, 99) * np.float32(strength)
    found = measure_grain(picture, EVERYWHERE)
    assert np.mean(found.strength) == pytest.approx(strength, rel=0.2)
    assert found.size == pytest.approx(size, abs=0.2)


def test_when_grain_is_stronger_in_the_bright_then_that_is_found() -> None:
    white = np.random.default_rng(1).standard_normal((*SIZE, 3), dtype=np.float32)
    found = measure_grain(calm() + white * calm() * np.float32(0.05), EVERYWHERE)
    strength = np.mean(found.strength, axis=1)
    assert strength[-1] > 3 * strength[0]


def test_when_grain_is_alike_in_all_channels_then_that_is_found_and_made() -> None:
    grain = Grain(((0.02,) * 3,) * len(LEVELS), 0.6, 0.8)
    field = grain_field((*SIZE, 3), grain, 5, 1) * np.float32(0.02)
    assert measure_grain(field + np.float32(0.4), EVERYWHERE).alike == pytest.approx(0.8, abs=0.1)


@pytest.mark.parametrize("size", [0.0, 0.5, 1.6])
def test_when_a_field_is_made_then_its_deviation_is_one_whatever_its_size(size: float) -> None:
    grain = Grain(((0.02,) * 3,) * len(LEVELS), size, 0.5)
    assert float(grain_field((*SIZE, 3), grain, 1, 1).std()) == pytest.approx(1.0, rel=0.05)


def test_when_own_noise_is_stronger_then_nothing_is_lacking() -> None:
    weak, strong = (Grain(((value,) * 3,) * len(LEVELS), 0.5, 0.0) for value in (0.01, 0.02))
    assert not weak.lacking(strong, calm()[..., 0], 1.0).any()
    assert strong.lacking(weak, calm()[..., 0], 0.005).max() == pytest.approx(0.005)
