"""What a user types and has in a folder: the words of a command, and frames written and read bit by bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import OpenEXR
from numpy.typing import NDArray
from terminal_rig import Ended

from understudy.inference.picture.images import read_image

FRAMES = (1001, 1002, 1003)
HERE = ("--plate", "plate.####.exr", "--matte", "matte.####.exr", "--reference", "hero.png", "--rate", "24",
        "--engine", "identity")  # fmt: skip
ATTEST = ("--self-attest", "a test, to see what breaks")

Submit = Callable[..., Ended]


def write(path: Path, pixels: NDArray[np.generic]) -> None:
    kind = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File(kind, {"RGB": np.ascontiguousarray(pixels[:, :, :3])}).write(str(path))


def pixels_of(path: Path) -> NDArray[np.float16]:
    return np.array(read_image(path).pixels, np.float16)


def bits(path: Path) -> NDArray[np.uint16]:
    return pixels_of(path).view(np.uint16)
