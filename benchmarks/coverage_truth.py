"""How well the new character is told from the generated background, where the truth is known.

Two figures (colours that the background has nowhere; the background's own) and three states of knowledge (a clean
plate, an estimate from other frames, nothing), on the stand-in of coverage_shots.py. And what holding the colour leaves
of a drift, and matching of a lack of grain.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.coverage_shots import CoverageShot
from understudy.inference.engines.background import Background
from understudy.inference.engines.survey import survey_positions
from understudy.inference.engines.wan.coverage import Covered, cover, estimated_behind, known_behind
from understudy.inference.engines.wan.evidence import Behind, GeneratedPicture

Array = NDArray[np.float32]
FRAMES, WIDTH, HEIGHT = 48, 640, 368
"""A shot long enough for the performer to uncover what is behind, and a segment of it that is measured."""
SEGMENT = slice(8, 15)
KNOWLEDGE = ("clean plate", "estimate", "nothing")
SMALL = (90, 160)


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
    return pictures, list(cover(len(pictures), pictures.__getitem__))


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
