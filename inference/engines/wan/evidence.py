"""What speaks for the new character and what for the background, pixel by pixel, in one generated picture. Pure.

Three witnesses, added as log odds: the difference to the background where that is known, colour against what is surely
character and surely background, and the skeleton that drove the model; a fourth is a network that finds people, where
there is one. The performer's matte only leans.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.engines.smooth import blur, clusters, fitted, shrink
from understudy.inference.engines.wan.pixels import dot, finite

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

SIDE = 640
"""Longest side in pixels at which is decided what is character: the edge is found at full size afterwards."""
COLOURS = 6
LEAST_SAMPLES = 40
SAMPLES_PER_FRAME = 1500
OWN_ERROR = 0.035
"""Codes by which a generated background differs from the true one where the model does nothing wrong: its VAE's error,
and what it makes up."""
GREATEST_ERROR = 0.07
"""A background that is further off than this is another one, or the character reaches there."""
FAR_FROM_LIMBS = 0.8
"""In torso lengths: what lies further away is background as a rule, and shows how far the model's differs."""
DIFFERENCE_LIMITS = (-2.5, 6.0)
"""A character of the background's colour shows no difference, so none says less than much says."""
COLOUR_LIMIT = 4.0
LIMB_ODDS = 5.0
NEAR_ODDS, FAR_ODDS, ODDS_FALL = 0.8, -2.5, 5.0
"""A figure's own thickness reaches about 0.15 torso lengths past the drawn limbs."""
PERFORMER_ODDS = 0.6
SEEN_LIMIT = 4.0
"""A network knows people, and not this character: as sure as colours at most, and the skeleton overrules it."""
LEAST_SHARE, SURELY_SEEN = 1e-3, 0.95
LIMBS = ((5, 7), (7, 9), (6, 8), (8, 10), (11, 13), (13, 15), (12, 14), (14, 16), (5, 6), (11, 12), (5, 11), (6, 12))
"""COCO-WholeBody body points, joined as a skeleton is."""
LIMB_THICKNESS, HEAD_RADIUS, SKULL = 0.13, 0.14, 0.12
"""In torso lengths, thinner than any figure's own: what they draw is surely inside."""


@dataclass(frozen=True, slots=True)
class Behind:
    """What is known of the background: `picture` (h, w, 3) in the model's encoding; `trust` (h, w) from 0 to 1."""

    picture: Array
    trust: Array


@dataclass(frozen=True, slots=True)
class GeneratedPicture:
    """One generated frame with what it was made from. Everything (h, w) or (h, w, 3), float32, the model's encoding."""

    picture: Array
    """Opaque: the character before an invented background inside `used`, about the plate outside."""
    surroundings: Array
    """What the model was given as background: the plate where `used` is 0; black or clean plate elsewhere."""
    used: Array
    """0 or 1."""
    behind: Behind | None = None
    keypoints: Array | None = None
    """(133, 3): x, y in pixels, confidence; the skeleton that drove this frame."""
    performer: Array | None = None
    """The performer's own soft matte: leans, never decides."""
    seen: Array | None = None
    """How surely a network sees a person, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Small:
    """One frame at the size at which is decided."""

    picture: Array
    used: Mask
    limbs: Mask
    """Surely the character."""
    away: Array
    """(h, w): distance from the limbs in torso lengths; 0 everywhere without a skeleton."""
    behind: Behind | None
    """Its level brought to the generated picture's."""
    difference: Array | None
    """Squared difference to `behind`, 1 where it is of the size of the model's own error; None where nothing is
    known."""
    performer: Array | None
    seen: Array | None = None


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of one side as Gaussians in CIE Lab: weight, centre, and inverse covariance with its normaliser."""

    centres: Array
    """(n, 3)."""
    inverses: Array
    """(n, 3, 3)."""
    levels: Array
    """(n,): log of weight over root of determinant."""

    def likelihood(self, lab: Array) -> Array:
        """Return the log likelihood (up to one constant for all palettes) of colours (..., 3): the best Gaussian's."""
        best = np.full(lab.shape[:-1], -np.inf, np.float32)
        for centre, inverse, level in zip(self.centres, self.inverses, self.levels, strict=True):
            away = lab - centre
            np.maximum(best, level - 0.5 * dot(away @ inverse, away), out=best)
        return best


@dataclass(frozen=True, slots=True)
class Palettes:
    """Both sides' colours in one segment; None where too little of a side is sure."""

    character: Palette | None
    background: Palette | None


