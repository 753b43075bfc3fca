"""Time to frames: rational rates never drift, and marks hold."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as some

from understudy.bridge.frames import FrameRange, FrameRate
from understudy.ui.playhead import Playhead, next_frames, played, steps_due

NTSC = FrameRate(24000, 1001)


def test_when_two_hours_have_passed_at_23976_then_no_frame_is_lost_or_gained() -> None:
    assert steps_due(NTSC, 2 * 3600 * 10**9) == int(Fraction(24000, 1001) * 7200)


@given(some.integers(0, 10**6))
def test_when_a_frame_has_just_begun_then_it_is_the_one_that_is_due(frame: int) -> None:
    begins = -(-frame * 10**9 * 1001 // 24000)  # rounded up to the nanosecond
    assert steps_due(NTSC, begins) == frame


@given(some.integers(-50, 50), some.integers(0, 40), some.integers(-100, 100), some.integers(0, 10**6))
def test_when_it_plays_on_then_it_never_leaves_the_marks(first: int, length: int, start: int, steps: int) -> None:
    head = Playhead.over(FrameRange(first, first + length))
    assert head.mark_in <= played(head, start, steps) <= head.mark_out


def test_when_the_out_point_is_reached_then_it_goes_on_at_the_in_point() -> None:
    head = Playhead.over(FrameRange(1001, 1010)).with_in(1003).with_out(1005)
    assert [played(head, 1003, step) for step in range(5)] == [1003, 1004, 1005, 1003, 1004]


def test_when_a_shot_grows_then_the_out_point_at_its_end_goes_along_and_a_set_one_stays() -> None:
    head = Playhead.over(FrameRange(1001, 1004)).at(1003)
    assert head.widened(FrameRange(1001, 1009)).mark_out == 1009
    assert head.with_out(1002).widened(FrameRange(1001, 1009)).mark_out == 1002
    assert head.widened(FrameRange(1001, 1009)).frame == 1003


def test_when_an_in_point_lies_after_the_out_point_then_the_out_point_gives_way() -> None:
    head = Playhead.over(FrameRange(1, 9)).with_out(4).with_in(6)
    assert (head.mark_in, head.mark_out) == (6, 9)


def test_when_it_scrubs_backwards_then_the_frames_before_are_made_ready_first() -> None:
    head = Playhead.over(FrameRange(1, 100)).at(50)
    assert next_frames(head, -1, 6) == [49, 48, 47, 46, 45, 44, 51, 52]
    assert next_frames(head.at(1), -1, 3) == [2]
