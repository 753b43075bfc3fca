"""Cuts: found where one shot ends, and not in pans, flashes, lamps, or a performer who moves."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from understudy.inference.controls.cuts import THUMBNAIL, find_cuts, thumbnail, unlikeness

Picture = NDArray[np.float32]
HEIGHT, WIDTH = 90, 160


def scene(seed: int) -> Picture:
    """Return a wide set, (300, 1200, 3): shapes of every size, as cloth, walls and people have."""
    random = np.random.default_rng(seed)
    picture = np.zeros((300, 1200, 3), np.float32)
    for scale in (4, 8, 16, 40):
        noise = random.random((300 // scale + 2, 1200 // scale + 2, 3), dtype=np.float32)
        picture += cv2.resize(noise, (1200, 300), interpolation=cv2.INTER_CUBIC) * scale / 40
    return picture / picture.max()


SETS = [scene(seed) for seed in range(4)]


def look(which: int, across: float = 400, down: float = 100, gain: float = 1.0) -> Picture:
    left, top = round(across), round(down)
    return np.clip(SETS[which][top : top + HEIGHT, left : left + WIDTH] * gain, 0, 1).astype(np.float32)


def cuts_of(pictures: list[Picture]) -> tuple[int, ...]:
    return find_cuts(np.array([thumbnail(picture) for picture in pictures]))


def test_when_there_is_one_picture_or_none_then_there_is_no_cut() -> None:
    assert find_cuts(np.zeros((0, THUMBNAIL[1], THUMBNAIL[0]), np.float32)) == ()
    assert cuts_of([look(0)]) == ()


def test_when_pictures_hold_nothing_or_no_numbers_then_nothing_breaks() -> None:
    black, wrong = np.zeros((HEIGHT, WIDTH, 3), np.float32), np.full((HEIGHT, WIDTH, 3), np.nan, np.float32)
    assert cuts_of([black, black, wrong, wrong, black]) == ()


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(5, 9), min_size=1, max_size=4))
def test_every_cut_between_sets_is_found_where_it_is(lengths: list[int]) -> None:
    pictures = [look(which, 400 + 3 * n) for which, length in enumerate(lengths) for n in range(length)]
    assert cuts_of(pictures) == tuple(np.cumsum(lengths)[:-1].tolist())


def test_when_a_cut_changes_the_light_as_well_then_it_is_found() -> None:
    assert cuts_of([look(0, gain=0.2)] * 6 + [look(1, gain=0.9)] * 6) == (6,)


def test_when_the_second_shot_is_black_or_one_frame_long_then_it_is_found() -> None:
    black = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    assert cuts_of([look(0)] * 6 + [black] * 6) == (6,)
    assert cuts_of([look(0)] * 6 + [look(1)]) == (6,)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.18])
def test_when_the_camera_pans_by_up_to_a_fifth_of_the_picture_a_frame_then_it_is_no_cut(share: float) -> None:
    still = [look(0, 100)] * 4
    assert cuts_of(still + [look(0, 100 + share * WIDTH * n) for n in range(20)]) == ()


def test_when_the_camera_whips_round_then_it_is_no_cut() -> None:
    whip = [cv2.blur(look(0, 100 + 0.5 * WIDTH * n), (81, 1)) for n in range(1, 8)]
    assert cuts_of([look(0, 100)] * 8 + whip + [look(0, 100 + 0.5 * WIDTH * 8)] * 8) == ()


@pytest.mark.parametrize("length", [1, 2, 3])
def test_when_a_flash_blinds_the_picture_then_it_is_no_cut(length: int) -> None:
    white = np.ones((HEIGHT, WIDTH, 3), np.float32)
    assert cuts_of([look(0)] * 8 + [white] * length + [look(0, 402)] * 8) == ()


def test_when_a_lamp_goes_on_and_stays_then_it_is_no_cut() -> None:
    assert cuts_of([look(0, gain=0.25)] * 8 + [look(0, gain=1.0)] * 8) == ()


def test_when_somebody_passes_close_to_the_camera_then_it_is_no_cut() -> None:
    pictures = [look(0) for _ in range(16)]
    for n, left in enumerate(range(-100, 200, 60)):
        pictures[6 + n][:, max(0, left) : max(0, left + 100)] = 0.05
    assert cuts_of(pictures) == ()


def test_when_a_door_opens_from_one_frame_to_the_next_then_it_is_no_cut() -> None:
    opened = look(0)
    opened[20:, 20:60] = look(1)[20:, 20:60]
    assert unlikeness(thumbnail(look(0)), thumbnail(opened)) > 0.1
    assert cuts_of([look(0)] * 8 + [opened] * 8) == ()


def test_when_a_dark_fog_holds_nothing_but_grain_then_there_is_no_cut() -> None:
    random = np.random.default_rng(6)
    fog = np.linspace(0.02, 0.06, WIDTH, dtype=np.float32)[None, :, None]
    grain = random.normal(0, 0.02, (24, HEIGHT, WIDTH, 3)).astype(np.float32)
    assert cuts_of([fog + frame for frame in grain]) == ()


def test_when_all_that_is_seen_lies_at_the_rim_then_the_same_picture_is_still_the_same() -> None:
    doorway = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    doorway[:, :12] = look(0)[:, :12]
    assert unlikeness(thumbnail(doorway), thumbnail(doorway)) == pytest.approx(0, abs=1e-5)
    assert cuts_of([doorway] * 6 + [look(1)] * 6) == (6,)


def test_when_the_shot_fades_out_slowly_then_it_is_no_cut() -> None:
    assert cuts_of([look(0, gain=gain) for gain in np.linspace(1, 0.1, 24)]) == ()


def test_a_picture_is_as_like_itself_brighter_and_moved_and_unlike_another() -> None:
    here = thumbnail(look(0))
    assert unlikeness(here, here) == pytest.approx(0, abs=1e-5)
    assert unlikeness(here, thumbnail(look(0, 420, gain=0.5))) < 0.1
    assert unlikeness(here, thumbnail(look(1))) > 0.5


def test_when_real_footage_moves_towards_its_hero_then_no_cut_is_found_and_a_frame_taken_out_of_order_is(
    footage: Path,
) -> None:
    with av.open(str(footage / "market" / "plate.mp4")) as movie:
        small = [
            thumbnail(frame.to_ndarray(format="rgb24").astype(np.float32) / 255) for frame in movie.decode(video=0)
        ]
    assert find_cuts(np.array(small)) == ()
    assert find_cuts(np.array(small[:12] + small[-12:])) == (12,)
