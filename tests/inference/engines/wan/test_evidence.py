"""The witnesses: limbs that are surely inside, colours of both sides, differences to what is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from coverage_rig import generated, standing

from understudy.inference.engines.wan.evidence import gather, log_odds, seen_small


def test_when_there_is_no_skeleton_then_no_limb_is_drawn_and_nothing_is_far() -> None:
    small = seen_small(generated(skeleton=False))
    assert not small.limbs.any()
    assert not small.away.any()


def test_when_the_skeleton_is_seen_then_its_limbs_lie_inside_the_figure() -> None:
    small = seen_small(generated())
    assert small.limbs.sum() > 300
    assert (standing()[0][small.limbs] > 0.5).mean() > 0.97


def test_when_a_point_is_not_seen_then_its_limb_is_left_out() -> None:
    picture = generated()
    assert picture.keypoints is not None
    points = picture.keypoints.copy()
    points[15, 2] = 0.4
    assert seen_small(replace(picture, keypoints=points)).limbs.sum() < seen_small(picture).limbs.sum()


@pytest.mark.parametrize("points", [np.zeros((0, 3)), np.zeros((17, 3)), np.full((133, 3), np.nan)])
def test_when_keypoints_are_of_another_kind_or_broken_then_they_count_as_none(points: np.ndarray) -> None:
    assert not seen_small(replace(generated(), keypoints=points.astype(np.float32))).limbs.any()


def test_when_nothing_is_sure_then_there_are_no_palettes_but_log_odds_all_the_same() -> None:
    picture = generated(known=False, skeleton=False)
    small = seen_small(replace(picture, used=np.ones_like(picture.used)))
    palettes = gather([small])
    assert palettes.character is None
    assert np.isfinite(log_odds(small, palettes)).all()


def test_when_the_background_is_known_then_the_difference_is_large_on_the_figure_and_small_beside_it() -> None:
    small = seen_small(generated())
    figure = standing()[0]
    assert small.difference is not None
    assert np.median(small.difference[figure > 0.99]) > 30
    assert np.median(small.difference[small.used & (figure == 0)]) < 3


def test_when_colours_are_learnt_then_each_side_likes_its_own() -> None:
    small = seen_small(generated(known=False))
    odds = log_odds(small, gather([small]))
    figure = standing()[0]
    assert np.median(odds[figure > 0.99]) > 2
    assert np.median(odds[small.used & (figure == 0)]) < -2
    assert odds[~small.used].max() < -10
