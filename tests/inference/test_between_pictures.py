"""What stands in a frame without a picture of its own: still on the plate, or in the middle of a motion."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

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


Form = Callable[[GeneratedFrame], GeneratedFrame]


def blurred_noise(seed: int, size: float) -> NDArray[np.float32]:
    noise = cv2.GaussianBlur(np.random.default_rng(seed).random((HEIGHT, WIDTH, 3), np.float32), (0, 0), size)
    return np.asarray((noise - noise.min()) / (noise.max() - noise.min()), np.float32)


def character(frame: int, across: float) -> GeneratedFrame:
    """Return somebody who stands at `across`, before a busy ground that does not move."""
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    across = round(across)
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


def in_parts(made: GeneratedFrame) -> GeneratedFrame:
    """Return the same as an engine gives it that knows what stands behind the character."""
    return dataclasses.replace(made, picture=None, clean=blurred_noise(2, 3) * 0.5)


def whole(made: GeneratedFrame) -> NDArray[np.float32]:
    opaque = made.coverage[:, :, None]
    if made.picture is not None:
        return made.picture
    assert made.character is not None
    assert made.clean is not None
    return made.character * opaque + made.clean * (1 - opaque)


def test_a_layer_of_its_own_size_lies_nowhere_and_stays_as_it_is() -> None:
    face = np.ones((16, 16, 3), np.float32)
    found = held(dataclasses.replace(character(1, 40), layers={"face": face}), 2, GOES_ON)
    assert found.layers is not None
    assert found.layers["face"] is face


@pytest.mark.parametrize("form", [lambda made: made, in_parts])
@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_an_interpolated_character_is_where_it_would_have_been(share: float, form: Form) -> None:
    before, after, right = (
        form(character(frame, across)) for frame, across in ((1, 40), (3, 52), (2, 40 + 12 * share))
    )
    found = interpolated(before, after, 2, share, STILL)
    assert (found.picture is None, found.clean is None) == (after.picture is None, after.clean is None)
    assert np.abs(found.coverage - right.coverage).max() < 0.15
    assert np.abs(whole(found) - whole(right)).mean() < 0.3 * np.abs(whole(before) - whole(right)).mean()


def test_between_a_plate_and_a_made_picture_the_ground_stands() -> None:
    plate = blurred_noise(2, 3) * 0.5
    nobody = GeneratedFrame(1, np.zeros((HEIGHT, WIDTH), np.float32), character=plate, clean=plate)
    found = interpolated(nobody, character(3, 52), 2, 0.5, STILL)
    outside = found.coverage == 0
    assert outside.any()
    assert np.abs(whole(found) - plate)[outside].mean() < 0.02


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
