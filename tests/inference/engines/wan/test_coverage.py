"""The new character is told from an opaque picture, whatever is missing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from coverage_rig import HEIGHT, WIDTH, generated, standing, wall
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from understudy.inference.engines.wan.coverage import Covered, cover, estimated_behind, known_behind
from understudy.inference.engines.wan.evidence import Behind, GeneratedPicture
from understudy.inference.picture.tone import decode, encode

Array = NDArray[np.float32]


def covered(*pictures: GeneratedPicture, threads: int = 1) -> list[Covered]:
    with ThreadPoolExecutor(threads) as pool:
        return list(cover(len(pictures), pictures.__getitem__, pool, threads))


def overlap(made: Covered, truth: Array) -> float:
    here, there = made.coverage > 0.5, truth > 0.5
    return float((here & there).sum() / (here | there).sum())


def sane(made: Covered, picture: GeneratedPicture) -> bool:
    finite = all(np.isfinite(part).all() for part in (made.coverage, made.character))
    finite = finite and (made.clean is None or bool(np.isfinite(made.clean).all())) and np.isfinite(made.error)
    within = float(made.coverage.min()) >= 0.0 and float(made.coverage.max()) <= 1.0 and 0.0 <= made.confidence <= 1.0
    return bool(finite and within and not made.coverage[picture.used == 0].any())


def test_when_a_segment_has_no_frames_then_there_is_no_coverage() -> None:
    assert covered() == []


def test_when_the_model_painted_nothing_then_the_coverage_is_empty_and_sure() -> None:
    picture = generated()
    made = covered(replace(picture, used=np.zeros_like(picture.used)))[0]
    assert not made.coverage.any()
    assert made.confidence == 1.0


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("skeleton", [True, False])
def test_when_a_clean_plate_or_a_skeleton_is_missing_then_the_character_is_still_found(
    known: bool, skeleton: bool
) -> None:
    picture = generated(known=known, skeleton=skeleton)
    made = covered(picture)[0]
    assert sane(made, picture)
    assert overlap(made, standing()[0]) > (0.93 if known or skeleton else 0.88)


def test_when_less_is_known_then_the_confidence_is_lower() -> None:
    full = covered(generated())[0].confidence
    without_clean, without_both = (
        covered(generated(known=False, skeleton=skeleton))[0].confidence for skeleton in (True, False)
    )
    assert full > 0.9 > without_clean > without_both


def test_when_the_background_is_not_known_then_clean_is_absent() -> None:
    assert covered(generated(known=False))[0].clean is None


def test_when_the_matte_is_the_whole_picture_then_the_character_is_found_by_the_clean_plate() -> None:
    picture = generated()
    made = covered(replace(picture, used=np.ones_like(picture.used)))[0]
    assert overlap(made, standing()[0]) > 0.93


def test_when_nothing_at_all_is_known_and_the_matte_is_the_whole_picture_then_nothing_breaks() -> None:
    picture = replace(generated(known=False, skeleton=False), used=np.ones((HEIGHT, WIDTH), np.float32))
    assert sane(covered(picture)[0], picture)


def test_when_the_character_fills_the_whole_matte_then_it_is_all_covered() -> None:
    picture = generated()
    red = np.broadcast_to(np.array([0.75, 0.2, 0.15], np.float32), picture.picture.shape).copy()
    made = covered(replace(picture, picture=red, used=np.ones_like(picture.used)))[0]
    assert float(made.coverage.mean()) > 0.98


def test_when_the_model_painted_only_background_then_little_is_covered_and_confidence_drops() -> None:
    picture = generated()
    made = covered(replace(picture, picture=wall()))[0]
    certain = covered(picture)[0]
    assert made.confidence < certain.confidence - 0.2


@settings(max_examples=12, deadline=None)
@given(
    value=st.sampled_from([0.0, 0.5, 1.0, float("nan"), float("inf")]),
    size=st.sampled_from([(1, 1), (2, 3), (16, 16), (40, 33), (31, 300)]),
    pixels=st.integers(1, 3),
    known=st.booleans(),
    skeleton=st.booleans(),
)
def test_when_pictures_are_constant_tiny_or_not_finite_then_the_result_is_finite_and_inside(
    value: float, size: tuple[int, int], pixels: int, known: bool, skeleton: bool
) -> None:
    picture = np.full((*size, 3), value, np.float32)
    used = np.zeros(size, np.float32)
    used[:pixels, :pixels] = 1.0
    points = np.full((133, 3), value, np.float32) if skeleton else None
    frame = GeneratedPicture(picture, picture, used, known_behind(picture) if known else None, points, used)
    for made in covered(frame, frame):
        assert sane(made, frame)


def test_when_keypoints_lie_far_outside_then_the_matte_still_bounds_everything() -> None:
    picture = generated()
    points = np.full((133, 3), 1e9, np.float32)
    assert sane(covered(replace(picture, keypoints=points))[0], picture)


@pytest.mark.parametrize("threads", [1, 4])
def test_when_the_same_segment_comes_again_on_any_number_of_threads_then_every_bit_is_the_same(threads: int) -> None:
    pictures = [generated(2.0 * step, seed=step) for step in range(5)]
    first, second = covered(*pictures), covered(*pictures, threads=threads)
    assert len(first) == len(pictures)
    for one, other in zip(first, second, strict=True):
        assert one.coverage.tobytes() == other.coverage.tobytes()
        assert one.character.tobytes() == other.character.tobytes()
        assert one.confidence == other.confidence


def test_when_frames_are_asked_for_then_none_outside_the_segment_is_read() -> None:
    pictures = [generated(2.0 * step, seed=step) for step in range(3)]
    asked: list[int] = []

    def read(position: int) -> GeneratedPicture:
        asked.append(position)
        return pictures[position]

    with ThreadPoolExecutor(2) as pool:
        list(cover(3, read, pool, 2))
    assert set(asked) == {0, 1, 2}


def test_when_only_noise_changes_between_frames_then_the_coverage_hardly_does() -> None:
    made = covered(*(generated(seed=step) for step in range(4)))
    changes = [np.abs(one.coverage - other.coverage).mean() for one, other in zip(made[1:], made[:-1], strict=True)]
    edge = float(((made[0].coverage > 0.02) & (made[0].coverage < 0.98)).mean())
    assert max(changes) < 0.1 * edge


def test_when_character_is_put_over_clean_in_linear_light_then_the_picture_comes_back_within_the_stated_error() -> None:
    picture = generated()
    made = covered(picture)[0]
    assert made.clean is not None
    over = made.coverage[..., None]
    front, back = decode(made.character), decode(made.clean)
    composed = encode(np.asarray(front * over + back * (1 - over), np.float32))
    apart = np.abs(composed - picture.picture).max(axis=-1)[picture.used > 0]
    assert float(np.percentile(apart, 99)) <= made.error + 1e-5
    assert made.error < 0.03


def test_when_an_edge_is_mixed_with_the_ground_then_the_character_keeps_its_own_colour_there() -> None:
    made = covered(generated())[0]
    edge = (made.coverage > 0.15) & (made.coverage < 0.85)
    assert edge.sum() > 50
    away = np.abs(made.character[edge] - np.array([0.75, 0.2, 0.15])).max(axis=-1)
    assert float(np.median(away)) < 0.1


def test_when_an_estimate_is_given_then_the_plate_beside_the_performer_counts_fully() -> None:
    hidden = np.zeros((HEIGHT, WIDTH), np.float32)
    hidden[40:60, 60:80] = 1.0
    found, lost = (estimated_behind(wall(), hidden, found=found) for found in (True, False))
    assert found.trust[0, 0] == lost.trust[0, 0] == 1.0
    assert 1.0 > found.trust[50, 70] > 0.5 > lost.trust[50, 70]


def test_when_the_performers_matte_is_wrong_then_it_does_not_decide() -> None:
    picture = generated()
    wrong = np.zeros_like(picture.used)
    wrong[:, :20] = 1.0
    made = covered(replace(picture, performer=wrong))[0]
    assert overlap(made, standing()[0]) > 0.93


def test_when_the_background_is_known_but_brighter_than_generated_then_the_character_is_still_found() -> None:
    picture = generated()
    assert picture.behind is not None
    shifted = Behind(picture.behind.picture, picture.behind.trust)
    darker = replace(picture, picture=picture.picture - np.float32(0.05), behind=shifted)
    assert overlap(covered(darker)[0], standing()[0]) > 0.93


def test_when_eyes_have_the_grounds_colour_and_nothing_is_known_behind_then_they_stay_covered() -> None:
    picture = generated(known=False)
    eyed = picture.picture.copy()
    eyed[22:25, 69:71] = eyed[22:25, 74:76] = wall()[22:25, 69:71]
    made = covered(replace(picture, picture=eyed))[0]
    assert float(made.coverage[22:25, 69:76].min()) > 0.9


def test_when_the_ground_is_seen_between_arm_and_body_then_that_stays_open() -> None:
    picture = generated()
    opened = picture.picture.copy()
    opened[46:52, 66:72] = wall()[46:52, 66:72]
    assert picture.keypoints is not None
    made = covered(replace(picture, picture=opened, keypoints=None))[0]
    assert float(made.coverage[48:50, 68:70].max()) < 0.1
