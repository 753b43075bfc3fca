"""Between two takes of one frame: the layers' algebra holds at every weight."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from understudy.inference.picture.blend import store_half
from understudy.inference.picture.composite import Generated, Layer, compose
from understudy.inference.picture.dissolve import HARDLY, dissolve
from understudy.inference.picture.half_floats import to_float
from understudy.inference.picture.header import Window

SIDE = 12
WINDOW = Window(0, 0, SIDE, SIDE)


def take(plate: np.ndarray, seed: int, kind: str = "half") -> dict[str, Layer]:
    """Return a frame's layers as the pipeline makes them: a random picture under a random soft matte."""
    random = np.random.default_rng(seed)
    matte = random.random((SIDE, SIDE), np.float32) * (random.random((SIDE, SIDE)) > 0.5)
    picture = random.random((SIDE, SIDE, 3), np.float32) * 4
    coverage = random.random((SIDE, SIDE), np.float32)
    layers = compose(plate, WINDOW, Generated(WINDOW, coverage, picture=picture), matte, kind=kind).layers
    layers["matte_used"] = (np.repeat((matte > 0).astype(np.float16)[:, :, None], 3, axis=2), ("R", "G", "B"))
    return layers


def plate_of(seed: int, kind: type = np.float16, channels: int = 3) -> np.ndarray:
    return (np.random.default_rng(seed).random((SIDE, SIDE, channels)) * 3).astype(kind)


@given(seed=st.integers(0, 2**16), weight=st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_the_dissolved_patch_over_the_plate_is_the_dissolved_comp(seed: int, weight: float) -> None:
    plate = plate_of(seed)
    first, second = take(plate, seed + 1), take(plate, seed + 2)
    between = dissolve(first, second, weight, plate, "half")
    patch, comp = to_float(between["patch"][0]), to_float(between["comp"][0])
    merged = patch[:, :, :3] + to_float(plate) * (1 - patch[:, :, 3:])
    assert np.array_equal(store_half(merged).view(np.uint16), between["comp"][0].view(np.uint16))
    apart = np.abs(comp - (1 - weight) * to_float(first["comp"][0]) - weight * to_float(second["comp"][0]))
    assert np.all(apart <= 2.0**-8 * np.maximum(np.abs(comp), 1))
    assert np.array_equal(between["matte_effective"][0][:, :, 0], between["patch"][0][:, :, 3])
    assert np.array_equal(between["matte"][0][:, :, 0], between["character"][0][:, :, 3])


@pytest.mark.parametrize(("kind", "type_"), [("half", np.float16), ("float", np.float32)])
@pytest.mark.parametrize("channels", [3, 4])
def test_where_neither_take_has_a_matte_the_plate_stands_to_the_bit_even_if_it_is_no_number(
    kind: str, type_: type, channels: int
) -> None:
    plate = plate_of(1, type_, channels)
    plate[0, 0] = np.inf
    first, second = take(plate, 2, kind), take(plate, 3, kind)
    between = dissolve(first, second, 0.3, plate, kind)
    comp = between["comp"][0]
    outside = between["matte_effective"][0][:, :, 0] == 0
    assert outside.any()
    assert comp.dtype == plate.dtype
    assert comp[outside].tobytes() == plate[outside].tobytes()
    assert not between["difference"][0][outside].any()


def test_at_either_end_the_take_itself_stands() -> None:
    plate = plate_of(4)
    first, second = take(plate, 5), take(plate, 6)
    for weight, whole in ((0.0, first), (1.0, second)):
        between = dissolve(first, second, weight, plate, "half")
        for name in ("patch", "comp", "matte", "matte_effective", "difference", "character"):
            assert np.allclose(to_float(between[name][0]), to_float(whole[name][0]), rtol=2e-3, atol=1e-6), name


def test_nothing_effective_reaches_beyond_the_used_matte() -> None:
    plate = plate_of(7)
    between = dissolve(take(plate, 8), take(plate, 9), 0.5, plate, "half")
    assert not (between["matte_effective"][0][between["matte_used"][0] == 0]).any()


def test_what_both_takes_share_keeps_its_bits() -> None:
    plate = plate_of(10)
    one = take(plate, 11)
    between = dissolve(one, one, 0.37, plate, "half")
    for name, (pixels, channels) in one.items():
        assert between[name][0].tobytes() == pixels.tobytes(), name
        assert between[name][1] == channels


def take_with_clean(plate: np.ndarray, seed: int, kind: str = "half") -> dict[str, Layer]:
    """Return the layers of an engine that hands on a character and a clean plate, under a matte that is hard."""
    random = np.random.default_rng(seed)
    character, clean = random.random((2, SIDE, SIDE, 3), np.float32) * 4
    coverage = np.clip(random.random((SIDE, SIDE), np.float32) * 1.4 - 0.2, 0, 1)
    matte = np.zeros((SIDE, SIDE), np.float32)
    matte[2:9, 3:10] = 1
    return compose(plate, WINDOW, Generated(WINDOW, coverage, None, character, clean), matte, kind=kind).layers


@given(seed=st.integers(0, 2**16), weight=st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_the_dissolved_character_over_the_dissolved_clean_plate_is_the_dissolved_comp(seed: int, weight: float) -> None:
    plate = plate_of(seed)
    between = dissolve(take_with_clean(plate, seed + 1), take_with_clean(plate, seed + 2), weight, plate, "half")
    character, clean, comp = (to_float(between[name][0]) for name in ("character", "clean", "comp"))
    over = character[:, :, :3] + clean * (1 - character[:, :, 3:])
    shows = 1 - character[:, :, 3:] >= HARDLY
    assert np.abs(over - comp)[np.broadcast_to(shows, comp.shape)].max() < 0.01, "a few roundings of values up to 4"
    assert clean.min() >= -1e-6
    assert clean.max() <= 4.1


def test_where_neither_take_may_change_anything_clean_is_the_plate_even_if_that_is_no_number() -> None:
    plate = plate_of(1)
    plate[0, 0] = np.inf
    between = dissolve(take_with_clean(plate, 2), take_with_clean(plate, 3), 0.4, plate, "half")
    outside = between["matte_effective"][0][:, :, 0] == 0
    assert outside.any()
    assert np.array_equal(between["clean"][0][outside].view(np.uint16), plate[outside].view(np.uint16))


def test_what_drove_the_model_is_the_first_takes() -> None:
    plate = plate_of(1)
    shapes = {"skeleton": (SIDE, SIDE, 3), "face": (512, 512, 3), "face_box": (SIDE, SIDE, 3)}
    first, second = (
        {name: (np.full(shape, value, np.float16), ("R", "G", "B")) for name, shape in shapes.items()}
        for value in (0.25, 1.0)
    )
    between = dissolve({**take(plate, 1), **first}, {**take(plate, 2), **second}, 0.5, plate, "half")
    assert all((between[name][0] == 0.25).all() for name in shapes)
