"""The three mattes: none crashes on an empty one, none leaves its bounds, and soft edges stay soft."""

from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from understudy.inference.controls.matte import matte_effective, matte_used, matte_used_around

Matte = NDArray[np.float32]
SHAPE = (24, 32)


@st.composite
def mattes(draw: st.DrawFn) -> Matte:
    """Soft blobs, single pixels, nothing, and everything."""
    matte = np.zeros(SHAPE, np.float32)
    for _ in range(draw(st.integers(0, 3))):
        top, left = draw(st.integers(0, 23)), draw(st.integers(0, 31))
        height, width = draw(st.integers(1, 24)), draw(st.integers(1, 32))
        matte[top : top + height, left : left + width] = draw(st.sampled_from([0.2, 0.5, 0.9, 1.0]))
    return cv2.blur(matte, (3, 3)) if draw(st.booleans()) else matte


shares = arrays.arrays(np.float32, SHAPE, elements=st.sampled_from([0.0, 0.0, 0.0, 0.3, 0.7, 1.0]))
lengths = st.sampled_from([0.0, 0.5, 1.0, 2.5, 4.0, 9.0])


def square(softness: int = 5) -> Matte:
    matte = np.zeros((96, 96), np.float32)
    matte[32:64, 32:64] = 1
    return cv2.blur(matte, (softness, softness)) if softness else matte


def everywhere(matte: Matte) -> Matte:
    return np.ones_like(matte)


@settings(max_examples=80, deadline=None)
@given(mattes(), st.integers(0, 4), st.integers(0, 20), st.integers(0, 20))
def test_the_used_matte_holds_the_matte_and_stays_in_its_dilated_box(
    matte: Matte, dilations: int, columns: int, rows: int
) -> None:
    used = matte_used(matte, dilations=dilations, columns=columns, rows=rows)
    assert set(np.unique(used)) <= {0.0, 1.0}
    assert (used[matte > 0.5] == 1).all()
    ys, xs = np.nonzero(matte > 0.5)
    if ys.size == 0:
        assert not used.any()
        return
    reach = 3 * dilations
    outside = np.ones(SHAPE, bool)
    outside[max(0, ys.min() - reach) : ys.max() + reach + 1, max(0, xs.min() - reach) : xs.max() + reach + 1] = False
    assert not used[outside].any()


def test_when_the_grid_is_one_by_one_then_the_box_is_filled() -> None:
    matte = np.zeros((40, 40), np.float32)
    cv2.circle(matte, (20, 20), 10, 1.0, -1)
    used = matte_used(matte, dilations=0)
    assert used[10:30, 10:30].all()
    assert used.sum() == 20 * 20 + 2  # the last row and column of the box are of no cell: one pixel each


def test_when_cells_are_filled_then_an_empty_cell_stays_empty() -> None:
    matte = np.zeros((41, 41), np.float32)
    matte[10, 10:31] = matte[10:31, 10] = 1
    used = matte_used(matte, dilations=0, columns=2, rows=2)
    assert used[10:20, 10:30].all()
    assert not used[21:30, 21:30].any()


def test_when_the_matte_is_one_pixel_then_a_fine_grid_does_no_harm() -> None:
    matte = np.zeros((40, 40), np.float32)
    matte[7, 9] = 1
    assert matte_used(matte, dilations=0, columns=10, rows=20).sum() == 1
    assert matte_used(matte, columns=100, rows=200).sum() == 17 * 19  # nine pixels to every side, where there are nine


@settings(max_examples=100, deadline=None)
@given(mattes(), shares, shares, lengths, lengths, st.booleans())
def test_the_effective_matte_is_zero_outside_the_used_one_and_keeps_what_was_painted_inside(
    matte: Matte, coverage: Matte, holdout: Matte, grow: float, feather: float, around: bool
) -> None:
    used = matte_used_around(matte, grow, feather) if around else matte_used(matte, columns=4, rows=4)
    effective = matte_effective(matte, coverage, holdout, grow, feather, used)
    assert effective.dtype == np.float32
    assert not effective[used == 0].any()
    assert not effective[holdout == 1].any()
    assert 0 <= effective.min() <= effective.max() <= 1
    free = (used > 0) & (holdout == 0)
    assert (effective[free] >= matte[free]).all()
    assert (effective[free & (matte == 1)] == 1).all()


@settings(max_examples=100, deadline=None)
@given(mattes(), shares, mattes(), lengths, lengths)
def test_when_more_is_painted_or_covered_then_the_effective_matte_is_nowhere_less(
    matte: Matte, coverage: Matte, more: Matte, grow: float, feather: float
) -> None:
    used = everywhere(matte)
    before = matte_effective(matte, coverage, None, grow, feather, used)
    painted = matte_effective(np.maximum(matte, more), coverage, None, grow, feather, used)
    covered = matte_effective(matte, np.maximum(coverage, more), None, grow, feather, used)
    # One last bit: 3t^2 - 2t^3 rises in exact arithmetic, not always in float.
    assert (painted >= before - 1e-6).all()
    assert (covered >= before - 1e-6).all()


@settings(max_examples=60, deadline=None)
@given(mattes(), lengths, lengths)
def test_when_the_used_matte_is_made_around_it_then_nothing_of_the_grown_edge_is_cut(
    matte: Matte, grow: float, feather: float
) -> None:
    used = matte_used_around(matte, grow, feather)
    cut = matte_effective(matte, None, None, grow, feather, used)
    whole = matte_effective(matte, None, None, grow, feather, everywhere(matte))
    assert np.abs(cut - np.where(used > 0, whole, 0)).max() == 0
    assert np.abs(cut - whole).max() <= 0.01


