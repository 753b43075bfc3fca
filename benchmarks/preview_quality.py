"""How well `preview` does what it claims, on a drawn shot with truth, a lit ball, and real footage where it is named.

The same functions measure a static and a rigid paste in the tests, which must fail.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.preview_shots import ball_footage, drawn_footage, market_footage, own_cut_out
from benchmarks.table import Row, at_least, at_most
from understudy.bridge.errors import Finding
from understudy.inference.engines.descriptions import PREVIEW
from understudy.inference.engines.door import Footage, GeneratedFrame
from understudy.inference.engines.preview import open_engine
from understudy.inference.segments import plan_segments

Array = NDArray[np.float32]
GOAL_OVERLAP, GOAL_CENTROID, GOAL_WARP, GOAL_DEGREES, GOAL_DECIBELS = 0.85, 0.01, 1.5, 30.0, 30.0
KEYS = ((-0.62, -0.48, 0.62), (0.7, -0.2, 0.68), (0.0, -0.87, 0.5), (0.5, 0.6, 0.62))
Make = Callable[[Footage], Iterator[GeneratedFrame]]


class Silent:
    """A watcher that only keeps what was found."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def step(self, stage: str, done: int, total: int) -> None: ...

    def found(self, finding: Finding) -> None:
        self.findings.append(finding)


@dataclass(frozen=True, slots=True)
class Quality:
    """One shot, measured. Each a mean over the frames, and the worst of them."""

    overlap: float
    worst_overlap: float
    centroid: float
    """Distance of the coverage's centroid from the matte's, as a share of the picture's height."""
    worst_centroid: float
    warp: float
    """Change between frames that the picture's own motion does not explain, inside the coverage: flicker, tearing."""
    plate_warp: float
    """The same of the plate."""
    stray: float
    """Change between frames that the plate's motion does not explain: what does not move with the performer."""
    decibels: float
    """PSNR to the plate inside the matte, over all frames."""
    worst_decibels: float


def preview(footage: Footage) -> Iterator[GeneratedFrame]:
    """Yield every frame that the engine makes of a shot."""
    engine, watcher = open_engine(), Silent()
    engine.prepare(footage, watcher)
    for segment in plan_segments(footage.frames, PREVIEW.segment):
        yield from engine.generate(segment, watcher)


def composed(made: GeneratedFrame) -> Array:
    """Return character over clean."""
    assert made.character is not None
    assert made.clean is not None
    return np.asarray(made.clean + (made.character - made.clean) * made.coverage[..., None], np.float32)


def measure_shot(footage: Footage, make: Make = preview) -> Quality:
    """Make a shot and measure every frame of it."""
    assert footage.plate is not None
    assert footage.matte is not None
    overlaps, centroids, changes, errors = [], [], [], []
    before: tuple[Array, Array] | None = None
    for made in make(footage):
        plate, matte, picture = footage.plate(made.frame), footage.matte(made.frame), composed(made)
        overlaps.append(overlap(made.coverage, matte))
        centroids.append(float(np.linalg.norm(_centroid(made.coverage) - _centroid(matte))) / footage.height)
        errors.append(float((((picture - plate) ** 2).mean(axis=-1) * matte).sum()) / float(matte.sum()))
        if before is not None:
            inside = (made.coverage > 0.99) & (matte > 0.99)
            motion, own_motion = motion_between(plate, before[0]), motion_between(picture, before[1])
            changes.append(
                (
                    warp_error(picture, before[1], own_motion, inside),
                    warp_error(plate, before[0], motion, inside),
                    warp_error(picture, before[1], motion, inside),
                )
            )
        before = plate, picture
    warp, plate_warp, stray = (float(part) for part in np.mean(changes or [(0.0, 0.0, 0.0)], axis=0))
    mean, worst = (float(-10 * np.log10(max(error, 1e-12))) for error in (float(np.mean(errors)), max(errors)))
    return Quality(
        float(np.mean(overlaps)),
        min(overlaps),
        float(np.mean(centroids)),
        max(centroids),
        warp,
        plate_warp,
        stray,
        mean,
        worst,
    )


def overlap(first: Array, second: Array) -> float:
    """Return the intersection over union of two soft coverages."""
    return float(np.minimum(first, second).sum()) / max(float(np.maximum(first, second).sum()), 1e-9)


