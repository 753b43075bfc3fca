"""Half and float conversion: every half, and the bits that numpy makes."""

from __future__ import annotations

import numpy as np
import pytest

from understudy.inference.picture.half_floats import to_float, to_half

EVERY_HALF = np.arange(65536, dtype=np.uint16).view(np.float16).reshape(256, 256)


def test_every_half_becomes_the_float_that_numpy_makes() -> None:
    assert np.array_equal(to_float(EVERY_HALF).view(np.uint32), EVERY_HALF.astype(np.float32).view(np.uint32))


def test_every_half_survives_the_way_to_float_and_back_bit_for_bit() -> None:
    back = to_half(to_float(EVERY_HALF))
    numbers = ~np.isnan(EVERY_HALF)
    assert np.array_equal(back.view(np.uint16)[numbers], EVERY_HALF.view(np.uint16)[numbers])
    assert np.isnan(back[~numbers]).all()


def test_floats_round_to_the_nearest_half_ties_to_even_as_numpy_does() -> None:
    bits = np.random.default_rng(5).integers(0, 2**32, 300_001, dtype=np.uint64).astype(np.uint32)
    floats = bits.view(np.float32).reshape(1, -1)
    with np.errstate(all="ignore"):
        expected = floats.astype(np.float16)
    numbers = ~np.isnan(expected)
    assert np.array_equal(to_half(floats).view(np.uint16)[numbers], expected.view(np.uint16)[numbers])


def test_with_saturate_what_is_too_large_becomes_the_largest_half() -> None:
    assert to_half(np.array([1e9, -np.inf, 65519.0], np.float32), saturate=True).tolist() == [65504, -65504, 65504]


@pytest.mark.parametrize("shape", [(7,), (3, 5), (2, 3, 4), (1, 1, 3), (0, 4)])
def test_shapes_are_kept_and_the_input_is_left_alone(shape: tuple[int, ...]) -> None:
    halves = np.random.default_rng(1).normal(size=shape).astype(np.float16)
    floats = to_float(halves)
    assert floats.shape == shape
    assert to_half(floats).shape == shape
    floats += 1
    assert np.array_equal(halves, np.random.default_rng(1).normal(size=shape).astype(np.float16))


def test_rows_that_are_not_contiguous_are_read_right() -> None:
    wide = np.random.default_rng(2).normal(size=(6, 10, 4)).astype(np.float16)
    assert np.array_equal(to_float(wide[::2, 1:7, :3]), wide[::2, 1:7, :3].astype(np.float32))
