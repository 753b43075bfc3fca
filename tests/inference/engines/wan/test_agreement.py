"""Character over clean is the picture, whatever has changed it."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from understudy.inference.engines.wan.agreement import HARDLY, agreed
from understudy.inference.picture.tone import LIMIT, decode, encode

Array = NDArray[np.float32]


def pictures(seed: int, dark: bool = False) -> tuple[Array, Array, Array, Array]:
    """Return picture, coverage, character and clean that have nothing to do with one another."""
    random = np.random.default_rng(seed)
    picture, character, clean = random.random((3, 12, 16, 3), np.float32)
    coverage = np.clip(random.random((12, 16), np.float32) * 1.6 - 0.3, 0, 1)
    return np.zeros_like(picture) if dark else picture, coverage, character, clean


def over(character: Array, clean: Array, coverage: Array) -> Array:
    c = coverage[..., None]
    return decode(character) * c + decode(clean) * (1 - c)


@given(st.integers(0, 2**32), st.booleans())
def test_character_over_clean_is_the_picture_wherever_anything_of_either_shows(seed: int, dark: bool) -> None:
    picture, coverage, character, clean = pictures(seed, dark)
    front, back = agreed(picture, coverage, character, clean)
    light = decode(picture)
    error = (np.abs(over(front, back, coverage) - light) / (light + 0.05)).max(axis=2)
    seen = (coverage >= HARDLY) & ((1 - coverage >= HARDLY) | (coverage == 1))
    assert error[seen].max(initial=0.0) < 1e-3, "a thousandth of the light"


@given(st.integers(0, 2**32))
def test_nothing_leaves_the_encodings_range_and_what_is_not_covered_keeps_its_bits(seed: int) -> None:
    picture, coverage, character, clean = pictures(seed)
    front, back = agreed(picture, coverage, character, clean)
    for made in (front, back):
        assert 0 <= made.min() <= made.max() <= encode(np.float32([LIMIT]))[0] * (1 + 1e-6)
    assert np.array_equal(back[coverage == 0], clean[coverage == 0])


def test_where_nobody_is_both_stay_as_they_are() -> None:
    picture, coverage, character, clean = pictures(1)
    front, back = agreed(picture, np.zeros_like(coverage), character, clean)
    assert front is character
    assert back is clean
