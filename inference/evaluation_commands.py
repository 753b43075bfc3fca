"""`understudy evaluate`: a result against its plate, or against its reference, in numbers, curves and a file.

Imports are inside the command: only whoever evaluates pays for scikit-image and matplotlib.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from understudy.bridge.errors import Finding, RequestError

if TYPE_CHECKING:
    from understudy.inference.evaluation.rows import Evaluation

EXTRA = "pip install 'understudy[evaluate]'"


def register(app: typer.Typer) -> None:
    """Add `evaluate` to the command line."""
    app.command()(evaluate)


def evaluate(
    result: Annotated[str, typer.Argument(help="A take's folder, numbered files (name.####.exr) or a movie.")],
    against: Annotated[
        str, typer.Option(help="The plate: numbered files, a movie or a take's folder. Or the reference: a still.")
    ],
    matte: Annotated[
        str | None, typer.Option(help="Where it was replaced. Default: the take's own matte_effective.")
    ] = None,
    matte_channel: Annotated[str | None, typer.Option(help="Which channel of the matte.")] = None,
    matte_invert: Annotated[bool, typer.Option("--matte-invert", help="Black = replaced here.")] = False,
    out: Annotated[Path | None, typer.Option(help="A folder for evaluation.json and evaluation.png.")] = None,
    frames: Annotated[str | None, typer.Option(help="Which frames: 1001-1096. Default: all that RESULT has.")] = None,
    first: Annotated[int, typer.Option(help="Frame number of the first picture, where RESULT is a movie.")] = 0,
    against_first: Annotated[int, typer.Option(help="The same, where --against is a movie.")] = 0,
    colour: Annotated[str | None, typer.Option(help="RESULT's colour space. Default: what its files say.")] = None,
    against_colour: Annotated[str | None, typer.Option(help="The colour space of --against.")] = None,
    ocio: Annotated[
        str | None, typer.Option(help="The OCIO config: a path, a built-in one, or none. Default: the take's own.")
    ] = None,
    segment_length: Annotated[
        int | None, typer.Option(min=1, help="Frames of a segment, to find seams. Default: the take's own segments.")
    ] = None,
    overlap: Annotated[int, typer.Option(min=0, help="How many of them each segment shares with the last one.")] = 0,
    band: Annotated[int, typer.Option(min=1, max=64, help="Pixels that are judged on each side of the edge.")] = 4,
    lpips_weights: Annotated[Path | None, typer.Option(help="LPIPS as an ONNX file: see docs/evaluate.md.")] = None,
    fvd_weights: Annotated[Path | None, typer.Option(help="I3D features as an ONNX file, for FVD.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the JSON, and nothing else, on standard output.")
    ] = False,
) -> None:
    """Measure RESULT: likeness, flicker, seams, and how it sits in its plate along the matte."""
    _refuse_without_libraries()
    from understudy.inference.evaluation.against_plate import Wanted
    from understudy.inference.evaluation.measure import evaluate as measure
    from understudy.inference.evaluation.roles import Asked

    _refuse_inside_a_take(out, result, against)
    found = measure(
        Asked(
            result=result, against=against, matte=matte, matte_channel=matte_channel, matte_invert=matte_invert,
            frames=frames, first=first, against_first=against_first, colour=colour, against_colour=against_colour,
            ocio=ocio,
        ),
        Wanted(
            band_pixels=band, segment_length=segment_length, overlap=overlap, lpips=lpips_weights, fvd=fvd_weights
        ),
        _tell,
    )  # fmt: skip
    _give(found, out, as_json)


def _give(found: Evaluation, out: Path | None, as_json: bool) -> None:
    from understudy.inference.evaluation.results_file import results_text

    written = _write(out, found) if out is not None else ()
    if as_json:
        sys.stdout.buffer.write(results_text(found))
        sys.stdout.buffer.flush()
        return
    _show(found, written)


def _refuse_without_libraries() -> None:
    """Raises RequestError that names the extra, before anything is read."""
    try:
        import matplotlib  # noqa: F401
        import skimage  # noqa: F401

        from understudy.inference.picture import images  # noqa: F401 - and what the daemon's extra brings
    except ImportError as problem:
        raise RequestError(f"evaluate needs {problem.name}, which is not installed", remedy=EXTRA) from None


def _refuse_inside_a_take(out: Path | None, *typed: str) -> None:
    """Raises RequestError: a delivered take is never changed, and a file beside its layers would change it."""
    from understudy.inference.compliance.manifest import MANIFEST_NAME

    for take in (Path(text).resolve() for text in typed if out is not None and (Path(text) / MANIFEST_NAME).is_file()):
        if out is not None and out.resolve().is_relative_to(take):
            raise RequestError(f"{out} lies inside the take {take}", remedy="Name a folder of your own with --out.")


def _write(out: Path, found: Evaluation) -> tuple[Path, ...]:
    from understudy.inference.evaluation.plot import draw_plot
    from understudy.inference.evaluation.results_file import JSON_NAME, PLOT_NAME, results_text, write_whole

    files = {out / JSON_NAME: results_text(found), out / PLOT_NAME: draw_plot(found)}
    for path, data in files.items():
        write_whole(path, data)
    return tuple(files)


def _show(found: Evaluation, written: tuple[Path, ...]) -> None:
    from understudy.inference.evaluation.table import show_table

    for finding in found.findings:
        _say(finding)
    show_table(found, sys.stdout)
    for path in written:
        sys.stdout.write(f"wrote {path}\n")


def _say(finding: Finding) -> None:
    sys.stderr.write(f"{finding.outcome}: {finding.message}\n")
    if finding.remedy:
        sys.stderr.write(f"  what to do: {finding.remedy}\n")


def _tell(done: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done} of {total} frames" + ("\n" if done == total else ""))