def _centroid(coverage: Array) -> NDArray[np.float64]:
    rows, columns = np.mgrid[0 : coverage.shape[0], 0 : coverage.shape[1]]
    total = max(float(coverage.sum()), 1e-9)
    return np.array([float((columns * coverage).sum()) / total, float((rows * coverage).sum()) / total])


def motion_between(here: Array, there: Array) -> Array:
    """Return the dense motion from one picture to another, (h, w, 2)."""
    finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    first, second = (
        cv2.cvtColor((np.clip(picture, 0, 1) * 255).astype(np.uint8), cv2.COLOR_RGB2GRAY) for picture in (here, there)
    )
    return np.asarray(finder.calc(first, second, np.zeros((*here.shape[:2], 2), np.float32)), np.float32)


def warp_error(here: Array, there: Array, motion: Array, inside: NDArray[np.bool_]) -> float:
    """Return the mean absolute difference between a picture and the one before it, brought along by `motion`."""
    height, width = inside.shape
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    moved = cv2.remap(there, columns + motion[..., 0], rows + motion[..., 1], cv2.INTER_LINEAR)
    return float(np.abs(here - moved)[inside].mean()) if bool(inside.any()) else 0.0


def light_error(direction: tuple[float, float, float], folder: Path, make: Make = preview) -> float:
    """Return by how many degrees the light on a made ball misses the light on the plate's ball."""
    footage, normals = ball_footage(direction, folder)
    made = list(make(footage))[-1]
    assert made.character is not None
    inside = (np.linalg.norm(normals, axis=-1) > 0.5) & (made.coverage > 0.98)
    found = seen_light(np.maximum(made.character[inside], 0.0).mean(axis=-1) ** 2.2, normals[inside])
    wanted = np.array(direction) / np.linalg.norm(direction)
    return float(np.degrees(np.arccos(np.clip(found @ wanted, -1.0, 1.0))))


def seen_light(luminance: Array, normals: Array) -> NDArray[np.float64]:
    """Return the direction whose lambertian shading correlates best with what is seen on a ball. 90 degrees off where
    nothing is shaded."""
    best, direction = 1e-3, np.array([0.0, 0.0, -1.0])
    for azimuth in np.radians(np.arange(0, 360, 6)):
        for height in np.radians(np.arange(3, 90, 6)):
            tried = np.array([np.cos(azimuth) * np.cos(height), np.sin(azimuth) * np.cos(height), np.sin(height)])
            lit = np.maximum(0.0, normals @ tried)
            deviation = float(lit.std() * luminance.std())
            score = float(((lit - lit.mean()) * (luminance - luminance.mean())).mean()) / max(deviation, 1e-6)
            if luminance.std() > 1e-3 and score > best:
                best, direction = score, tried
    return direction


def measure() -> list[Row]:
    """Measure every claim; real footage only where its folder is named."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        drawn, _ = drawn_footage(folder / "drawn", 48, 1280, 720)
        rows = _rows("drawn shot", measure_shot(drawn))
        rows.append(_own("drawn shot", measure_shot(own_cut_out(drawn, drawn.frames[12]))))
        market = market_footage(folder)
        if market is not None:
            rows += _rows("market", measure_shot(market))
            rows.append(_own("market", measure_shot(own_cut_out(market, market.frames[54]))))
        worst = max(light_error(key, folder) for key in KEYS)
        rows.append(at_most("key light on a ball, worst of four", worst, GOAL_DEGREES, "degrees", 1.0))
    return rows


def _rows(shot: str, quality: Quality) -> list[Row]:
    return [
        at_least(
            f"{shot}: coverage against matte", quality.overlap, 1.0, "IoU", GOAL_OVERLAP,
            f"worst frame {quality.worst_overlap:.2f}",
        ),
        at_most(
            f"{shot}: centroid off", quality.centroid, 1.0, "heights", GOAL_CENTROID,
            f"worst frame {quality.worst_centroid:.4f}",
        ),
        at_most(
            f"{shot}: warp error between frames", quality.warp, quality.plate_warp, "of code", GOAL_WARP,
            f"limit: the plate's own; along the plate's motion instead of the picture's {quality.stray:.2g}",
        ),
    ]  # fmt: skip


def _own(shot: str, quality: Quality) -> Row:
    note = f"worst frame {quality.worst_decibels:.1f}"
    return at_least(f"{shot}: PSNR with the performer as reference", quality.decibels, GOAL_DECIBELS, "dB", 1.0, note)
