"""Grain, sharpness and black level of the new character brought to the plate's. Pure; any thread.

Measured where the plate stays and the model's picture should equal it: same pixels, same content, so what differs is
the model's doing. Only the generated picture's own noise is measured where the model painted: outside, the plate's own
grain shines through. Measured once a segment, applied frame by frame, inside the coverage only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from understudy.inference.engines.smooth import blur, worn
from understudy.inference.engines.wan.grain import Grain, grain_field, measure_grain

Array = NDArray[np.float32]
Mask = NDArray[np.bool_]

GREATEST_GRAIN = 0.04
"""Codes, standard deviation: a stop more than 800 ISO film shows in the middle of the curve. More is never added."""
GREATEST_GAIN, LEAST_GAIN = 1.8, 0.6
"""Detail is never made stronger or weaker than this."""
GREATEST_LIFT = 0.03
"""Codes by which black is moved at most."""
DETAIL_PIXELS = 1.2
"""Width of the blur that separates detail from picture: about as far as a VAE softens."""
DARK = 0.25
"""Codes below which the black level counts; its correction fades out towards it."""
LEAST_PIXELS = 400
MARGIN_PIXELS = 9
"""Closer to the model's matte its picture is no longer the plate."""


@dataclass(frozen=True, slots=True)
class Untouched:
    """One frame of a segment, (h, w, 3) in the model's encoding and at one scale; used: (h, w), 0 where the plate
    stays."""

    plate: Array
    generated: Array
    used: Array


@dataclass(frozen=True, slots=True)
class Match:
    """What a segment's character needs. `nothing()` changes nothing."""

    plate_grain: Grain
    own_grain: Grain
    gain: float
    """What to multiply detail by."""
    lift: tuple[float, float, float]
    """What to add in the dark."""
    limited: tuple[str, ...]
    """What would have needed more than is allowed: `grain`, `sharpness`, `black`."""
    measured: bool
    """False where too little of the plate stays to measure on; then nothing is changed."""


def nothing() -> Match:
    return Match(Grain.none(), Grain.none(), 1.0, (0.0, 0.0, 0.0), (), False)


def measure_match(frames: Sequence[Untouched]) -> Match:
    """Return what a segment needs, by the median over some of its frames."""
    useful = [(frame, _open(frame.used)) for frame in frames]
    useful = [(frame, place) for frame, place in useful if int(place.sum()) >= LEAST_PIXELS]
    if not useful:
        return nothing()
    gain = float(np.median([_gain(frame, place) for frame, place in useful]))
    lift = np.median([_lift(frame, place) for frame, place in useful], axis=0)
    plate = Grain.median([measure_grain(_finite(frame.plate), place) for frame, place in useful])
    own = Grain.median([measure_grain(_finite(frame.generated), _painted(frame, place)) for frame, place in useful])
    held_gain = min(max(gain, LEAST_GAIN), GREATEST_GAIN)
    held_lift = np.clip(lift, -GREATEST_LIFT, GREATEST_LIFT)
    limited = [
        name
        for name, over in (
            ("grain", max(map(max, plate.strength)) > GREATEST_GRAIN),
            ("sharpness", held_gain != gain),
            ("black", bool((held_lift != lift).any())),
        )
        if over
    ]
    red, green, blue = (float(part) for part in held_lift)
    return Match(plate, own, held_gain, (red, green, blue), tuple(limited), True)


def matched(picture: Array, coverage: Array, match: Match, frame: int, seed: int) -> Array:
    """Return the picture (h, w, 3), brought to the plate inside `coverage` (h, w), the same bits elsewhere.

    The same frame number and seed give the same grain; neighbours' grain has nothing in common.
    """
    if not match.measured or not (coverage > 0).any():
        return picture
    source = _finite(picture)
    changed = source + np.float32(match.gain - 1.0) * _detail(source)
    luma = blur(np.asarray(changed.mean(axis=-1), np.float32), 1.0)
    changed += np.clip(1.0 - luma / DARK, 0.0, 1.0)[..., None] * np.array(match.lift, np.float32)
    lacking = match.plate_grain.lacking(match.own_grain.through(match.gain), luma, GREATEST_GRAIN)
    changed += grain_field(source.shape, match.plate_grain, frame, seed) * lacking
    mixed = source + (changed - source) * np.clip(_finite(coverage), 0.0, 1.0)[..., None]
    return np.where((coverage > 0)[..., None], mixed, picture).astype(np.float32)


def record(match: Match) -> dict[str, str]:
    """Return what was done, for the marks."""
    if not match.measured:
        return {"matched": "nothing: too little of the plate stays to measure on"}
    added = np.sqrt(np.maximum(np.square(match.plate_grain.strength) - np.square(match.own_grain.strength), 0.0))
    told = {
        "matched_grain": " ".join(f"{value:.4f}" for value in np.minimum(added, GREATEST_GRAIN).mean(axis=0)),
        "matched_grain_size": f"{match.plate_grain.size:.2f} px",
        "matched_sharpness": f"{match.gain:.2f}",
        "matched_black": " ".join(f"{value:+.4f}" for value in match.lift),
    }
    return told | ({"matched_limited": ", ".join(match.limited)} if match.limited else {})


def _open(used: Array) -> Mask:
    """Return where the plate stays, away from the model's matte and from the picture's edge."""
    free = cv2.copyMakeBorder((used <= 0).astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    return np.asarray(worn(np.asarray(free, np.uint8), 2 * MARGIN_PIXELS + 1)[1:-1, 1:-1] > 0)


def _painted(frame: Untouched, otherwise: Mask) -> Mask:
    place = np.asarray(worn((frame.used > 0).astype(np.uint8), 5) > 0)
    return place if int(place.sum()) >= LEAST_PIXELS else otherwise


def _detail(picture: Array) -> Array:
    return picture - blur(picture, DETAIL_PIXELS)


def _gain(frame: Untouched, place: Mask) -> float:
    """Return by how much the plate's detail is stronger: its slope over the generated one's at the same pixels.

    The plate's grain, which the other has not, falls out. The steepest tenth only, where there is an edge and not
    noise.
    """
    wanted, seen = (_detail(_finite(picture))[place].ravel() for picture in (frame.plate, frame.generated))
    strong = np.abs(seen) >= max(float(np.percentile(np.abs(seen), 90)), 1e-3)
    if int(strong.sum()) < 50:
        return 1.0
    seen, wanted = seen[strong].astype(np.float64), wanted[strong].astype(np.float64)
    return float((seen @ wanted) / (seen @ seen))


def _lift(frame: Untouched, place: Mask) -> NDArray[np.float64]:
    """Return what the generated picture lacks (3,) in the plate's darkest twentieth, if that is dark."""
    plate, generated = _finite(frame.plate)[place], _finite(frame.generated)[place]
    luma = plate.mean(axis=-1)
    dark = (luma <= np.percentile(luma, 5)) & (luma < DARK)
    if int(dark.sum()) < 20:
        return np.zeros(3)
    return np.asarray(np.median((plate - generated)[dark], axis=0), np.float64)


def _finite(values: Array) -> Array:
    return np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=1.0, neginf=0.0)
