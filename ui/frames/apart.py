"""The difference of two pictures that were made small, and a frame made small over the same cells. Pure.

A mean of a cell's differences is the difference of the cell's means, so nothing is lost but the proxies' rounding to
half (docs/decisions/0056-proxies-are-exact.md).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import PlateError
from understudy.ui.frames.exr import Frame, Picture, Pixels, difference_of
from understudy.ui.frames.remote import PROXY_MARK


def cell_means(frame: Frame, grid: Picture) -> Picture:
    """Return `frame` made small over the cells of `grid`, as far as it has them whole: float32 means of all pixels.

    Raises PlateError where it has not one.
    """
    factor = grid.factor
    left, top = (_first_line(frame.origin[axis], grid.origin[axis], factor) for axis in (0, 1))
    pixels = frame.pixels[top - frame.origin[1] :, left - frame.origin[0] :]
    rows, columns = pixels.shape[0] // factor, pixels.shape[1] // factor
    if not rows or not columns:
        raise PlateError("the two pictures have no cell in common", remedy="Compare pictures of one shot.")
    means = _mean_of_cells(pixels[: rows * factor, : columns * factor], factor)
    return Picture(means, factor, frame.channels, (left, top), frame.display, frame.pixel_aspect, frame.marks)


def picture_difference(front: Picture, back: Picture) -> Picture:
    """Return `front` minus `back` over the cells that both have. Raises PlateError where their cells do not meet."""
    factor = front.factor
    across, down = (back.origin[axis] - front.origin[axis] for axis in (0, 1))
    if back.factor != factor or across % factor or down % factor:
        raise PlateError(
            "the two pictures came from the daemon at sizes that do not meet",
            remedy="Fetch the take (F): files on this machine are compared whole.",
        )
    apart = difference_of(_in_cells(front, (0, 0)), _in_cells(back, (across // factor, down // factor)))
    marks = {PROXY_MARK: back.marks[PROXY_MARK], **front.marks} if PROXY_MARK in back.marks else front.marks
    origin = (front.origin[0] + apart.origin[0] * factor, front.origin[1] + apart.origin[1] * factor)
    return replace(front, pixels=apart.pixels, channels=apart.channels, origin=origin, marks=marks)


def _mean_of_cells(pixels: Pixels, factor: int) -> NDArray[np.float32]:
    """Return the means of whole cells: rows are summed first, for whole lines of memory are what adds up quickly."""
    with np.errstate(invalid="ignore", over="ignore"):
        rows = pixels[0::factor].astype(np.float32)
        for row in range(1, factor):
            rows += pixels[row::factor]
        means = rows[:, 0::factor].copy()
        for column in range(1, factor):
            means += rows[:, column::factor]
        means *= np.float32(1 / (factor * factor))
    return means


def _first_line(start: int, line: int, factor: int) -> int:
    """Return the first of the lines through `line`, `factor` apart, at or behind `start`."""
    return line - (line - start) // factor * factor


def _in_cells(picture: Picture, origin: tuple[int, int]) -> Frame:
    """Return a picture as a frame whose pixels are its cells."""
    return Frame(picture.pixels, picture.channels, origin, picture.display, picture.pixel_aspect, picture.marks)
