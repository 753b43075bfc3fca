"""How much of each edge pixel the character covers, and its own colour there. Pure; any thread.

A pixel at an edge is a mixture of light, so it is taken apart in scene-linear light (picture/tone.py undoes the model's
encoding), where the pipeline puts it together again.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.engines.smooth import blur, blur_known, disc, spread, worn
from understudy.inference.picture.tone import decode, encode

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

BAND_PIXELS_AT_1280 = 3.0
"""Half the width of the band along the outline in which an edge is looked for: hair, the VAE's own softness."""
LEAST_BAND_PIXELS = 1.5
"""However small the picture: its own softness is a matter of pixels."""
SHUTTER = 0.25
"""Motion blur is as long as half the way from frame to frame (a shutter of 180 degrees), half of that on either side of
where the edge is decided to be."""
GREATEST_BAND_AT_1280 = 24.0
TELLING_CONTRAST = 0.08
"""Difference in scene-linear light, relative to the brighter side, from which an edge's colours tell its coverage."""
STRAIGHTNESS = 2.0
"""A mixture of two colours lies on the line between them: the further off, the less it tells."""
REST_COVERAGE = 0.4
"""Up to here the background takes what the sum still misses, wholly at 0."""
LEAST_COVERAGE = 0.02
"""Below this a colour divided by its coverage is noise."""


class Decided(NamedTuple):
    """A frame, or a window of it, where what is character is decided but for the edge."""

    picture: Array
    """(h, w, 3), the model's encoding."""
    decided: Array
    """(h, w), 0 to 1."""
    behind: Array
    """(h, w, 3)."""
    trust: Array
    """(h, w): how far `behind` is known."""
    used: Mask
    motion: Array
    """(h, w), pixels from frame to frame."""

    def within(self, rows: slice, columns: slice) -> Decided:
        window = rows, columns
        picture, decided, behind, trust, motion = (
            np.ascontiguousarray(part[window], np.float32)
            for part in (self.picture, self.decided, self.behind, self.trust, self.motion)
        )
        return Decided(picture, decided, behind, trust, np.ascontiguousarray(self.used[window]), motion)


class Matted(NamedTuple):
    """`coverage` (h, w); `character` (h, w, 3) straight colour and `behind` (h, w, 3), in the model's encoding."""

    coverage: Array
    character: Array
    behind: Array


def taken_apart(parts: Decided, scale: float) -> Matted:
    """Find the edge of a decided character. scale: the whole picture's longer side over 1280."""
    picture, decided, behind, trust, used, motion = parts
    hard = ((decided > 0.5) & used).astype(np.uint8)
    band = np.minimum(scale * BAND_PIXELS_AT_1280 + SHUTTER * motion, scale * GREATEST_BAND_AT_1280)
    band = np.maximum(band, LEAST_BAND_PIXELS)
    inside, outside = _away(1 - hard) > band, _away(hard) > band
    # Whatever is thinner than the band keeps its core, else it would have no colour of its own.
    inside |= (worn(hard, 3) > 0) & (_away(1 - hard) >= _ridge(hard))
    inside |= (hard > 0) & ~_near(inside, hard)
    light = np.maximum(decode(picture), 0.0)
    front = spread(light, _weight(inside))
    back = _back(light, np.maximum(decode(behind), 0.0), trust, outside, 6.0 * scale)
    coverage = _measured(light, front, back, decided, inside, outside)
    coverage = np.where(used, coverage, np.float32(0)).astype(np.float32)
    character = _own_colour(light, front, back, coverage)
    back = _with_the_rest(light, character, back, coverage)
    return Matted(coverage, encode(character), encode(back))


def composed(made: Matted) -> Array:
    """Return character over behind, composed in linear light, in the model's encoding."""
    front, back = decode(made.character), decode(made.behind)
    return encode(np.asarray(back + (front - back) * made.coverage[..., None], np.float32))


def _away(mask: NDArray[np.uint8]) -> Array:
    """Return each pixel's distance to the nearest of `mask`; far everywhere where there is none.

    The coarse transform is exact to some per cent of the distance and, unlike OpenCV 5's precise one, the same bits
    wherever its result lies in memory.
    """
    if not mask.any():
        return np.full(mask.shape, 1e4, np.float32)
    return np.asarray(cv2.distanceTransform(1 - mask, cv2.DIST_L2, cv2.DIST_MASK_5), np.float32)


