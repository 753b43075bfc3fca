"""Which frames are made: evenly in time, both ends, and every other frame with a picture behind it."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.bridge.engine_description import Between, SegmentRule
from understudy.bridge.shot import Settings
from understudy.inference.cadence import Cadence, evenly
from understudy.inference.engines.descriptions import STD_RATE, WAN_ANIMATE
from understudy.inference.engines.roster import describe_for
from understudy.inference.segments import plan_segments

STD = Fraction(STD_RATE)
RATES = [Fraction(rate) for rate in (10, 12, 15, 24, 25, 30, 48, 50, 60, 120)]
RATES += [Fraction(nominal * 1000, 1001) for nominal in (15, 24, 30, 60)]

rates = st.one_of(st.sampled_from(RATES), st.fractions(1, 240, max_denominator=1001))
shots = st.builds(lambda first, count: tuple(range(first, first + count)), st.integers(-50, 2000), st.integers(1, 90))
betweens: st.SearchStrategy[Between] = st.sampled_from(["held", "interpolated"])


def std(frames: tuple[int, ...], rate: Fraction, between: str = "held") -> Cadence:
    said = Settings(engine="wan-animate", engine_options={"preset": "std", "between": between})
    return Cadence.of(frames, rate, describe_for(said))


@settings(max_examples=60)
@given(shots, rates)
def test_as_few_are_made_as_give_fifteen_a_second_both_ends_among_them_and_evenly(
    frames: tuple[int, ...], rate: Fraction
) -> None:
    made = evenly(frames, rate, STD)
    seconds = (len(frames) - 1) / rate
    assert made == frames if rate <= STD else len(made) == math.ceil(seconds * STD) + 1
    assert (made[0], made[-1]) == (frames[0], frames[-1])
    assert set(made) <= set(frames)
    gaps = [after - before for before, after in pairwise(made)]
    assert all(gap >= 1 for gap in gaps)
    assert max(gaps, default=1) <= max(1, math.ceil(rate / STD))
    assert max(gaps, default=1) - min(gaps, default=1) <= 1
    step = Fraction(len(frames) - 1, max(1, len(made) - 1))
    assert all(abs(frame - frames[0] - index * step) <= Fraction(1, 2) for index, frame in enumerate(made))


@settings(max_examples=60)
@given(shots, rates, betweens)
def test_every_frame_is_made_or_lies_between_two_that_are(
    frames: tuple[int, ...], rate: Fraction, between: Between
) -> None:
    cadence = std(frames, rate, between)
    assert sorted((*cadence.made, *cadence.in_betweens)) == list(frames)
    for frame in frames:
        found = cadence.in_between(frame)
        assert (found is None) == (frame in cadence.made)
        assert cadence.word(frame) == ("none" if found is None else between)
        assert set(cadence.pictures_of(frame)) <= set(cadence.made)
        if found is not None:
            assert found.before < frame < found.after
            assert 0 < found.share < 1
            assert found.share == Fraction(frame - found.before, found.after - found.before)


@settings(max_examples=60)
@given(shots, rates, betweens, st.sampled_from([1, 5]), st.integers(2, 20))
def test_segments_of_made_frames_deliver_every_frame_once_and_in_order(
    frames: tuple[int, ...], rate: Fraction, between: Between, carried: int, latents: int
) -> None:
    cadence = std(frames, rate, between)
    segments = plan_segments(cadence.made, SegmentRule(length=4 * latents + 1, overlap=carried, step=4))
    assert tuple(frame for segment in segments for frame in cadence.delivered(segment)) == frames
    for segment in segments:
        own = [frame for made in segment.frames for frame in (made, *cadence.around(made))]
        assert sorted(own) == list(cadence.delivered(segment))


@pytest.mark.parametrize(
    ("rate", "count", "made"),
    [
        (Fraction(24), 24, 16), (Fraction(24), 25, 16), (Fraction(24000, 1001), 25, 17), (Fraction(25), 26, 16),
        (Fraction(30), 31, 16), (Fraction(30000, 1001), 31, 17), (Fraction(50), 51, 16), (Fraction(60), 61, 16),
        (Fraction(60000, 1001), 61, 17), (Fraction(12), 13, 13), (Fraction(15), 16, 16), (Fraction(24), 1, 1),
        (Fraction(24), 2, 2), (Fraction(24), 4, 3),
    ],
)  # fmt: skip
def test_a_second_and_a_frame_has_so_many_pictures(rate: Fraction, count: int, made: int) -> None:
    assert len(std(tuple(range(1001, 1001 + count)), rate).made) == made


def test_a_shot_at_24_is_made_so() -> None:
    cadence = std(tuple(range(1001, 1010)), Fraction(24))
    assert cadence.made == (1001, 1003, 1004, 1006, 1007, 1009)
    assert cadence.share == Fraction(5, 8)
    assert cadence.pictures_of(1002) == (1001,)


def test_an_engine_without_a_rate_of_its_own_makes_every_frame_and_says_nothing_of_it() -> None:
    cadence = Cadence.of((1, 2, 3), None, WAN_ANIMATE)
    assert (cadence.made, cadence.in_betweens, cadence.share) == ((1, 2, 3), (), 1)
    assert {cadence.word(frame) for frame in cadence.frames} == {""}


def test_when_the_rate_is_not_known_then_nothing_is_guessed() -> None:
    with pytest.raises(ValueError, match="not known without the shot's rate"):
        std((1, 2, 3), None)  # type: ignore[arg-type]
