"""Timecode that counts on, drop frame included."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.inference.picture.timecode import later_timecode

NTSC = Fraction(30000, 1001)
DOUBLE_NTSC = Fraction(60000, 1001)


@pytest.mark.parametrize(
    ("start", "frames", "rate", "then"),
    [
        ("01:00:00:23", 1, Fraction(24), "01:00:01:00"),
        ("01:00:00:23", 1, Fraction(24000, 1001), "01:00:01:00"),
        ("00:00:59;29", 1, NTSC, "00:01:00;02"),
        ("00:09:59;29", 1, NTSC, "00:10:00;00"),
        ("00:01:00;02", -1, NTSC, "00:00:59;29"),
        ("00:00:59;59", 1, DOUBLE_NTSC, "00:01:00;04"),
        ("00:00:59:29", 1, NTSC, "00:01:00:00"),
        ("01:00:00;00", 107_892, NTSC, "02:00:00;00"),
        ("23:59:59;29", 1, NTSC, "00:00:00;00"),
        ("00:00:00:00", -1, Fraction(25), "23:59:59:24"),
    ],
)
def test_a_timecode_counts_on_as_the_standard_says(start: str, frames: int, rate: Fraction, then: str) -> None:
    assert later_timecode(start, frames, rate) == then


@pytest.mark.parametrize(
    ("start", "rate"),
    [("10:00", Fraction(24)), ("01:00:00:30", Fraction(24)), ("01:00:00;00", Fraction(24)), ("01:60:00:00", NTSC)],
)
def test_what_is_no_timecode_of_that_rate_gives_none(start: str, rate: Fraction) -> None:
    assert later_timecode(start, 1, rate) is None


@given(st.integers(0, 2_589_407), st.integers(0, 2_589_407))
def test_drop_frame_never_names_a_dropped_number_and_every_step_is_one_picture(first: int, second: int) -> None:
    codes = [later_timecode("00:00:00;00", count, NTSC) for count in (first, second)]
    for code in codes:
        assert code is not None
        minute, second_, frame = int(code[3:5]), int(code[6:8]), int(code[9:])
        assert not (frame < 2 and second_ == 0 and minute % 10)
    assert (codes[0] == codes[1]) == (first == second)
    assert later_timecode(str(codes[0]), second - first, NTSC) == codes[1]
