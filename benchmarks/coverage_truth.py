"""How well the new character is told from the generated background, where the truth is known.

Two figures (colours that the background has nowhere; the background's own) and three states of knowledge (a clean
plate, an estimate from other frames, nothing), on the stand-in of coverage_shots.py. And what holding the colour leaves
of a drift, and matching of a lack of grain.
"""

from __future__ import annotations

import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.coverage_shots import FAR, NEAR, CoverageShot, coverage_shot
from benchmarks.table import Row, at_least, at_most
from understudy.inference.engines.background import Background
from understudy.inference.engines.smooth import blur
from understudy.inference.engines.survey import survey_positions
from understudy.inference.engines.wan.colour_hold import Held, held, measure_drift
from understudy.inference.engines.wan.coverage import Covered, cover, estimated_behind, known_behind
from understudy.inference.engines.wan.evidence import Behind, GeneratedPicture
from understudy.inference.engines.wan.matching import Untouched, matched, measure_match

Array = NDArray[np.float32]
FRAMES, WIDTH, HEIGHT = 48, 640, 368
"""A shot long enough for the performer to uncover what is behind, and a segment of it that is measured."""
SEGMENT = slice(8, 15)
KNOWLEDGE = ("clean plate", "estimate", "nothing")
SMALL = (90, 160)
FAR_GOALS = ((0.96, 1.7, 1.7), (0.96, 1.7, 1.7), (0.96, 1.7, 1.7))
NEAR_GOALS = ((0.94, 3.0, 3.0), (0.92, 3.2, 3.2), (0.75, 7.0, 5.0))
"""For each of KNOWLEDGE: least overlap; greatest error and flicker in the soft band, as multiples of the limit."""


@dataclass(frozen=True, slots=True)
class Truth:
    """One segment, measured; means over frames unless said."""

    overlap: float
    """Intersection over union at coverage 0.5."""
    worst: float
    soft_error: float
    """Mean absolute error of coverage where the truth is between 0.02 and 0.98, and two pixels around."""
    flicker: float
    """Mean absolute frame-to-frame change of the coverage's error, in that band."""
    confidence: float
    algebra: float
    """The worst stated error of character over clean, codes."""


def generated_picture(shot: CoverageShot, frame: int, behind: Behind | None) -> GeneratedPicture:
    used = shot.used(frame)
    surroundings = np.where(used[..., None] > 0, np.float32(0), shot.plate(frame))
    return GeneratedPicture(shot.generated(frame), surroundings, used, behind, shot.keypoints(frame), shot.matte(frame))


def knowledge(shot: CoverageShot, known: str) -> list[Behind | None]:
    """Return what is known of the background in every frame of the measured segment."""
    frames = shot.frames[SEGMENT]
    if known == "nothing":
        return [None] * len(frames)
    if known == "clean plate":
        return [known_behind(shot.clean(frame)) for frame in frames]
    background = Background(lambda frame: (shot.plate(frame), shot.matte(frame)), shot.frames, SMALL, 0)
    for position in survey_positions(len(shot.frames)):
        background.look_at(position)
    made = []
    for frame in frames:
        rebuilt, found = background.clean(frame, shot.plate(frame), shot.matte(frame))
        made.append(estimated_behind(rebuilt, shot.matte(frame), found))
    return made


def tell_apart(shot: CoverageShot, known: str) -> tuple[list[GeneratedPicture], list[Covered]]:
    pictures = [
        generated_picture(shot, frame, behind)
        for frame, behind in zip(shot.frames[SEGMENT], knowledge(shot, known), strict=True)
    ]
    with ThreadPoolExecutor(1) as pool:
        return pictures, list(cover(len(pictures), pictures.__getitem__, pool))


