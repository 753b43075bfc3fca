"""The evaluation as a person reads it in a terminal: what was compared, each measure beside the plate's own, seams."""

from __future__ import annotations

from typing import TextIO

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from understudy.inference.evaluation.rows import INFINITE, Evaluation, Unbounded

FILE_WIDTH = 160  # columns of a table that no terminal shows
NOT_MEASURED = "-"

LABELS = {
    "ssim": "SSIM", "psnr": "PSNR, dB", "ssim_inside": "SSIM inside the matte", "psnr_inside": "PSNR inside, dB",
    "psnr_outside": "PSNR outside, dB", "lpips": "LPIPS", "change": "change from frame to frame",
    "step": "step of the level", "flicker": "flicker of the level", "colour_inside": "colour just inside, dE2000",
    "colour_outside": "colour just outside, dE2000", "colour_step": "colour across the edge, dE2000",
    "gradient_inside": "gradient just inside", "gradient_edge": "gradient on the edge",
    "gradient_outside": "gradient just outside", "colour": "mean colour, dE2000",
    "lightness_distance": "lightness distance, L*", "chroma_distance": "chroma distance, 0 to 1",
}  # fmt: skip


def show_table(evaluation: Evaluation, stream: TextIO) -> None:
    """Print the tables to `stream`."""
    console = Console(file=stream, width=None if stream.isatty() else FILE_WIDTH, highlight=False)
    console.print(
        f"{escape(evaluation.result)} against {escape(evaluation.against)}: frames {evaluation.first_frame}-"
        f"{evaluation.last_frame} ({evaluation.frames}), {evaluation.size[0]} x {evaluation.size[1]}", soft_wrap=True,
    )  # fmt: skip
    console.print(_measures(evaluation))
    if evaluation.video_distance is not None:
        console.print(f"FVD {_number(evaluation.video_distance)}")
    if evaluation.kind == "plate":
        console.print(f"segments: {escape(evaluation.segments_from)}", soft_wrap=True)
    if evaluation.seams:
        console.print(_seams(evaluation))
    out = [str(row.frame) for row in evaluation.rows if getattr(row, "stands_out", False)]
    if out:
        console.print(f"frames that stand out: {', '.join(out[:20])}{', ...' if len(out) > 20 else ''}")


def _measures(evaluation: Evaluation) -> Table:
    table = Table(box=None, header_style="bold")
    table.add_column("measure")
    for column in ("mean", "worst", "at frame", "plate's own mean", "plate's worst", "frames"):
        table.add_column(column, justify="right")
    for name, found in evaluation.summary.items():
        if name.startswith("plate_"):
            continue
        plate = evaluation.summary.get(f"plate_{name}")
        own = (_number(plate.mean), _number(plate.worst)) if plate is not None else ("", "")
        identical = (
            f"{found.frames} ({found.infinite_frames} identical)" if found.infinite_frames else f"{found.frames}"
        )
        table.add_row(
            LABELS.get(name, name), _number(found.mean), _number(found.worst), str(found.worst_frame), *own, identical
        )
    return table


def _seams(evaluation: Evaluation) -> Table:
    table = Table(box=None, header_style="bold")
    for column in ("seam at", "jump", "plate's change", "ratio", "usual ratio", "step of the level", ""):
        table.add_column(column, justify="right")
    for seam in evaluation.seams:
        numbers = (seam.jump, seam.plate_jump, seam.ratio, seam.usual_ratio, seam.step)
        table.add_row(str(seam.frame), *map(_number, numbers), "stands out" if seam.stands_out else "")
    return table


def _number(value: Unbounded) -> str:
    if value is None:
        return NOT_MEASURED
    return "∞" if value == INFINITE else f"{float(value):.4g}"
