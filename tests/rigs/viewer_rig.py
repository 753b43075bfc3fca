"""Layers and takes on disk for the viewer's tests: EXR files as a daemon writes them, small."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
from numpy.typing import NDArray


def write_layer(
    path: Path,
    pixels: NDArray[Any],
    *,
    state: str = "delivered",
    origin: tuple[int, int] = (0, 0),
    display: tuple[int, int, int, int] | None = None,
    **marks: str,
) -> Path:
    """Write (height, width, 3 or 4) as one EXR with our marks; `display` is left, top, width, height."""
    height, width = pixels.shape[:2]
    left, top, wide, high = display or (*origin, width, height)
    header = {
        "type": OpenEXR.scanlineimage,
        "compression": OpenEXR.ZIP_COMPRESSION,
        "dataWindow": (np.array(origin, np.int32), np.array([origin[0] + width - 1, origin[1] + height - 1], np.int32)),
        "displayWindow": (np.array([left, top], np.int32), np.array([left + wide - 1, top + high - 1], np.int32)),
        "understudy/state": state.ljust(16),
        "understudy/working_space": "Linear Rec.709 (sRGB)",
        **{f"understudy/{name}": value for name, value in marks.items()},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    OpenEXR.File(header, {"RGBA"[: pixels.shape[2]]: np.ascontiguousarray(pixels)}).write(str(path))
    return path


def stored_pixels(path: Path) -> NDArray[np.float32]:
    """Return the R, G, B of a file as float32."""
    return np.asarray(OpenEXR.File(str(path)).channels()["RGB"].pixels, np.float32)


def write_take(
    folder: Path, frames: Iterable[int], *, state: str = "delivered", light: float = 0.05, **marks: str
) -> Path:
    """Write a take of 32x18 pixels: comp with a coloured block on a flat ground, its matte, and a grey clean plate."""
    numbers = list(frames)
    for frame in numbers:
        comp = np.full((18, 32, 3), light, np.float16)
        comp[6:12, 8:24] = (0.6, 0.2, 0.1)
        matte = np.zeros((18, 32, 3), np.float16)
        matte[6:12, 8:24] = 1
        for layer, pixels in (("comp", comp), ("matte", matte), ("clean", np.full((18, 32, 3), 0.5, np.float16))):
            write_layer(folder / layer / f"{layer}.{frame}.exr", pixels, state=state, **marks)
    manifest = {
        "job": "job0view", "version": 1, "frames": [numbers[0], numbers[-1]], "rate": "24/1", "state": state,
        "findings": [], "files": [],
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder
