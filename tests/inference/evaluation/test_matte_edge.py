"""The bands along a matte, and the colour and gradient in them, on pictures whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("skimage", reason="measures need scikit-image: pip install 'understudy[evaluate]'")

from understudy.inference.evaluation.matte_edge import Bands, bands_along, colour_difference, edge_of, gradient_of

FINITE = np.ones((60, 80), np.bool_)
GREY = np.full((60, 80, 3), 0.5, np.float32)


def rectangle(value: float = 1.0) -> NDArray[np.float32]:
    matte = np.zeros((60, 80), np.float32)
    matte[20:40, 20:60] = value
    return matte


def lightness(value: NDArray[np.float32] | float) -> NDArray[np.float32]:
    lab = np.zeros((60, 80, 3), np.float32)
    lab[:, :, 0] = value
    return lab


def cut(picture: NDArray[np.float32], bands: Bands) -> NDArray[np.float32]:
    return picture[bands.rows, bands.columns]


def along(matte: NDArray[np.float32], finite: NDArray[np.bool_] = FINITE, reach: int = 4) -> Bands:
    bands = bands_along(matte, finite, reach)
    assert bands is not None
    return bands


def test_when_the_matte_is_empty_then_it_has_no_edge() -> None:
    assert bands_along(rectangle(0), FINITE, 4) is None


def test_when_a_matte_holds_only_what_compression_leaves_then_it_has_no_edge() -> None:
    assert bands_along(rectangle(0.009), FINITE, 4, clear=2.5 / 255) is None


def test_when_the_matte_covers_everything_then_nothing_is_outside() -> None:
    bands = along(np.ones((60, 80), np.float32))
    assert not bands.outside.any()
    assert not bands.edge.any()
    assert edge_of(lightness(50), GREY, bands).colour_step is None


def test_when_the_matte_is_nowhere_solid_then_nothing_is_inside() -> None:
    bands = along(rectangle(0.6))
    assert not bands.inside.any()
    assert colour_difference(lightness(50), lightness(50), bands.inside) is None


def test_when_a_pixel_is_no_number_then_it_is_in_no_band() -> None:
    finite = FINITE.copy()
    finite[22, 30] = False
    whole, less = along(rectangle()), along(rectangle(), finite)
    assert whole.inside.sum() - less.inside.sum() == 1


def test_when_the_matte_is_hard_then_the_edge_is_a_pixel_on_each_side_and_the_bands_lie_beyond() -> None:
    bands = along(rectangle(), reach=3)
    row = 30 - bands.rows.start
    at = [[int(x) + bands.columns.start for x in np.flatnonzero(band[row])] for band in (
        bands.outside, bands.edge, bands.inside)]  # fmt: skip
    assert at == [[16, 17, 18, 61, 62, 63], [19, 20, 59, 60], [21, 22, 23, 56, 57, 58]]


def test_when_the_matte_is_cut_by_the_picture_then_the_picture_has_no_edge_there() -> None:
    matte = np.zeros((60, 80), np.float32)
    matte[20:, 20:60] = 1
    bands = along(matte)
    middle = 40 - bands.columns.start
    assert not bands.inside[-1, middle]
    assert not bands.edge[-1, middle]


def test_when_what_is_inside_is_lighter_by_five_then_the_colour_there_is_off_by_five_and_outside_by_nothing() -> None:
    # For greys CIEDE2000 is the difference of L* over SL, and SL is 1 where the mean of both is 50.
    bands = along(rectangle())
    plate, result = cut(lightness(47.5), bands), cut(lightness(47.5 + 5 * rectangle()), bands)
    assert colour_difference(result, plate, bands.inside) == pytest.approx(5, abs=1e-4)
    assert colour_difference(result, plate, bands.outside) == 0
    assert edge_of(result, cut(GREY, bands), bands).colour_step == pytest.approx(5, abs=1e-4)
    assert edge_of(plate, cut(GREY, bands), bands).colour_step == pytest.approx(0, abs=1e-4)


def test_when_one_side_is_lighter_and_one_darker_then_the_two_do_not_make_up_for_each_other() -> None:
    tilt = np.where(np.arange(80) < 40, 2.5, -2.5).astype(np.float32)[None, :] * rectangle()
    bands = along(rectangle())
    assert (edge_of(cut(lightness(50 + tilt), bands), cut(GREY, bands), bands).colour_step or 0) > 2


def test_when_the_edge_is_cut_out_then_its_gradient_is_the_height_of_the_step() -> None:
    bands = along(rectangle())
    stepped = cut(GREY + 0.2 * rectangle()[:, :, None], bands).astype(np.float32)
    found = edge_of(cut(lightness(50), bands), stepped, bands)
    assert found.gradient_edge == pytest.approx(0.1, rel=0.1)  # central differences spread a step over two pixels
    assert found.gradient_inside == pytest.approx(0, abs=1e-6)
    assert found.gradient_outside == pytest.approx(0, abs=1e-6)


def test_when_a_ramp_rises_by_a_known_amount_a_pixel_then_that_is_its_gradient() -> None:
    ramp = np.repeat((np.arange(80, dtype=np.float32) * 0.01)[None, :, None], 60, axis=0).repeat(3, axis=2)
    assert gradient_of(ramp) == pytest.approx(0.01, rel=1e-3)