def test_when_the_same_matte_is_grown_again_then_every_bit_is_the_same_wherever_it_lies_in_memory() -> None:
    matte = square()[:91, :93].copy()
    results, held = set(), []
    for size in range(40):
        held.append(np.empty(size * 1000 + 4, np.uint8))
        results.add(matte_effective(matte, None, None, 9, 7, matte_used_around(matte, 9, 7)).tobytes())
    assert len(results) == 1


def test_when_the_edge_is_grown_then_it_is_whole_inside_and_falls_to_zero_at_the_stated_distance() -> None:
    matte = square(0)
    effective = matte_effective(matte, None, None, 6, 4, everywhere(matte))
    profile = effective[48, 63:76]
    # The edge lies between 63 and 64: 0.5 pixels from either. Whole up to 2 pixels out, zero from 6 on.
    assert (profile[:3] == 1).all()
    assert (profile[7:] == 0).all()
    assert (np.diff(profile) <= 0).all()
    share = (6 - 3.5) / 4
    assert profile[4] == pytest.approx(share * share * (3 - 2 * share), abs=1e-6)


def test_when_a_soft_edge_moves_by_part_of_a_pixel_then_the_grown_edge_does_not_wait_for_a_whole_one() -> None:
    fine = np.zeros((64, 640), np.float32)
    areas = []
    for right in range(300, 320):  # tenths of a pixel
        fine[:, 200:right] = 1
        soft = cv2.blur(cv2.resize(fine, (64, 64), interpolation=cv2.INTER_AREA), (3, 3))
        areas.append(float(matte_effective(soft, None, None, 6, 4, everywhere(soft))[32].sum()))
    steps = np.diff(areas)
    assert areas[-1] - areas[0] == pytest.approx(1.9, abs=0.4)
    assert steps.min() >= -1e-5
    assert steps.max() < 0.75


def test_when_nothing_is_grown_then_the_soft_matte_is_the_effective_one() -> None:
    matte = square()
    assert (matte_effective(matte, None, None, 0, 0, everywhere(matte)) == matte).all()
    feathered = matte_effective(matte, None, None, 0, 4, everywhere(matte))
    assert (feathered == matte).all()


def test_when_hair_is_faint_then_it_is_kept_as_painted() -> None:
    matte = square(0)
    matte[20:32, 48] = 0.15
    used = matte_used_around(matte, 2, 2)
    effective = matte_effective(matte, None, None, 2, 2, used)
    assert effective[20, 48] == np.float32(0.15)
    assert used[17:20, 48].all()


def test_when_the_character_reaches_past_the_used_matte_then_it_fades_instead_of_being_cut() -> None:
    matte, coverage = square(0), np.zeros((96, 96), np.float32)
    coverage[32:64, 32:96] = 1
    used = matte_used(matte, columns=0, rows=0)
    effective = matte_effective(matte, coverage, None, 6, 4, used)
    profile = effective[48, 60:80]
    assert profile[0] == 1
    assert profile[-1] == 0
    assert np.abs(np.diff(profile)).max() < 0.5


def test_when_the_matte_is_empty_then_nothing_may_change_whatever_the_engine_covers() -> None:
    empty, full = np.zeros((16, 16), np.float32), np.ones((16, 16), np.float32)
    used = matte_used_around(empty, 6, 4, full)
    assert not used.any()
    assert not matte_used(empty, columns=10, rows=20).any()
    assert not matte_effective(empty, full, None, 6, 4, used).any()


def test_when_the_matte_is_everything_then_all_may_change() -> None:
    full = np.ones((16, 16), np.float32)
    assert (matte_effective(full, None, None, 6, 4, matte_used_around(full, 6, 4)) == 1).all()


def test_when_a_matte_leaves_zero_to_one_then_it_is_clipped() -> None:
    matte = square(0) * 3 - 1
    effective = matte_effective(matte, None, None, 0, 0, everywhere(matte))
    assert (effective.min(), effective.max()) == (0, 1)


def test_when_coverage_is_given_then_the_room_around_it_is_given_too() -> None:
    matte, coverage = square(0), np.zeros((96, 96), np.float32)
    coverage[40, 80] = 1
    assert not matte_used_around(matte, 2, 2)[40, 80]
    assert matte_used_around(matte, 2, 2, coverage)[40, 80:86].all()


def test_when_the_edges_of_real_mattes_are_grown_then_they_move_no_more_than_the_mattes_do() -> None:
    folder = os.environ.get("UNDERSTUDY_TEST_PLATES")
    if folder is None:
        pytest.skip("UNDERSTUDY_TEST_PLATES names no folder with real mattes")
    frames = [cv2.imread(str(Path(folder, f"market/matte/matte.{n:04}.png")), -1) for n in (60, 61)]
    mattes_in = [frame.astype(np.float32) / 255 for frame in frames]
    grown = [matte_effective(m, m, None, 6, 4, matte_used_around(m, 6, 4)) for m in mattes_in]
    assert np.abs(grown[1] - grown[0]).mean() <= 1.5 * np.abs(mattes_in[1] - mattes_in[0]).mean()
    assert all((matte[grown_matte == 0] < 0.01).all() for matte, grown_matte in zip(mattes_in, grown, strict=True))
