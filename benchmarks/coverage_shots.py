"""A stand-in for the model's pictures with the truth about them: another figure over the drawn shot's background.

Built in scene-linear light with motion blur and hair, then spoiled as a generated picture is: soft, noisy, off in
level, and, inside the model's matte, with a background that is only about the true one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.preview_shots import drawn_footage
from understudy.inference.controls.matte import matte_used
from understudy.inference.drawn_figure import Costume, FigurePainter, Light, Pose
from understudy.inference.picture.tone import decode, encode

Array = NDArray[np.float32]

FAR = Costume((0.16, 0.36, 0.22), (0.55, 0.20, 0.05), (0.08, 0.30, 0.55), (0.75, 0.75, 0.30), (0.10, 0.10, 0.45),
              (0.55, 0.55, 0.60), 0.0)  # fmt: skip
"""Colours that the brick wall and the boards have nowhere."""
NEAR = Costume((0.30, 0.16, 0.11), (0.16, 0.08, 0.05), (0.27, 0.13, 0.09), (0.20, 0.10, 0.075), (0.18, 0.12, 0.08),
               (0.14, 0.10, 0.07), 0.0)  # fmt: skip
"""The wall's bricks and the floor's boards as clothes."""
STOUT = 1.12
"""The new figure's limbs are this much thicker than the performer's."""
SUBFRAMES = 5
SHUTTER = 0.5
BODY = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")


@dataclass(frozen=True, slots=True)
class CoverageShot:
    """Readers by frame; pictures in the model's encoding."""

    frames: tuple[int, ...]
    generated: Callable[[int], Array]
    plate: Callable[[int], Array]
    clean: Callable[[int], Array]
    matte: Callable[[int], Array]
    used: Callable[[int], Array]
    keypoints: Callable[[int], Array]
    truth: Callable[[int], Array]
    """The new character's coverage, in linear light."""


def coverage_shot(folder: Path, costume: Costume, frames: int, width: int, height: int, seed: int = 3) -> CoverageShot:
    """Draw the demonstration shot into `folder` (left alone when it is there) and put another figure in it."""
    footage, clean = drawn_footage(folder, frames, width, height)
    plate, matte, keypoints = footage.plate, footage.matte, footage.keypoints
    assert plate is not None
    assert matte is not None
    assert keypoints is not None
    figure = 0.82 * height

    def drawn(frame: int) -> tuple[Array, Array]:
        colour, coverage = np.zeros((height, width, 3), np.float32), np.zeros((height, width), np.float32)
        after = keypoints(min(frame + 1, footage.frames[-1]))
        for part in np.linspace(0.0, SHUTTER, SUBFRAMES):
            points = keypoints(frame) + (after - keypoints(frame)) * part
            painter = FigurePainter((height, width), costume, Light((-0.62, -0.48, 0.62), key=0.95, fill=0.3))
            painter.paint(pose_of(points, figure * STOUT))
            hair = _hair(points, figure, (height, width), seed)
            over = 1 - painter.coverage
            colour += painter.colour + (hair * over)[..., None] * np.array(costume.hair, np.float32) * 0.7
            coverage += painter.coverage + hair * over
        return colour / SUBFRAMES, coverage / SUBFRAMES

    def used(frame: int) -> Array:
        return matte_used(matte(frame))

    def generated(frame: int) -> Array:
        colour, coverage = drawn(frame)
        behind = _invented(clean(frame), used(frame), frame)
        light = colour + decode(behind) * (1 - coverage[..., None])
        return spoiled(encode(np.asarray(light, np.float32)), seed * 1000 + frame)

    return CoverageShot(footage.frames, generated, plate, clean, matte, used, keypoints, lambda frame: drawn(frame)[1])


def pose_of(points: Array, height: float) -> Pose:
    """Return the pose that 133 keypoints show, for a figure of another build."""
    joints = {
        f"{name}_{side}": (float(points[5 + 2 * index + half, 0]), float(points[5 + 2 * index + half, 1]))
        for index, name in enumerate(BODY)
        for half, side in enumerate("lr")
    }
    for side, index in (("l", 17), ("r", 20)):
        joints[f"toe_{side}"] = (float(points[index, 0]), float(points[index, 1]))
    shoulders, hips = points[[5, 6], :2].mean(axis=0), points[[11, 12], :2].mean(axis=0)
    axis = hips - shoulders
    joints |= {
        "neck": (float(shoulders[0] - 0.1 * axis[0]), float(shoulders[1] - 0.1 * axis[1])),
        "chest": (float(shoulders[0] + 0.15 * axis[0]), float(shoulders[1] + 0.15 * axis[1])),
        "pelvis": (float(hips[0]), float(hips[1])),
        "head": (float(points[0, 0]), float(points[0, 1] - 0.02 * height)),
    }
    return Pose(joints, height)


def spoiled(picture: Array, seed: int) -> Array:
    """Return a picture as a VAE gives it back: softer, a little off in level, with faint noise of its own."""
    random = np.random.default_rng(seed)
    height, width = picture.shape[:2]
    soft = cv2.GaussianBlur(picture, (0, 0), 0.7)
    fine = random.standard_normal(picture.shape, dtype=np.float32) * 0.004
    coarse = random.standard_normal((height // 8, width // 8, 3), dtype=np.float32) * 0.006
    blotches = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(soft + fine + blotches + np.array([0.008, -0.004, 0.006], np.float32), 0, 1), np.float32)


def _invented(clean: Array, used: Array, frame: int) -> Array:
    """Return the background as the model makes it up inside its matte: bent by a pixel or two, off in level by a few
    codes, softer; drifting from frame to frame."""
    height, width = used.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    phase = 0.08 * frame
    across = 1.6 * np.sin(y / 37 + phase) * width / 1280
    down = 1.3 * np.cos(x / 41 - phase) * width / 1280
    bent = cv2.remap(clean, x + across, y + down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    level = 0.025 * np.sin(x / width * 9 + phase) * np.cos(y / height * 7)
    made = cv2.GaussianBlur(bent, (0, 0), 1.0) + level[..., None].astype(np.float32)
    return np.where(used[..., None] > 0, np.clip(made, 0, 1), clean).astype(np.float32)


def _hair(points: Array, figure: float, size: tuple[int, int], seed: int) -> Array:
    """Return strands of hair around the head, (h, w) coverage: thin lines, drawn at four times the size."""
    random = np.random.default_rng(seed)
    x, y = float(points[0, 0]), float(points[0, 1]) - 0.03 * figure
    box = int(0.14 * figure)
    left, top = int(x) - box, int(y) - box
    fine = np.zeros((8 * box, 8 * box), np.uint8)
    for _ in range(60):
        angle = random.uniform(0.9 * np.pi, 2.1 * np.pi)
        start, end = 0.05 * figure, random.uniform(0.075, 0.105) * figure
        bend = angle + random.uniform(-0.25, 0.25)
        ends = [
            (round(4 * (x - left + np.cos(turn) * reach)), round(4 * (y - top + np.sin(turn) * reach)))
            for turn, reach in ((angle, start), (bend, end))
        ]
        cv2.line(fine, ends[0], ends[1], 255, 3, cv2.LINE_AA)
    small = cv2.resize(fine, (2 * box, 2 * box), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    hair = np.zeros(size, np.float32)
    rows, columns = slice(max(0, top), min(size[0], top + 2 * box)), slice(max(0, left), min(size[1], left + 2 * box))
    hair[rows, columns] = small[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    return hair
