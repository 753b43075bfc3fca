"""How an evaluation is told: summary, table, plot, file, and the page that explains them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import msgspec
import pytest

pytest.importorskip("skimage", reason="measures need scikit-image: pip install 'understudy[evaluate]'")
pytest.importorskip("matplotlib", reason="the plot needs matplotlib: pip install 'understudy[evaluate]'")

import matplotlib

from understudy.inference.evaluation.over_time import seams_of
from understudy.inference.evaluation.plot import draw_plot
from understudy.inference.evaluation.results_file import results_text
from understudy.inference.evaluation.rows import AppearanceRow, Evaluation, PictureRow, Rows
from understudy.inference.evaluation.summary import summary_of
from understudy.inference.evaluation.table import show_table

PAGE = Path(__file__).parents[3] / "docs" / "evaluate.md"
ROWS = (
    PictureRow(frame=1, ssim=0.9, psnr="inf", change=None),
    PictureRow(frame=2, ssim=0.7, psnr=30.0, change=0.03, plate_change=0.01, is_seam=True, stands_out=True),
    PictureRow(frame=3, ssim=0.8, psnr=40.0, change=0.0123456789, plate_change=0.01),
)


def evaluation(rows: Rows = ROWS, result: str = "comp.####.exr") -> Evaluation:
    return Evaluation(
        kind="plate", result=result, against="plate.####.exr", matte="", software="", colour_config="", view="",
        size=(64, 32), first_frame=1, last_frame=3, frames=len(rows), missing_frames={}, band_pixels=4,
        segments_from="typed", seams=seams_of([row for row in rows if isinstance(row, PictureRow)]),
        summary=summary_of(rows), video_distance=None, networks={}, findings=(), rows=rows,
    )  # fmt: skip


def test_when_nothing_was_measured_then_there_is_no_statistic() -> None:
    assert summary_of(()) == {}
    assert summary_of((PictureRow(frame=1), PictureRow(frame=2))) == {}


def test_when_some_frames_are_identical_then_the_mean_is_that_of_the_others_and_they_are_counted() -> None:
    found = summary_of(ROWS)["psnr"]
    assert (found.mean, found.worst, found.worst_frame) == (35.0, 30.0, 2)
    assert (found.frames, found.infinite_frames) == (3, 1)


def test_when_all_frames_are_identical_then_the_mean_is_infinite() -> None:
    found = summary_of(ROWS[:1])["psnr"]
    assert (found.mean, found.worst, found.infinite_frames) == ("inf", "inf", 1)


def test_when_a_measure_is_better_the_lower_it_is_then_its_worst_is_the_highest() -> None:
    assert (summary_of(ROWS)["change"].worst, summary_of(ROWS)["change"].worst_frame) == (0.03, 2)
    assert (summary_of(ROWS)["ssim"].worst, summary_of(ROWS)["ssim"].worst_frame) == (0.7, 2)


def test_when_the_file_is_read_then_infinity_is_a_word_and_numbers_have_six_digits() -> None:
    told = json.loads(results_text(evaluation()))
    assert [row["psnr"] for row in told["rows"]] == ["inf", 30.0, 40.0]
    assert told["rows"][2]["change"] == 0.0123457
    assert told["rows"][0]["change"] is None


def test_when_the_table_goes_to_a_file_then_nothing_is_cut_and_words_are_no_markup() -> None:
    stream = io.StringIO()
    show_table(evaluation(result="[bold]take[/].####.exr"), stream)
    said = stream.getvalue()
    assert "[bold]take[/].####.exr" in said
    assert "3 (1 identical)" in said
    assert "frames that stand out: 2" in said
    assert "…" not in said


def test_when_the_user_has_a_style_of_his_own_then_the_plot_is_the_same() -> None:
    plain = draw_plot(evaluation())
    with matplotlib.rc_context({"axes.facecolor": "red", "figure.facecolor": "black"}):
        assert draw_plot(evaluation()) == plain


def test_when_a_name_looks_like_a_formula_then_it_is_drawn_as_it_is() -> None:
    assert draw_plot(evaluation(result="$\\frac$.####.exr")).startswith(b"\x89PNG")


def test_when_nothing_was_measured_then_the_plot_is_empty_and_no_error() -> None:
    assert draw_plot(evaluation((PictureRow(frame=1),))).startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", [PictureRow, AppearanceRow])
def test_when_a_row_has_a_measure_then_the_page_says_what_it_means(kind: type[msgspec.Struct]) -> None:
    page = PAGE.read_text(encoding="utf-8")
    told = ("frame", "matte_pixels", "coverage_pixels")
    grouped = {"gradient_edge": "`_edge`", "gradient_outside": "`_outside`", "psnr_inside": "`_inside`",
               "psnr_outside": "`_outside`", "lpips": "LPIPS"}  # fmt: skip
    names = [field.name for field in msgspec.structs.fields(kind) if field.name not in told]
    lacking = [
        name
        for name in names
        if f"`{name}`" not in page
        and grouped.get(name, "\0") not in page
        and not (name.startswith("plate_gradient") and "`plate_…`" in page)
    ]
    assert lacking == []
