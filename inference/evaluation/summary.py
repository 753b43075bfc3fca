"""Rows as a few numbers: the mean, the worst frame, in how many frames. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable

import msgspec

from understudy.inference.evaluation.rows import INFINITE, Rows, Statistic, Unbounded

LOWEST_IS_WORST = frozenset({"ssim", "psnr", "ssim_inside", "psnr_inside", "psnr_outside"})
NOT_MEASURES = frozenset({"frame", "level", "plate_level", "matte_pixels", "coverage_pixels", "not_finite_pixels",
                          "is_seam", "stands_out"})  # fmt: skip


def summary_of(rows: Rows) -> dict[str, Statistic]:
    """Return a statistic of every measure that was made in some frame, in the order of the rows' fields."""
    if not rows:
        return {}
    names = [field.name for field in msgspec.structs.fields(rows[0]) if field.name not in NOT_MEASURES]
    found = {name: _statistic(name, ((row.frame, getattr(row, name)) for row in rows)) for name in names}
    return {name: statistic for name, statistic in found.items() if statistic is not None}


def _statistic(name: str, values: Iterable[tuple[int, Unbounded]]) -> Statistic | None:
    known = [(frame, math.inf if value == INFINITE else float(value)) for frame, value in values if value is not None]
    if not known:
        return None
    finite = [value for _, value in known if math.isfinite(value)]
    worst = (min if name in LOWEST_IS_WORST else max)(known, key=lambda entry: entry[1])
    return Statistic(
        mean=math.fsum(finite) / len(finite) if finite else INFINITE,
        worst=worst[1] if math.isfinite(worst[1]) else INFINITE,
        worst_frame=worst[0],
        frames=len(known),
        infinite_frames=len(known) - len(finite),
    )
