"""Poses smoothed over time without lag: what shakes is calmed, what moves stays where and when it was. Pure.

Each coordinate y of each point minimises (Whittaker 1923, Henderson 1924)

    sum over frames of w (y - x)^2  +  stiffness * sum of (y[t-1] - 2 y[t] + y[t+1])^2

with x as detected and w its confidence. It looks both ways in time alike, so nothing is late; what is constant or moves
evenly costs nothing and comes out as it went in; an unsure point follows its neighbours. The response at frequency f is
1 / (1 + stiffness * (2 sin(pi f / rate))^4), so the stiffness is given by the frequency at which half is left.

Confidence goes through untouched: a guess stays a guess.
"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

HALF_LEFT_HERTZ = 6.0
"""A detector shakes from frame to frame (12 Hz at 24 frames a second); a hand waves at up to 4 Hz."""
SURE = 0.3
"""Below this confidence a position is not used: it is drawn between the sure ones before and after."""
LEAST_WEIGHT = 0.1
"""What a position that was drawn in weighs: it keeps a long gap straight instead of letting it swing."""
CUT = 0.75
"""When the middle one of all points jumps by this share of the person's size from one frame to the next, it is a cut:
nothing is smoothed across it.
"""
LEAST_POINTS = 5
"""Sure points that two frames must share before a jump between them says anything."""


def smooth(poses: Floats, rate: Fraction, half_left_hertz: float = HALF_LEFT_HERTZ) -> Floats:
    """Return poses (frames, points, 3) float32 with calmer positions and the same confidences.

    rate: frames per second. At most half the rate can be asked for; from there on nothing is changed but gaps.
    """
    smoothed = poses.astype(np.float32, copy=True)
    for first, end in pairwise((0, *cuts(poses), len(poses))):
        smoothed[first:end, :, :2] = _stretch(poses[first:end], _stiffness(rate, half_left_hertz))
    return smoothed


def cuts(poses: Floats) -> list[int]:
    """Return the indices of frames before which there is a cut, judged by the points alone."""
    found = []
    for index, (before, now) in enumerate(pairwise(poses), start=1):
        both = (before[:, 2] >= SURE) & (now[:, 2] >= SURE)
        if both.sum() < LEAST_POINTS:
            continue
        size = float(np.hypot(*np.ptp(before[both, :2], axis=0)))
        if np.median(np.linalg.norm(now[both, :2] - before[both, :2], axis=1)) > CUT * max(size, 1.0):
            found.append(index)
    return found


def _stiffness(rate: Fraction, half_left_hertz: float) -> float:
    share = half_left_hertz / float(rate)
    return 0.0 if share >= 0.5 else (2 * math.sin(math.pi * share)) ** -4


def _stretch(poses: Floats, stiffness: float) -> Doubles:
    """Return positions (frames, points, 2) of frames without a cut between them."""
    positions = poses[:, :, :2].astype(np.float64)
    sure = poses[:, :, 2] >= SURE
    for point in np.flatnonzero(sure.any(axis=0) & ~sure.all(axis=0)):
        _draw_in(positions[:, point], sure[:, point])
    if stiffness == 0 or len(poses) < 3:
        return positions
    weights = np.clip(np.where(sure, poses[:, :, 2], LEAST_WEIGHT), LEAST_WEIGHT, 1).astype(np.float64)
    never = ~sure.any(axis=0)
    solved = _solve(positions, weights, stiffness)
    solved[:, never] = positions[:, never]
    return solved


def _draw_in(track: Doubles, sure: NDArray[np.bool_]) -> None:
    """Put unsure positions (frames, 2) on the line between the sure ones around them; at the ends, on the nearest."""
    frames, known = np.arange(len(track)), np.flatnonzero(sure)
    for axis in range(2):
        track[:, axis] = np.interp(frames, known, track[known, axis])


def _solve(positions: Doubles, weights: Doubles, stiffness: float) -> Doubles:
    """Solve (W + stiffness D'D) y = W x for every point at once; D takes second differences over the frames.

    The matrix has five diagonals and is positive definite: its LDL' factors need no pivots and as many steps as there
    are frames. positions (frames, points, 2), weights (frames, points).
    """
    count = len(positions)
    near, far = _second_difference_bands(count)
    pivots, first, second = (np.zeros_like(weights) for _ in range(3))
    solved = weights[:, :, None] * positions
    for t in range(count):
        # Row t of the factors; `first` and `second` hold L[t + 1, t] and L[t + 2, t].
        pivot = weights[t] + stiffness * near[t, 0]
        one_below = np.full_like(pivot, stiffness * near[t, 1])
        if t >= 1:
            pivot = pivot - pivots[t - 1] * first[t - 1] ** 2
            one_below = one_below - pivots[t - 1] * first[t - 1] * second[t - 1]
            solved[t] -= first[t - 1][:, None] * solved[t - 1]
        if t >= 2:
            pivot = pivot - pivots[t - 2] * second[t - 2] ** 2
            solved[t] -= second[t - 2][:, None] * solved[t - 2]
        pivots[t], first[t], second[t] = pivot, one_below / pivot, stiffness * far[t] / pivot
    solved /= pivots[:, :, None]
    for t in range(count - 2, -1, -1):
        solved[t] -= first[t][:, None] * solved[t + 1]
        if t + 2 < count:
            solved[t] -= second[t][:, None] * solved[t + 2]
    return solved


def _second_difference_bands(count: int) -> tuple[Doubles, Doubles]:
    """Return the diagonals of D'D: (count, 2) main and first below, (count,) second below."""
    near, far = np.zeros((count, 2)), np.zeros(count)
    for row in range(count - 2):  # D's row is 1, -2, 1 from `row` on
        near[row : row + 3, 0] += (1, 4, 1)
        near[row : row + 2, 1] += (-2, -2)
        far[row] += 1
    return near, far
