"""Which frames condition a segment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.bridge.engine_description import SegmentRule
from understudy.inference.engines.wan.spans import mirrored, span_of
from understudy.inference.segments import plan_segments


@pytest.mark.parametrize("count", [1, 2, 5, 76, 77, 78, 153, 154, 1000])
@pytest.mark.parametrize("carried", [1, 5])
def test_every_frame_of_a_shot_is_made_once_whatever_its_length(count: int, carried: int) -> None:
    frames = tuple(range(1001, 1001 + count))
    segments = plan_segments(frames, SegmentRule(length=77, overlap=carried, step=4))
    spans = [span_of(segment, frames) for segment in segments]
    made = [frames[p] for span in spans for p in span.positions[span.carried : span.carried + span.own]]
    assert made == list(frames)
    assert all(span.length <= 77 and span.length % 4 == 1 for span in spans)
    assert [span.carried for span in spans] == [0] + [carried] * (len(spans) - 1)


def test_a_segment_within_a_shot_is_filled_up_with_the_frames_that_follow() -> None:
    frames = tuple(range(100))
    first, second = (
        span_of(segment, frames) for segment in plan_segments(frames, SegmentRule(length=77, overlap=1, step=4))
    )
    assert first.positions == tuple(range(first.length))
    assert first.length > first.own
    assert second.positions[:1] == (first.own - 1,)
    assert second.positions[-3:] == (98, 97, 96)


@given(st.integers(0, 500), st.integers(1, 60))
def test_a_mirrored_shot_goes_on_by_single_frames(position: int, count: int) -> None:
    here, there = mirrored(position, count), mirrored(position + 1, count)
    assert 0 <= here < count
    assert abs(here - there) == (1 if count > 1 else 0)
    assert mirrored(min(position, count - 1), count) == min(position, count - 1)