def seen_small(frame: GeneratedPicture) -> Small:
    picture = fitted(finite(frame.picture), SIDE)
    size = (picture.shape[0], picture.shape[1])
    used = shrink((frame.used > 0).astype(np.float32), size) > 0.0
    limbs, away = _limbs(frame.keypoints, frame.used.shape, size)
    limbs &= used
    behind = None if frame.behind is None else _behind_small(frame.behind, size)
    difference = None
    if behind is not None:
        surroundings = fitted(finite(frame.surroundings), SIDE)
        behind, difference = _compared(picture, surroundings, behind, used, away)
    performer = None if frame.performer is None else shrink(np.clip(finite(frame.performer), 0, 1), size)
    seen = None if frame.seen is None else shrink(np.clip(finite(frame.seen), 0, 1), size)
    return Small(picture, used, limbs, away, behind, difference, performer, seen)


def gather(smalls: list[Small]) -> Palettes:
    """Return the colours that are surely the character's and surely the background's in some frames of a segment."""
    behind, sure = [], []
    for small in smalls:
        lab = _lab(small.picture)
        behind.append(_sampled(lab[~small.used]))
        if small.behind is not None:
            behind.append(_sampled(_lab(small.behind.picture)[small.used & (small.behind.trust > 0.5)]))
        sure.append(_sampled(lab[_surely_character(small)]))
    background = _palette(np.concatenate(behind))
    character = _palette(np.concatenate(sure))
    if character is None and background is not None:
        character = _palette(np.concatenate([_unlike(small, background) for small in smalls]))
    return Palettes(character, background)


def log_odds(small: Small, palettes: Palettes) -> Array:
    """Return (h, w) log odds that a pixel shows the character; strongly negative outside `used`."""
    odds = np.zeros(small.used.shape, np.float32)
    told = np.zeros(small.used.shape, np.float32)
    if small.difference is not None and small.behind is not None:
        told = small.behind.trust
        odds += np.clip(0.25 * small.difference - 1.5, *DIFFERENCE_LIMITS) * told
    if palettes.character is not None and palettes.background is not None:
        lab = _lab(small.picture)
        colour = palettes.character.likelihood(lab) - palettes.background.likelihood(lab)
        odds += np.clip(colour, -COLOUR_LIMIT, COLOUR_LIMIT) * (1.0 - 0.6 * told)
    if small.limbs.any():
        odds += np.clip(NEAR_ODDS - ODDS_FALL * small.away, FAR_ODDS, NEAR_ODDS)
        odds += LIMB_ODDS * small.limbs
    if small.performer is not None:
        odds += PERFORMER_ODDS * (2.0 * small.performer - 1.0)
    if small.seen is not None:
        share = np.clip(small.seen, LEAST_SHARE, 1 - LEAST_SHARE)
        odds += np.clip(np.log(share / (1 - share)), -SEEN_LIMIT, SEEN_LIMIT)
    return np.where(small.used, odds, np.float32(-12.0)).astype(np.float32)


def _lab(picture: Array) -> Array:
    """Return CIE Lab, a little smoothed: one pixel's noise says nothing of a surface."""
    return blur(np.asarray(cv2.cvtColor(np.clip(picture, 0, 1), cv2.COLOR_RGB2LAB), np.float32), 0.7)


def _behind_small(behind: Behind, size: tuple[int, int]) -> Behind:
    return Behind(shrink(finite(behind.picture), size), shrink(np.clip(finite(behind.trust), 0, 1), size))


def _compared(picture: Array, surroundings: Array, behind: Behind, used: Mask, away: Array) -> tuple[Behind, Array]:
    """Return the background at the generated picture's level, and how much the picture differs from it.

    Level and noise are measured where the picture should equal the plate, and noise inside the model's matte too, far
    from the limbs. Where the background has detail, a difference of a third of a pixel's step is no difference.
    """
    outside = ~used
    offset, noise = np.zeros(3, np.float32), np.full(3, OWN_ERROR, np.float32)
    if int(outside.sum()) >= LEAST_SAMPLES:
        error = (picture - surroundings)[outside]
        offset = np.median(error, axis=0)
        # 1.48: the standard deviation of a normal distribution in median absolute deviations.
        noise = np.maximum(noise, 1.48 * np.median(np.abs(error - offset), axis=0))
    levelled = np.asarray(behind.picture + offset, np.float32)
    made_up = used & (away > FAR_FROM_LIMBS) & (behind.trust > 0.5)
    if int(made_up.sum()) >= LEAST_SAMPLES:
        noise = np.maximum(noise, 1.48 * np.median(np.abs(picture - levelled)[made_up], axis=0))
    noise = np.minimum(noise, GREATEST_ERROR)
    detail = cv2.dilate(levelled, np.ones((3, 3))) - cv2.erode(levelled, np.ones((3, 3)))
    forgiven = np.asarray(noise**2 + (0.35 * detail) ** 2, np.float32)
    apart = dot((picture - levelled) ** 2, np.float32(1.0) / forgiven)
    return Behind(levelled, behind.trust), blur(apart, 0.7)


