"""The demonstration shot: a figure walks and waves before a brick wall, drawn with everything that is known about it.

Scene-linear half EXR in linear Rec.709 (colorInteropID says so), a lamp far above 1.0, photon-like grain, an exact soft
matte, the clean plate, 133 keypoints a frame and the light's direction. The same seed draws the same bytes.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import OpenEXR

from understudy.inference.drawn_figure import CHARACTER, PERFORMER, Array, FigurePainter, Light, Point3, Pose, stand

KEY_LIGHT: Point3 = (-0.62, -0.48, 0.62)
LAMP_VALUE = 60.0  # scene-linear: a practical lamp in shot, far above paper white
STEPS_PER_SECOND = 0.9
RATE = Fraction(24)


@dataclass(frozen=True, slots=True)
class DrawnShot:
    """Where the drawn files lie, and the truth about them."""

    plate: str
    matte: str
    clean_plate: str
    reference: str
    keypoints: str
    first: int
    last: int
    light_direction: Point3
    """Unit vector towards the key light: x right, y down, z to the camera."""


def draw_shot(
    folder: Path, *, frames: int = 48, width: int = 1280, height: int = 720, first: int = 1001, seed: int = 7
) -> DrawnShot:
    """Draw `frames` frames into `folder`, on two threads, and return where they lie."""
    for name in ("plate", "matte", "clean_plate"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    stage = _Stage(width, height, seed)
    last = first + frames - 1
    with ThreadPoolExecutor(2) as pool:
        drawn = list(pool.map(lambda frame: stage.draw(folder, frame, frame - first), range(first, last + 1)))
    keypoints = {
        "format": "coco-wholebody-133",
        "width": width,
        "height": height,
        "frames": {str(frame): points for frame, points in zip(range(first, last + 1), drawn, strict=True)},
    }
    (folder / "keypoints.json").write_text(json.dumps(keypoints))
    _draw_reference(folder / "reference.png", stage.figure_height, stage.light)
    return DrawnShot(
        plate=str(folder / "plate" / "plate.####.exr"),
        matte=str(folder / "matte" / "matte.####.exr"),
        clean_plate=str(folder / "clean_plate" / "clean_plate.####.exr"),
        reference=str(folder / "reference.png"),
        keypoints=str(folder / "keypoints.json"),
        first=first,
        last=last,
        light_direction=stage.light.direction,
    )


class _Stage:
    """The set, drawn once, and the figure, drawn a frame. `draw` may be called from several threads."""

    def __init__(self, width: int, height: int, seed: int) -> None:
        self.width, self.height, self.seed = width, height, seed
        norm = float(np.linalg.norm(KEY_LIGHT))
        self.light = Light((KEY_LIGHT[0] / norm, KEY_LIGHT[1] / norm, KEY_LIGHT[2] / norm), key=0.95, fill=0.22)
        self.figure_height = 0.82 * height
        self.set = _draw_set(width, height, np.random.default_rng(seed))

    def draw(self, folder: Path, frame: int, index: int) -> list[list[float]]:
        seconds = index / float(RATE)
        pose = _walk(self.width, self.height, self.figure_height, seconds)
        painter = FigurePainter((self.height, self.width), PERFORMER, self.light)
        painter.paint(pose)
        clean = self._cast_shadow(pose)
        over = painter.coverage[..., None]
        picture = painter.colour + clean * (1 - over)
        _write(folder / "plate" / f"plate.{frame:04}.exr", self._grain(picture, frame))
        _write(folder / "clean_plate" / f"clean_plate.{frame:04}.exr", self._grain(self.set, frame))
        _write(folder / "matte" / f"matte.{frame:04}.exr", painter.coverage)
        return _keypoints(pose)

    def _cast_shadow(self, pose: Pose) -> Array:
        """Darken the floor under the feet: contact that a recast must keep or rebuild."""
        middle = 0.5 * (pose.joints["ankle_l"][0] + pose.joints["ankle_r"][0])
        y, x = np.mgrid[0 : self.height, 0 : self.width].astype(np.float32)
        ground = 0.925 * self.height
        reach = ((x - middle) / (0.17 * self.height)) ** 2 + ((y - ground) / (0.03 * self.height)) ** 2
        return np.asarray(self.set * (1 - 0.55 * np.exp(-reach))[..., None], np.float32)

    def _grain(self, picture: Array, frame: int) -> Array:
        """Add noise whose spread grows with the root of the light, as photons do. Seeded by frame."""
        random = np.random.default_rng((self.seed, frame))
        noise = random.standard_normal(picture.shape, dtype=np.float32)
        return np.asarray(picture + noise * np.sqrt(np.clip(picture, 0, 4)) * 0.012, np.float32)


def _walk(width: int, height: int, figure: float, seconds: float) -> Pose:
    """Return the figure's pose: a slow walk to the right, arms swinging, the right hand waves."""
    phase = 2 * np.pi * STEPS_PER_SECOND * seconds
    swing, wave = float(np.sin(phase)), float(np.sin(2.1 * phase))
    bob = 0.008 * figure * float(np.cos(2 * phase))
    ground = (width * (0.42 + 0.045 * seconds) + 0.01 * figure * swing, 0.945 * height + bob)
    return stand(ground, figure, {
        "lean": 2.0 * swing, "nod": 5.0 * swing, "arm_r": -62 + 14 * wave, "fore_r": -138 + 26 * wave,
        "arm_l": 20 - 13 * swing, "fore_l": 26 - 20 * swing, "thigh_r": -4 + 15 * swing, "shin_r": -6 + 6 * swing,
        "thigh_l": 6 - 13 * swing, "shin_l": 3 - 9 * max(swing, 0.0),
    })  # fmt: skip


