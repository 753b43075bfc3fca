"""How well MediaPipe's poses follow a drawn figure whose joints are known, and what smoothing and the process cost.

Needs the environment that `understudy pose install` makes, or the setting mediapipe_python; else there is no row.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.table import Row, at_least, at_most
from understudy.bridge.settings import load_settings
from understudy.inference.controls.mediapipe_client import MediaPipe
from understudy.inference.controls.mediapipe_environment import find_interpreter
from understudy.inference.controls.sides import keep_sides
from understudy.inference.controls.smoothing import smooth
from understudy.inference.drawn_figure import CHARACTER, PERFORMER, Costume, FigurePainter, Light, Pose, stand

Array = NDArray[np.float32]
WIDTH, HEIGHT, FIGURE, FRAMES, RATE = 1280, 720, 560.0, 60, Fraction(24)
JOINTS = (5, 6, 7, 8, 11, 12, 13, 14)
"""Shoulders, elbows, hips, knees: where what a drawn joint is and what a detector means by it are the same place."""
NAMES = tuple(f"{name}_{side}" for name in ("shoulder", "elbow", "hip", "knee") for side in "lr")
VISIBLE = 0.6
"""In a crossing only frames in which this share of the person can be seen are counted."""
ON_PERSON = 0.05
"""Figure heights: joints closer than this to the truth, at their median, are that person's."""
BARE = """
import sys, time, numpy, mediapipe
pictures = numpy.load(sys.argv[1])
with mediapipe.solutions.holistic.Holistic(static_image_mode=True) as holistic:
    holistic.process(pictures[0])
    start = time.perf_counter()
    for picture in pictures:
        holistic.process(picture)
    print(len(pictures) / (time.perf_counter() - start))
"""


class Drawn(NamedTuple):
    """One person in a shot: pictures are shared, mattes and truth are their own."""

    pictures: list[NDArray[np.uint8]]
    mattes: list[Array]
    seen: list[float]
    """The share of the person that nobody hides."""
    truth: Array
    """(frames, joints, 2)"""


def measure() -> list[Row]:
    python = find_interpreter(load_settings().mediapipe_python, load_settings().home)
    if python is None:
        return []
    alone, _ = draw(crossing=False)
    with MediaPipe(python) as source:
        raw = np.stack([source.detect(*pair).points for pair in zip(alone.pictures, alone.mattes, strict=True)])
        speed, bare = _speeds(source, python, alone)
        kept = [_follows(source, person) for person in draw(crossing=True)]
    calm = smooth(raw, RATE)
    errors, shakes = ([work(poses, alone.truth) for poses in (raw, calm)] for work in (error, shake))
    late = abs(lag(calm, alone.truth) - lag(raw, alone.truth))
    return [
        at_most("poses: error of the body's joints", errors[1], errors[0], "% of height", 1.02, "smoothed / as found"),
        at_most("poses: shaking", shakes[1], shakes[0], "px", 0.75, "smoothed / as found; what the truth does not do"),
        at_most("poses: lag of smoothing", late, 1.0, "frames", 0.05, "an elbow that waves"),
        at_least("poses: frames on the front person in a crossing", kept[0], 1.0, "of all", 0.98, "by the matte"),
        at_least("poses: frames on the person behind", kept[1], 1.0, "of all", 0.9, f"where {VISIBLE:.0%} is seen"),
        at_least("poses: MediaPipe in its process", speed, bare, "pictures/s", 0.85,
                 "bare MediaPipe in its own Python; 1280x720, two threads"),
    ]  # fmt: skip


