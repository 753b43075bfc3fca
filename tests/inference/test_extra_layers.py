"""Layers beside the algebra: what an engine gives is placed, what nobody gives is black."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from spine_rig import gathered, order_of
from wan_shot import FIRST, HEIGHT, WIDTH, draw_wan_shot

from understudy.bridge.shot import FACE, FACE_BOX, OWN_SIZES, SKELETON
from understudy.inference.extra_layers import NOT_SHOWN, extra_layers, own_window
from understudy.inference.footage import ShotPictures, open_pictures
from understudy.inference.frame_layers import plate_as_it_is


@pytest.fixture
def pictures(tmp_path: Path) -> ShotPictures:
    """Return an opened shot whose poses a detector would have to find."""
    options = draw_wan_shot(tmp_path / "shot", 1)
    return open_pictures(order_of(gathered(options, keypoints=None), tmp_path / "out"), lambda done, total: None)


def test_when_a_frame_never_reached_the_model_then_its_layers_are_there_and_black(pictures: ShotPictures) -> None:
    skipped = plate_as_it_is(pictures, FIRST)
    layers = extra_layers(pictures, skipped, pictures.ground(FIRST))
    assert {name: layers[name][0].shape for name in (SKELETON, FACE, FACE_BOX)} == {
        SKELETON: (HEIGHT, WIDTH, 3), FACE: (512, 512, 3), FACE_BOX: (HEIGHT, WIDTH, 3),
    }  # fmt: skip
    assert not any(pixels.any() for pixels, _ in layers.values())
    assert skipped.said == {"face": NOT_SHOWN}
    assert json.loads(NOT_SHOWN) == {"box": None, "face": "not shown"}


def test_when_an_engine_is_shown_no_face_then_nothing_is_said_of_one(tmp_path: Path) -> None:
    options = draw_wan_shot(tmp_path / "shot", 1)
    order = order_of(gathered(options, engine="preview", option=[]), tmp_path / "out")
    assert plate_as_it_is(open_pictures(order, lambda done, total: None), FIRST).said == {}


def test_a_layer_of_its_own_size_has_a_window_of_its_own_and_the_models_curve_is_undone(pictures: ShotPictures) -> None:
    codes = np.full((512, 512, 3), 0.4, np.float32)
    given = plate_as_it_is(pictures, FIRST)
    given = type(given)(FIRST, given.coverage, character=given.character, clean=given.clean, layers={FACE: codes})
    face = extra_layers(pictures, given, pictures.ground(FIRST))[FACE][0]
    np.testing.assert_allclose(face, pictures.colour.to_plate(codes), rtol=2**-10)
    window = own_window(FACE)
    assert window is not None
    assert (window.width, window.height) == OWN_SIZES[FACE]
    assert own_window("comp") is None
