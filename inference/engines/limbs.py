"""Which of the 133 COCO-WholeBody points carry a body's motion, and a body that is followed by them alone. Pure."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.engines.door import Footage
from understudy.inference.engines.smooth import disc
from understudy.inference.engines.warp import PlateFitter

Array = NDArray[np.float32]
Matrix = NDArray[np.float64]

BODY = tuple(range(23))
"""Nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles, toes and heels."""
HANDS = (95, 99, 103, 107, 111, 116, 120, 124, 128, 132)
"""The fingertips."""
BONES = ((5, 7), (7, 9), (6, 8), (8, 10), (11, 13), (13, 15), (12, 14), (14, 16), (5, 6), (11, 12), (5, 11), (6, 12))
SURE = 0.3
"""A point of lower confidence is not believed."""
STIFFNESS = 0.05
LIMB_WIDTH = 0.35
"""Half of a body part's width, as a share of the distance between the shoulders."""


def joints_of(keypoints: NDArray[np.float32] | None, across: float, down: float) -> Array:
    """Return (n, 3) joints and the middles of bones, scaled to another picture size; (0, 3) without keypoints.

    keypoints: (133, 3) x, y in pixels, confidence. across, down: the other size over this one.
    """
    if keypoints is None:
        return np.zeros((0, 3), np.float32)
    points = np.nan_to_num(keypoints.astype(np.float32))
    points[:, 0] = (points[:, 0] + 0.5) * across - 0.5
    points[:, 1] = (points[:, 1] + 0.5) * down - 0.5
    joints = points[list(BODY + HANDS)]
    ends = points[[bone[0] for bone in BONES]], points[[bone[1] for bone in BONES]]
    middles = (ends[0] + ends[1]) / 2.0
    middles[:, 2] = np.minimum(ends[0][:, 2], ends[1][:, 2])
    return np.vstack([joints, middles])


def joint_motion(here: Array, home: Array) -> tuple[Matrix, Matrix]:
    """Return where joints seen in both frames are (n, 2), and how far each is from its place in the home frame."""
    if len(here) == 0 or len(here) != len(home):
        return np.zeros((0, 2)), np.zeros((0, 2))
    sure = (here[:, 2] > SURE) & (home[:, 2] > SURE)
    return here[sure, :2].astype(np.float64), (home[sure, :2] - here[sure, :2]).astype(np.float64)


class JointFollower:
    """A body known by its keypoints alone, at tracking size. The first frame with enough of them is home."""

    def __init__(self, footage: Footage, size: tuple[int, int]) -> None:
        self._footage = footage
        self._size = size
        self._home = next((joints for joints in map(self._joints, footage.frames) if _enough(joints)), None)

    def _joints(self, frame: int) -> Array:
        points = self._footage.keypoints(frame) if self._footage.keypoints else None
        return joints_of(points, self._size[1] / self._footage.width, self._size[0] / self._footage.height)

    def field(self, frame: int) -> Array:
        """Return the (h, w, 2) field from `frame` to home; none where too few joints are seen."""
        height, width = self._size
        nothing = np.zeros((height, width, 2), np.float32)
        if self._home is None:
            return nothing
        here, moved = joint_motion(self._joints(frame), self._home)
        if len(here) < 3:
            return nothing
        unit = max(1.0, float(np.ptp(here, axis=0).max()))
        return PlateFitter(here, unit).fit(moved, STIFFNESS).field(height, width)

    def body(self) -> Array:
        """Return a rough silhouette (h, w) of the home frame's body: thick bones and a disc for the head."""
        canvas = np.zeros(self._size, np.uint8)
        if self._home is None:
            return np.ones(self._size, np.float32)
        points = self._home
        width = max(2.0, LIMB_WIDTH * float(np.linalg.norm(points[5, :2] - points[6, :2])))
        for start, end in (*BONES, (0, 5), (0, 6)):
            if min(points[start, 2], points[end, 2]) > SURE:
                first, second = (tuple(int(value) for value in points[index, :2]) for index in (start, end))
                cv2.line(canvas, first, second, 1, max(1, int(width)))
        if points[0, 2] > SURE:
            cv2.circle(canvas, tuple(int(value) for value in points[0, :2]), int(1.2 * width), 1, -1)
        torso = [points[index, :2] for index in (5, 6, 12, 11) if points[index, 2] > SURE]
        if len(torso) >= 3:
            cv2.fillConvexPoly(canvas, np.array(torso, np.int32), 1)
        return np.asarray(cv2.dilate(canvas, disc(width / 2)), np.float32)


def _enough(joints: Array) -> bool:
    return int((joints[:, 2] > SURE).sum()) >= 6 if len(joints) else False
