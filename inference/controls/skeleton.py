"""The skeleton that Wan-Animate was trained on, drawn from 133 COCO-WholeBody points, pixel for pixel as it expects.

A motion is read from this picture, so colours, order and rounding are not ours to choose. They are those of the
official preprocessing (Wan-Video/Wan2.2, commit 42bf4cf, `human_visualization.py`), measured on its own output.
"""

from __future__ import annotations

import math
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float32]
Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]

CONFIDENT = 0.5
"""Below this a body point, and every limb at it, is left out."""
LIMB_SHARE = 0.6
"""A limb is drawn at this share of its colour, so that the joints stand out on it."""
# Each body point is the mean of two of the 133: nose, neck, right arm, left arm, right leg, left leg, eyes, ears, toes.
BODY = (
    (0, 0), (5, 6), (6, 6), (8, 8), (10, 10), (5, 5), (7, 7), (9, 9), (12, 12), (14, 14), (16, 16), (11, 11), (13, 13),
    (15, 15), (2, 2), (1, 1), (4, 4), (3, 3), (17, 18), (20, 21),
)  # fmt: skip
# Two body points, counted from 0, and the colour (RGB) of the limb between them.
LIMBS: tuple[tuple[int, int, Colour], ...] = (
    (1, 2, (255, 0, 0)), (1, 5, (255, 85, 0)), (2, 3, (255, 170, 0)), (3, 4, (255, 255, 0)), (5, 6, (170, 255, 0)),
    (6, 7, (85, 255, 0)), (1, 8, (0, 255, 0)), (8, 9, (0, 255, 85)), (9, 10, (0, 255, 170)), (1, 11, (0, 255, 255)),
    (11, 12, (0, 170, 255)), (12, 13, (0, 85, 255)), (1, 0, (0, 0, 255)), (0, 14, (85, 0, 255)),
    (14, 16, (170, 0, 255)), (0, 15, (255, 0, 255)), (15, 17, (255, 0, 170)), (13, 18, (255, 0, 85)),
    (10, 19, (200, 200, 0)),
)  # fmt: skip
JOINT_COLOURS: tuple[Colour, ...] = (*(colour for _, _, colour in LIMBS), (100, 100, 0))
HANDS = (slice(91, 112), slice(112, 133))
FINGERS = tuple(pair for finger in range(5) for pair in pairwise((0, *range(4 * finger + 1, 4 * finger + 5))))
HAND_JOINT: Colour = (0, 0, 255)


def draw_skeleton(keypoints: Points, height: int, width: int) -> Picture:
    """Return (height, width, 3) uint8 RGB on black, not antialiased.

    keypoints: (133, 3) float32, x and y in pixels of this picture, confidence 0 to 1. Points may lie outside.
    """
    canvas = np.zeros((height, width, 3), np.uint8)
    stick = max(min(height, width) // 200 - 1, 1)
    body = _body(keypoints)
    for start, end, colour in LIMBS:
        if min(body[start, 2], body[end, 2]) >= CONFIDENT:
            _draw_limb(canvas, body[start], body[end], stick, colour)
    for point, colour in zip(body, JOINT_COLOURS, strict=True):
        if point[2] >= CONFIDENT:
            cv2.circle(canvas, (int(point[0]), int(point[1])), stick, colour, thickness=-1)
    for hand in HANDS:
        _draw_hand(canvas, keypoints[hand], max(stick // 2, 1))
    return canvas


def _body(keypoints: Points) -> Points:
    first, second = (keypoints[[pair[n] for pair in BODY]] for n in (0, 1))
    return ((first + second) / 2).astype(np.float32)


def _draw_limb(canvas: Picture, start: Points, end: Points, stick: int, colour: Colour) -> None:
    """Draw a filled ellipse from joint to joint, half as long as they are apart and `stick` thick, in whole degrees."""
    across, down = end[0] - start[0], end[1] - start[1]
    length = math.hypot(across, down)
    angle = math.degrees(math.atan2(-down, -across))
    centre = (int((start[0] + end[0]) / 2), int((start[1] + end[1]) / 2))
    outline = np.array(cv2.ellipse2Poly(centre, (int(length / 2), stick), int(angle), 0, 360, 1), np.int32)
    cv2.fillConvexPoly(canvas, outline, [int(channel * LIMB_SHARE) for channel in colour])


def _draw_hand(canvas: Picture, hand: Points, thickness: int) -> None:
    """Draw bones, one hue each, then joints. A point at or beyond the picture's left or upper edge is left out."""
    corners = [(int(x), int(y)) for x, y, _ in hand]
    seen = [x > 0 and y > 0 and confidence > 0 for (x, y), confidence in zip(corners, hand[:, 2], strict=True)]
    for number, (start, end) in enumerate(FINGERS):
        if seen[start] and seen[end]:
            cv2.line(canvas, corners[start], corners[end], _hue(number / len(FINGERS)), thickness=thickness)
    for corner, is_seen in zip(corners, seen, strict=True):
        if is_seen:
            cv2.circle(canvas, corner, thickness, HAND_JOINT, thickness=-1)


def _hue(share: float) -> Colour:
    """Return the full colour of a hue, 0 to 1, as 8-bit RGB."""
    sector, within = divmod(share * 6, 1)
    rising, falling = within, 1 - within
    red, green, blue = (
        (1, rising, 0), (falling, 1, 0), (0, 1, rising), (0, falling, 1), (rising, 0, 1), (1, 0, falling),
    )[int(sector) % 6]  # fmt: skip
    return int(red * 255 + 0.5), int(green * 255 + 0.5), int(blue * 255 + 0.5)