def draw(*, crossing: bool) -> tuple[Drawn, Drawn]:
    """Return the person in front and, in a crossing, one who walks the other way behind; else the same twice."""
    people = [Drawn([], [], [], np.zeros((FRAMES, len(JOINTS), 2), np.float32)) for _ in range(2)]
    wall = cv2.GaussianBlur(np.random.default_rng(1).random((HEIGHT, WIDTH, 3), dtype=np.float32), (0, 0), 6) * 0.5
    for index in range(FRAMES):
        share = index / (FRAMES - 1)
        places = (0.3 + 0.4 * share, 0.75 - 0.5 * share) if crossing else (0.4 + 0.2 * share,)
        poses = [_walk(place * WIDTH, index) for place in places]
        layers = [_paint(pose, costume) for pose, costume in zip(poses, (PERFORMER, CHARACTER), strict=False)]
        picture = wall
        for colour, coverage in reversed(layers):
            picture = colour + picture * (1 - coverage[..., None])
        code = np.clip(picture, 0, 1) ** (1 / 2.2)
        pixels = np.rint(code * 255).astype(np.uint8)
        front = layers[0][1]
        for number, (pose, (_, coverage)) in enumerate(zip(poses, layers, strict=True)):
            matte = coverage if number == 0 else coverage * (1 - front)
            person = people[number]
            person.pictures.append(pixels)
            person.mattes.append(matte)
            person.seen.append(float(matte.sum() / coverage.sum()))
            person.truth[index] = [pose.joints[name] for name in NAMES]
    return people[0], people[1] if crossing else people[0]


def error(poses: Array, truth: Array) -> float:
    """Return the median distance in per cent of the figure's height."""
    return float(np.median(np.linalg.norm(poses[:, JOINTS, :2] - truth, axis=2)) / FIGURE * 100)


def shake(poses: Array, truth: Array) -> float:
    """Return the root mean square of what the difference to the truth does from frame to frame."""
    return float(np.sqrt(np.mean(np.diff(poses[:, JOINTS, :2] - truth, axis=0) ** 2)))


def lag(poses: Array, truth: Array) -> float:
    """Return by how many frames the left elbow's x comes after the truth, to a fraction: where they fit best."""
    moved, known = (track - track.mean() for track in (poses[:, 7, 0].astype(float), truth[:, 2, 0].astype(float)))
    frames, inner = np.arange(len(known), dtype=float), slice(6, -6)
    shifts = np.linspace(-3, 3, 601)
    misfit = [np.sum((np.interp(frames + shift, frames, moved) - known)[inner] ** 2) for shift in shifts]
    return float(shifts[int(np.argmin(misfit))])


def _speeds(source: MediaPipe, python: Path, drawn: Drawn) -> tuple[float, float]:
    """Return pictures a second through our process and without it, the better of three turns each."""
    ours, bare = [], []
    for _ in range(3):
        start = time.perf_counter()
        for picture in drawn.pictures:
            source.detect(picture, None)
        ours.append(len(drawn.pictures) / (time.perf_counter() - start))
        bare.append(bare_speed(python, drawn))
    return max(ours), max(bare)


def bare_speed(python: Path, drawn: Drawn) -> float:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pictures.npy"
        np.save(file, np.stack(drawn.pictures))
        done = subprocess.run(
            [str(python), "-I", "-c", BARE, str(file)], capture_output=True, text=True, check=True
        )  # fmt: skip
    return float(done.stdout.split()[-1])


def _follows(source: MediaPipe, person: Drawn) -> float:
    found, _ = keep_sides(
        np.stack([source.detect(*pair).points for pair in zip(person.pictures, person.mattes, strict=True)])
    )
    away = np.median(np.linalg.norm(found[:, JOINTS, :2] - person.truth, axis=2), axis=1)
    return float(np.mean(away[np.array(person.seen) >= VISIBLE] < ON_PERSON * FIGURE))


def _walk(x: float, index: int) -> Pose:
    swing, wave = (float(np.sin(2 * np.pi * hertz * index / float(RATE))) for hertz in (0.9, 2.0))
    return stand((x, 0.93 * HEIGHT), FIGURE, {
        "arm_r": -50 + 14 * swing, "fore_r": -110, "arm_l": 60 + 15 * wave, "fore_l": 130 + 20 * wave,
        "thigh_r": -4 + 14 * swing, "thigh_l": 6 - 14 * swing,
    })  # fmt: skip


def _paint(pose: Pose, costume: Costume) -> tuple[Array, Array]:
    painter = FigurePainter((HEIGHT, WIDTH), costume, Light((-0.5, -0.4, 0.77), key=0.95, fill=0.3))
    painter.paint(pose)
    return painter.colour, painter.coverage
