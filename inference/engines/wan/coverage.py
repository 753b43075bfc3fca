"""The coverage of the new character, from the model's opaque pictures. Pure; frames are told apart side by side.

The model returns character and invented background in one picture. Here it is told apart: `evidence.py` says what
speaks for the character, this file decides (steadily in time, along edges), `matting.py` finds the soft edge and the
character's own colour. Frames are looked at within one segment only: the same segment alone gives the same bits.
docs/wan-coverage.md says how well this works, and where it fails.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.ahead import map_ahead
from understudy.inference.engines.flow import flow
from understudy.inference.engines.smooth import grey_levels, grown, resized
from understudy.inference.engines.wan.evidence import (
    LIMB_ODDS,
    Behind,
    GeneratedPicture,
    Palettes,
    Small,
    gather,
    log_odds,
    seen_small,
)
from understudy.inference.engines.wan.guided import Guide
from understudy.inference.engines.wan.matting import Decided, Matted, composed, taken_apart
from understudy.inference.engines.wan.pixels import finite
from understudy.inference.engines.warp import bend

Array = NDArray[np.float32]
Window = tuple[slice, slice]
Read = Callable[[int], GeneratedPicture]
"""Position in the segment, from 0, to its picture and what that was made from. May be asked more than once."""

PALETTE_FRAMES = 7
NEIGHBOUR_WEIGHT = 0.6
UNDECIDED_ODDS = 2.0
"""Neighbours are asked where a frame does not know itself: motion at an outline is too uncertain to move it."""
LIKENESS_LEVELS = 8.0
"""Grey levels (of 255) at which a neighbour brought along by the motion is believed by 1/e."""
ROUNDS = 5
RADIUS, EDGE_VARIANCE = 4, 4e-4
"""Of the guide at the deciding size: pixels, and codes squared (0.02, an edge that can be seen)."""
AGREEMENT = 2.5
"""Log odds that unanimous neighbours of one colour add: the weight of a dense random field's messages, with the guided
filter as its kernel (after Kraehenbuehl and Koltun, NIPS 2011)."""
LEAST_PIECE = 0.02
GREATEST_HOLE = 0.01
"""Shares of the character's area: pieces that are dropped, holes that are closed."""
LEAST_FLOW_SIDE = 32
"""The optical flow refuses smaller pictures."""
ESTIMATE_TRUST, LOST_TRUST = 0.75, 0.15
UNKNOWN_SCORE = 0.6
"""Confidence where nothing is known behind the character, at best; once more without a skeleton."""


@dataclass(frozen=True, slots=True)
class Covered:
    """One frame, told apart. Pictures (h, w, 3) in the model's encoding."""

    coverage: Array
    """(h, w) float32, soft, 0 to 1; exactly 0 where the model's matte is 0."""
    confidence: float
    """0 to 1: how far the witnesses agreed. Below 0.5 someone should look."""
    character: Array
    """Straight colour; counts only under coverage."""
    clean: Array | None
    """The picture without the character; None where what is behind is known for less than half of the coverage."""
    error: float
    """How far `character` over the background is from the picture: the worst but one per cent, in codes, inside the
    model's matte."""


@dataclass(frozen=True, slots=True)
class _Weighed:
    frame: GeneratedPicture
    small: Small
    grey: Array
    odds: Array


def known_behind(clean_plate: Array) -> Behind:
    """Return a clean plate as what is known of the background: wholly."""
    return Behind(clean_plate, np.ones(clean_plate.shape[:2], np.float32))


def estimated_behind(rebuilt: Array, hidden: Array, found: bool) -> Behind:
    """Return an estimate (engines/background.py) as what is known of the background.

    hidden: (h, w) what the performer covers in the plate, 0 to 1. Elsewhere the plate is the background itself, also
    inside the model's matte. Behind the performer it counts by ESTIMATE_TRUST, or little where the move was not found.
    """
    reach = 9.0 * max(hidden.shape) / 1280
    hole = grown((hidden > 0.02).astype(np.uint8), 2 * reach)
    inside = ESTIMATE_TRUST if found else LOST_TRUST
    return Behind(rebuilt, np.where(hole > 0, np.float32(inside), np.float32(1.0)).astype(np.float32))


