"""How the background moves between two frames: corners followed outside the performer, one homography. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Matrix = NDArray[np.float64]
Grey = NDArray[np.uint8]
Mask = NDArray[np.bool_]

CORNERS = 240
LEAST_CORNERS = 14
STILL_PIXELS = 0.12
"""A camera whose picture moves less than this at the small size stands still: noise of the corner finder."""


@dataclass(frozen=True, slots=True)
class Look:
    """One frame at the small size at which the camera is followed."""

    grey: Grey
    hidden: Mask
    """Where the performer, or what passes in front, covers the background."""


class CameraMove(NamedTuple):
    """`matrix` (3, 3) takes a pixel of one small picture to the other; where `found` is False it is a guess."""

    matrix: Matrix
    found: bool


def move_between(here: Look, there: Look) -> CameraMove:
    """Return where the background of `here` lies in `there`. Too few corners in common: no move, and `found` False."""
    corners = cv2.goodFeaturesToTrack(here.grey, CORNERS, 0.01, 5, mask=(~here.hidden).astype(np.uint8))
    if corners is None or len(corners) < LEAST_CORNERS:
        return CameraMove(np.eye(3), False)
    source, target = _followed(here, there, corners.astype(np.float32))
    if len(source) < LEAST_CORNERS:
        return CameraMove(np.eye(3), False)
    if float(np.percentile(np.linalg.norm(target - source, axis=1), 60)) < STILL_PIXELS:
        return CameraMove(np.eye(3), True)
    cv2.setRNGSeed(7)
    found, inliers = cv2.findHomography(source, target, cv2.RANSAC, 0.8)
    matrix = np.eye(3) if found is None else np.asarray(found, np.float64)
    if found is None or int(inliers.sum()) < LEAST_CORNERS or not _sane(matrix, here.grey.shape):
        return CameraMove(np.eye(3), False)
    return CameraMove(matrix, True)


def _followed(here: Look, there: Look, corners: Array) -> tuple[Array, Array]:
    """Return the corners that were followed there and back, and where they arrived."""
    start = (corners + _shift(here, there)).astype(np.float32)
    size = (15, 15)
    reached, arrived, _ = cv2.calcOpticalFlowPyrLK(
        here.grey, there.grey, corners, start.copy(), winSize=size, maxLevel=3, flags=cv2.OPTFLOW_USE_INITIAL_FLOW
    )
    back, returned, _ = cv2.calcOpticalFlowPyrLK(
        there.grey, here.grey, reached, corners.copy(), winSize=size, maxLevel=3, flags=cv2.OPTFLOW_USE_INITIAL_FLOW
    )
    came_back = np.linalg.norm((back - corners).reshape(-1, 2), axis=1) < 0.5
    places = np.asarray(reached, np.float32).reshape(-1, 2)
    good = (arrived.ravel() == 1) & (returned.ravel() == 1) & came_back & ~_lands_on(there.hidden, places)
    return corners.reshape(-1, 2)[good], places[good]


def _shift(here: Look, there: Look) -> Array:
    """Return a first guess, one shift for the whole picture, where the pictures agree on it by phase."""
    height, width = here.grey.shape
    window = cv2.createHanningWindow((width, height), cv2.CV_32F)
    first, second = (
        np.where(look.hidden, look.grey[~look.hidden].mean() if (~look.hidden).any() else 0.0, look.grey)
        for look in (here, there)
    )
    shift, response = cv2.phaseCorrelate(first.astype(np.float32), second.astype(np.float32), window)
    return np.array(shift if response > 0.1 else (0.0, 0.0), np.float32)


def _lands_on(hidden: Mask, points: Array) -> Mask:
    columns = np.clip(np.rint(points[:, 0]), 0, hidden.shape[1] - 1).astype(int)
    rows = np.clip(np.rint(points[:, 1]), 0, hidden.shape[0] - 1).astype(int)
    return np.asarray(hidden[rows, columns])


def _sane(matrix: Matrix, shape: tuple[int, ...]) -> bool:
    """A camera does not turn the picture inside out between two frames of a shot."""
    height, width = shape[:2]
    corners = np.array([[0, 0, 1], [width, 0, 1], [width, height, 1], [0, height, 1]], np.float64) @ matrix.T
    if (corners[:, 2] <= 0.1).any():
        return False
    area = cv2.contourArea((corners[:, :2] / corners[:, 2:]).astype(np.float32))
    return bool(0.4 < area / (height * width) < 2.5)
