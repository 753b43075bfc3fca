"""Keypoints as a file, read and written: 133 COCO-WholeBody points a frame, as JSON (docs/keypoints.md)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import PlateError
from understudy.bridge.frames import FrameRange
from understudy.inference.controls.wholebody import POINTS

Point = tuple[float, float, float]


class KeypointsFile(msgspec.Struct, frozen=True, kw_only=True):
    """The file as it is written: pixel positions in a picture of `width` x `height`, confidence 0 to 1."""

    format: Literal["coco-wholebody-133"]
    width: Annotated[int, msgspec.Meta(ge=1)]
    height: Annotated[int, msgspec.Meta(ge=1)]
    frames: dict[str, Annotated[tuple[Point, ...], msgspec.Meta(min_length=POINTS, max_length=POINTS)]]


class _Size(msgspec.Struct, frozen=True):
    width: Annotated[int, msgspec.Meta(ge=1)]
    height: Annotated[int, msgspec.Meta(ge=1)]


def keypoints_size(path: Path, typed: str) -> tuple[int, int]:
    """Return (width, height) of the picture that the points are pixels of. Raises PlateError as `read_keypoints`."""
    try:
        size = msgspec.json.decode(path.read_bytes(), type=_Size)
    except (msgspec.MsgspecError, ValueError) as problem:
        raise _not_keypoints(typed, problem) from None
    return size.width, size.height


def read_keypoints(path: Path, typed: str, frames: FrameRange) -> dict[int, NDArray[np.float32]]:
    """Return (133, 3) float32 a frame: x, y in pixels of the stated picture, confidence.

    A frame that the file lacks has confidence 0 everywhere: an engine then goes by the matte alone.
    Raises PlateError naming the file and the field.
    """
    try:
        read = msgspec.json.decode(path.read_bytes(), type=KeypointsFile)
        known = {int(name): points for name, points in read.frames.items()}
    except (msgspec.MsgspecError, ValueError) as problem:
        raise _not_keypoints(typed, problem) from None
    absent = np.zeros((POINTS, 3), np.float32)
    return {frame: np.array(known[frame], np.float32) if frame in known else absent for frame in frames}


def write_keypoints(path: Path, size: tuple[int, int], frames: Mapping[int, NDArray[np.float32]]) -> None:
    """Write (133, 3) points a frame of a picture of size (width, height), a line a frame, to thousandths of a pixel.

    A frame in which nothing is known is left out. The file appears whole or not at all. Raises OSError.
    """
    lines = [
        f'  "{frame}": {msgspec.json.encode(np.round(points.astype(np.float64), 3).tolist()).decode()}'
        for frame, points in sorted(frames.items())
        if points[:, 2].any()
    ]
    head = f'{{\n "format": "coco-wholebody-133",\n "width": {size[0]},\n "height": {size[1]},\n "frames": {{\n'
    unfinished = path.with_name(f".{path.name}.partial")
    unfinished.write_text(head + ",\n".join(lines) + "\n }\n}\n", encoding="utf-8")
    unfinished.replace(path)


def _not_keypoints(typed: str, problem: Exception) -> PlateError:
    return PlateError(
        f"{typed} is not a keypoints file: {problem}",
        remedy="Write it as docs/keypoints.md shows, 133 points a frame.",
    )
