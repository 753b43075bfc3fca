"""A drawn, lit, articulated figure: the performer of the demonstration shot, with truth that no footage has.

Every limb is a tapered capsule between two joints, shaded as the round body it stands for: the surface normal at a
pixel follows from its distance to the limb's axis. Coverage is the exact distance to the outline, one pixel soft.
Linear light; numpy alone. Lengths are in figure heights, y runs down.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Point = tuple[float, float]
Point3 = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Costume:
    """Linear colours of one character, and how its cloth is patterned."""

    skin: Point3
    hair: Point3
    shirt: Point3
    trim: Point3
    trousers: Point3
    shoes: Point3
    stripes: float
    """Stripes per figure height; 0 = plain cloth with a chequer."""


PERFORMER = Costume((0.42, 0.25, 0.17), (0.03, 0.02, 0.015), (0.10, 0.24, 0.38), (0.55, 0.50, 0.40),
                    (0.09, 0.085, 0.10), (0.25, 0.12, 0.06), 26.0)  # fmt: skip
CHARACTER = Costume((0.16, 0.36, 0.22), (0.55, 0.20, 0.05), (0.55, 0.10, 0.08), (0.75, 0.55, 0.12),
                    (0.20, 0.14, 0.08), (0.05, 0.05, 0.06), 0.0)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pose:
    """Joint positions in pixels, by name, and the figure's height in pixels."""

    joints: dict[str, Point]
    height: float


@dataclass(frozen=True, slots=True)
class Light:
    """A key from `direction` (towards the light, unit vector, x right, y down, z to the camera) over a soft fill."""

    direction: Point3
    key: float = 2.2
    fill: float = 0.45


RELAXED = {
    "lean": 0.0, "nod": 0.0, "arm_r": -22.0, "fore_r": -14.0, "arm_l": 22.0, "fore_l": 14.0,
    "thigh_r": -7.0, "shin_r": -3.0, "thigh_l": 7.0, "shin_l": 3.0,
}  # fmt: skip
"""Degrees of every bone of a figure that stands and waits."""


def _turn(origin: Point, length: float, degrees: float) -> Point:
    """Return the end of a bone: 0 degrees hangs straight down, positive swings to the picture's right."""
    angle = np.deg2rad(degrees)
    return (origin[0] + length * float(np.sin(angle)), origin[1] + length * float(np.cos(angle)))


def stand(ground: Point, height: float, swing: dict[str, float] | None = None) -> Pose:
    """Build a pose by angles in degrees (see `_turn`); missing ones hang in a relaxed stance."""
    angle = RELAXED | (swing or {})
    reach = {
        side: 0.245 * np.cos(np.deg2rad(angle[f"thigh_{side}"])) + 0.235 * np.cos(np.deg2rad(angle[f"shin_{side}"]))
        for side in "rl"
    }
    pelvis = (ground[0], ground[1] - height * (max(reach.values()) + 0.035))
    neck = _turn(pelvis, -0.31 * height, -angle["lean"])
    joints: dict[str, Point] = {
        "pelvis": pelvis,
        "neck": neck,
        "chest": (neck[0], neck[1] + 0.075 * height),
        "head": _turn(neck, -0.10 * height, angle["nod"]),
    }
    for side, sign in (("r", -1.0), ("l", 1.0)):
        shoulder = (neck[0] + sign * 0.095 * height, neck[1] + 0.03 * height)
        hip = (pelvis[0] + sign * 0.05 * height, pelvis[1])
        elbow = _turn(shoulder, 0.165 * height, angle[f"arm_{side}"])
        knee = _turn(hip, 0.245 * height, angle[f"thigh_{side}"])
        ankle = _turn(knee, 0.235 * height, angle[f"shin_{side}"])
        joints |= {f"shoulder_{side}": shoulder, f"elbow_{side}": elbow, f"hip_{side}": hip, f"knee_{side}": knee,
                   f"ankle_{side}": ankle, f"toe_{side}": (ankle[0] + sign * 0.045 * height, ankle[1] + 0.025 * height),
                   f"wrist_{side}": _turn(elbow, 0.145 * height, angle[f"fore_{side}"])}  # fmt: skip
    return Pose(joints, height)


_LIMBS = (
    # joint to joint, radius at either end in figure heights, which cloth
    ("shoulder_l", "elbow_l", 0.036, 0.030, "shirt"), ("elbow_l", "wrist_l", 0.028, 0.020, "skin"),
    ("hip_l", "knee_l", 0.056, 0.042, "trousers"), ("knee_l", "ankle_l", 0.041, 0.028, "trousers"),
    ("ankle_l", "toe_l", 0.028, 0.020, "shoes"),
    ("hip_r", "knee_r", 0.056, 0.042, "trousers"), ("knee_r", "ankle_r", 0.041, 0.028, "trousers"),
    ("ankle_r", "toe_r", 0.028, 0.020, "shoes"),
    ("neck", "head", 0.034, 0.030, "skin"),
    ("chest", "pelvis", 0.090, 0.076, "shirt"), ("shoulder_r", "shoulder_l", 0.040, 0.040, "shirt"),
    ("shoulder_r", "elbow_r", 0.036, 0.030, "shirt"), ("elbow_r", "wrist_r", 0.028, 0.020, "skin"),
)  # fmt: skip


