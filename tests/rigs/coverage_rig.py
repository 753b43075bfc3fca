"""Small generated pictures with a known character, for the tests of coverage and of what it is made of."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.engines.wan.evidence import Behind, GeneratedPicture
from understudy.inference.picture.tone import decode, encode

Array = NDArray[np.float32]
HEIGHT, WIDTH = 96, 144


def wall(height: int = HEIGHT, width: int = WIDTH) -> Array:
    """Return a grey-blue ground with broad, smooth variation."""
    random = np.random.default_rng(2)
    coarse = random.uniform(0.35, 0.5, (6, 9, 3)).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)


def standing(across: float = 0.0) -> tuple[Array, Array]:
    """Return a figure's soft coverage (h, w) and the keypoints that drive it (133, 3)."""
    middle = WIDTH / 2 + across
    points = np.zeros((133, 3), np.float32)
    for index, (x, y) in {
        0: (0, 24), 5: (8, 36), 6: (-8, 36), 7: (12, 48), 8: (-12, 48), 9: (13, 58), 10: (-13, 58),
        11: (5, 60), 12: (-5, 60), 13: (5, 73), 14: (-5, 73), 15: (5, 86), 16: (-5, 86),
    }.items():  # fmt: skip
        points[index] = (middle + x, y, 1.0)
    fine = np.zeros((HEIGHT * 8, WIDTH * 8), np.uint8)
    for one, other, thickness in ((5, 9, 6), (6, 10, 6), (11, 15, 8), (12, 16, 8)):
        ends = [tuple(int(part * 8) for part in points[place, :2] + 0.5) for place in (one, other)]
        cv2.line(fine, ends[0], ends[1], 255, thickness * 8)
    body = np.array([(middle - 11, 33), (middle + 11, 33), (middle + 8, 62), (middle - 8, 62)])
    cv2.fillPoly(fine, [np.rint((body + 0.5) * 8).astype(np.int32)], 255)
    cv2.circle(fine, (int((middle + 0.5) * 8), 23 * 8), 9 * 8, 255, -1)
    soft = cv2.resize(fine, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return np.asarray(soft, np.float32), points


def used_around(coverage: Array, margin: int = 8) -> Array:
    rows, columns = np.nonzero(coverage.max(axis=1) > 0)[0], np.nonzero(coverage.max(axis=0) > 0)[0]
    used = np.zeros(coverage.shape, np.float32)
    used[max(0, rows[0] - margin) : rows[-1] + margin, max(0, columns[0] - margin) : columns[-1] + margin] = 1.0
    return used


def generated(across: float = 0.0, *, known: bool = True, skeleton: bool = True, seed: int = 1) -> GeneratedPicture:
    """Return a red figure before the wall, with a model's faint noise."""
    coverage, points = standing(across)
    ground = wall()
    colour = np.array([0.75, 0.2, 0.15], np.float32)
    noise = np.random.default_rng(seed).standard_normal(ground.shape, dtype=np.float32) * 0.004
    back = decode(ground)
    picture = encode(np.asarray(back + (decode(colour) - back) * coverage[..., None], np.float32)) + noise
    used = used_around(coverage)
    behind = Behind(ground, np.ones_like(used)) if known else None
    surroundings = np.where(used[..., None] > 0, np.float32(0), ground)
    return GeneratedPicture(picture, surroundings, used, behind, points if skeleton else None)
