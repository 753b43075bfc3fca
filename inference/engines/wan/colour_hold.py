"""Colour held to the plate from segment to segment: what the model changed where it should change nothing. Pure.

Outside its matte the generated picture should be the plate. How it differs there (gain and offset of each channel, and
what varies slowly over the picture) is the segment's drift, and inside it has drifted alike: that is undone. One
measure a segment, from that segment alone: the same segment gives the same bits, and nothing jumps inside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from understudy.inference.engines.smooth import blur, resized, shrink, spread, worn

Array = NDArray[np.float32]
Hold = Literal["off", "gentle", "full"]

SHARES: dict[Hold, float] = {"off": 0.0, "gentle": 0.5, "full": 1.0}
GREATEST_GAIN, GREATEST_OFFSET, GREATEST_LOCAL = 0.25, 0.08, 0.04
"""Limits of a correction at `full` (gain away from 1; codes; codes); `gentle` has half of each. A picture further off
is no drift, but another picture."""
CELLS = 16
"""Along the longer side: finer differences are the model's detail, not drift."""
LEAST_PIXELS = 200
LEAST_VARIANCE = 2e-4
"""Codes squared: a flat surrounding tells an offset, but no gain."""
TRIMMED = 80.0
"""Per cent of the pixels that are believed: those that agree best, so that a lamp that clips does not count."""
ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Held:
    """One frame of a segment, (h, w, 3) in the model's encoding; used: (h, w), 0 where the plate should stay."""

    plate: Array
    generated: Array
    used: Array


@dataclass(frozen=True, slots=True)
class Drift:
    """plate = gain * generated + offset + local, about."""

    gain: tuple[float, float, float]
    offset: tuple[float, float, float]
    local: Array
    """(rows, columns, 3) codes, coarse."""
    measured: bool
    """False where too little of the plate stays to measure on; then nothing is changed."""


def no_drift() -> Drift:
    return Drift((1.0, 1.0, 1.0), (0.0, 0.0, 0.0), np.zeros((2, 2, 3), np.float32), False)


def measure_drift(frames: Sequence[Held]) -> Drift:
    """Return a segment's drift, from some of its frames."""
    plates, generated = [], []
    for frame in frames:
        place = worn((frame.used <= 0).astype(np.uint8), 9) > 0
        step = max(1, int(np.sqrt(place.size / 40_000)))
        grid = np.zeros(place.shape, bool)
        grid[::step, ::step] = True
        plates.append(_finite(frame.plate)[place & grid])
        generated.append(_finite(frame.generated)[place & grid])
    wanted = np.concatenate(plates or [np.zeros((0, 3), np.float32)])
    seen = np.concatenate(generated or [np.zeros((0, 3), np.float32)])
    if len(wanted) < LEAST_PIXELS:
        return no_drift()
    lines = [_line(seen[:, index].astype(np.float64), wanted[:, index].astype(np.float64)) for index in range(3)]
    gain, offset = np.array([line[0] for line in lines]), np.array([line[1] for line in lines])
    local = _local(frames, gain.astype(np.float32), offset.astype(np.float32))
    return Drift(_three(gain), _three(offset), local, True)


def held(picture: Array, drift: Drift, hold: Hold) -> Array:
    """Return the picture (h, w, 3) with a share of the drift undone, within limits."""
    share = SHARES[hold]
    if share == 0.0 or not drift.measured:
        return picture
    source = _finite(picture)
    gain = 1.0 + share * np.clip(np.array(drift.gain) - 1.0, -GREATEST_GAIN, GREATEST_GAIN)
    offset = share * np.clip(np.array(drift.offset), -GREATEST_OFFSET, GREATEST_OFFSET)
    local = share * np.clip(drift.local, -GREATEST_LOCAL, GREATEST_LOCAL)
    smooth = resized(local.astype(np.float32), *source.shape[:2])
    return np.asarray(source * gain.astype(np.float32) + offset.astype(np.float32) + smooth, np.float32)


def beyond_limits(drift: Drift) -> bool:
    """Return whether the drift is more than `full` undoes: worth a finding."""
    far = np.abs(np.array(drift.gain) - 1.0).max() > GREATEST_GAIN
    off = np.abs(drift.offset).max() > GREATEST_OFFSET
    return bool(far or off or np.abs(drift.local).max() > GREATEST_LOCAL)


def residual(frames: Sequence[Held], drift: Drift, hold: Hold) -> float:
    """Return how far the held pictures still are from the plate where it stays: the greatest channel's mean, codes."""
    worst = []
    for frame in frames:
        place = frame.used <= 0
        if place.any():
            error = held(frame.generated, drift, hold)[place] - _finite(frame.plate)[place]
            worst.append(float(np.abs(error.mean(axis=0)).max()))
    return max(worst, default=0.0)


def _line(seen: NDArray[np.float64], wanted: NDArray[np.float64]) -> tuple[float, float]:
    """Return gain and offset by least squares over the pixels that agree best (least trimmed squares, after Rousseeuw
    and van Driessen, 2006: fit, keep the nearest, fit again)."""
    if float(seen.var()) < LEAST_VARIANCE:
        return 1.0, float(np.median(wanted - seen))
    gain, offset = 1.0, float(np.median(wanted - seen))
    for _ in range(ROUNDS):
        error = np.abs(gain * seen + offset - wanted)
        kept = error <= np.percentile(error, TRIMMED)
        mine, theirs = seen[kept], wanted[kept]
        variance = float(mine.var())
        if variance < LEAST_VARIANCE:
            return 1.0, float(np.median(wanted - seen))
        gain = float(((mine - mine.mean()) * (theirs - theirs.mean())).mean()) / variance
        offset = float(theirs.mean() - gain * mine.mean())
    return gain, offset


def _local(frames: Sequence[Held], gain: Array, offset: Array) -> Array:
    """Return what is left, slowly varying, (rows, columns, 3): seen outside the matte, spread into it."""
    height, width = frames[0].used.shape
    factor = min(1.0, CELLS / max(height, width))
    size = (max(2, round(height * factor)), max(2, round(width * factor)))
    total, weights = np.zeros((*size, 3), np.float32), np.zeros(size, np.float32)
    for frame in frames:
        place = (worn((frame.used <= 0).astype(np.uint8), 9) > 0).astype(np.float32)
        error = _finite(frame.plate) - (_finite(frame.generated) * gain + offset)
        # An edge that the VAE moved is no drift.
        error = np.clip(error, -2 * GREATEST_LOCAL, 2 * GREATEST_LOCAL)
        total += shrink(np.asarray(error * place[..., None], np.float32), size)
        weights += shrink(place, size)
    mean = total / np.maximum(weights, 1e-6)[..., None]
    known = np.clip(weights / len(frames) * 4.0, 0.0, 1.0).astype(np.float32)
    return blur(spread(np.asarray(mean, np.float32), known), 1.0)


def _three(values: NDArray[np.floating]) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])


def _finite(values: Array) -> Array:
    return np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=1.0, neginf=0.0)
