"""Rates as headers state them."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from understudy.inference.picture.frame_rates import COMMON_RATES, named_rate, stated_rate


@given(st.sampled_from(COMMON_RATES), st.integers(2, 4))
def test_when_a_common_rate_is_rounded_to_a_few_digits_then_it_is_still_meant(rate: Fraction, digits: int) -> None:
    assert stated_rate(round(float(rate), digits + 1)) == rate
    assert named_rate(rate) == rate


@given(st.one_of(st.floats(), st.integers(), st.text(), st.none(), st.fractions()))
def test_when_a_field_holds_anything_then_it_is_a_rate_above_nought_or_none(value: object) -> None:
    found = stated_rate(value)
    assert found is None or 0 < found <= 1000


def test_when_film_and_video_rates_are_near_then_they_are_not_mixed_up() -> None:
    assert stated_rate(23.976) == Fraction(24000, 1001)
    assert stated_rate(24.0) == 24
    assert stated_rate(29.97) == Fraction(30000, 1001)
    assert named_rate(Fraction(2997, 125)) == Fraction(24000, 1001)
    assert named_rate(Fraction(25, 2)) == Fraction(25, 2)