def _ridge(hard: NDArray[np.uint8]) -> Array:
    """Return the greatest distance to the outside among the neighbours: the middle of a thin part reaches it."""
    depth = _away(1 - hard)
    return np.asarray(cv2.dilate(depth, disc(5)), np.float32) - 0.1


def _near(inside: Mask, hard: NDArray[np.uint8]) -> Mask:
    """Return which pieces of the character have something inside."""
    count, pieces = cv2.connectedComponents(hard)
    has = np.zeros(count, bool)
    has[np.unique(pieces[inside])] = True
    return np.asarray(has[pieces])


def _weight(mask: Mask) -> Array:
    return mask.astype(np.float32)


def _back(light: Array, behind: Array, trust: Array, outside: Mask, radius: float) -> Array:
    """Return the background's light everywhere: as generated where it is seen, else what is known at its level there,
    else what is seen around, spread."""
    seen = _weight(outside)
    if float(trust.max(initial=0.0)) <= 0.0 or not outside.any():
        return _rest(light, spread(light, seen) if outside.any() else behind, outside)
    known = seen * trust
    # A ratio of light, not a difference: what the model shades, shades the background behind the edge too.
    ratio = np.clip((light + 0.02) / (behind + 0.02), 0.5, 2.0)
    smooth = blur_known(np.asarray(ratio, np.float32), known + 1e-5, radius)
    smooth = spread(smooth, np.minimum(1.0, blur(known, radius) * 4.0))
    levelled = (behind + 0.02) * smooth - 0.02
    invented = spread(light, seen)
    filled = invented + (levelled - invented) * trust[..., None]
    return _rest(light, np.asarray(np.maximum(filled, 0.0), np.float32), outside)


def _rest(light: Array, filled: Array, outside: Mask) -> Array:
    """Return the picture itself outside the band, faded into `filled` at the band's edge."""
    fade = np.minimum(blur(_weight(outside), 1.0), _weight(outside))[..., None]
    return np.asarray(filled + (light - filled) * fade, np.float32)


def _measured(light: Array, front: Array, back: Array, decided: Array, inside: Mask, outside: Mask) -> Array:
    """Place each pixel of the band on the line from the background's light to the character's."""
    line = front - back
    length = (line * line).sum(axis=-1)
    along = ((light - back) * line).sum(axis=-1) / np.maximum(length, 1e-9)
    measured = np.clip((along - 0.04) / 0.92, 0.0, 1.0)
    level = np.maximum((front * front).sum(axis=-1), (back * back).sum(axis=-1)) + 1e-4
    off_line = ((light - back - line * np.clip(along, 0.0, 1.0)[..., None]) ** 2).sum(axis=-1)
    trust = np.clip(length / level / TELLING_CONTRAST, 0.0, 1.0) * np.exp(-STRAIGHTNESS * off_line / (length + 1e-6))
    mixed = decided + (measured - decided) * trust
    mixed = np.where(inside, 1.0, np.where(outside, 0.0, mixed))
    return np.asarray(np.clip(mixed, 0.0, 1.0), np.float32)


def _with_the_rest(light: Array, character: Array, back: Array, coverage: Array) -> Array:
    """Return the background with what character and background together still miss of the picture, where little is
    covered: there the background is what is seen, and the eye would see a rim that jumps."""
    over = coverage[..., None]
    missing = light - character * over - back * (1.0 - over)
    share = np.clip(1.0 - coverage / REST_COVERAGE, 0.0, 1.0)[..., None]
    return np.asarray(np.maximum(back + missing * share, 0.0), np.float32)


def _own_colour(light: Array, front: Array, back: Array, coverage: Array) -> Array:
    """Return the character's straight light, without the background's: what is left when that is taken out.

    Held between nothing and twice what the character shows next to it: at a thin edge the division blows up noise.
    """
    covered = np.maximum(coverage, LEAST_COVERAGE)[..., None]
    own = (light - back * (1.0 - coverage[..., None])) / covered
    own = np.clip(own, 0.0, 2.0 * front + 0.02)
    shown = np.clip(coverage / (5 * LEAST_COVERAGE), 0.0, 1.0)[..., None]
    return np.asarray(front + (own - front) * shown, np.float32)
