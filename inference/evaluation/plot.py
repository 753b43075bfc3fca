"""The evaluation as curves over the frames, seams marked: a PNG, the same bytes for the same evaluation.

Colours are Okabe and Ito's (2008), told apart in every common kind of colour blindness; the plate's own curve is dashed
besides, so that a grey print reads too.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import NamedTuple

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from understudy.inference.evaluation.rows import INFINITE, AppearanceRow, Evaluation, PictureRow

WIDTH_INCHES, PANEL_INCHES, DOTS = 11.0, 2.0, 110
BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#555555"
MARKED_FRAMES = 60
"""Up to this many frames each has a dot: a curve of one or two frames would otherwise not be seen."""


class _Curve(NamedTuple):
    field: str
    label: str
    colour: str
    dashed: bool = False


class _Panel(NamedTuple):
    title: str
    curves: tuple[_Curve, ...]


_PICTURES = (
    _Panel("SSIM", (_Curve("ssim", "whole picture", BLUE), _Curve("ssim_inside", "inside the matte", ORANGE, True))),
    _Panel(
        "PSNR, dB",
        (
            _Curve("psnr", "whole picture", BLUE), _Curve("psnr_inside", "inside the matte", ORANGE, True),
            _Curve("psnr_outside", "outside", GREEN),
        ),
    ),
    _Panel("LPIPS", (_Curve("lpips", "whole picture", BLUE),)),
    _Panel(
        "change from frame\nto frame, codes",
        (_Curve("change", "result", BLUE), _Curve("plate_change", "plate's own", GREY, True)),
    ),
    _Panel(
        "level, codes",
        (
            _Curve("flicker", "flicker of the result", BLUE),
            _Curve("plate_flicker", "flicker of the plate", GREY, True),
            _Curve("step", "step beyond the plate's", ORANGE),
        ),
    ),
    _Panel(
        "colour at the\nmatte, ΔE2000",
        (
            _Curve("colour_inside", "just inside", BLUE), _Curve("colour_outside", "just outside", GREEN),
            _Curve("colour_step", "across the edge", ORANGE),
            _Curve("plate_colour_step", "across it in the plate", GREY, True),
        ),
    ),
    _Panel(
        "gradient on the\nedge, codes/pixel",
        (_Curve("gradient_edge", "result", BLUE), _Curve("plate_gradient_edge", "plate's own", GREY, True)),
    ),
)  # fmt: skip
_APPEARANCE = (
    _Panel("mean colour, ΔE2000", (_Curve("colour", "result to reference", BLUE),)),
    _Panel("lightness\ndistance, L*", (_Curve("lightness_distance", "result to reference", BLUE),)),
    _Panel("chroma distance", (_Curve("chroma_distance", "result to reference", BLUE),)),
)


def draw_plot(evaluation: Evaluation) -> bytes:
    """Return the plot as a PNG: one panel a kind of measure, those without a number left out."""
    rows = evaluation.rows
    panels = [p for p in (_PICTURES if evaluation.kind == "plate" else _APPEARANCE) if _is_measured(p, rows)]
    # The user's own matplotlibrc is left out: the same numbers give the same picture.
    with style.context("default"):
        return _drawn(evaluation, panels)


def _drawn(evaluation: Evaluation, panels: Sequence[_Panel]) -> bytes:
    figure = Figure(figsize=(WIDTH_INCHES, PANEL_INCHES * max(1, len(panels)) + 1.0), dpi=DOTS, layout="constrained")
    axes = figure.subplots(max(1, len(panels)), 1, sharex=True, squeeze=False)[:, 0]
    for panel, axis in zip(panels, axes, strict=False):
        _draw(axis, panel, evaluation, named="a segment begins" if axis is axes[0] else None)
    axes[-1].set_xlabel("frame")
    axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.suptitle(_title(evaluation), fontsize=11)
    stream = io.BytesIO()
    # Without its own name in the file, which would change with its version.
    FigureCanvasAgg(figure).print_png(stream, metadata={"Software": None})
    return stream.getvalue()


def _draw(axis: Axes, panel: _Panel, evaluation: Evaluation, named: str | None) -> None:
    frames = [row.frame for row in evaluation.rows]
    infinite = []
    for curve in panel.curves:
        values = [getattr(row, curve.field) for row in evaluation.rows]
        if all(value is None for value in values):
            continue
        finite = [float("nan") if value is None or value == INFINITE else float(value) for value in values]
        if any(value == value for value in finite):  # NaN is unlike itself
            axis.plot(
                frames, finite, color=curve.colour, label=curve.label, linewidth=1.6,
                linestyle=(0, (4, 2)) if curve.dashed else "solid",
                marker="." if len(frames) <= MARKED_FRAMES else "", markersize=6,
            )  # fmt: skip
        infinite.append((curve, [frame for frame, value in zip(frames, values, strict=True) if value == INFINITE]))
    if not axis.lines:
        axis.set_yticks([])  # nothing but infinities: numbers on the axis would mean nothing
    _mark_infinite(axis, infinite)
    _mark_seams(axis, evaluation, named)
    axis.set_ylabel(panel.title, fontsize=9)
    axis.grid(axis="y", color="#dddddd", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    axis.tick_params(labelsize=8)
    axis.margins(x=0.02)
    axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8, frameon=False)


def _mark_infinite(axis: Axes, infinite: Sequence[tuple[_Curve, list[int]]]) -> None:
    """Draw what no axis can hold: a triangle at the top for every frame in which two pictures are identical."""
    height = 0.98
    for curve, frames in infinite:
        if frames:
            axis.plot(
                frames, [height] * len(frames), transform=axis.get_xaxis_transform(), linestyle="none", marker="^",
                markersize=4, color=curve.colour, label=f"∞: {curve.label} identical", clip_on=False,
            )  # fmt: skip
            height -= 0.09


def _mark_seams(axis: Axes, evaluation: Evaluation, named: str | None) -> None:
    seams = [row.frame for row in evaluation.rows if isinstance(row, PictureRow) and row.is_seam]
    for index, frame in enumerate(seams):
        label = named if index == 0 else None
        axis.axvline(frame, color="#000000", linewidth=0.9, linestyle=(0, (1, 2)), label=label, zorder=0)
    for row in evaluation.rows:
        if isinstance(row, PictureRow) and row.stands_out:
            axis.axvspan(row.frame - 0.5, row.frame + 0.5, color="#F0E442", alpha=0.5, linewidth=0, zorder=-1)


def _is_measured(panel: _Panel, rows: Sequence[PictureRow | AppearanceRow]) -> bool:
    return any(getattr(row, curve.field) is not None for curve in panel.curves for row in rows)


def _title(evaluation: Evaluation) -> str:
    named = [_short(evaluation.result), _short(evaluation.against)]
    out = sum(isinstance(row, PictureRow) and row.stands_out for row in evaluation.rows)
    told = f"   ({out} frame{'s' if out > 1 else ''} on yellow stand{'' if out > 1 else 's'} out)" if out else ""
    return f"{named[0]} against {named[1]}{told}"


def _short(typed: str, length: int = 48) -> str:
    """Return the end of a path; `$` would begin a formula."""
    said = typed.replace("$", r"\$")
    return said if len(said) <= length else "…" + said[1 - length :]