def measured(covered: list[Covered], truths: list[Array]) -> Truth:
    overlaps, soft, flicker = [], [], []
    before: Array | None = None
    for made, truth in zip(covered, truths, strict=True):
        here, there = made.coverage > 0.5, truth > 0.5
        overlaps.append(float((here & there).sum()) / max(1, int((here | there).sum())))
        band = cv2.dilate(((truth > 0.02) & (truth < 0.98)).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
        error = made.coverage - truth
        soft.append(float(np.abs(error)[band].mean()))
        if before is not None:
            flicker.append(float(np.abs(error - before)[band].mean()))
        before = error
    return Truth(
        float(np.mean(overlaps)), min(overlaps), float(np.mean(soft)), float(np.mean(flicker or [0.0])),
        float(np.mean([made.confidence for made in covered])), max(made.error for made in covered),
    )  # fmt: skip


def within(shot: CoverageShot, frame: int) -> Array:
    """Return the truth that can be asked for: nothing shows outside the model's matte."""
    return shot.truth(frame) * shot.used(frame)


def measure() -> list[Row]:
    """Measure every goal on the drawn stand-in; about a minute."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for title, costume, goals in (("far colours", FAR, FAR_GOALS), ("the wall's colours", NEAR, NEAR_GOALS)):
            shot = coverage_shot(Path(name), costume, FRAMES, WIDTH, HEIGHT)
            shot = held_in_memory(shot)
            truths = [within(shot, frame) for frame in shot.frames[SEGMENT]]
            # What even a perfect answer read from a picture this soft would miss.
            floor = measured([Covered(blur(truth, 0.7), 1.0, truth, None, 0.0) for truth in truths], truths)
            for known, goal in zip(KNOWLEDGE, goals, strict=True):
                found = measured(tell_apart(shot, known)[1], truths)
                rows += _rows(f"{title}, {known}", found, floor, goal)
    return rows + held_and_matched()


def _rows(shot: str, found: Truth, floor: Truth, goal: tuple[float, float, float]) -> list[Row]:
    overlap, soft, flicker = goal
    return [
        at_least(
            f"{shot}: coverage against truth", found.overlap, 1.0, "IoU at 0.5", overlap,
            f"worst frame {found.worst:.3f}; says confidence {found.confidence:.2f}",
        ),
        at_most(
            f"{shot}: error in the soft band", found.soft_error, floor.soft_error, "of coverage", soft,
            "limit: the truth as soft as the picture",
        ),
        at_most(
            f"{shot}: flicker in the soft band", found.flicker, floor.flicker, "a frame", flicker,
            f"character over background is within {found.algebra:.3f} codes of the picture",
        ),
    ]  # fmt: skip


def held_in_memory(shot: CoverageShot) -> CoverageShot:
    """Return the shot with the pictures of the measured segment drawn once."""
    made = {frame: shot.generated(frame) for frame in shot.frames[SEGMENT]}
    truths = {frame: shot.truth(frame) for frame in shot.frames[SEGMENT]}
    return replace(shot, generated=made.__getitem__, truth=truths.__getitem__)


def held_and_matched() -> list[Row]:
    """Return what holding the colour leaves of a drift that grows over five segments, and matching of a lack of grain
    and sharpness; each against doing nothing."""
    with tempfile.TemporaryDirectory() as name:
        shot = coverage_shot(Path(name), FAR, 2, WIDTH, HEIGHT)
        frame = shot.frames[0]
        plate, used, made = shot.clean(frame), shot.used(frame), blur(shot.clean(frame), 0.7)
    inside = used > 0
    before, after = [], []
    for segment in range(1, 6):
        gain = np.array([1 + 0.02 * segment, 1 - 0.012 * segment, 1 + 0.008 * segment], np.float32)
        seen = np.asarray(made * gain + np.float32(0.004 * segment), np.float32)
        drift = measure_drift([Held(plate, seen, used)])
        before.append(_apart(seen, plate, inside))
        after.append(_apart(held(seen, drift, "full"), plate, inside))
    match = measure_match([Untouched(plate, made, used)])
    matched_picture = matched(made, used, match, frame, 1)
    lack, left = (_fine(plate, inside) - _fine(picture, inside) for picture in (made, matched_picture))
    return [
        at_most("colour held, fifth segment of a growing drift: left inside", after[-1], before[-1], "codes", 0.15),
        at_most("grain and sharpness matched: fine detail still lacking inside", abs(left), abs(lack), "codes", 0.35),
    ]


def _apart(one: Array, other: Array, place: NDArray[np.bool_]) -> float:
    return float(np.abs((one - other)[place].mean(axis=0)).max())


def _fine(picture: Array, place: NDArray[np.bool_]) -> float:
    """Return the deviation of what is finer than two pixels."""
    return float((picture - blur(picture, 2.0))[place].std())
