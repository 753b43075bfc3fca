"""Sequences whose faults are known: a plate of steady grain, and results that differ from it by what a test plants."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import OpenEXR
from numpy.typing import NDArray

Halves = NDArray[np.float16]
Picture = Callable[[int], NDArray[np.float32]]

HEIGHT, WIDTH, FIRST = 64, 96, 1001
INSIDE = np.s_[16:48, 28:68]
"""The planted matte: a hard rectangle."""


def plate_of(frame: int) -> NDArray[np.float32]:
    """Return grey with new grain in every frame, scene-linear (height, width, 3)."""
    random = np.random.default_rng(frame)
    return (0.18 + 0.01 * random.standard_normal((HEIGHT, WIDTH, 3))).astype(np.float32)


def matte_of(frame: int) -> NDArray[np.float32]:
    matte = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    matte[INSIDE] = 1
    return matte


def inside_times(factor: Callable[[int], float]) -> Picture:
    """Return the plate with what lies inside the matte multiplied, frame by frame."""

    def picture(frame: int) -> NDArray[np.float32]:
        changed = plate_of(frame)
        changed[INSIDE] *= factor(frame)
        return changed

    return picture


def write_frames(folder: Path, name: str, frames: Iterable[int], picture: Picture = plate_of) -> str:
    """Write EXR files of linear Rec.709 and return their pattern."""
    folder.mkdir(parents=True, exist_ok=True)
    for frame in frames:
        header = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
        if name != "matte":
            header["colorInteropID"] = "lin_rec709_scene"
        pixels = np.ascontiguousarray(picture(frame), np.float32)
        OpenEXR.File(header, {"RGB": pixels}).write(str(folder / f"{name}.{frame:04}.exr"))
    return str(folder / f"{name}.####.exr")
