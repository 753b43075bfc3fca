"""Flicker, seams and what stands out, on rows whose truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("skimage", reason="measures need scikit-image: pip install 'understudy[evaluate]'")

from understudy.bridge.engine_description import SegmentRule
from understudy.inference.cadence import Cadence
from understudy.inference.evaluation.over_time import (
    fixed_starts,
    level_step,
    mean_change,
    planned_starts,
    seams_of,
    with_flicker,
    with_jumps,
)
from understudy.inference.evaluation.rows import PictureRow


def rows_of(levels: list[float], plate: list[float] | None = None, frames: list[int] | None = None) -> list[PictureRow]:
    """Return rows with the changes that those levels make of flat pictures."""
    numbers, ground = frames or list(range(len(levels))), plate or [0.5] * len(levels)
    rows: list[PictureRow] = []
    for frame, level, under in zip(numbers, levels, ground, strict=True):
        row = PictureRow(frame=frame, level=(level,) * 3, plate_level=(under,) * 3)
        if rows:
            before = rows[-1]
            assert before.level is not None
            assert before.plate_level is not None
            row = PictureRow(
                frame=frame, level=row.level, plate_level=row.plate_level, step=level_step(row, before),
                change=abs(level - before.level[0]), plate_change=abs(under - before.plate_level[0]),
            )  # fmt: skip
        rows.append(row)
    return rows


@pytest.mark.parametrize(("length", "overlap"), [(5, 5), (1, 1), (0, 0), (5, -1)])
def test_when_segments_never_advance_then_they_are_refused(length: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="carry"):
        fixed_starts(range(20), length, overlap)


def test_when_a_shot_is_shorter_than_a_segment_then_it_has_no_seam() -> None:
    assert fixed_starts(range(1, 78), 77, 1) == ()
    shot = tuple(range(1, 78))
    assert planned_starts(Cadence(shot, shot), SegmentRule(length=77, overlap=1, step=4)) == ()


@pytest.mark.parametrize(("between", "start"), [("held", 10), ("interpolated", 9)])
def test_where_not_every_frame_is_made_a_segment_begins_with_its_first_delivered_one(between: Any, start: int) -> None:
    shot = tuple(range(1, 15))
    cadence = Cadence(shot, (1, 2, 4, 5, 7, 8, 10, 11, 13, 14), between=between)
    assert planned_starts(cadence, SegmentRule(length=9, overlap=1, step=4)) == (start,)


def test_when_segments_share_a_frame_then_each_begins_after_the_shared_one() -> None:
    assert fixed_starts(range(1, 201), 77, 1) == (78, 154)
    assert fixed_starts(range(1, 201), 77, 0) == (78, 155)
    assert fixed_starts(range(1, 201), 77, 5) == (78, 150)


@given(st.integers(1, 300), st.integers(2, 81), st.integers(0, 5))
def test_when_segments_are_fixed_then_every_start_is_a_frame_and_they_go_forward(
    count: int, length: int, overlap: int
) -> None:
    if overlap >= length:
        return
    starts = fixed_starts(range(count), length, overlap)
    assert set(starts) <= set(range(count))
    assert list(np.diff(starts)) == [length - overlap] * (len(starts) - 1)


def test_when_frames_are_missing_beside_a_frame_then_it_has_no_flicker() -> None:
    done = with_flicker(rows_of([0.5, 0.6, 0.5, 0.5], frames=[1, 2, 4, 5]))
    assert [row.flicker for row in done] == [None] * 4


def test_when_there_is_one_frame_then_nothing_over_time_is_measured() -> None:
    done = with_jumps(with_flicker(rows_of([0.5])), (0,))
    assert done[0].flicker is None
    assert not done[0].stands_out
    assert seams_of(done)[0].ratio is None


def test_when_one_frame_flashes_then_its_flicker_is_the_height_of_the_flash() -> None:
    done = with_flicker(rows_of([0.5, 0.5, 0.53, 0.5, 0.5]))
    assert done[2].flicker == pytest.approx(0.03)
    assert done[2].plate_flicker == 0


def test_when_frames_alternate_then_flicker_is_the_height_from_low_to_high() -> None:
    done = with_flicker(rows_of([0.5 + 0.01 * (-1) ** index for index in range(8)]))
    assert [row.flicker for row in done[1:-1]] == pytest.approx([0.02] * 6)


def test_when_the_level_only_drifts_then_there_is_no_flicker() -> None:
    done = with_flicker(rows_of([0.5 + 0.01 * index for index in range(8)]))
    assert [row.flicker for row in done[1:-1]] == pytest.approx([0] * 6)


def test_when_the_level_jumps_at_a_seam_then_that_frame_alone_stands_out_by_that_height() -> None:
    done = with_jumps(rows_of([0.5] * 10 + [0.54] * 10), (10, 15))
    assert [row.frame for row in done if row.stands_out] == [10]
    jumped, quiet = seams_of(done)
    assert (jumped.frame, jumped.step, jumped.stands_out) == (10, pytest.approx(0.04), True)
    assert (quiet.frame, quiet.step, quiet.stands_out) == (15, 0, False)
    assert jumped.ratio == "inf"  # this plate stands still
    assert quiet.ratio == 1


def test_when_the_plate_jumps_too_then_its_cut_is_no_fault_of_the_result() -> None:
    lights = [0.3] * 10 + [0.6] * 10
    done = with_jumps(rows_of(lights, plate=lights), (10,))
    assert not any(row.stands_out for row in done)
    assert seams_of(done)[0].ratio == 1


def test_when_every_frame_changes_alike_then_none_stands_out() -> None:
    assert not any(row.stands_out for row in with_jumps(rows_of([0.02 * index for index in range(20)]), ()))


def test_when_no_pixel_counts_then_there_is_no_change() -> None:
    codes = np.zeros((4, 4, 3), np.float32)
    assert mean_change(codes, codes, np.zeros((4, 4), np.bool_)) is None
