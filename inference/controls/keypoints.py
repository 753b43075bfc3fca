"""Keypoints that a rig or a tracker supplies: 133 COCO-WholeBody points a frame, as JSON (docs/keypoints.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import PlateError
from understudy.bridge.frames import FrameRange

POINTS = 133  # COCO-WholeBody: 17 body, 6 feet, 68 face, 21 and 21 hands
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


def _not_keypoints(typed: str, problem: Exception) -> PlateError:
    return PlateError(
        f"{typed} is not a keypoints file: {problem}",
        remedy="Write it as docs/keypoints.md shows, 133 points a frame.",
    )
