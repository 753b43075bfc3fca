"""Rates as files state them: fractions, or decimals that mean a fraction of the family of film and broadcast. Pure."""

from __future__ import annotations

import math
from fractions import Fraction

COMMON_RATES = tuple(Fraction(whole) for whole in (24, 25, 30, 48, 50, 60, 96, 100, 120)) + tuple(
    Fraction(whole * 1000, 1001) for whole in (24, 30, 48, 60, 120)
)
_SAME_WITHIN = Fraction(1, 20_000)  # 23.976 is 24000/1001 to 1 in a million; 24 and 23.976 are 1 in a thousand apart
_FASTEST = 1000


def named_rate(rate: Fraction) -> Fraction:
    """Return the common rate that is meant: some writers store 2997/125 for 24000/1001. Others are returned as is."""
    return next((common for common in COMMON_RATES if abs(rate / common - 1) < _SAME_WITHIN), rate)


def stated_rate(value: object) -> Fraction | None:
    """Return the rate in a header's field, a Fraction or a decimal; None when it is no rate at all."""
    if isinstance(value, float) and math.isfinite(value):
        value = named_rate(Fraction(value).limit_denominator(1001))
    if isinstance(value, int):
        value = Fraction(value)
    return value if isinstance(value, Fraction) and 0 < value <= _FASTEST else None
