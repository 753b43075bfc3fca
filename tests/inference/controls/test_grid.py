"""The conditioning matte's settings."""

from __future__ import annotations

import numpy as np
import pytest

from understudy.inference.controls.grid import Grid
from understudy.inference.controls.matte import matte_used


@pytest.mark.parametrize(("columns", "width", "finer"), [(10, 11, False), (10, 10, True), (1, 2, False), (0, 1, False)])
def test_a_grid_is_finer_than_a_matte_of_no_whole_pixel_a_cell(columns: int, width: int, finer: bool) -> None:
    assert Grid(columns=columns, rows=columns).is_finer_than(width, 90) is finer
    assert Grid(columns=columns, rows=columns).is_finer_than(90, width) is finer


def test_the_settings_are_those_of_the_matte_that_is_made() -> None:
    matte = np.zeros((40, 40), np.float32)
    matte[10:20, 15:18] = 1
    made = Grid(kernel_pixels=5, dilations=1, columns=2, rows=3).used(matte)
    assert np.array_equal(made, matte_used(matte, kernel_pixels=5, dilations=1, columns=2, rows=3))
    assert np.array_equal(Grid().used(matte), matte_used(matte))
