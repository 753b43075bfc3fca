"""Left and right kept apart over time: a detector that sees one picture at a time may take a front for a back. Pure.

Of every frame's points either what was found is right, or the same with left and right exchanged. Chosen is the
cheapest way through the shot (Viterbi): what joints move from frame to frame, in sizes of the person, and a little for
every frame that is exchanged. A person who really turns round passes through a moment in which both sides lie together,
and there nothing has to jump. A detector that is of another opinion for long is believed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from understudy.inference.controls.wholebody import LEFT_HAND, POINTS, RIGHT_HAND

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

SURE = 0.3
"""Below this confidence a joint says nothing about sides."""
EXCHANGED_COST = 0.02
"""Of the person's size, per frame. Somebody in full view moves by about 0.2 when the sides are exchanged: so up to 20
frames are put right between two others, up to 10 at an end.
"""
JOINT_PAIRS = ((5, 6), (7, 8), (9, 10), (11, 12), (13, 14), (15, 16))
"""Shoulders to ankles: what is far enough apart to tell the sides by."""
LEAST_JOINTS = 4
"""Sure joints that two frames must share before they say anything about each other."""


def _exchange() -> NDArray[np.intp]:
    """Return where each of the 133 points comes from when sides change; a face's own points stay."""
    order = np.arange(POINTS)
    pairs = [(1, 2), (3, 4), *JOINT_PAIRS, (17, 20), (18, 21), (19, 22)]
    for left, right in pairs:
        order[[left, right]] = right, left
    order[LEFT_HAND], order[RIGHT_HAND] = np.arange(POINTS)[RIGHT_HAND], np.arange(POINTS)[LEFT_HAND]
    return order


EXCHANGE = _exchange()
_JOINTS = np.array(JOINT_PAIRS).reshape(-1)


def keep_sides(poses: Floats) -> tuple[Floats, list[int]]:
    """Return poses (frames, 133, 3) with the sides put right, and the indices of the frames that were exchanged."""
    both = np.stack([poses, poses[:, EXCHANGE]], axis=1)
    chosen = _cheapest_way(both[:, :, _JOINTS])
    return both[np.arange(len(poses)), chosen], [int(index) for index in np.flatnonzero(chosen)]


def _cheapest_way(both: Floats) -> NDArray[np.intp]:
    """Return 0 (as found) or 1 (exchanged) for every frame. both: (frames, 2, joints, 3)."""
    count = len(both)
    cost = np.array([0.0, EXCHANGED_COST])
    came_from = np.zeros((count, 2), np.intp)
    for index in range(1, count):
        ways = cost[:, None] + _moves(both[index - 1], both[index])
        came_from[index] = ways.argmin(axis=0)
        cost = ways.min(axis=0) + np.array([0.0, EXCHANGED_COST])
    chosen = np.zeros(count, np.intp)
    chosen[-1] = int(cost.argmin())
    for index in range(count - 1, 0, -1):
        chosen[index - 1] = came_from[index, chosen[index]]
    return chosen


def _moves(before: Floats, now: Floats) -> Doubles:
    """Return how far joints move (2, 2) between both ways of two frames, the mean in sizes of the person."""
    moves = np.zeros((2, 2))
    for first in range(2):
        for second in range(2):
            sure = (before[first, :, 2] >= SURE) & (now[second, :, 2] >= SURE)
            if sure.sum() >= LEAST_JOINTS:
                steps = now[second, sure, :2] - before[first, sure, :2]
                size = max(1.0, float(np.hypot(*np.ptp(now[second, sure, :2], axis=0))))
                moves[first, second] = np.linalg.norm(steps, axis=1).mean() / size
    return moves
