"""The invisible mark: what it does to a picture, what survives of it, and who is never taken for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.watermark_attacks import (
    Picture,
    Pictures,
    cropped,
    h264,
    jpeg,
    letterboxed,
    scaled_to,
    smaller,
    toned,
    turned,
)
from understudy.inference.picture.movies import MovieReader
from understudy.inference.provenance.watermark import Marker
from understudy.inference.provenance.watermark_code import CODE_BITS, encode
from understudy.inference.provenance.watermark_movies import FileReading, read_pictures
from understudy.inference.provenance.watermark_pattern import Pattern
from understudy.inference.provenance.watermark_reading import chance, read_luma, read_plane, together

KEY, CONTENT_ID = bytes(range(32)), 0xC0FFEE11
FRAMES = 8


def soft(seed: int, size: tuple[int, int] = (640, 360)) -> Pictures:
    """Return soft shapes that move under grain and a hard edge: neither flat nor noise."""
    random = np.random.default_rng(seed)
    width, height = size
    wide = cv2.resize(random.random((9, 32, 3), dtype=np.float32) * 200 + 20, (width * 2, height))
    wide[height // 3 :, width // 2 : width] += 30
    pictures = []
    for number in range(FRAMES):
        grain = random.standard_normal((height, width, 1), dtype=np.float32) * 2
        moved = wide[:, number * 4 : number * 4 + width] + grain
        pictures.append(np.clip(np.rint(moved), 0, 255).astype(np.uint8))
    return pictures


@pytest.fixture(scope="module")
def plain() -> Pictures:
    return soft(3, (960, 540))


@pytest.fixture(scope="module")
def marked(plain: Pictures) -> Pictures:
    marker = Marker(KEY, CONTENT_ID)
    return [marker.mark(picture) for picture in plain]


def read(pictures: Pictures, key: bytes = KEY, *, search: bool = False) -> FileReading:
    luma = [np.asarray(cv2.cvtColor(one, cv2.COLOR_RGB2GRAY), np.uint8) for one in pictures]
    return read_pictures(lambda: luma, key, search=search)


def filled(value: int) -> Picture:
    return np.full((360, 640, 3), value, np.uint8)


def noise() -> Picture:
    return np.random.default_rng(1).integers(0, 256, (360, 640, 3), np.uint8)


def stripes() -> Picture:
    return np.where((np.arange(640) // 3 % 2)[None, :, None], 255, 0).repeat(360, 0).repeat(3, 2).astype(np.uint8)


@pytest.mark.parametrize(
    "picture", [filled(0), filled(16), filled(128), filled(255), noise(), stripes(), soft(5)[0]],
    ids=["black", "dark", "grey", "white", "noise", "stripes", "soft"],
)  # fmt: skip
def test_whatever_the_picture_the_mark_stays_40_decibels_below_it(picture: Picture) -> None:
    changed = Marker(KEY, CONTENT_ID).mark(picture)
    error = np.mean((changed.astype(np.float64) - picture) ** 2)
    assert changed.shape == picture.shape
    assert 10 * np.log10(255**2 / max(error, 1e-9)) >= 40


@pytest.mark.parametrize("value", [0, 8, 16, 24, 235])
def test_a_flat_picture_changes_by_two_codes_at_most_and_in_few_places(value: int) -> None:
    change = np.abs(Marker(KEY, CONTENT_ID).mark(filled(value)).astype(int) - value)
    assert change.max() <= 2
    assert np.mean(change > 0) < 0.25


def test_black_stays_as_good_as_black() -> None:
    change = Marker(KEY, CONTENT_ID).mark(filled(0))
    assert change.max() <= 1
    assert np.mean(change > 0) < 0.01


def test_the_same_picture_always_becomes_the_same(plain: Pictures, marked: Pictures) -> None:
    assert np.array_equal(Marker(KEY, CONTENT_ID).mark(plain[2]), marked[2])


@pytest.mark.parametrize(
    ("attack", "share"),
    [
        (lambda pictures: h264(pictures, 23), 0.98),
        (lambda pictures: h264(pictures, 28), 0.98),
        (lambda pictures: smaller(pictures, 0.5), 0.98),
        (lambda pictures: h264(smaller(pictures, 0.5), 23), 0.9),  # 480 x 270 are left: the code mends the rest
        (lambda pictures: toned(pictures, gamma=1.2), 0.98),
        (lambda pictures: jpeg(pictures, 75), 0.98),
    ],
    ids=["CRF 23", "CRF 28", "half", "half at CRF 23", "gamma", "JPEG"],
)
def test_after_compression_and_scaling_the_bits_are_right(
    marked: Pictures, attack: Callable[[Pictures], Pictures], share: float
) -> None:
    reading = read(attack(marked)).reading
    assert reading.found
    assert reading.content_id == CONTENT_ID
    assert np.mean(np.sign(reading.bits) == encode(CONTENT_ID)) >= share


@pytest.mark.parametrize(
    "attack",
    [
        lambda pictures: h264(cropped(pictures, 0.02, 0.02, 0.02, 0.02), 23),
        lambda pictures: scaled_to(cropped(pictures, 0, 0.02, 0.02, 0), pictures),
        lambda pictures: h264(letterboxed(pictures, 1 / 6), 23),
        lambda pictures: [np.ascontiguousarray(one[:, ::-1]) for one in pictures],
    ],
    ids=["crop", "crop of one corner, scaled back", "letterbox", "mirrored"],
)
def test_when_the_picture_lies_elsewhere_then_it_is_found_and_read(
    marked: Pictures, attack: Callable[[Pictures], Pictures]
) -> None:
    found = read(attack(marked), search=True)
    assert found.how != "whole"
    assert found.reading.found
    assert found.reading.content_id == CONTENT_ID


def test_when_the_picture_is_turned_by_five_degrees_then_nothing_is_read_rather_than_something_else(
    marked: Pictures,
) -> None:
    assert not read(turned(marked, 5.0), search=True).reading.found


def test_one_frame_alone_is_enough(marked: Pictures) -> None:
    assert read(marked[3:4]).reading.content_id == CONTENT_ID


def test_when_footage_is_not_marked_then_nothing_is_read_even_by_searching(plain: Pictures) -> None:
    assert not read(plain, search=True).reading.found


def test_when_the_key_is_another_then_nothing_is_read(marked: Pictures) -> None:
    plane = together(read_luma(np.asarray(cv2.cvtColor(one, cv2.COLOR_RGB2GRAY), np.uint8)) for one in marked)[0]
    keys = (number.to_bytes(32, "big") for number in range(60))
    readings = [read_plane(plane, Pattern.of_key(key)) for key in keys]
    assert not any(reading.found for reading in readings)
    # What a wrong key sees is a sum of random signs: of deviation 1 a bit, whatever the picture.
    bits = np.concatenate([reading.bits for reading in readings])
    assert 0.9 < bits.std() < 1.1


@pytest.mark.parametrize("search", [False, True])
@pytest.mark.parametrize("value", [0, 90])
def test_when_nothing_is_in_a_picture_then_no_bit_says_anything(value: int, search: bool) -> None:
    reading = read([filled(value)] * 2, search=search).reading
    assert not reading.found
    assert reading.chance == 1.0


def test_the_chance_falls_with_what_is_read_and_rises_with_what_was_tried() -> None:
    assert chance(0.0) == chance(-3.0) == 1.0
    assert chance(12) < chance(10) < 1e-6
    assert chance(10, tried=100) == pytest.approx(100 * chance(10))


@pytest.mark.parametrize("length", [0, 31, 33])
def test_when_a_key_has_another_length_then_that_is_said(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Pattern.of_key(bytes(length))


def test_every_bit_has_as_many_coefficients_as_any_other_and_none_is_the_pilots() -> None:
    pattern = Pattern.of_key(KEY)
    counts = np.bincount(pattern.bits, minlength=CODE_BITS)
    assert counts.max() - counts.min() <= 1
    assert not np.intersect1d(pattern.places, pattern.pilot_places).size


def test_on_real_footage_the_goals_hold_by_majority_over_24_frames(footage: Path) -> None:
    with MovieReader(footage / "market" / "plate.mp4") as movie:
        codes = [np.clip(movie.read(frame), 0, 1) for frame in range(70, 94)]
    plain = [np.rint(one * 255).astype(np.uint8) for one in codes]
    marker = Marker(KEY, CONTENT_ID)
    marked = [marker.mark(picture) for picture in plain]
    errors = [np.mean((one.astype(np.float64) - other) ** 2) for one, other in zip(plain, marked, strict=True)]
    assert 10 * np.log10(255**2 / max(errors)) >= 40
    assert majority(h264(marked, 23)) >= 0.98
    assert majority(smaller(marked, 0.5)) >= 0.98
    assert not read(plain).reading.found


def majority(pictures: Pictures) -> float:
    """Return the share of the 64 bits that are right by majority over the frames."""
    votes = sum(np.sign(read([picture]).reading.bits) for picture in pictures)
    return float(np.mean(np.sign(votes) == encode(CONTENT_ID)))
