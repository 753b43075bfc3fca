"""Colours of a region against a reference's, whatever stands where."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

pytest.importorskip("skimage", reason="measures need scikit-image: pip install 'understudy[evaluate]'")

from understudy.inference.evaluation.appearance import (
    Palette,
    chroma_distance,
    lightness_distance,
    mean_colour_difference,
    palette_of,
)


def colours(seed: int, *, lighter: float = 0.0, a: float = 0.0) -> NDArray[np.float32]:
    lab = np.random.default_rng(seed).normal((50, a, 0), (5, 4, 4), (4000, 3))
    lab[:, 0] += lighter
    return lab.astype(np.float32)


def palette(lab: NDArray[np.float32]) -> Palette:
    found = palette_of(lab, np.ones(len(lab), np.float32))
    assert found is not None
    return found


def test_when_nothing_is_covered_then_there_are_no_colours() -> None:
    assert palette_of(colours(1), np.zeros(4000, np.float32)) is None


def test_when_the_same_pixels_stand_elsewhere_then_nothing_differs() -> None:
    here, there = palette(colours(1)), palette(colours(1)[::-1])
    assert mean_colour_difference(here, there) == pytest.approx(0, abs=1e-6)
    assert lightness_distance(here, there) == pytest.approx(0, abs=1e-9)
    assert chroma_distance(here, there) == pytest.approx(0, abs=1e-6)


def test_when_all_is_lighter_by_ten_then_the_lightness_is_off_by_ten_and_the_chroma_by_nothing() -> None:
    here, there = palette(colours(1, lighter=10)), palette(colours(1))
    assert lightness_distance(here, there) == pytest.approx(10, abs=0.1)
    assert chroma_distance(here, there) == pytest.approx(0, abs=1e-6)


def test_when_no_colour_is_shared_then_the_chroma_distance_is_one() -> None:
    assert chroma_distance(palette(colours(1, a=60)), palette(colours(1, a=-60))) == pytest.approx(1, abs=1e-9)


def test_when_coverage_is_faint_then_a_pixel_counts_for_less() -> None:
    lab = np.concatenate([colours(1), colours(1, lighter=20)])
    weights = np.concatenate([np.ones(4000), np.zeros(4000)]).astype(np.float32)
    found = palette_of(lab, weights)
    assert found is not None
    assert found.mean == pytest.approx(palette(colours(1)).mean, abs=1e-3)


@settings(max_examples=25)
@given(st.integers(0, 99), st.integers(0, 99), st.floats(-80, 80), st.floats(-200, 200))
def test_when_two_sides_change_places_then_the_distances_stay_and_are_in_range(
    one: int, other: int, a: float, lighter: float
) -> None:
    here, there = palette(colours(one)), palette(colours(other, lighter=lighter, a=a))
    assert chroma_distance(here, there) == pytest.approx(chroma_distance(there, here))
    assert 0 <= chroma_distance(here, there) <= 1
    assert lightness_distance(here, there) == pytest.approx(lightness_distance(there, here))
    assert 0 <= lightness_distance(here, there) <= 128
