"""The guided filter averages, and stops at edges."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.inference.engines.wan.guided import Guide


def test_when_the_guide_is_flat_then_the_filter_is_a_plain_average_and_finite() -> None:
    values = np.random.default_rng(1).random((20, 30), dtype=np.float32)
    made = Guide(np.full((20, 30, 3), 0.5, np.float32), 3, 1e-4).filtered(values)
    assert np.isfinite(made).all()
    assert made.std() < 0.5 * values.std()


def test_when_the_guide_has_an_edge_then_values_do_not_cross_it() -> None:
    picture = np.zeros((20, 30, 3), np.float32)
    picture[:, 15:] = 0.6
    values = (picture[..., 0] > 0).astype(np.float32)
    made = Guide(picture, 4, 1e-4).filtered(values)
    assert np.abs(made - values).max() < 0.01


@settings(max_examples=20, deadline=None)
@given(level=st.floats(0, 1, width=32), height=st.integers(1, 9), width=st.integers(1, 9))
def test_when_what_is_filtered_is_constant_then_it_stays(level: float, height: int, width: int) -> None:
    picture = np.random.default_rng(height * 10 + width).random((height, width, 3), dtype=np.float32)
    made = Guide(picture, 2, 1e-3).filtered(np.full((height, width), level, np.float32))
    np.testing.assert_allclose(made, level, atol=1e-3)


def test_when_a_small_guide_serves_a_larger_picture_then_the_answer_has_its_size() -> None:
    picture = np.zeros((20, 30, 3), np.float32)
    picture[:, 15:] = 0.6
    line = Guide(picture, 3, 1e-4).line((picture[..., 0] > 0).astype(np.float32))
    made = line.on(picture.repeat(2, axis=0).repeat(2, axis=1))
    assert made.shape == (40, 60)
    assert made[:, :20].max() < 0.05
    assert made[:, 40:].min() > 0.95
