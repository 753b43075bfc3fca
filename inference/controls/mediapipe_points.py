"""MediaPipe's landmarks as the 133 COCO-WholeBody points: one table, and what stands for a confidence. Pure.

The table is in docs/controls.md too, with how its face column was found; a test keeps the two alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from understudy.inference.controls.mediapipe_process import (
    BODY_POINTS,
    FACE_POINTS,
    HAND_POINTS,
    NUMBERS,
    REPLY_BYTES,
)
from understudy.inference.controls.wholebody import (
    BODY,
    FACE,
    FEET,
    LEFT_HAND,
    LEFT_WRIST,
    NOSE,
    RIGHT_HAND,
    RIGHT_WRIST,
    Points,
    no_points,
)

Floats = NDArray[np.float32]

# Which of the 33 pose landmarks each of the 17 body points is.
BODY_FROM = (0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)
# Big toe, small toe, heel; left, right. MediaPipe has one point at the front of a foot: both toes are that.
FEET_FROM = (31, 31, 29, 32, 32, 30)
# Which of the 468 face landmarks each of the 68 face points is.
FACE_FROM = (
    # the chin line, from the person's right ear to the left
    127, 234, 132, 58, 172, 136, 149, 176, 152, 400, 378, 365, 397, 288, 361, 454, 356,
    # right brow from outside in, left brow from inside out
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300,
    # the nose: its bridge downwards, then below it from right to left
    168, 6, 195, 4, 98, 97, 2, 326, 327,
    # right eye, left eye: from the left of the picture, over the upper lid and back under
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    # the outer line of the lips from the right corner over the upper lip, then the inner line
    61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91, 78, 81, 13, 311, 308, 402, 14, 178,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Landmarks:
    """What MediaPipe found in a picture; None for a part that it did not find. x, y are shares of width and height."""

    body: Floats | None
    """(33, 3): x, y, visibility 0 to 1."""
    face: Floats | None
    left_hand: Floats | None
    right_hand: Floats | None

    @classmethod
    def of_reply(cls, reply: bytes) -> Landmarks:
        """Raises ValueError for bytes that are no reply."""
        if len(reply) != REPLY_BYTES:
            raise ValueError(f"{len(reply)} bytes are no reply, which has {REPLY_BYTES}")
        numbers = np.frombuffer(reply, "<f4", NUMBERS, offset=4).astype(np.float32)
        sizes = (3 * BODY_POINTS, 2 * FACE_POINTS, 2 * HAND_POINTS, 2 * HAND_POINTS)
        parts = np.split(numbers, np.cumsum(sizes)[:-1])
        shaped = (part.reshape(-1, axes) for part, axes in zip(parts, (3, 2, 2, 2), strict=True))
        return cls(*(part if there else None for part, there in zip(shaped, reply[:4], strict=True)))


def points_of(found: Landmarks, width: int, height: int) -> Points:
    """Return the 133 points of a picture of width x height in which `found` was found.

    MediaPipe gives a visibility for the body alone. A face that was found is as sure as the nose, a hand as its wrist:
    a part that was not found has confidence 0.
    """
    points = no_points()
    if found.body is None:
        return points
    points[BODY] = found.body[list(BODY_FROM)]
    points[FEET] = found.body[list(FEET_FROM)]
    for part, where, anchor, chosen in (
        (found.face, FACE, NOSE, FACE_FROM),
        (found.left_hand, LEFT_HAND, LEFT_WRIST, range(HAND_POINTS)),
        (found.right_hand, RIGHT_HAND, RIGHT_WRIST, range(HAND_POINTS)),
    ):
        if part is not None:
            points[where, :2] = part[list(chosen)]
            points[where, 2] = points[anchor, 2]
    known = points[:, 2] > 0
    # Shares count from the picture's edge, points from the centre of its first pixel.
    points[known, :2] = points[known, :2] * (width, height) - 0.5
    points[~known] = 0
    np.clip(points[:, 2], 0, 1, out=points[:, 2])
    return points
