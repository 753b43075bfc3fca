"""Display codes against OCIO's own, pixel by pixel; what has no view; and the error that the interface states."""

from __future__ import annotations

from typing import Any

import numpy as np
import PyOpenColorIO
import pytest
from hypothesis import given
from hypothesis import strategies as some
from numpy.typing import NDArray

from understudy.bridge.errors import RequestError
from understudy.ui.frames.exr import Picture
from understudy.ui.frames.view import STANDARD, Look, Viewing

ACES = Look("ACEScg", "sRGB - Display", "ACES 2.0 - SDR 100 nits (Rec.709)")
UNTONED = Look("Linear Rec.709 (sRGB)", "sRGB - Display", "Un-tone-mapped")


@pytest.fixture(scope="module")
def viewing() -> Viewing:
    return Viewing()


def picture(pixels: NDArray[Any], channels: str = "RGB") -> Picture:
    return Picture(pixels, 1, tuple(channels), (0, 0), (0, 0, pixels.shape[1], pixels.shape[0]), 1.0, {})


def ocio_says(pixels: NDArray[Any], look: Look) -> NDArray[np.float32]:
    config = PyOpenColorIO.Config.CreateFromBuiltinConfig(STANDARD)
    exact = config.getProcessor(PyOpenColorIO.DisplayViewTransform(look.space, look.display, look.view))
    light = np.ascontiguousarray(pixels, np.float32) * np.float32(2**look.exposure)
    exact.getOptimizedCPUProcessor(PyOpenColorIO.OPTIMIZATION_LOSSLESS).applyRGB(light)
    return np.clip(light, 0, 1) ** np.float32(1 / look.gamma) * 255


def test_when_an_unknown_view_is_asked_for_then_it_is_refused_by_name(viewing: Viewing) -> None:
    with pytest.raises(RequestError, match="No such view"):
        viewing.render(picture(np.zeros((2, 2, 3), np.float16)), Look("ACEScg", "sRGB - Display", "No such view"))


def test_when_a_config_is_unknown_then_it_is_refused_by_name() -> None:
    with pytest.raises(RequestError, match="no-such-config"):
        Viewing("no-such-config")


@pytest.mark.parametrize("exposure", [0.0, 1.5, -3.0])
@pytest.mark.parametrize("gamma", [1.0, 1.3])
def test_when_a_view_is_cheap_then_the_codes_are_ocios_own(viewing: Viewing, exposure: float, gamma: float) -> None:
    look = Look(UNTONED.space, UNTONED.display, UNTONED.view, exposure, gamma)
    pixels = np.random.default_rng(4).random((16, 16, 3)).astype(np.float16)
    codes = viewing.render(picture(pixels), look)
    assert viewing.error(look) is None
    assert np.abs(codes[..., :3] - ocio_says(pixels, look)).max() < 0.75


def test_when_a_view_is_baked_then_it_is_within_the_error_that_is_stated(viewing: Viewing) -> None:
    error = viewing.error(ACES)
    assert error is not None
    assert error.most <= 1.5
    light = np.geomspace(1e-3, 20, 64, dtype=np.float32)[None, :, None]
    pixels = (light * np.random.default_rng(5).uniform(0, 1, (64, 64, 3))).astype(np.float16)
    apart = np.abs(viewing.render(picture(pixels), ACES)[..., :3] - ocio_says(pixels, ACES))
    assert np.quantile(apart.max(axis=2), 0.99) <= error.most + 0.75
    assert apart.max() <= error.largest + 2


def test_when_the_pixel_under_the_cursor_is_coded_then_it_is_ocios_answer_and_not_the_cubes(viewing: Viewing) -> None:
    look = Look(ACES.space, ACES.display, ACES.view, 0.5, 1.2)
    values = (3.0, 0.02, 0.4)
    expected = np.rint(ocio_says(np.array([[values]]), look))[0, 0]
    assert np.abs(np.array(viewing.exact_codes(values, look)) - expected).max() <= 1


def test_when_a_layer_is_data_then_no_view_touches_it(viewing: Viewing) -> None:
    pixels = np.linspace(-0.5, 1.5, 64, dtype=np.float32).reshape(8, 8, 1).repeat(3, 2)
    codes = viewing.render(picture(pixels), ACES, "data")
    np.testing.assert_array_equal(codes[..., 0], np.rint(np.clip(pixels[..., 0], 0, 1) * 255))


def test_when_a_difference_is_nothing_then_it_is_mid_grey_and_its_sign_shows(viewing: Viewing) -> None:
    pixels = np.array([[[0, 0, 0], [0.1, 0.1, 0.1], [-0.1, -0.1, -0.1]]], np.float16)
    same, more, less = viewing.render(picture(pixels), UNTONED, "signed")[0, :, 0].astype(int)
    assert less < same < more
    assert same == pytest.approx(ocio_says(np.full((1, 1, 3), 0.18), UNTONED)[0, 0, 0], abs=1)


@pytest.mark.parametrize(("channel", "index"), [("R", 0), ("G", 1), ("B", 2)])
def test_when_one_channel_is_shown_then_it_is_grey_with_that_channels_codes(
    viewing: Viewing, channel: str, index: int
) -> None:
    pixels = np.random.default_rng(6).random((4, 4, 4)).astype(np.float16)
    alone = viewing.render(picture(pixels, "RGBA"), UNTONED, "picture", channel)
    expected = ocio_says(pixels[..., index, None].repeat(3, 2), UNTONED)
    assert np.abs(alone[..., :3] - expected).max() < 0.75


def test_when_alpha_is_shown_then_it_is_the_stored_coverage_and_one_where_there_is_none(viewing: Viewing) -> None:
    pixels = np.random.default_rng(7).random((4, 4, 4)).astype(np.float16)
    codes = viewing.render(picture(pixels, "RGBA"), ACES, "picture", "A")
    np.testing.assert_array_equal(codes[..., 1], np.rint(pixels[..., 3].astype(np.float32) * 255))
    assert viewing.render(picture(pixels[..., :3]), ACES, "picture", "A")[..., :3].min() == 255


@given(some.lists(some.floats(width=16), min_size=12, max_size=12))
def test_when_values_are_anything_a_half_can_hold_then_codes_come_and_nothing_raises(values: list[float]) -> None:
    pixels = np.array(values, np.float16).reshape(2, 2, 3)
    for kind in ("picture", "data", "signed"):
        assert SHARED.render(picture(pixels), UNTONED, kind).shape == (2, 2, 4)  # type: ignore[arg-type]


SHARED = Viewing()