def _draw_set(width: int, height: int, random: np.random.Generator) -> Array:
    """Draw a brick wall, a floor and a lamp, lit from the left; (height, width, 3) float32 linear."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) / height
    row = np.floor(y / 0.052)
    shift = (row % 2) * 0.065
    column = np.floor((x + shift) / 0.13)
    tint = random.random((64, 64), dtype=np.float32)[row.astype(int) % 64, column.astype(int) % 64]
    brick = np.stack([0.20 + 0.10 * tint, 0.095 + 0.05 * tint, 0.07 + 0.03 * tint], -1)
    edge = np.minimum(
        np.minimum(y / 0.052 % 1, 1 - y / 0.052 % 1) * 0.052,
        np.minimum((x + shift) / 0.13 % 1, 1 - (x + shift) / 0.13 % 1) * 0.13,
    )
    mortar = np.clip(1 - edge / 0.0035, 0, 1)[..., None]
    rough = cv2.GaussianBlur(random.random((height, width), dtype=np.float32), (0, 0), 1.2)
    wall = (brick * (1 - mortar) + 0.26 * mortar) * (0.55 + 0.9 * rough[..., None])
    boards = 0.5 + 0.5 * np.sin((x - 0.9) / np.maximum(y - 0.7, 0.02) * 9)
    floor = np.stack([0.16 + 0.05 * boards, 0.115 + 0.035 * boards, 0.075 + 0.02 * boards], -1) * (
        0.7 + 0.6 * rough[..., None]
    )
    is_floor = np.clip((y - 0.84) * height + 0.5, 0, 1)[..., None]
    aspect = width / height
    fall = 0.35 + 1.05 * np.exp(-((x - 0.12 * aspect) ** 2 + (y - 0.25) ** 2) / 0.9)
    picture = (wall * (1 - is_floor) + floor * is_floor) * fall[..., None]
    distance = np.hypot(x - 0.86 * aspect, y - 0.20)
    glow = np.exp(-((distance / 0.10) ** 2)) * 0.9 + np.exp(-distance / 0.16) * 0.28
    bulb = np.clip((0.022 - distance) * height + 0.5, 0, 1) * LAMP_VALUE
    warm = np.array([1.0, 0.72, 0.40], np.float32)
    return np.asarray(picture * (1 + 1.4 * glow[..., None]) + (glow * 0.25 + bulb)[..., None] * warm, np.float32)


def _draw_reference(path: Path, figure: float, light: Light) -> None:
    """Draw the character who comes in: front view, relaxed, flat frontal light, straight sRGB RGBA on nothing."""
    height, width = int(figure * 1.12), int(figure * 0.62)
    painter = FigurePainter((height, width), CHARACTER, Light((0.0, -0.2, 0.98), key=0.75, fill=0.35))
    painter.paint(stand((width / 2, height * 0.965), figure))
    straight = painter.colour / np.maximum(painter.coverage, 1e-6)[..., None]
    code = np.where(straight <= 0.0031308, straight * 12.92, 1.055 * np.maximum(straight, 1e-9) ** (1 / 2.4) - 0.055)
    rgba = np.dstack([np.clip(code, 0, 1)[..., ::-1], painter.coverage])
    if not cv2.imwrite(str(path), (rgba * 255 + 0.5).astype(np.uint8)):
        raise OSError(f"{path} could not be written")


def _keypoints(pose: Pose) -> list[list[float]]:
    """Return 133 COCO-WholeBody points (x, y, confidence); a face mesh and fingers it lacks have confidence 0."""
    joints, height = pose.joints, pose.height
    x, y = joints["head"]
    face = [
        (x, y + 0.02 * height),
        (x + 0.02 * height, y),
        (x - 0.02 * height, y),
        (x + 0.055 * height, y),
        (x - 0.055 * height, y),
    ]
    order = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    body = face + [joints[f"{name}_{side}"] for name in order for side in "lr"]
    feet = [joints["toe_l"], joints["toe_l"], joints["ankle_l"], joints["toe_r"], joints["toe_r"], joints["ankle_r"]]
    points = [[round(px, 3), round(py, 3), 1.0] for px, py in body + feet]
    return points + [[0.0, 0.0, 0.0]] * (133 - len(points))


def _write(path: Path, picture: Array) -> None:
    half = np.ascontiguousarray(picture.astype(np.float16))
    channels = {"RGB": half} if half.ndim == 3 else {"Y": half}
    header = {
        "compression": OpenEXR.ZIP_COMPRESSION,
        "type": OpenEXR.scanlineimage,
        "framesPerSecond": RATE,
        "colorInteropID": "lin_rec709_scene",
    }
    temporary = path.with_name(f".{path.name}")
    OpenEXR.File(header, channels).write(str(temporary))
    temporary.replace(path)
