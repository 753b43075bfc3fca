# SPDX-License-Identifier: GPL-3.0-or-later
"""Which bone stands for which COCO-WholeBody point: Rigify, Mixamo, Unreal and plain names. Pure.

Names are taken apart into a side and a core: `mixamorig:LeftForeArm`, `DEF-forearm.L` and `lowerarm_l` are all the
left forearm, and a forearm's head is the elbow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

BODY = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle", "left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel",
)  # fmt: skip
FACE_POINTS, HAND_POINTS = 68, 21
POINT_NAMES = (
    *BODY,
    *(f"face.{point}" for point in range(FACE_POINTS)),
    *(f"left_hand.{point}" for point in range(HAND_POINTS)),
    *(f"right_hand.{point}" for point in range(HAND_POINTS)),
)
"""All 133 in their order (docs/keypoints.md)."""

OWN_PROPERTY = "understudy_point"
"""A bone's custom property that names its point, for whatever no table knows: `face.30`, `left_heel`."""


class BoneEnd(NamedTuple):
    """A place on a bone: 0 is its head, 1 its tail."""

    bone: str
    along: float


_CORES: Mapping[str, tuple[tuple[str, float], ...]] = {
    "upperarm": (("shoulder", 0.0),), "uparm": (("shoulder", 0.0),), "arm": (("shoulder", 0.0),),
    "forearm": (("elbow", 0.0),), "lowerarm": (("elbow", 0.0),), "lowarm": (("elbow", 0.0),),
    "hand": (("wrist", 0.0), ("hand.0", 0.0)), "wrist": (("wrist", 0.0), ("hand.0", 0.0)),
    "thigh": (("hip", 0.0),), "upleg": (("hip", 0.0),), "upperleg": (("hip", 0.0),),
    "shin": (("knee", 0.0),), "calf": (("knee", 0.0),), "lowerleg": (("knee", 0.0),), "lowleg": (("knee", 0.0),),
    "leg": (("knee", 0.0),),
    "foot": (("ankle", 0.0),), "ankle": (("ankle", 0.0),),
    "toe": (("big_toe", 1.0),), "toes": (("big_toe", 1.0),), "toebase": (("big_toe", 1.0),),
    "ball": (("big_toe", 1.0),),
    "heel": (("heel", 0.0),),
    "heel02": (("heel", 0.5),),  # Rigify lays this bone across the heel
    "eye": (("eye", 0.0),), "eyeball": (("eye", 0.0),),
    "ear": (("ear", 0.0),),
}  # fmt: skip
"""A clavicle is often called shoulder, and begins at the neck: that name stands for no point."""
_NOSES: Mapping[str, float] = {"nosetip": 0.0, "nose001": 1.0, "nose": 1.0}
"""Best first. Rigify's nose runs down in pieces; the second one ends at the tip."""
_FINGERS = {"thumb": 1, "index": 5, "middle": 9, "ring": 13, "pinky": 17, "little": 17}
_FINGER = re.compile(r"(?:f|hand|finger)?(thumb|index|middle|ring|pinky|little)(?:finger)?0?([1-4])")
_LAYERS = ("DEF-", "", "ORG-")
"""Rigify's bones for deforming are where the body is; its controls may be elsewhere."""
_SIDES = (
    re.compile(r"(?P<side>left|right)[ ._-]?(?P<core>.+)", re.IGNORECASE),
    re.compile(r"(?P<core>.+)[ ._-](?P<side>left|right|l|r)", re.IGNORECASE),
    re.compile(r"(?P<side>l|r)[ ._-](?P<core>.+)", re.IGNORECASE),
)


def map_bones(bones: Iterable[str], own: Mapping[str, str] | None = None) -> dict[str, BoneEnd]:
    """Return point name to place for every point that the rig has. own: bone to point, as the artist marked them."""
    found: dict[str, tuple[int, BoneEnd]] = {}
    for bone in bones:
        for rank, point, along in _candidates(bone):
            if point not in found or rank < found[point][0]:
                found[point] = (rank, BoneEnd(bone, along))
    mapped = {point: place for point, (_, place) in found.items()}
    for bone, point in (own or {}).items():
        if point in POINT_NAMES:
            mapped[point] = BoneEnd(bone, 0.0)
    return mapped


def _candidates(bone: str) -> Iterable[tuple[int, str, float]]:
    """Yield (rank, point, along) for all that this bone may stand for; the lowest rank wins."""
    name = bone.rpartition(":")[2]
    layer = next((layer for layer in ("DEF-", "ORG-") if name.startswith(layer)), "")
    rank = 10 * _LAYERS.index(layer)
    name = name.removeprefix(layer)
    whole = _core(name)
    for order, (nose, along) in enumerate(_NOSES.items()):
        if whole == nose:
            yield rank + order, "nose", along
    for expression in _SIDES:
        match = expression.fullmatch(name)
        if match is not None:
            side = "left" if match["side"][0] in "lL" else "right"
            for order, point, along in _side_points(_core(match["core"])):
                yield rank + order, f"{side}_{point}", along
            return


def _side_points(core: str) -> Iterable[tuple[int, str, float]]:
    for point, along in _CORES.get(core, ()):
        yield 0, point, along
    finger = _FINGER.fullmatch(core)
    if finger is None:
        return
    first, joint = _FINGERS[finger[1]], int(finger[2])
    yield 0, f"hand.{first + joint - 1}", 0.0
    if joint == 3:
        yield 1, f"hand.{first + 3}", 1.0  # the tip, unless a fourth bone begins there


def _core(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