def cover(count: int, read: Read, pool: Executor, limit: int = 1) -> Generator[Covered]:
    """Yield every frame of a segment of `count` pictures, in order; `limit` frames are looked at before their turn.

    `read` is called in `pool`, by as many threads as that has. A frame depends on its neighbours alone, so that the
    number of threads changes no bit.
    """
    if count <= 0:
        return
    palettes = _palettes(count, read)
    weighed = map_ahead(pool, lambda position: _weigh(read(position), palettes), range(count), limit)
    yield from map_ahead(pool, lambda near: _covered(*near), _with_neighbours(weighed), limit)


def _with_neighbours(frames: Iterator[_Weighed]) -> Iterator[tuple[_Weighed | None, _Weighed, _Weighed | None]]:
    """Yield each frame between the one before and the one after."""
    before, here = None, next(frames)
    for after in frames:
        yield before, here, after
        before, here = here, after
    yield before, here, None


def _palettes(count: int, read: Read) -> Palettes:
    places = np.unique(np.linspace(0, count - 1, min(PALETTE_FRAMES, count)).round().astype(int))
    return gather([seen_small(read(int(place))) for place in places])


def _weigh(frame: GeneratedPicture, palettes: Palettes) -> _Weighed:
    small = seen_small(frame)
    return _Weighed(frame, small, grey_levels(small.picture), log_odds(small, palettes))


def _covered(before: _Weighed | None, here: _Weighed, after: _Weighed | None) -> Covered:
    frame = here.frame
    height, width = frame.used.shape
    window = _window(frame.used, max(8, width // 80))
    if window is None:
        return _nothing(frame)
    odds, motion = _steadied(here, [near for near in (before, after) if near is not None])
    decided, guide = _decided(odds, here.small)
    picture = finite(frame.picture)
    # The guide sharpens the decision to the full size's own edges; where it says nothing the decision stands.
    sharpened = 0.5 * (guide.line(decided).on(picture) + resized(decided, height, width))
    behind, trust = _behind(frame)
    fast = resized(motion, height, width) * np.float32(width / motion.shape[1])
    parts = Decided(picture, np.clip(sharpened, 0.0, 1.0), behind, trust, frame.used > 0, fast)
    matted = taken_apart(parts.within(*window), max(height, width) / 1280)
    return _whole(here, matted, window, trust, decided)


def _steadied(here: _Weighed, near: list[_Weighed]) -> tuple[Array, Array]:
    """Return the log odds averaged with the neighbours' along the motion, and how far things move, in small pixels."""
    total, weights = here.odds.copy(), np.ones(here.odds.shape, np.float32)
    motion = np.zeros(here.odds.shape, np.float32)
    if min(here.odds.shape) < LEAST_FLOW_SIDE:
        return total, motion
    for other in near:
        field = flow(here.grey, other.grey)
        error = np.abs(bend(other.grey, field) - here.grey)
        weight = NEIGHBOUR_WEIGHT * np.exp(-((cv2.blur(error, (3, 3)) / LIKENESS_LEVELS) ** 2)) * here.small.used
        weight /= 1.0 + (here.odds / UNDECIDED_ODDS) ** 2
        total += bend(other.odds, field) * weight
        weights += weight
        np.maximum(motion, np.linalg.norm(field, axis=-1), out=motion)
    odds = np.where(here.small.used, total / weights, here.odds)
    return np.asarray(odds, np.float32), cv2.blur(motion, (9, 9)).astype(np.float32)


def _decided(odds: Array, small: Small) -> tuple[Array, Guide]:
    """Return the share of character (h, w), neighbours of one colour agreeing, and the guide that made them agree."""
    guide = Guide(small.picture, RADIUS, EDGE_VARIANCE)
    belief = _share(odds)
    for _ in range(ROUNDS):
        belief = _share(odds + AGREEMENT * (2.0 * guide.filtered(belief) - 1.0))
    return _without_holes(_without_crumbs(belief * small.used, small), small), guide


def _share(odds: Array) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(odds, -30.0, 30.0))), np.float32)


