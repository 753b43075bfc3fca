"""RESULT against the plate's pictures, pair by pair, with the pair before in hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import Finding
from understudy.inference.evaluation.likeness import judged_pixels, mean_where, peak_signal_to_noise, similarity_map
from understudy.inference.evaluation.matte_edge import bands_along, colour_difference, edge_of
from understudy.inference.evaluation.networks import PictureDistance, VideoDistance
from understudy.inference.evaluation.opening import Opened, Pair
from understudy.inference.evaluation.over_time import level_step, mean_change, mean_level
from understudy.inference.evaluation.rows import Number, PictureRow

Floats = NDArray[np.float32]
Where = NDArray[np.bool_]
Step = Callable[[int, int], None]

HALF = 0.5
"""A pixel above it is inside the matte."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to measure, beside what."""

    band_pixels: int = 4
    segment_length: int | None = None
    overlap: int = 0
    lpips: Path | None = None
    fvd: Path | None = None


class _Before(NamedTuple):
    """What is kept of the frame before."""

    row: PictureRow
    result: Floats
    plate: Floats
    inside: Where
    finite: Where


class AgainstPlate:
    """RESULT against the plate's pictures."""

    def __init__(self, opened: Opened, wanted: Wanted) -> None:
        self._opened = opened
        self._band = wanted.band_pixels
        self._lpips = PictureDistance.open(wanted.lpips) if wanted.lpips is not None else None
        self._fvd = VideoDistance.open(wanted.fvd) if wanted.fvd is not None else None

    def rows(self, step: Step) -> list[PictureRow]:
        rows: list[PictureRow] = []
        before: _Before | None = None
        for pair in self._opened.pairs():
            before = self._row(pair, before)
            rows.append(before.row)
            step(len(rows), len(self._opened.frames))
        return rows

    def video_distance(self) -> tuple[Number, tuple[Finding, ...]]:
        return self._fvd.distance() if self._fvd is not None else (None, ())

    def _row(self, pair: Pair, before: _Before | None) -> _Before:
        assert pair.plate is not None  # noqa: S101 - only a reference has none
        opened = self._opened
        result = opened.codes(pair.result, opened.space)
        plate = opened.codes(pair.plate, opened.plate_space)
        finite = pair.result.finite & pair.plate.finite
        inside = finite if pair.matte is None else finite & (pair.matte > HALF)
        row = PictureRow(
            frame=pair.frame,
            not_finite_pixels=int(np.count_nonzero(~finite)),
            matte_pixels=None if pair.matte is None else int(np.count_nonzero(pair.matte > HALF)),
            level=mean_level(result, inside),
            plate_level=mean_level(plate, inside),
            lpips=self._lpips(result, plate) if self._lpips is not None else None,
        )
        row = self._likeness(row, result, plate, finite, pair.matte)
        row = self._edge(row, pair, result, plate, finite)
        if self._fvd is not None:
            self._fvd.add(pair.frame, result, plate)
        now = _Before(row, result, plate, inside, finite)
        return now._replace(row=_moved(now, before)) if before is not None else now

    def _likeness(
        self, row: PictureRow, result: Floats, plate: Floats, finite: Where, matte: Floats | None
    ) -> PictureRow:
        """Return the row with SSIM and PSNR, over the whole and inside and outside the matte."""
        similar, judged = similarity_map(result, plate), judged_pixels(finite)
        row = msgspec.structs.replace(
            row,
            psnr=peak_signal_to_noise(result, plate, finite),
            ssim=None if similar is None else mean_where(similar, judged),
        )
        if matte is None:
            return row
        inside, outside = matte > HALF, matte <= self._opened.clear
        return msgspec.structs.replace(
            row,
            psnr_inside=peak_signal_to_noise(result, plate, finite & inside),
            psnr_outside=peak_signal_to_noise(result, plate, finite & outside),
            ssim_inside=None if similar is None else mean_where(similar, judged & inside),
        )

    def _edge(self, row: PictureRow, pair: Pair, result: Floats, plate: Floats, finite: Where) -> PictureRow:
        """Return the row with what is measured along the matte; as it is where there is none, or an empty one."""
        assert pair.plate is not None  # noqa: S101 - only a reference has none
        matte, opened = pair.matte, self._opened
        bands = None if matte is None else bands_along(matte, finite, self._band, opened.clear)
        if bands is None:
            return row
        part = (bands.rows, bands.columns)
        lab = opened.lab(pair.result.linear[part], opened.space)
        plate_lab = opened.lab(pair.plate.linear[part], opened.plate_space)
        here, there = edge_of(lab, result[part], bands), edge_of(plate_lab, plate[part], bands)
        return msgspec.structs.replace(
            row,
            colour_inside=colour_difference(lab, plate_lab, bands.inside),
            colour_outside=colour_difference(lab, plate_lab, bands.outside),
            colour_step=here.colour_step,
            plate_colour_step=there.colour_step,
            gradient_inside=here.gradient_inside,
            gradient_edge=here.gradient_edge,
            gradient_outside=here.gradient_outside,
            plate_gradient_inside=there.gradient_inside,
            plate_gradient_edge=there.gradient_edge,
            plate_gradient_outside=there.gradient_outside,
        )


def _moved(now: _Before, before: _Before) -> PictureRow:
    """Return the row with what changed since the frame before; nothing where a frame is missing between."""
    row = now.row
    if row.frame != before.row.frame + 1:
        return row
    where = (now.inside | before.inside) & now.finite & before.finite
    return msgspec.structs.replace(
        row,
        change=mean_change(now.result, before.result, where),
        plate_change=mean_change(now.plate, before.plate, where),
        step=level_step(row, before.row),
    )
