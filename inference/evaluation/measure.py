"""The story of an evaluation: open, measure pair by pair with the one before in hand, tell.

SSIM, PSNR and all that happens over time are measured in the review's display codes, because that is what people see;
colours along the matte and of a reference in CIE L*a*b* from scene-linear light. Deterministic.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Mapping
from pathlib import Path

from understudy.bridge.errors import Finding, RequestError
from understudy.bridge.exr_file import file_digest
from understudy.inference.evaluation.against_plate import AgainstPlate, Wanted
from understudy.inference.evaluation.against_reference import AgainstReference
from understudy.inference.evaluation.opening import Opened
from understudy.inference.evaluation.over_time import fixed_starts, seams_of, with_flicker, with_jumps
from understudy.inference.evaluation.roles import Asked, missing_findings
from understudy.inference.evaluation.rows import Evaluation, Number, PictureRow, Rows
from understudy.inference.evaluation.summary import summary_of
from understudy.inference.evaluation.take_on_disk import Starts

Step = Callable[[int, int], None]


def evaluate(asked: Asked, wanted: Wanted, step: Step = lambda done, total: None) -> Evaluation:
    """Measure what was asked. Raises RequestError, PlateError, EngineError for a network that cannot be used."""
    opened = Opened(asked)
    starts = _starts(opened, wanted)
    video: Number = None
    rows: Rows
    findings = [*opened.findings, *missing_findings(opened.missing)]
    if opened.is_reference:
        rows = AgainstReference(opened).rows(step)
    else:
        pictures = AgainstPlate(opened, wanted)
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
