"""What `preview` promises of its pictures, measured as the benchmark measures it; a paste must fail the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.preview_quality import (
    GOAL_CENTROID,
    GOAL_DECIBELS,
    GOAL_DEGREES,
    GOAL_OVERLAP,
    GOAL_WARP,
    Silent,
    composed,
    light_error,
    measure_shot,
    overlap,
    preview,
)
from benchmarks.preview_shots import market_footage, own_cut_out
from understudy.bridge.engine_description import SegmentRule
from understudy.bridge.errors import EngineError
from understudy.inference.engines.cutout import cut_out
from understudy.inference.engines.door import Footage, GeneratedFrame
from understudy.inference.engines.preview import PreviewEngine
from understudy.inference.engines.silhouette import place
from understudy.inference.segments import plan_segments

Array = NDArray[np.float32]
Drawn = tuple[Footage, Callable[[int], Array]]
KEY = (-0.62, -0.48, 0.62)


def pasted(footage: Footage, *, rigid: bool) -> Iterator[GeneratedFrame]:
    """Paste the cut-out where it fits the first frame and leave it there, or lay it over every frame by one
    similarity."""
    assert footage.plate is not None
    assert footage.matte is not None
    cutout = cut_out(footage.reference, footage.reference_has_alpha)
    picture = np.dstack([cutout.colour, cutout.alpha])
    matrix = place(cutout.alpha, footage.matte(footage.frames[0])).matrix
    for frame in footage.frames:
        if rigid:
            matrix = place(cutout.alpha, footage.matte(frame)).matrix
        size = (footage.width, footage.height)
        seen = cv2.warpAffine(picture, matrix, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
        yield GeneratedFrame(frame, seen[..., 3], character=seen[..., :3], clean=footage.plate(frame))


def static_paste(footage: Footage) -> Iterator[GeneratedFrame]:
    return pasted(footage, rigid=False)


def rigid_paste(footage: Footage) -> Iterator[GeneratedFrame]:
    return pasted(footage, rigid=True)


def test_when_the_figure_walks_then_the_character_covers_it_and_moves_as_it_does(
    drawn: Drawn, recast: list[GeneratedFrame]
) -> None:
    quality = measure_shot(drawn[0], lambda _: iter(recast))
    assert quality.overlap >= GOAL_OVERLAP
    assert quality.centroid <= GOAL_CENTROID
    assert quality.warp <= GOAL_WARP * quality.plate_warp


def test_when_the_reference_is_the_performer_then_the_plate_comes_back(drawn: Drawn) -> None:
    quality = measure_shot(own_cut_out(drawn[0], drawn[0].frames[4]))
    assert quality.decibels >= GOAL_DECIBELS
    assert quality.overlap > 0.97


@pytest.mark.parametrize("direction", [KEY, (0.7, -0.2, 0.68), (0.1, 0.75, 0.6)])
def test_when_a_ball_is_lit_from_one_side_then_the_character_is_lit_from_there(
    direction: tuple[float, float, float], tmp_path: Path
) -> None:
    assert light_error(direction, tmp_path) <= GOAL_DEGREES


@pytest.mark.parametrize("paste", [static_paste, rigid_paste])
def test_when_the_character_is_only_pasted_then_the_measures_refuse_it(
    paste: Callable[[Footage], Iterator[GeneratedFrame]], drawn: Drawn, tmp_path: Path
) -> None:
    quality = measure_shot(drawn[0], paste)
    assert quality.overlap < GOAL_OVERLAP
    assert quality.centroid > GOAL_CENTROID
    assert measure_shot(own_cut_out(drawn[0], drawn[0].frames[4]), paste).decibels < GOAL_DECIBELS
    assert light_error(KEY, tmp_path, paste) > GOAL_DEGREES


def test_when_the_paste_does_not_move_with_the_performer_then_the_change_between_frames_shows_it(
    drawn: Drawn, recast: list[GeneratedFrame]
) -> None:
    assert measure_shot(drawn[0], static_paste).stray > 1.3 * measure_shot(drawn[0], lambda _: iter(recast)).stray


def test_when_a_segment_is_made_alone_then_it_has_the_same_bits(
    drawn: Drawn, recast: list[GeneratedFrame], tmp_path: Path
) -> None:
    footage = replace(drawn[0], scratch=tmp_path)
    segment = plan_segments(footage.frames, SegmentRule(length=4))[-1]
    engine = PreviewEngine()
    engine.prepare(footage, Silent())
    for made in engine.generate(segment, Silent()):
        whole = recast[footage.frames.index(made.frame)]
        assert np.array_equal(made.coverage, whole.coverage)
        assert np.array_equal(composed(made), composed(whole))


def test_when_the_performer_is_removed_then_other_frames_fill_the_hole(
    drawn: Drawn, recast: list[GeneratedFrame]
) -> None:
    footage, truth = drawn
    assert footage.matte is not None
    assert footage.plate is not None
    made = recast[0]
    assert made.clean is not None
    hole = cv2.dilate((footage.matte(made.frame) > 0).astype(np.uint8), np.ones((15, 15), np.uint8)) > 0
    assert np.array_equal(made.clean[~hole], footage.plate(made.frame)[~hole])
    inside = footage.matte(made.frame) > 0.5
    before = np.abs(footage.plate(made.frame) - truth(made.frame))[inside].mean()
    assert np.abs(made.clean - truth(made.frame))[inside].mean() < 0.35 * before


def test_when_a_clean_plate_is_given_then_it_is_used_as_it_is(drawn: Drawn) -> None:
    footage, truth = drawn
    two = replace(footage, frames=footage.frames[:2], clean_plate=truth)
    for made in preview(two):
        assert made.clean is not None
        assert np.array_equal(made.clean, truth(made.frame))


def test_when_something_passes_in_front_then_the_plate_stays_there(drawn: Drawn) -> None:
    footage, _ = drawn
    assert footage.plate is not None
    post = np.zeros((footage.height, footage.width), np.float32)
    post[:, 150:170] = 1.0
    for made in preview(replace(footage, frames=footage.frames[:2], holdout=lambda _: post)):
        assert made.clean is not None
        assert np.all(made.coverage[:, 150:170] == 0)
        assert np.allclose(made.clean[:, 150:170], footage.plate(made.frame)[:, 150:170], atol=1e-6)


def test_when_nobody_is_in_a_frame_then_nothing_is_drawn_there(drawn: Drawn) -> None:
    footage, _ = drawn
    assert footage.matte is not None
    matte, gone = footage.matte, footage.frames[2]
    empty = np.zeros((footage.height, footage.width), np.float32)
    some = replace(footage, frames=footage.frames[:5], matte=lambda frame: empty if frame == gone else matte(frame))
    made = {frame.frame: frame for frame in preview(some)}
    assert not made[gone].coverage.any()
    assert overlap(made[footage.frames[3]].coverage, matte(footage.frames[3])) > 0.8


def test_when_the_matte_is_empty_everywhere_then_the_engine_says_what_to_check(drawn: Drawn) -> None:
    empty = np.zeros((drawn[0].height, drawn[0].width), np.float32)
    with pytest.raises(EngineError) as raised:
        list(preview(replace(drawn[0], matte=lambda _: empty)))
    assert "--matte-channel" in raised.value.remedy


def test_when_the_shot_is_one_frame_then_it_is_made(drawn: Drawn) -> None:
    made = list(preview(replace(drawn[0], frames=drawn[0].frames[:1])))
    assert len(made) == 1
    assert made[0].coverage.any()


def test_when_the_reference_is_transparent_then_the_engine_refuses_it(drawn: Drawn) -> None:
    with pytest.raises(EngineError, match="no character"):
        list(preview(replace(drawn[0], reference=np.zeros((90, 60, 4), np.float32))))


def test_when_values_are_at_the_ends_of_the_range_then_the_picture_is_finite(drawn: Drawn) -> None:
    footage, _ = drawn
    assert footage.plate is not None
    plate = footage.plate

    def harsh(frame: int) -> Array:
        picture = plate(frame).copy()
        picture[::7, ::5] = -0.2
        picture[::5, ::7] = 1.0
        return picture

    for made in preview(replace(footage, frames=footage.frames[:2], plate=harsh)):
        assert np.isfinite(composed(made)).all()
        assert made.coverage.min() >= 0.0
        assert made.coverage.max() <= 1.0


def test_when_real_footage_is_named_then_the_character_follows_it(footage: Path, tmp_path: Path) -> None:
    market = market_footage(tmp_path)
    assert market is not None
    quality = measure_shot(replace(market, frames=market.frames[:6]))
    assert quality.overlap >= GOAL_OVERLAP
    assert quality.centroid <= GOAL_CENTROID
    assert quality.warp <= GOAL_WARP * quality.plate_warp
