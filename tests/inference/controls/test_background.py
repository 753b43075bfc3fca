"""The conditioning background: the plate's own pixels around a hole that is black or clean."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from understudy.inference.controls.background import conditioning_background

Picture = NDArray[np.float32]
SHAPE = (6, 8)

pictures = arrays.arrays(np.float32, (*SHAPE, 3), elements=st.floats(-0.5, 1.5, width=32))
masks = arrays.arrays(np.float32, SHAPE, elements=st.sampled_from([0.0, 1.0]))


@given(pictures, masks, st.none() | pictures)
def test_around_the_hole_is_the_plate_and_in_it_the_clean_plate_or_black(
    plate: Picture, used: Picture, clean_plate: Picture | None
) -> None:
    shown = conditioning_background(plate, used, clean_plate)
    hole = used > 0
    assert shown.dtype == np.float32
    assert np.array_equal(shown[~hole], np.clip(plate[~hole], 0, 1))
    wanted = np.zeros_like(plate) if clean_plate is None else np.clip(clean_plate, 0, 1)
    assert np.array_equal(shown[hole], wanted[hole])


def test_when_the_matte_is_empty_then_the_whole_plate_is_shown_and_is_not_the_readers_own_memory() -> None:
    plate = np.full((*SHAPE, 3), 0.5, np.float32)
    shown = conditioning_background(plate, np.zeros(SHAPE, np.float32))
    assert np.array_equal(shown, plate)
    assert not np.may_share_memory(shown, plate)


def test_when_the_clean_plate_has_another_size_then_both_sizes_are_named() -> None:
    plate, used = np.zeros((*SHAPE, 3), np.float32), np.zeros(SHAPE, np.float32)
    with pytest.raises(ValueError, match=r"\(4, 8\), \(6, 8\)"):
        conditioning_background(plate, used, plate[:4])
