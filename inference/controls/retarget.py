"""A driver's motion on a reference's proportions, for mode animate: every limb keeps its direction, none its length.

Bone by bone from the neck outwards, as the official preprocessing does in its basic form; the hands go with their
forearm, the face with its head, the feet with their shin. What is different, and why, is in
docs/decisions/0014-retarget-by-the-legs.md. Pure.

- *Scale.* Legs where both bodies show them, else the torso, else the shoulders: the basis. A limb that one of the two
  does not show is as much longer as what it hangs on, or as the basis is.
- *Place.* In the first frame in which the driver shows the basis, the character's hips (or neck) stand over those of
  the reference; from there it travels as far as its legs are longer.
- *Ground.* The lower ankle is as far above the reference's ground, times the scale, as the driver's is above its own:
  feet that stand stay standing. Without ankles the hips, without hips the neck takes that part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import Finding
from understudy.inference.controls.proportions import LIMBS, NECK, Basis, Comparison, compare, with_neck
from understudy.inference.controls.skeleton import CONFIDENT
from understudy.inference.controls.wholebody import Points

Place = NDArray[np.float64]

STRANGEST = 6.0
"""A limb that is more than this many times longer or shorter than the basis makes it is a point wrongly found. A drawn
figure of three heads' height has a head four times a grown-up's beside its legs."""
HIPS, ANKLES = (11, 12), (15, 16)
UPPER_ARM, FOREARM, THIGH, SHIN, FOOT, HEAD, EYE, EAR = (
    LIMBS.index(name) for name in ("upper_arm", "forearm", "thigh", "shin", "foot", "neck", "eye", "ear")
)

# What carries each point, outwards from the neck, and which limb it ends.
_TREE: tuple[tuple[tuple[int, ...], tuple[int, ...], str], ...] = (
    ((0,), (NECK,), "neck"), ((5, 6), (NECK, NECK), "shoulder"), ((11, 12), (NECK, NECK), "torso"),
    ((1, 2), (0, 0), "eye"), (tuple(range(23, 91)), (0,) * 68, "eye"),
    ((7, 8), (5, 6), "upper_arm"), ((13, 14), (11, 12), "thigh"),
    ((3, 4), (1, 2), "ear"), ((9, 10), (7, 8), "forearm"), ((15, 16), (13, 14), "shin"),
    ((17, 18, 19, 20, 21, 22), (15, 15, 15, 16, 16, 16), "foot"),
    (tuple(range(91, 112)), (9,) * 21, "forearm"), (tuple(range(112, 133)), (10,) * 21, "forearm"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Retarget:
    """The way of one driver's points to one reference's body. Immutable; any thread."""

    basis: Basis
    scale: float
    ratios: tuple[float, ...]
    """How much longer each of LIMBS becomes."""
    source: tuple[float, float]
    """The driver's neck in the anchor's frame."""
    target: tuple[float, float]
    """The reference's neck."""
    shifts: Mapping[int, tuple[float, float]]
    """By frame, what puts the feet on the ground and the hips over the driver's way."""
    findings: tuple[Finding, ...] = ()

    def keypoints(self, points: Points, frame: int) -> Points:
        """Return (133, 3) in the reference's picture, confidence kept. KeyError for a frame not planned.

        points: (133, 3) in the driver's picture. One of confidence 0 is not there and stays as it is; what it would
        carry goes with the next point inwards, and with the whole body where there is none.
        """
        moved = _carried(points, self.scale, np.array(self.ratios), np.array(self.source), np.array(self.target))
        there = points[:, 2] > 0
        result = points.copy()
        result[there, :2] = moved[:NECK][there] + self.shifts[frame]
        return result


def plan_retarget(reference: Points, keypoints: Mapping[int, Points]) -> Retarget | None:
    """Return the way of a shot's points to the reference's body, or None where the two have nothing to compare.

    reference: (133, 3) in pixels of the picture that is to be made, letterboxed as the model sees it; keypoints: by
    frame, in pixels of the driver's. The reference should stand upright and face us, and the driver at some time too.
    """
    found = compare(reference, keypoints)
    if found is None:
        return None
    ratios, strange = _ratios(found)
    source, target = (with_neck(points)[NECK, :2].astype(np.float64) for points in (keypoints[found.anchor], reference))
    home, there = (_marks(points[:, :2], points, found.basis) for points in (keypoints[found.anchor], reference))
    frames = sorted(keypoints)
    wanted = np.empty((len(frames), 2))
    for row, frame in enumerate(frames):
        points = keypoints[frame]
        moved = _carried(points, found.scale, ratios, source, target)
        way = there + found.scale * (_marks(points[:, :2], points, found.basis) - home)
        wanted[row] = way - _marks(moved, points, found.basis)
    shifts = zip(_filled(wanted[:, 0]), _filled(wanted[:, 1]), strict=True)
    return Retarget(
        found.basis,
        found.scale,
        tuple(ratios.tolist()),
        (float(source[0]), float(source[1])),
        (float(target[0]), float(target[1])),
        dict(zip(frames, shifts, strict=True)),
        _findings(found, strange),
    )


