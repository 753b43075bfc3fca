"""The one look at a shot: what is kept of it is small and true."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from understudy.inference.controls.grid import Grid
from understudy.inference.controls.survey import survey

Picture = NDArray[np.float32]
HEIGHT, WIDTH = 90, 160


def matte(*boxes: tuple[int, int, int, int]) -> Picture:
    made = np.zeros((HEIGHT, WIDTH), np.float32)
    for left, top, right, bottom in boxes:
        made[top:bottom, left:right] = 1
    return made


LEFT = (20, 20, 50, 80)


@pytest.mark.parametrize(
    ("box", "grid", "size"),
    [
        (LEFT, Grid(), (48, 78)),
        (LEFT, Grid(dilations=0), (30, 60)),
        ((0, 0, 1, 1), Grid(), (10, 10)),
        ((0, 0, WIDTH, HEIGHT), Grid(), (WIDTH, HEIGHT)),
    ],
)
def test_the_size_of_the_dilated_matte_is_that_of_the_conditioning_matte(
    box: tuple[int, int, int, int], grid: Grid, size: tuple[int, int]
) -> None:
    looked = survey([7], None, lambda _: matte(box), grid)
    (used,) = looked.used
    assert used is not None
    assert (used[2] - used[0], used[3] - used[1]) == size
    rows, columns = np.nonzero(grid.used(matte(box)))
    assert (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1) == used


def test_every_picture_and_every_matte_is_read_once_and_the_steps_are_told() -> None:
    read: list[tuple[str, int]] = []
    steps: list[tuple[int, int]] = []

    def plate(frame: int) -> Picture:
        read.append(("plate", frame))
        return np.full((HEIGHT, WIDTH, 3), 0.5, np.float32)

    def mattes(frame: int) -> Picture:
        read.append(("matte", frame))
        return matte(LEFT) if frame == 5 else matte()

    looked = survey([4, 5], plate, mattes, None, lambda *told: steps.append(told))
    assert sorted(read) == [("matte", 4), ("matte", 5), ("plate", 4), ("plate", 5)]
    assert steps == [(1, 2), (2, 2)]
    assert looked.cuts == ()
    assert looked.used[0] is None
    assert looked.empty == (4,)
    assert looked.at([1]) == (5,)


def test_when_a_shot_has_neither_pictures_nor_mattes_then_nothing_is_known_of_them() -> None:
    looked = survey([1, 2, 3], None, None)
    assert looked.cuts == ()
    assert looked.used == ()
    assert looked.empty == ()


def test_when_the_plate_is_cut_then_the_frame_that_begins_the_other_shot_is_known_by_its_number() -> None:
    sets = np.random.default_rng(4).random((2, HEIGHT, WIDTH, 3), np.float32)
    looked = survey(range(101, 113), lambda frame: sets[int(frame >= 107)], None)
    assert looked.cuts == (107,)
