"""What is known of a background that nobody gave, and what is said of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from understudy.bridge.shot import Settings
from understudy.inference.engines.door import Footage
from understudy.inference.engines.wan.behind import LOOKS, Glimpse, ShotBackground, clean_finding, look_positions
from understudy.inference.segments import Segment

Array = NDArray[np.float32]
HEIGHT, WIDTH, FRAMES = 72, 128, tuple(range(1, 13))
SEGMENT = Segment(0, FRAMES)


def ground() -> Array:
    coarse = np.random.default_rng(3).uniform(0.2, 0.8, (18, 32, 3)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.float32)


def footage(step: int, clean: bool = False) -> Footage:
    """Return a shot in which a red box goes `step` pixels to the right a frame before a wall that stands still."""

    def matte(frame: int) -> Array:
        left = 20 + step * (frame - 1)
        return np.pad(np.ones((40, 24), np.float32), ((20, 12), (left, WIDTH - left - 24)))

    def plate(frame: int) -> Array:
        red = np.array([0.8, 0.1, 0.1], np.float32)
        return np.where(matte(frame)[..., None] > 0, red, ground())

    return Footage(
        mode="replace", frames=FRAMES, height=HEIGHT, width=WIDTH, rate=Fraction(24),
        settings=Settings(engine="wan-animate"), reference=np.zeros((4, 4, 4), np.float32), reference_has_alpha=True,
        plate=plate, matte=matte, clean_plate=(lambda frame: ground()) if clean else None, holdout=None, keypoints=None,
        scratch=Path(),
    )  # fmt: skip


def hidden(shot: Footage, frame: int) -> NDArray[np.bool_]:
    assert shot.matte is not None
    return shot.matte(frame) > 0


def test_what_the_performer_uncovers_at_another_time_is_known_and_is_what_was_there() -> None:
    shot = footage(step=6)
    known = ShotBackground(shot).at(6)
    behind = hidden(shot, 6)
    assert known.found
    assert known.seen[behind].mean() > 0.99
    assert np.abs(known.behind.picture - ground())[behind].mean() < 0.02
    assert 0.5 < known.behind.trust[behind].mean() < 1


def test_what_the_performer_never_uncovers_is_invented_and_hardly_trusted() -> None:
    shot = footage(step=0)
    known = ShotBackground(shot).at(6)
    behind = hidden(shot, 6)
    assert known.seen[behind].max() == 0
    assert known.behind.trust[behind].max() < 0.2
    assert known.seen[~cv2.dilate(behind.astype(np.uint8), np.ones((9, 9))).astype(bool)].min() == 1


def test_when_a_clean_plate_is_given_then_it_is_what_is_known() -> None:
    background = ShotBackground(footage(step=0, clean=True))
    known = background.at(6)
    assert background.is_given
    assert np.array_equal(known.behind.picture, ground())
    assert known.seen.min() == 1


def test_a_frame_is_the_same_whatever_was_asked_before_and_by_how_many_threads() -> None:
    shot = footage(step=6)
    one, other = ShotBackground(shot), ShotBackground(shot)
    with ThreadPoolExecutor(4) as pool:
        side_by_side = dict(zip(FRAMES[::-1], pool.map(other.at, FRAMES[::-1]), strict=True))
    for frame in (6, 1):
        assert np.array_equal(one.at(frame).behind.picture, side_by_side[frame].behind.picture)
        assert np.array_equal(one.at(frame).seen, side_by_side[frame].seen)


@pytest.mark.parametrize("count", [1, 2, 8, 9, 77, 1000])
def test_the_first_and_the_last_frame_are_looked_at_and_no_more_than_is_worth_it(count: int) -> None:
    positions = look_positions(count)
    assert (positions[0], positions[-1]) == (0, count - 1)
    assert len(positions) == min(count, LOOKS)


def test_when_everything_was_seen_then_that_is_noted_and_no_frame_is_named() -> None:
    said = clean_finding(SEGMENT, [Glimpse(frame, 0.0, True) for frame in FRAMES])
    assert (said.outcome, said.frames) == ("note", ())
    assert "all of it was seen" in said.message


def test_when_parts_were_never_seen_then_frames_and_shares_are_told_and_much_of_it_is_a_warning() -> None:
    little = [Glimpse(1, 0.1, True), *(Glimpse(frame, 0.0, True) for frame in FRAMES[1:])]
    said = clean_finding(SEGMENT, little)
    assert (said.outcome, said.frames) == ("note", (1,))
    assert "1 of 12 frames" in said.message
    assert "at most 10%" in said.message
    lost = clean_finding(SEGMENT, [Glimpse(frame, 1.0, False) for frame in FRAMES])
    assert (lost.outcome, lost.frames) == ("warn", FRAMES)
    assert "camera's move was not found in 12 frames" in lost.message


def test_a_character_who_stands_before_what_was_seen_in_part_tells_the_share() -> None:
    known = ShotBackground(footage(step=0)).at(6)
    coverage = np.zeros((HEIGHT, WIDTH), np.float32)
    coverage[30:50, 24:40] = 1
    coverage[30:50, 80:96] = 1
    assert Glimpse.of(6, coverage, known.seen, known.found).invented == pytest.approx(0.5)
    assert Glimpse.of(6, np.zeros_like(coverage), known.seen, known.found).invented == 0
