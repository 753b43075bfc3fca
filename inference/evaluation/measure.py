"""The story of an evaluation: open, measure pair by pair with the one before in hand, tell.

SSIM, PSNR and all that happens over time are measured in the review's display codes, because that is what people see;
colours along the matte and of a reference in CIE L*a*b* from scene-linear light. Deterministic.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from understudy.bridge.errors import Finding, PlateError, RequestError
from understudy.bridge.exr_file import file_digest
from understudy.inference.evaluation.appearance import (
    Palette,
    chroma_distance,
    lightness_distance,
    mean_colour_difference,
    palette_of,
)
from understudy.inference.evaluation.likeness import judged_pixels, mean_where, peak_signal_to_noise, similarity_map
from understudy.inference.evaluation.matte_edge import bands_along, colour_difference, edge_of
from understudy.inference.evaluation.networks import PictureDistance, VideoDistance
from understudy.inference.evaluation.opening import Asked, Opened, Pair, missing_findings
from understudy.inference.evaluation.over_time import (
    fixed_starts,
    level_step,
    mean_change,
    mean_level,
    seams_of,
    with_flicker,
    with_jumps,
)
from understudy.inference.evaluation.rows import AppearanceRow, Evaluation, Number, PictureRow, Rows
from understudy.inference.evaluation.summary import summary_of
from understudy.inference.evaluation.take_on_disk import Starts
from understudy.inference.picture.colour import LINEAR_REC709
from understudy.inference.picture.tone import decode

Floats = NDArray[np.float32]
Where = NDArray[np.bool_]
Step = Callable[[int, int], None]

HALF = 0.5


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


def evaluate(asked: Asked, wanted: Wanted, step: Step = lambda done, total: None) -> Evaluation:
    """Measure what was asked. Raises RequestError, PlateError, EngineError for a network that cannot be used."""
    opened = Opened(asked)
    starts = _starts(opened, wanted)
    video: Number = None
    rows: Rows
    findings = [*opened.findings, *missing_findings(opened.missing)]
    if opened.is_reference:
        rows = _Appearance(opened).rows(step)
    else:
        pictures = _Pictures(opened, wanted)
        rows = with_jumps(with_flicker(pictures.rows(step)), starts.frames)
        video, found = pictures.video_distance()
        findings += [*starts.findings, *found]
    findings += _told_of(rows, opened)
    return Evaluation(
        kind="reference" if opened.is_reference else "plate",
        result=asked.result,
        against=asked.against,
        matte=opened.matte_typed,
        software=f"understudy {importlib.metadata.version('understudy')}",
        colour_config=opened.config.name,
        view="" if opened.is_reference else f"{opened.view.display} / {opened.view.view}",
        size=opened.size,
        first_frame=opened.frames[0],
        last_frame=opened.frames[-1],
        frames=len(rows),
        missing_frames=opened.missing,
        band_pixels=wanted.band_pixels,
        segments_from=starts.source,
        seams=seams_of([row for row in rows if isinstance(row, PictureRow)]),
        summary=summary_of(rows),
        video_distance=video,
        networks=_digests({"lpips": wanted.lpips, "fvd": wanted.fvd}),
        findings=tuple(findings),
        rows=rows,
    )


def _starts(opened: Opened, wanted: Wanted) -> Starts:
    if opened.is_reference:
        return Starts((), "not asked for: appearance alone")
    if wanted.segment_length is not None:
        try:
            frames = fixed_starts(opened.span, wanted.segment_length, wanted.overlap)
        except ValueError as problem:
            raise RequestError(str(problem), remedy="Give --overlap less than --segment-length.") from None
        return Starts(frames, f"--segment-length {wanted.segment_length} --overlap {wanted.overlap}")
    if opened.take is not None:
        return opened.take.segment_starts()
    return Starts((), "not known: RESULT is no take, and no --segment-length was given")


class _Pictures:
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


class _Appearance:
    """RESULT against a still of the character."""

    def __init__(self, opened: Opened) -> None:
        assert opened.reference is not None  # noqa: S101 - the caller has looked
        self._opened = opened
        held = opened.reference.pixels
        lab = opened.lab(decode(np.ascontiguousarray(held[:, :, :3])), LINEAR_REC709)
        found = palette_of(lab.reshape(-1, 3), held[:, :, 3].reshape(-1))
        if found is None:
            raise PlateError(
                f"the reference {opened.asked.against} is transparent everywhere",
                remedy="Give the image that the take was made with.",
            )
        self._reference: Palette = found

    def rows(self, step: Step) -> tuple[AppearanceRow, ...]:
        rows = []
        for pair in self._opened.pairs():
            rows.append(self._row(pair))
            step(len(rows), len(self._opened.frames))
        if not any(row.coverage_pixels for row in rows):
            raise PlateError(
                f"the matte {self._opened.matte_typed} covers nothing in any frame: there is nothing to compare",
                remedy="Check the matte, its channel and its polarity (--matte-channel, --matte-invert).",
            )
        return tuple(rows)

    def _row(self, pair: Pair) -> AppearanceRow:
        assert pair.matte is not None  # noqa: S101 - `Opened` refuses a reference without one
        covered = (pair.matte > HALF) & pair.result.finite
        lost = int(np.count_nonzero(~pair.result.finite))
        row = AppearanceRow(frame=pair.frame, coverage_pixels=int(np.count_nonzero(covered)), not_finite_pixels=lost)
        if not row.coverage_pixels:
            return row
        chosen = np.ascontiguousarray(pair.result.linear[covered][None])
        lab = self._opened.lab(chosen, self._opened.space)[0]
        found = palette_of(lab, pair.matte[covered])
        assert found is not None  # noqa: S101 - every weight is above a half
        return msgspec.structs.replace(
            row,
            colour=mean_colour_difference(found, self._reference),
            lightness_distance=lightness_distance(found, self._reference),
            chroma_distance=chroma_distance(found, self._reference),
        )


def _told_of(rows: Rows, opened: Opened) -> list[Finding]:
    """Return what a reader of the numbers must know of these frames."""
    told = []
    lost = tuple(row.frame for row in rows if row.not_finite_pixels)
    if lost:
        told.append(
            Finding(
                rule="values_not_finite", outcome="note", frames=lost,
                message=f"pixels that are no numbers were left out of every measure in {len(lost)} frames",
            )
        )  # fmt: skip
    empty = tuple(
        row.frame for row in rows if (row.matte_pixels if isinstance(row, PictureRow) else row.coverage_pixels) == 0
    )
    if empty:
        told.append(
            Finding(
                rule="matte_empty", outcome="warn" if len(empty) == len(rows) else "note", frames=empty,
                message=f"the matte {opened.matte_typed} covers nothing in {len(empty)} of {len(rows)} frames: "
                "what is measured inside it and along it is left out there",
                remedy="Check the matte's channel and polarity (--matte-channel, --matte-invert)."
                if len(empty) == len(rows) else "",
            )
        )  # fmt: skip
    if not opened.is_reference and not opened.matte_typed:
        told.append(
            Finding(
                rule="no_matte", outcome="note",
                message="there is no matte: everything is measured over the whole picture, and nothing along an edge",
                remedy="Give --matte, or name a take's folder as RESULT.",
            )
        )  # fmt: skip
    if len(rows) == 1:
        told.append(
            Finding(rule="one_frame", outcome="note", message="one frame alone: nothing over time can be measured")
        )
    return told


def _digests(files: Mapping[str, Path | None]) -> dict[str, str]:
    return {name: file_digest(path) for name, path in files.items() if path is not None}