class FigurePainter:
    """Paints one figure back to front over premultiplied linear RGBA. For one thread."""

    def __init__(self, size: tuple[int, int], costume: Costume, light: Light) -> None:
        height, width = size
        self.colour = np.zeros((height, width, 3), np.float32)
        self.coverage = np.zeros((height, width), np.float32)
        self._costume = costume
        self._light = light

    def paint(self, pose: Pose) -> None:
        for start, end, radius, end_radius, cloth in _LIMBS:
            self._limb(pose, pose.joints[start], pose.joints[end], radius, end_radius, cloth)
        for side in "lr":
            self._ball(pose, pose.joints[f"wrist_{side}"], 0.027, self._costume.skin)
        self._head(pose)

    def _box(self, points: tuple[Point, ...], margin: float) -> tuple[slice, slice, Array, Array] | None:
        height, width = self.coverage.shape
        left = max(0, int(min(p[0] for p in points) - margin))
        right = min(width, int(max(p[0] for p in points) + margin) + 2)
        top = max(0, int(min(p[1] for p in points) - margin))
        bottom = min(height, int(max(p[1] for p in points) + margin) + 2)
        if left >= right or top >= bottom:
            return None
        x = np.arange(left, right, dtype=np.float32)[None, :]
        y = np.arange(top, bottom, dtype=np.float32)[:, None]
        return slice(top, bottom), slice(left, right), x, y

    def _limb(self, pose: Pose, start: Point, end: Point, radius: float, end_radius: float, cloth: str) -> None:
        scale = pose.height
        box = self._box((start, end), max(radius, end_radius) * scale + 2)
        if box is None:
            return
        rows, columns, x, y = box
        axis = np.array([end[0] - start[0], end[1] - start[1]], np.float32)
        length = float(np.hypot(*axis)) or 1.0
        along = np.clip(((x - start[0]) * axis[0] + (y - start[1]) * axis[1]) / length**2, 0, 1)
        across_x, across_y = x - start[0] - along * axis[0], y - start[1] - along * axis[1]
        reach = (radius + (end_radius - radius) * along) * scale
        side = (across_x * axis[1] - across_y * axis[0]) / (length * reach)
        self._shade(
            rows, columns, across_x / reach, across_y / reach, reach, self._cloth(cloth, along * length / scale, side)
        )

    def _cloth(self, cloth: str, along: Array, side: Array) -> Array:
        """Return albedo from coordinates that move with the limb, so that the pattern is trackable."""
        base = np.array(getattr(self._costume, cloth), np.float32)
        if cloth != "shirt":
            folds = 1 + 0.10 * np.sin(along * 90 + 3 * side)
            return np.asarray(base * folds[..., None], np.float32)
        trim = np.array(self._costume.trim, np.float32)
        if self._costume.stripes:
            wave = np.sin(along * self._costume.stripes * 2 * np.pi)
        else:
            wave = np.sin(along * 120) * np.sin(np.clip(side, -1, 1) * 7)
        blend = (np.clip(wave * 3, -1, 1) * 0.5 + 0.5)[..., None] * 0.75
        return np.asarray(base * (1 - blend) + trim * blend, np.float32)

    def _ball(self, pose: Pose, centre: Point, radius: float, albedo: Point3 | Array, squash: float = 1.0) -> None:
        reach = radius * pose.height
        box = self._box((centre,), reach * max(1.0, squash) + 2)
        if box is None:
            return
        rows, columns, x, y = box
        across_x, across_y = (x - centre[0]) / reach, (y - centre[1]) / (reach * squash)
        shape = np.broadcast(across_x, across_y).shape
        colour = np.broadcast_to(np.asarray(albedo, np.float32), (*shape, 3))
        self._shade(rows, columns, across_x, across_y, np.full(shape, reach, np.float32), colour)

    def _head(self, pose: Pose) -> None:
        x, y = pose.joints["head"]
        scale = pose.height
        self._ball(pose, (x, y - 0.012 * scale), 0.066, self._costume.hair, 1.12)
        self._ball(pose, (x, y + 0.008 * scale), 0.056, self._costume.skin, 1.18)
        self._ball(pose, (x, y - 0.044 * scale), 0.054, self._costume.hair, 0.52)
        for sign in (-1, 1):
            self._ball(pose, (x + sign * 0.021 * scale, y + 0.002 * scale), 0.0095, (0.7, 0.7, 0.68), 0.8)
            self._ball(pose, (x + sign * 0.020 * scale, y + 0.003 * scale), 0.0052, (0.01, 0.01, 0.012))
        self._ball(pose, (x, y + 0.020 * scale), 0.010, self._costume.skin)
        self._ball(pose, (x, y + 0.041 * scale), 0.016, (0.22, 0.06, 0.05), 0.32)

    def _shade(
        self, rows: slice, columns: slice, normal_x: Array, normal_y: Array, reach: Array, albedo: Array
    ) -> None:
        """Light a round body (Lambert with a soft terminator, a small highlight) and put it over what is there."""
        distance = np.sqrt(normal_x**2 + normal_y**2)
        coverage = np.clip((1 - distance) * reach + 0.5, 0, 1).astype(np.float32)
        depth = np.sqrt(np.clip(1 - distance**2, 0, 1))
        light = self._light
        facing = normal_x * light.direction[0] + normal_y * light.direction[1] + depth * light.direction[2]
        lambert = np.clip((facing + 0.15) / 1.15, 0, 1)
        shine = np.clip(2 * facing * depth - light.direction[2], 0, 1) ** 24 * 0.25 * light.key
        lit = albedo * (light.key * lambert + light.fill * (0.6 + 0.4 * depth))[..., None] + shine[..., None]
        over = coverage[..., None]
        self.colour[rows, columns] = lit * over + self.colour[rows, columns] * (1 - over)
        self.coverage[rows, columns] = coverage + self.coverage[rows, columns] * (1 - coverage)