def _surely_character(small: Small) -> Mask:
    if small.limbs.any():
        return small.limbs
    if small.seen is not None and (small.used & (small.seen > SURELY_SEEN)).any():
        return np.asarray(small.used & (small.seen > SURELY_SEEN))
    if small.difference is None or small.behind is None:
        return np.zeros(small.used.shape, bool)
    return np.asarray(small.used & (small.difference > 30.0) & (small.behind.trust > 0.5))


def _unlike(small: Small, background: Palette) -> Array:
    """Return colours inside `used` that its surroundings hardly have: the likeliest character without a skeleton."""
    lab = _lab(small.picture)
    likely = background.likelihood(lab)
    if not small.used.any() or small.used.all():
        return lab[:0, 0]
    rare = float(np.percentile(likely[~small.used], 3)) - 1.0
    return _sampled(lab[small.used & (likely < rare)])


def _sampled(colours: Array) -> Array:
    """Return an even choice of at most SAMPLES_PER_FRAME."""
    return colours[:: max(1, -(-len(colours) // SAMPLES_PER_FRAME))]


def _palette(colours: Array) -> Palette | None:
    """Return Gaussians around cluster centres; None for too few samples."""
    if len(colours) < LEAST_SAMPLES:
        return None
    labels, centres = clusters(np.ascontiguousarray(colours, np.float32), COLOURS)
    inverses, levels = [], []
    for index, centre in enumerate(centres):
        mine = colours[labels == index].astype(np.float64) - centre
        spread = mine.T @ mine / max(len(mine), 1) + 4.0 * np.eye(3)  # 2 Lab units: the least that one surface varies
        inverses.append(np.linalg.inv(spread))
        share = max(len(mine), 1) / len(colours)
        levels.append(np.log(share) - 0.5 * np.linalg.slogdet(spread)[1])
    return Palette(centres, np.array(inverses, np.float32), np.array(levels, np.float32))


def _limbs(keypoints: Array | None, full: tuple[int, ...], size: tuple[int, int]) -> tuple[Mask, Array]:
    """Return the skeleton as thick limbs at the small size, and the distance from it in torso lengths."""
    drawn = np.zeros(size, np.uint8)
    torso = 0.0
    if keypoints is not None and keypoints.shape == (133, 3):
        ratio = np.array([size[1] / full[1], size[0] / full[0]])
        # Within a few pictures' size of it: OpenCV draws with whole numbers of 16 bits.
        places = np.clip(finite(keypoints[:, :2]) * ratio, -8192, 8192)
        seen = np.nan_to_num(keypoints[:, 2]) >= 0.5
        torso = _draw(drawn, places, seen)
    if not drawn.any():
        return drawn > 0, np.zeros(size, np.float32)
    squared = cv2.distanceTransform(1 - drawn, cv2.DIST_L2, cv2.DIST_MASK_5)
    return drawn > 0, np.asarray(squared, np.float32) / np.float32(torso)


def _draw(drawn: NDArray[np.uint8], places: NDArray[np.floating], seen: Mask) -> float:
    """Draw what is seen of the body, and return its torso length in pixels."""
    reach = places[:17][seen[:17]]
    if len(reach) == 0:
        return 0.0
    shoulders, hips = places[[5, 6]].mean(axis=0), places[[11, 12]].mean(axis=0)
    torso = float(np.linalg.norm(shoulders - hips))
    if not seen[[5, 6, 11, 12]].all() or torso < 2.0:
        torso = max(2.0, 0.4 * float(np.ptp(reach, axis=0).max()))
    thickness = max(1, round(LIMB_THICKNESS * torso))
    points = np.rint(places).astype(int)
    for one, other in LIMBS:
        if seen[one] and seen[other]:
            cv2.line(drawn, points[one].tolist(), points[other].tolist(), 1, thickness)
    if seen[[5, 6, 12, 11]].all():
        cv2.fillConvexPoly(drawn, cv2.convexHull(points[[5, 6, 12, 11]].astype(np.int32)), 1)
    if seen[0]:
        _draw_head(drawn, places, seen, torso)
    return torso


def _draw_head(drawn: NDArray[np.uint8], places: NDArray[np.floating], seen: Mask, torso: float) -> None:
    """Draw the face around the nose, and the skull above it, away from the shoulders."""
    radius = max(1, round(HEAD_RADIUS * torso))
    nose, up = places[0], np.array([0.0, -1.0])
    if seen[[5, 6]].all():
        away = nose - places[[5, 6]].mean(axis=0)
        up = away / max(float(np.linalg.norm(away)), 1e-3)
    for centre in (nose, nose + up * SKULL * torso):
        cv2.circle(drawn, np.rint(centre).astype(int).tolist(), radius, 1, -1)
