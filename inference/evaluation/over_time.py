"""What happens from frame to frame: change, flicker, jumps at seams, each beside the plate's own. Pure.

A jump is told by numbers alone, not by thresholds of taste: a frame stands out where it lies `OUTLYING` robust standard
deviations above the shot's median (Hampel's rule on the median absolute deviation), and a code of 8 bits at least.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from understudy.bridge.engine_description import SegmentRule
from understudy.inference.cadence import Cadence
from understudy.inference.evaluation.rows import INFINITE, Levels, Number, PictureRow, Seam, Unbounded
from understudy.inference.segments import plan_segments

Codes = NDArray[np.float32]
Where = NDArray[np.bool_]

OUTLYING = 6.0
DEVIATIONS = 1.4826  # the median absolute deviation of a normal distribution times this is its standard deviation
ONE_CODE = 1 / 255


def mean_level(codes: Codes, where: Where) -> Levels | None:
    """Return the mean red, green and blue code over the pixels `where`; None for no pixel."""
    if not where.any():
        return None
    red, green, blue = (float(codes[:, :, channel][where].mean(dtype=np.float64)) for channel in range(3))
    return red, green, blue


def mean_change(now: Codes, before: Codes, where: Where) -> Number:
    """Return the mean absolute difference of two frames' codes over the pixels `where`; None for no pixel."""
    if not where.any():
        return None
    return float(np.abs(now[where] - before[where]).mean(dtype=np.float64))


def level_step(row: PictureRow, before: PictureRow) -> Number:
    """Return how far the level moved beyond the plate's own movement: the greatest of the channels."""
    levels = (row.level, before.level, row.plate_level, before.plate_level)
    if any(level is None for level in levels):
        return None
    now, then, plate_now, plate_then = (np.asarray(level) for level in levels)
    return float(np.abs((now - then) - (plate_now - plate_then)).max())


def with_flicker(rows: Sequence[PictureRow]) -> tuple[PictureRow, ...]:
    """Return the rows with what only the frame behind tells; a frame at an end or beside a gap has none."""
    done = list(rows)
    for index in range(1, len(rows) - 1):
        before, here, after = rows[index - 1 : index + 2]
        if after.frame - before.frame == 2:
            done[index] = msgspec.structs.replace(
                here,
                flicker=_away(before.level, here.level, after.level),
                plate_flicker=_away(before.plate_level, here.plate_level, after.plate_level),
            )
    return tuple(done)


def _away(before: Levels | None, here: Levels | None, after: Levels | None) -> Number:
    if before is None or here is None or after is None:
        return None
    return float(np.abs(np.asarray(here) - (np.asarray(before) + np.asarray(after)) / 2).max())


def planned_starts(cadence: Cadence, rule: SegmentRule) -> tuple[int, ...]:
    """Return the first frame of every segment but the first, as our own pipeline cuts a shot."""
    return tuple(cadence.delivered(segment)[0] for segment in plan_segments(cadence.made, rule)[1:])


def fixed_starts(frames: Sequence[int], length: int, overlap: int) -> tuple[int, ...]:
    """Return the same where every segment has `length` frames, `overlap` of them carried over, as others cut.

    Raises ValueError for a length that never advances.
    """
    fresh = length - overlap
    if length < 1 or overlap < 0 or fresh < 1:
        raise ValueError(f"segments of {length} frames cannot carry {overlap} over")
    return tuple(frames[length::fresh])


def with_jumps(rows: Sequence[PictureRow], starts: Sequence[int]) -> tuple[PictureRow, ...]:
    """Return the rows with what is a seam and what stands out."""
    beyond = [_beyond(row) for row in rows]
    out = [above or moved for above, moved in zip(_outliers(beyond), _outliers([r.step for r in rows]), strict=True)]
    begins = frozenset(starts)
    return tuple(
        msgspec.structs.replace(row, is_seam=row.frame in begins, stands_out=jumps)
        for row, jumps in zip(rows, out, strict=True)
    )


def _beyond(row: PictureRow) -> Number:
    return None if row.change is None or row.plate_change is None else row.change - row.plate_change


def _outliers(values: Sequence[Number]) -> list[bool]:
    known = np.array([value for value in values if value is not None])
    if not known.size:
        return [False] * len(values)
    median = float(np.median(known))
    spread = float(np.median(np.abs(known - median))) * DEVIATIONS
    limit = median + max(OUTLYING * spread, ONE_CODE)
    return [value is not None and value > limit for value in values]


def seams_of(rows: Sequence[PictureRow]) -> tuple[Seam, ...]:
    """Return every seam that has a frame before it, beside the plate's change and the shot's usual ratio."""
    usual = _median([_ratio(row) for row in rows if not row.is_seam])
    return tuple(
        Seam(
            frame=row.frame, jump=row.change, plate_jump=row.plate_change, ratio=_ratio(row), usual_ratio=usual,
            step=row.step, stands_out=row.stands_out,
        )
        for row in rows
        if row.is_seam
    )  # fmt: skip


def _ratio(row: PictureRow) -> Unbounded:
    if row.change is None or row.plate_change is None:
        return None
    if row.plate_change == 0:
        return INFINITE if row.change else 1.0
    return row.change / row.plate_change


def _median(ratios: Sequence[Unbounded]) -> Unbounded:
    known = sorted(float(ratio) for ratio in ratios if ratio is not None)
    if not known:
        return None
    median = known[len(known) // 2]
    return INFINITE if np.isinf(median) else median