def _without_crumbs(belief: Array, small: Small) -> Array:
    """Return the belief without pieces that are small and hang on no limb."""
    count, pieces, stats, _ = cv2.connectedComponentsWithStats((belief > 0.5).astype(np.uint8))
    if count <= 2:
        return np.asarray(belief, np.float32)
    area = stats[:, cv2.CC_STAT_AREA]
    kept = area >= LEAST_PIECE * area[1:].max()
    kept[np.unique(pieces[small.limbs])] = True
    kept[0] = True
    return np.where(kept[pieces], belief, np.float32(0.2) * belief).astype(np.float32)


def _without_holes(belief: Array, small: Small) -> Array:
    """Return the belief without holes that nothing is known behind: eyes, a strap, a logo of the background's colour.

    Where the background is known a hole is believed: it lies between an arm and the body.
    """
    count, pieces, stats, _ = cv2.connectedComponentsWithStats((belief <= 0.5).astype(np.uint8))
    filled = stats[:, cv2.CC_STAT_AREA] < GREATEST_HOLE * float((belief > 0.5).sum())
    at_rim = np.unique(np.concatenate([pieces[0], pieces[-1], pieces[:, 0], pieces[:, -1], pieces[~small.used]]))
    filled[at_rim] = filled[0] = False
    if count <= 1 or not filled.any():
        return belief
    unknown = np.ones(belief.shape, np.float32) if small.behind is None else 1.0 - small.behind.trust
    return np.asarray(belief + (1.0 - belief) * filled[pieces] * unknown, np.float32)


def _behind(frame: GeneratedPicture) -> tuple[Array, Array]:
    if frame.behind is None:
        return finite(frame.surroundings), np.where(frame.used > 0, np.float32(0), np.float32(1))
    return finite(frame.behind.picture), np.clip(finite(frame.behind.trust), 0.0, 1.0)


def _whole(here: _Weighed, matted: Matted, window: Window, trust: Array, decided: Array) -> Covered:
    frame = here.frame
    coverage = np.zeros(frame.used.shape, np.float32)
    character, clean = np.zeros_like(frame.picture, np.float32), finite(frame.surroundings).copy()
    coverage[window], character[window] = matted.coverage, matted.character
    inside = frame.used > 0
    clean[inside] = matted.behind[inside[window]]
    error = np.abs(composed(matted) - finite(frame.picture)[window]).max(axis=-1)[inside[window]]
    weight = float(coverage.sum())
    known = float((coverage * trust).sum()) / weight if weight > 0 else 1.0
    return Covered(
        coverage,
        _confidence(here, decided, known),
        character,
        clean if known >= 0.5 and frame.behind is not None else None,
        float(np.percentile(error, 99)),
    )


def _confidence(here: _Weighed, decided: Array, known: float) -> float:
    """Return how decided the decision is, how far the other witnesses see the character where the skeleton says it is,
    and how much of the background is known, multiplied."""
    small = here.small
    sure = np.abs(2.0 * decided - 1.0)[small.used]
    certainty = float(sure.mean()) if sure.size else 1.0
    score = UNKNOWN_SCORE + (1.0 - UNKNOWN_SCORE) * (known if small.behind is not None else 0.0)
    limbs = float(_share(here.odds[small.limbs] - LIMB_ODDS).mean()) if small.limbs.any() else score
    return float(np.clip(certainty * limbs * score, 0.0, 1.0))


def _nothing(frame: GeneratedPicture) -> Covered:
    """The model painted nothing, so there is nobody, and that is certain."""
    shape = frame.used.shape
    surroundings = finite(frame.surroundings)
    clean = None if frame.behind is None else surroundings
    return Covered(np.zeros(shape, np.float32), 1.0, np.zeros((*shape, 3), np.float32), clean, 0.0)


def _window(used: Array, margin: int) -> Window | None:
    rows, columns = np.nonzero((used > 0).any(axis=1))[0], np.nonzero((used > 0).any(axis=0))[0]
    if rows.size == 0:
        return None
    top, left = max(0, int(rows[0]) - margin), max(0, int(columns[0]) - margin)
    return slice(top, int(rows[-1]) + margin + 1), slice(left, int(columns[-1]) + margin + 1)
