"""How long the limbs of a body are, measured on 133 points: of a reference, and of a performer over a shot. Pure.

A limb that points at the camera looks short, never long. So the two sides of a body are taken together, the longer
counts, and a performer's limbs are measured over the whole shot, each frame put to the size of one of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from understudy.inference.controls.skeleton import CONFIDENT
from understudy.inference.controls.wholebody import Points

Lengths = NDArray[np.float64]
"""One for each of LIMBS, in pixels; NaN where neither side is sure."""
Basis = Literal["legs", "torso", "shoulders"]
"""What two bodies are measured against each other by."""

NECK = 133
"""The middle of the shoulders, after the 133 points."""
LIMBS = ("shoulder", "upper_arm", "forearm", "torso", "thigh", "shin", "neck", "eye", "ear", "foot")
_ENDS: tuple[tuple[tuple[int, int], ...], ...] = (
    ((NECK, 5), (NECK, 6)), ((5, 7), (6, 8)), ((7, 9), (8, 10)), ((NECK, 11), (NECK, 12)), ((11, 13), (12, 14)),
    ((13, 15), (14, 16)), ((NECK, 0),), ((0, 1), (0, 2)), ((1, 3), (2, 4)), ((15, 17), (16, 20)),
)  # fmt: skip
_OF_THE_HEAD = (LIMBS.index("eye"), LIMBS.index("ear"))
"""A head that turns makes one side longer and one shorter: here the mean of both counts."""
BASES: dict[Basis, tuple[int, ...]] = {
    "legs": (LIMBS.index("thigh"), LIMBS.index("shin")),
    "torso": (LIMBS.index("torso"),),
    "shoulders": (LIMBS.index("shoulder"),),
}
"""Best first: legs turn least towards the camera, and it is they that carry a body over the ground."""
FULL_LENGTH_PERCENTILE = 90
"""Of a limb's lengths over a shot: near the longest, which is the true one, but for one frame's mistake."""
ENOUGH = 0.25
"""A basis is one where it can be measured in this share of the frames that show anybody."""
LONGEST_FOOT = 0.5
"""Of the shin; the official code's bound. A longer one is a toe that was found elsewhere."""


def limb_lengths(points: Points) -> Lengths:
    """Return the lengths in one picture. points: (133, 3), x, y, confidence; unsure below CONFIDENT."""
    nodes = with_neck(points).astype(np.float64)
    lengths = np.full(len(LIMBS), np.nan)
    for limb, sides in enumerate(_ENDS):
        found = [
            float(np.hypot(*(nodes[end, :2] - nodes[start, :2])))
            for start, end in sides
            if min(nodes[start, 2], nodes[end, 2]) >= CONFIDENT
        ]
        if found:
            lengths[limb] = np.mean(found) if limb in _OF_THE_HEAD else max(found)
    shin, foot = LIMBS.index("shin"), LIMBS.index("foot")
    lengths[foot] = min(lengths[foot], LONGEST_FOOT * lengths[shin])
    return lengths


def with_neck(points: Points) -> Points:
    """Return (134, 3): the points and the middle of the shoulders, as sure as the less sure of the two."""
    neck = (points[5] + points[6]) / 2
    neck[2] = min(points[5, 2], points[6, 2])
    return np.vstack([points, neck])


@dataclass(frozen=True, slots=True)
class Comparison:
    """A reference beside a performer. All ratios are the reference's length over the performer's."""

    basis: Basis
    anchor: int
    """The first frame in which the basis can be measured: the performer is as large there as it is compared."""
    scale: float
    """Of the basis."""
    ratios: Lengths
    """Of each limb; NaN where one of the two bodies does not show it."""
    shown: tuple[str, ...]
    """The limbs that the performer shows in any frame."""


def compare(reference: Points, keypoints: Mapping[int, Points]) -> Comparison | None:
    """Return how the reference's limbs compare with those of a performer over a shot; None where nothing does.

    reference: (133, 3) in pixels of its own picture; keypoints: by frame, in pixels of theirs.
    """
    theirs = limb_lengths(reference)
    frames = sorted(keypoints)
    lengths = np.array([limb_lengths(keypoints[frame]) for frame in frames]).reshape(-1, len(LIMBS))
    shown = int(np.isfinite(lengths).any(axis=1).sum())
    for basis, limbs in BASES.items():
        measured = np.flatnonzero(np.isfinite(lengths[:, limbs]).all(axis=1))
        if not np.isfinite(theirs[list(limbs)]).all() or not 0 < ENOUGH * shown <= measured.size:
            continue
        ours = _full_lengths(lengths, int(measured[0]))
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = float(theirs[list(limbs)].sum() / ours[list(limbs)].sum())
            ratios = theirs / ours
        if np.isfinite(scale) and scale > 0:
            ratios[~np.isfinite(ratios)] = np.nan
            driven = tuple(name for name, length in zip(LIMBS, ours, strict=True) if np.isfinite(length))
            return Comparison(basis, frames[int(measured[0])], scale, ratios, driven)
    return None


def typical_size(reference: Points, keypoints: Mapping[int, Points]) -> tuple[float, Basis] | None:
    """Return how large the reference is beside the performer in the middle of all frames, and by what; or None."""
    found = compare(reference, keypoints)
    if found is None:
        return None
    limbs = list(BASES[found.basis])
    sizes = [limb_lengths(points)[limbs].sum() for points in keypoints.values()]
    return float(limb_lengths(reference)[limbs].sum() / np.nanmedian(sizes)), found.basis


def _full_lengths(lengths: Lengths, anchor: int) -> Lengths:
    """Return the limbs' lengths as they are at the distance that the performer has in frame `anchor`.

    lengths: (frames, limbs). Another frame's size is the median over the limbs of how long they are beside the
    anchor's: one arm that points at us does not count as a step back.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        beside = lengths / lengths[anchor]
    beside[~np.isfinite(beside)] = np.nan
    at_anchor = np.full_like(lengths, np.nan)
    for frame, row in enumerate(beside):
        known = row[np.isfinite(row)]
        size = float(np.median(known)) if known.size else 0.0
        if size > 0:
            at_anchor[frame] = lengths[frame] / size
    full = np.full(lengths.shape[1], np.nan)
    for limb, column in enumerate(at_anchor.T):
        known = column[np.isfinite(column)]
        if known.size:
            full[limb] = np.percentile(known, FULL_LENGTH_PERCENTILE)
    return full
