"""The algebra of the layers, checked pixel by pixel against the formulas of docs/layers.md, in the stored bits."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from understudy.inference.picture.composite import FrameLayers, Generated, compose, compose_beauty
from understudy.inference.picture.header import Window

HEIGHT, WIDTH = 4, 5
DATA = Window(-2, 3, WIDTH, HEIGHT)
Floats = NDArray[np.float32]

any_finite_half = st.integers(0, 65535).filter(lambda bits: bits & 0x7C00 != 0x7C00)
any_half = st.integers(0, 65535)
shares = st.sampled_from([0.0, 0.0, 1.0, 1.0, 1e-9, 6e-8, 0.001, 0.25, 0.5, 0.9, 0.9996, 1.5, -0.5])
lights = st.one_of(st.floats(-1, 100, width=32), st.sampled_from([0.0, 65504.0, -65504.0, 1e-8]))
wild = st.one_of(lights, st.sampled_from([np.inf, -np.inf, np.nan, 3e38, -3e38, 70000.0]))


def halves(channels: int = 3, bits: st.SearchStrategy[int] = any_finite_half) -> st.SearchStrategy[NDArray[np.float16]]:
    shape = (HEIGHT, WIDTH, channels)
    return arrays.arrays(np.uint16, shape, elements=bits).map(lambda codes: codes.view(np.float16))


def floats(elements: st.SearchStrategy[float], *shape: int) -> st.SearchStrategy[Floats]:
    return arrays.arrays(np.float32, (HEIGHT, WIDTH, *shape), elements=elements)


mattes = floats(shares)
colours = floats(lights, 3)


def made(coverage: Floats, **pictures: Floats) -> Generated:
    return Generated(DATA, coverage, **pictures)


def pixels(layers: FrameLayers, name: str) -> NDArray[np.floating]:
    return layers.layers[name][0]


def half(values: NDArray[np.floating]) -> NDArray[np.float16]:
    return np.clip(values, -65504, 65504).astype(np.float16)


def wide(values: NDArray[np.floating]) -> Floats:
    return values.astype(np.float32)


def generated_picture(coverage: Floats, character: Floats, clean: Floats) -> Floats:
    c = np.clip(coverage, 0, 1)[..., None]
    return character * c + clean * (np.float32(1) - c)


@settings(max_examples=120, deadline=None)
@given(halves(), mattes, mattes, colours, colours)
def test_patch_over_plate_is_comp_and_where_the_matte_is_zero_the_plates_own_bits_stand(
    plate: NDArray[np.float16], matte: Floats, coverage: Floats, character: Floats, clean: Floats
) -> None:
    layers = compose(plate, DATA, made(coverage, character=character, clean=clean), matte)
    patch, comp, m = pixels(layers, "patch"), pixels(layers, "comp"), pixels(layers, "matte_effective")[..., :1]
    over = half(wide(patch[..., :3]) + wide(plate) * (np.float32(1) - wide(m)))
    touched = np.broadcast_to(m > 0, plate.shape)
    assert comp[touched].tobytes() == over[touched].tobytes()
    assert comp[~touched].tobytes() == plate[~touched].tobytes()
    assert np.isfinite(comp).all()
    assert (m[..., 0] == half(np.clip(matte, 0, 1))).all()


@settings(max_examples=60, deadline=None)
@given(halves(), mattes, mattes, colours, colours)
def test_every_layer_follows_its_formula(
    plate: NDArray[np.float16], matte: Floats, coverage: Floats, character: Floats, clean: Floats
) -> None:
    layers = compose(plate, DATA, made(coverage, character=character, clean=clean), matte)
    m = wide(half(np.clip(matte, 0, 1)))[..., None]
    whole = generated_picture(coverage, character, clean)
    assert (pixels(layers, "patch")[..., :3] == half(m * whole)).all()
    assert (pixels(layers, "patch")[..., 3:] == m).all()
    alpha = half(np.clip(coverage, 0, 1) * m[..., 0])
    assert (pixels(layers, "matte") == alpha[..., None]).all()
    assert (pixels(layers, "character")[..., 3] == alpha).all()
    assert (pixels(layers, "character")[..., :3] == half(character * wide(alpha)[..., None])).all()
    mixed = np.where(m > 0, half(wide(plate) * (np.float32(1) - m) + clean * m), plate)
    assert (pixels(layers, "clean") == mixed).all()
    difference = half(wide(pixels(layers, "comp")) - wide(plate))
    assert (pixels(layers, "difference") == difference).all()
    assert not pixels(layers, "difference")[m[..., 0] == 0].any()


@settings(max_examples=60, deadline=None)
@given(halves(), mattes, mattes, colours, colours)
def test_character_over_clean_is_comp_within_the_stated_bound(
    plate: NDArray[np.float16], matte: Floats, coverage: Floats, character: Floats, clean: Floats
) -> None:
    layers = compose(plate, DATA, made(coverage, character=character, clean=clean), matte)
    shown, behind = pixels(layers, "character").astype(np.float64), pixels(layers, "clean").astype(np.float64)
    over = shown[..., :3] + behind * (1 - shown[..., 3:])
    m = np.clip(matte, 0, 1).astype(np.float16).astype(np.float64)[..., None]
    c = np.clip(coverage, 0, 1).astype(np.float64)[..., None]
    stated = m * c * (1 - m) * np.abs(clean.astype(np.float64) - plate)
    size = np.abs(clean) + np.abs(character) + np.abs(wide(plate))
    rounding = 4 * 2.0**-11 * size.astype(np.float64) + 4 * 2.0**-25 * (1 + size)
    assert (np.abs(over - pixels(layers, "comp")) <= stated + rounding).all()


@settings(max_examples=100, deadline=None)
@given(halves(bits=any_half), mattes, floats(st.one_of(shares, st.just(np.nan))), floats(wild, 3), floats(wild, 3))
def test_whatever_stands_in_plate_and_generated_picture_nothing_warns_and_the_inside_is_finite(
    plate: NDArray[np.float16], matte: Floats, coverage: Floats, picture: Floats, clean: Floats
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layers = compose(plate, DATA, made(coverage, picture=picture, clean=clean), matte)
    inside = pixels(layers, "matte_effective")[..., 0] > 0
    strange = ~np.isfinite(plate).all(axis=2)
    for name in ("patch", "character", "matte", "difference"):
        assert np.isfinite(pixels(layers, name)).all()
    for name in ("comp", "clean"):
        assert np.isfinite(pixels(layers, name)[inside]).all()
        assert pixels(layers, name)[~inside].tobytes() == plate[~inside].tobytes()
    assert layers.repaired == np.count_nonzero(strange & inside)
    assert layers.passed == np.count_nonzero(strange & ~inside)
    beyond = ~(np.abs(picture) <= 65504).all(axis=2) | ~(np.abs(clean) <= 65504).all(axis=2)
    assert layers.clipped == np.count_nonzero(beyond & inside)


@settings(max_examples=60, deadline=None)
@given(floats(st.floats(width=32), 3), mattes, mattes, colours)
def test_when_the_plate_is_float_then_all_layers_are_float_and_the_same_rules_hold(
    plate: Floats, matte: Floats, coverage: Floats, character: Floats
) -> None:
    layers = compose(plate, DATA, made(coverage, character=character), matte, kind="float")
    assert {layer[0].dtype for layer in layers.layers.values()} == {np.dtype(np.float32)}
    patch, comp, m = pixels(layers, "patch"), pixels(layers, "comp"), pixels(layers, "matte_effective")
    assert comp[m == 0].tobytes() == plate[m == 0].tobytes()
    ordinary = (m > 0) & np.isfinite(plate).all(axis=2, keepdims=True)
    with np.errstate(all="ignore"):
        over = plate * (np.float32(1) - m) + patch[..., :3]
    assert comp[ordinary].tobytes() == over[ordinary].tobytes()
    assert np.isfinite(comp[m > 0]).all()


@settings(max_examples=40, deadline=None)
@given(halves(4), mattes, mattes, colours, colours)
def test_when_the_plate_has_alpha_then_comp_alpha_follows_the_same_over(
    plate: NDArray[np.float16], matte: Floats, coverage: Floats, character: Floats, clean: Floats
) -> None:
    layers = compose(plate, DATA, made(coverage, character=character, clean=clean), matte)
    comp, channels = layers.layers["comp"]
    assert channels == ("R", "G", "B", "A")
    m = wide(half(np.clip(matte, 0, 1)))[..., None]
    over = half(wide(pixels(layers, "patch")) + wide(plate) * (np.float32(1) - m))
    touched = np.broadcast_to(m > 0, plate.shape)
    assert comp[touched].tobytes() == over[touched].tobytes()
    assert comp[~touched].tobytes() == plate[~touched].tobytes()
    assert layers.layers["difference"][1] == ("R", "G", "B")


def test_when_the_engine_gives_a_picture_and_a_clean_plate_then_character_over_clean_is_the_picture() -> None:
    random = np.random.default_rng(3)
    picture, clean = random.random((2, HEIGHT, WIDTH, 3), np.float32)
    coverage = random.random((HEIGHT, WIDTH), np.float32)
    plate = random.random((HEIGHT, WIDTH, 3)).astype(np.float16)
    layers = compose(plate, DATA, made(coverage, picture=picture, clean=clean), np.ones((HEIGHT, WIDTH), np.float32))
    shown = pixels(layers, "character").astype(np.float32)
    over = shown[..., :3] + pixels(layers, "clean") * (1 - shown[..., 3:])
    assert np.abs(over - pixels(layers, "comp")).max() < 2e-3


def test_when_the_engine_gives_a_picture_alone_then_it_is_the_characters_colour_and_there_is_no_clean() -> None:
    plate = np.full((HEIGHT, WIDTH, 3), 0.25, np.float16)
    coverage = np.full((HEIGHT, WIDTH), 0.5, np.float32)
    layers = compose(plate, DATA, made(coverage, picture=wide(plate)), np.ones((HEIGHT, WIDTH), np.float32))
    assert "clean" not in layers.layers
    assert pixels(layers, "character")[0, 0].tolist() == [0.125, 0.125, 0.125, 0.5]
    assert pixels(layers, "comp").tobytes() == plate.tobytes()
    assert not pixels(layers, "difference").any()


def test_when_the_effective_matte_is_empty_then_the_comp_is_the_plate_and_all_else_is_zero() -> None:
    plate = np.full((HEIGHT, WIDTH, 3), np.nan, np.float16)
    nothing = np.zeros((HEIGHT, WIDTH), np.float32)
    layers = compose(plate, DATA, made(nothing, picture=np.ones((HEIGHT, WIDTH, 3), np.float32)), nothing)
    assert pixels(layers, "comp").tobytes() == plate.tobytes()
    assert layers.passed == HEIGHT * WIDTH
    assert not any(pixels(layers, name).any() for name in ("patch", "character", "matte", "difference"))


def test_when_a_plate_value_inside_is_not_finite_then_its_neighbours_make_a_new_one() -> None:
    plate = np.full((HEIGHT, WIDTH, 3), 0.5, np.float16)
    plate[1, 1, 0] = np.inf
    matte = np.full((HEIGHT, WIDTH), 0.5, np.float32)
    layers = compose(plate, DATA, made(matte, picture=np.ones((HEIGHT, WIDTH, 3), np.float32)), matte)
    assert layers.repaired == 1
    assert (pixels(layers, "comp") == 0.75).all()
    assert (pixels(layers, "difference") == 0.25).all()


def test_when_the_generated_window_is_smaller_than_the_plate_then_the_layers_lie_where_it_says() -> None:
    plate = np.zeros((HEIGHT, WIDTH, 3), np.float16)
    matte = np.zeros((HEIGHT, WIDTH), np.float32)
    matte[2, 3] = 1
    window = Window(DATA.x + 3, DATA.y + 1, 2, 2)
    picture = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    layers = compose(plate, DATA, Generated(window, np.ones((2, 2), np.float32), picture=picture), matte)
    assert (pixels(layers, "comp")[2, 3] == picture[1, 0]).all()
    assert np.count_nonzero(pixels(layers, "matte")[..., 0]) == 1


def test_when_the_matte_reaches_past_what_was_generated_then_it_is_a_value_error() -> None:
    plate, matte = np.zeros((HEIGHT, WIDTH, 3), np.float16), np.ones((HEIGHT, WIDTH), np.float32)
    small = Generated(Window(DATA.x, DATA.y, 2, 2), np.ones((2, 2), np.float32), picture=np.ones((2, 2, 3), np.float32))
    with pytest.raises(ValueError, match="past what was generated"):
        compose(plate, DATA, small, matte)
    with pytest.raises(ValueError, match="a character"):
        compose(plate, DATA, Generated(DATA, matte), matte)


def test_when_a_converted_plate_is_beyond_half_then_the_greatest_half_stands_and_infinity_stays() -> None:
    plate = np.full((HEIGHT, WIDTH, 3), 1e6, np.float32)
    plate[0, 0] = (np.inf, -1e6, 0.1)
    nothing = np.zeros((HEIGHT, WIDTH), np.float32)
    layers = compose(plate, DATA, made(nothing, picture=plate), nothing, kind="converted")
    assert pixels(layers, "comp")[0, 0].tolist() == [np.inf, -65504, np.float16(0.1)]
    assert (pixels(layers, "comp")[1:] == 65504).all()


def test_without_a_plate_the_beauty_is_the_picture_or_the_character_over_what_the_engine_has() -> None:
    ones = np.ones((HEIGHT, WIDTH, 3), np.float32)
    coverage = np.full((HEIGHT, WIDTH), 0.25, np.float32)
    picture = compose_beauty(made(coverage, picture=ones))
    assert list(picture.layers) == ["beauty", "character", "matte"]
    assert (pixels(picture, "beauty") == 1).all()
    assert (pixels(picture, "matte") == 0.25).all()
    over_black = compose_beauty(made(coverage, character=ones))
    assert (pixels(over_black, "beauty") == 0.25).all()
    over_clean = compose_beauty(made(coverage, character=ones, clean=ones * 0), kind="float")
    assert pixels(over_clean, "beauty").dtype == np.float32
    assert (pixels(over_clean, "character")[..., 3] == 0.25).all()


@settings(max_examples=60, deadline=None)
@given(colours, mattes)
def test_when_the_engine_returns_its_input_then_the_comp_is_the_plate_within_two_roundings(
    light: Floats, matte: Floats
) -> None:
    plate = half(light)
    layers = compose(plate, DATA, made(np.ones_like(matte), picture=wide(plate)), matte)
    error = np.abs(wide(pixels(layers, "comp")) - wide(plate))
    assert (error <= 2 * 2.0**-11 * np.abs(wide(plate)) + 2.0**-24).all()
    whole = matte >= 1
    assert (pixels(layers, "comp")[whole] == plate[whole]).all()
