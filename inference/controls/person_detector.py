"""What a YOLO person detector is given and what it says. Pure; any thread.

As Wan-Animate's preprocessing does it: the whole picture is stretched (not letterboxed) to 640 x 640, RGB from 0 to 1.
Both outputs that the exporters of YOLO write are read: rows of six (edges, score, class), and the 84 rows of older ones
(centre, size, 80 class scores).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.controls.person_box import Box

DETECTOR_SIDE = 640
LEAST_SCORE = 0.05
"""Wan-Animate's threshold: low, because a matte or the size decides between candidates."""
SAME_PERSON = 0.5
"""Two boxes that overlap more than this are one person (non-maximum suppression)."""
PERSON = 0
"""The class's number in COCO's 80."""

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Person:
    """One person that was seen; the box is in the picture's pixels."""

    box: Box
    score: float


def detector_input(picture: NDArray[np.uint8]) -> Floats:
    """Return (1, 3, 640, 640) float32 of an RGB picture (height, width, 3)."""
    squeezed = cv2.resize(picture, (DETECTOR_SIDE, DETECTOR_SIDE), interpolation=cv2.INTER_LINEAR)
    planes = np.asarray(squeezed, np.float32).transpose(2, 0, 1)[None]
    return np.ascontiguousarray(planes / np.float32(255))


def people_in(output: Floats, height: int, width: int) -> list[Person]:
    """Return who is in a picture of height x width, the surest first, each once.

    output: (1, n, 6) or (1, 84, n), in pixels of the detector's input. Raises ValueError for another shape.
    """
    edges, scores, classes = _rows(output[0])
    scale = np.array([width, height, width, height], np.float64) / DETECTOR_SIDE
    chosen = np.flatnonzero((classes == PERSON) & (scores > LEAST_SCORE))
    chosen = chosen[np.argsort(-scores[chosen], kind="stable")]
    # The detector counts from the picture's edge, points from the centre of its first pixel.
    people = [Person(Box(*(edges[row] * scale - 0.5).tolist()), float(scores[row])) for row in chosen]
    return _each_once([person for person in people if person.box.width > 0 and person.box.height > 0])


def _rows(output: Floats) -> tuple[Floats, Floats, NDArray[np.intp]]:
    """Return edges (n, 4), scores (n,) and classes (n,)."""
    if output.ndim == 2 and output.shape[1] == 6:
        return output[:, :4], output[:, 4], output[:, 5].astype(np.intp)
    if output.ndim == 2 and output.shape[0] == 84:
        middle, half, scores = output[:2].T, output[2:4].T / 2, output[4:]
        return np.hstack([middle - half, middle + half]), scores.max(axis=0), scores.argmax(axis=0)
    raise ValueError(f"a detector's output of shape {output.shape}: (n, 6) or (84, n) is known")


def _each_once(people: list[Person]) -> list[Person]:
    kept: list[Person] = []
    for person in people:
        if all(person.box.overlap(other.box) <= SAME_PERSON for other in kept):
            kept.append(person)
    return kept