def _ratios(found: Comparison) -> tuple[Place, tuple[str, ...]]:
    """Return one ratio for each of LIMBS, and the limbs whose own was too strange to be taken."""
    beside = found.ratios / found.scale
    strange = np.isfinite(beside) & ((beside > STRANGEST) | (beside < 1 / STRANGEST))
    lacking = ~np.isfinite(beside) | strange
    ratios = np.where(lacking, found.scale, found.ratios)
    # What is not seen is as large as what it hangs on.
    for limb, inner in ((FOREARM, UPPER_ARM), (SHIN, THIGH), (FOOT, SHIN), (EYE, HEAD), (EAR, EYE)):
        if lacking[limb] and not lacking[inner]:
            ratios[limb], lacking[limb] = ratios[inner], False
    return ratios, tuple(LIMBS[limb] for limb in np.flatnonzero(strange))


def _marks(places: NDArray[np.floating], points: Points, basis: Basis) -> Place:
    """Return (x, y) of what is put over the reference's: x of the hips, y of the lower ankle, else of the hips.

    places: (133 or more, 2), `points` of the same frame say which are sure. NaN where none is, and for the shoulders,
    whose mark is the neck, which lies right as it is.
    """
    marks = np.full(2, np.nan)
    hips, ankles = ([point for point in pair if points[point, 2] >= CONFIDENT] for pair in (HIPS, ANKLES))
    if basis != "shoulders" and hips:
        marks[:] = places[hips].mean(axis=0)
    if basis == "legs":
        marks[1] = places[ankles, 1].max() if ankles else np.nan
    return marks


def _filled(values: Place) -> list[float]:
    """Return `values` with what is NaN between its neighbours; 0 where nothing is known."""
    known = np.flatnonzero(np.isfinite(values))
    if known.size == 0:
        return [0.0] * len(values)
    return [float(value) for value in np.interp(np.arange(len(values)), known, values[known])]


def _carried(points: Points, scale: float, ratios: Place, source: Place, target: Place) -> Place:
    """Return (134, 2): the points and the neck with every limb in its new length, the neck on its scaled way."""
    nodes = with_neck(points).astype(np.float64)
    places, there = nodes[:, :2], nodes[:, 2] > 0
    moved = target + scale * (places - source)
    carrier = np.full(len(nodes), -1)
    for ends, parents, limb in _TREE:
        which, inwards = np.array(ends), np.array(parents)
        carrier[which] = np.where(there[inwards], inwards, carrier[inwards])
        held = which[carrier[which] >= 0]
        by = carrier[held]
        moved[held] = moved[by] + ratios[LIMBS.index(limb)] * (places[held] - places[by])
    return moved


def _findings(found: Comparison, strange: tuple[str, ...]) -> tuple[Finding, ...]:
    seen = {name for name, ratio in zip(LIMBS, found.ratios, strict=True) if np.isfinite(ratio)}
    lacking = [name.replace("_", " ") for name in found.shown if name not in seen]
    facts = {name: f"{ratio:.3f}" for name, ratio in zip(LIMBS, found.ratios, strict=True) if np.isfinite(ratio)} | {
        "basis": found.basis,
        "scale": f"{found.scale:.3f}",
    }
    told = Finding(
        rule="retarget",
        outcome="note",
        message=f"the motion is put on the reference's body: {found.scale:.2f} times the driver, by the {found.basis}",
        frames=(found.anchor,),
        facts=facts,
    )
    if not lacking and not strange:
        return (told,)
    doubts = {
        "cannot be measured on the reference": lacking,
        "came out beyond reason": [name.replace("_", " ") for name in strange],
    }
    why = "; ".join(f"{', '.join(names)} {said}" for said, names in doubts.items() if names)
    return told, Finding(
        rule="retarget_measures",
        outcome="warn",
        message=f"{why}: they go with what they hang on, or with the {found.basis}",
        remedy="Choose a reference that stands upright, faces the camera and shows the whole figure.",
        facts=facts,
    )
