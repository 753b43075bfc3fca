"""Cutting a shot: every frame once, in order, in segments that an engine can take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.bridge.engine_description import SegmentRule
from understudy.bridge.shot import Redo
from understudy.inference.segments import kept_segments, plan_segments


@st.composite
def rules(draw: st.DrawFn) -> SegmentRule:
    step = draw(st.sampled_from([1, 4, 8]))
    length = draw(st.integers(0, 30)) * step + 1 + draw(st.integers(0, step - 1))
    return SegmentRule(length=length, overlap=draw(st.integers(0, (length - 1) // step * step)), step=step)


shots = st.builds(lambda first, count: tuple(range(first, first + count)), st.integers(-100, 2000), st.integers(0, 400))


@given(shots, rules())
def test_every_frame_is_in_exactly_one_segment_and_in_order(frames: tuple[int, ...], rule: SegmentRule) -> None:
    segments = plan_segments(frames, rule)
    assert tuple(frame for segment in segments for frame in segment.frames) == frames
    assert [segment.index for segment in segments] == list(range(len(segments)))
    assert all(segment.frames for segment in segments)


@given(shots, rules())
def test_every_segment_fits_the_rule_with_its_context_and_its_padding(
    frames: tuple[int, ...], rule: SegmentRule
) -> None:
    for segment in plan_segments(frames, rule):
        length = len(segment.context) + len(segment.frames) + segment.padding
        assert length <= rule.length
        assert (length - 1) % rule.step == 0
        assert 0 <= segment.padding < rule.step


@given(shots, rules())
def test_the_context_is_the_frames_before_and_only_the_first_segment_has_none(
    frames: tuple[int, ...], rule: SegmentRule
) -> None:
    for segment in plan_segments(frames, rule):
        start = frames.index(segment.frames[0])
        carried = rule.overlap if segment.index else 0
        assert segment.context == frames[start - carried : start]
        assert len(segment.context) == carried


@given(shots, rules())
def test_segments_are_balanced_and_as_few_as_can_be(frames: tuple[int, ...], rule: SegmentRule) -> None:
    segments = plan_segments(frames, rule)
    lengths = [len(segment.context) + len(segment.frames) for segment in segments]
    longest = (rule.length - 1) // rule.step * rule.step + 1
    if segments:
        assert max(lengths) - min(lengths) <= 1
        assert len(frames) > longest + (len(segments) - 2) * (longest - rule.overlap) or len(segments) == 1


def test_the_shot_of_the_readme_is_cut_in_two_halves() -> None:
    first, second = plan_segments(tuple(range(56, 164)), SegmentRule(length=77, overlap=1, step=4))
    assert (len(first.frames), len(second.frames)) == (55, 53)
    assert second.context == (110,)
    assert (first.padding, second.padding) == (2, 3)


def test_when_the_shot_is_one_frame_then_it_is_one_segment_without_padding() -> None:
    (segment,) = plan_segments((12,), SegmentRule(length=77, overlap=5, step=4))
    assert (segment.frames, segment.context, segment.padding) == ((12,), (), 0)


@pytest.mark.parametrize("rule", [(5, 5, 1), (5, 7, 1), (0, 0, 1), (5, -1, 1), (5, 0, 0), (6, 5, 4)])
def test_when_a_rule_can_never_advance_then_it_is_a_value_error(rule: tuple[int, int, int]) -> None:
    length, overlap, step = rule
    with pytest.raises(ValueError):
        plan_segments(tuple(range(20)), SegmentRule(length=length, overlap=overlap, step=step))


def redo(segment: int, *, alone: bool = False) -> Redo:
    return Redo(job_id="abcd2345", version=1, first_job_id="abcd2345", segment=segment, alone=alone)


def test_a_cascade_keeps_what_lies_before_and_alone_keeps_what_lies_around() -> None:
    assert kept_segments(redo(2), 4) == {0}
    assert kept_segments(redo(1), 4) == set()
    assert kept_segments(redo(4), 4) == {0, 1, 2}
    assert kept_segments(redo(2, alone=True), 4) == {0, 2, 3}


def test_a_job_that_redoes_nothing_keeps_nothing() -> None:
    assert kept_segments(None, 3) == set()
