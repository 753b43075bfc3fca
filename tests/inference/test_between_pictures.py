"""What stands in a frame without a picture of its own: still on the plate, or in the middle of a motion."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from understudy.inference.between_pictures import held, interpolated
from understudy.inference.engines.door import GeneratedFrame
from understudy.inference.picture.crop import CropPath, put_back

HEIGHT, WIDTH = 96, 128
STILL = CropPath((1, 2, 3), (0, 0, 0), (0, 0, 0), WIDTH, HEIGHT, WIDTH, HEIGHT, WIDTH, HEIGHT)
GOES_ON = CropPath((1, 2, 3), (0, 4, 8), (0, 0, 0), WIDTH, HEIGHT, WIDTH, HEIGHT, 2 * WIDTH, HEIGHT)


def blurred_noise(seed: int, size: float) -> NDArray[np.float32]:
    noise = cv2.GaussianBlur(np.random.default_rng(seed).random((HEIGHT, WIDTH, 3), np.float32), (0, 0), size)
    return np.asarray((noise - noise.min()) / (noise.max() - noise.min()), np.float32)


def character(frame: int, across: int) -> GeneratedFrame:
    """Return somebody who stands at `across`, before a busy ground that does not move."""
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    cv2.ellipse(mask, (across, 48), (18, 34), 0, 0, 360, 1, -1, cv2.LINE_AA)
    coverage = np.asarray(cv2.GaussianBlur(mask, (0, 0), 1.2), np.float32)
    colour = np.roll(blurred_noise(1, 2), across, axis=1) * np.array([1, 0.6, 0.3], np.float32)
    opaque = coverage[:, :, None]
    picture = colour * opaque + blurred_noise(2, 3) * 0.5 * (1 - opaque)
    skeleton = np.full((HEIGHT, WIDTH, 3), frame, np.float32)
    return GeneratedFrame(frame, coverage, picture=picture, character=colour, layers={"skeleton": skeleton})


def test_where_the_crop_stands_still_a_held_picture_is_the_one_before_without_a_copy() -> None:
    made = character(1, 40)
    found = held(made, 2, STILL)
    assert found.frame == 2
    assert found.picture is made.picture
    assert found.coverage is made.coverage
    assert found.layers == made.layers


def test_where_the_crop_goes_on_a_held_picture_still_stands_where_it_stood_on_the_plate() -> None:
    made = character(1, 40)
    found = held(made, 2, GOES_ON)
    assert made.picture is not None
    assert found.picture is not None
    shared = slice(4, WIDTH)
    before, here = put_back(made.picture, GOES_ON, 1), put_back(found.picture, GOES_ON, 2)
    assert np.array_equal(before[:, shared], here[:, shared])
    assert np.array_equal(found.picture[:, -4:], np.repeat(made.picture[:, -1:], 4, axis=1)), "the edge goes on"


def test_where_the_crop_goes_on_nobody_is_made_up_beyond_what_was_made() -> None:
    made = character(1, WIDTH)
    assert made.coverage[:, -1].max() > 0.5
    assert held(made, 2, GOES_ON).coverage[:, -4:].max() == 0


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_an_interpolated_character_is_where_it_would_have_been(share: float) -> None:
    before, after, right = character(1, 40), character(3, 52), character(2, round(40 + 12 * share))
    found = interpolated(before, after, 2, share, STILL)
    assert np.abs(found.coverage - right.coverage).max() < 0.15
    assert found.picture is not None
    assert right.picture is not None
    assert before.picture is not None
    error = np.abs(found.picture - right.picture).mean()
    assert error < 0.3 * np.abs(before.picture - right.picture).mean()


def test_an_interpolated_character_lies_in_its_picture_with_its_own_colour() -> None:
    found = interpolated(character(1, 40), character(3, 52), 2, 0.5, STILL)
    assert found.picture is not None
    assert found.character is not None
    inside = found.coverage > 0.99
    assert inside.any()
    assert np.allclose(found.character[inside], found.picture[inside], atol=0.01)
    assert 0 <= found.coverage.min() <= found.coverage.max() <= 1


def test_what_does_not_move_is_interpolated_to_itself() -> None:
    found = interpolated(character(1, 40), character(3, 40), 2, 0.5, STILL)
    same = character(2, 40)
    assert found.picture is not None
    assert same.picture is not None
    assert np.allclose(found.coverage, same.coverage, atol=1e-3)
    assert np.allclose(found.picture, same.picture, atol=5e-3)


def test_data_are_those_of_the_later_picture_and_never_mixed() -> None:
    found = interpolated(character(1, 40), character(3, 52), 2, 0.5, STILL)
    assert found.layers is not None
    assert set(np.unique(found.layers["skeleton"])) == {3}
