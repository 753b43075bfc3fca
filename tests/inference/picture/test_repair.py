"""Values that are no numbers are found, and made anew from their neighbours."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from understudy.inference.picture.repair import not_finite, repaired

pictures = arrays.arrays(
    np.float32, (6, 7, 3), elements=st.sampled_from([0.0, 0.5, -2.0, 65504.0, np.inf, -np.inf, np.nan])
)


@settings(max_examples=80, deadline=None)
@given(pictures, st.booleans())
def test_a_pixel_with_any_value_that_is_no_number_is_found(picture: NDArray[np.float32], as_half: bool) -> None:
    found = not_finite(picture.astype(np.float16) if as_half else picture)
    expected = ~np.isfinite(picture).all(axis=2)
    if found is None:
        assert not expected.any()
    else:
        assert (found == expected).all()


@settings(max_examples=80, deadline=None)
@given(pictures)
def test_repair_leaves_what_is_finite_and_stays_between_the_values_there_are(picture: NDArray[np.float32]) -> None:
    whole = repaired(picture)
    finite = np.isfinite(picture)
    assert np.isfinite(whole).all()
    assert (whole[finite] == picture[finite]).all()
    for channel in range(3):
        kept = picture[..., channel][finite[..., channel]]
        if kept.size:
            assert kept.min() - 1e-6 <= whole[..., channel].min()
            assert whole[..., channel].max() <= kept.max() + 1e-6


def test_when_one_value_is_missing_then_it_becomes_the_mean_around_it() -> None:
    picture = np.arange(25, dtype=np.float32).reshape(5, 5, 1)
    picture[2, 2] = np.nan
    assert repaired(picture)[2, 2, 0] == 12


def test_when_all_is_finite_then_nothing_is_copied() -> None:
    picture = np.ones((3, 3, 3), np.float32)
    assert repaired(picture) is picture
    assert not_finite(picture) is None
