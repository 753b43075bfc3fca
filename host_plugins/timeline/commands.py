"""`understudy timeline list` and `recast`, registered through the entry-point group `understudy.commands`.

Imports are inside the commands: `understudy jobs` must not pay for OpenTimelineIO.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

timelines = typer.Typer(help="Recast clips of an OTIO or FCPXML timeline.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print what a script reads, nothing else, on standard output.")]
File = Annotated[Path, typer.Argument(help="A timeline: .otio, .fcpxml, or the .xml of Final Cut 7 and Premiere.")]


def register(app: typer.Typer) -> None:
    """Add this package's commands to the command line."""
    app.add_typer(timelines, name="timeline")


@timelines.command("list")
def list_clips(file: File, as_json: Json = False) -> None:
    """List the clips, which of them can be recast, and why the others cannot."""
    from understudy.host_plugins.timeline.recast import open_timeline

    cuts = open_timeline(file).cuts()
    if as_json:
        import dataclasses

        _print_json([{**dataclasses.asdict(cut), "frames": str(cut.frames), "rate": str(cut.rate)} for cut in cuts])
        return
    for cut in cuts:
        sys.stdout.write(f"{cut.said:32} {cut.frames!s:>15} at {cut.rate!s:12} {cut.why_not or cut.media}\n")


@timelines.command()
def recast(
    file: File,
    clip: Annotated[list[str], typer.Option("--clip", help="The clip's name, or NAME@FRAME; may be repeated.")],
    out: Annotated[Path, typer.Option("--out", help="Where takes and the new timeline go.")],
    reference: Annotated[str | None, typer.Option(help="The character's image. {clip} is the clip's name.")] = None,
    matte: Annotated[str | None, typer.Option(help="Your roto: {clip}.####.exr, white = replace here.")] = None,
    clean_plate: Annotated[str | None, typer.Option(help="The background without the performer.")] = None,
    mode: Annotated[str | None, typer.Option(help="replace a performer, or animate the image.")] = None,
    engine: Annotated[str | None, typer.Option(help="Which engine makes the picture.")] = None,
    handles: Annotated[str | None, typer.Option(help="Frames beyond the cut: 8, or 8:12 for head and tail.")] = None,
    colour: Annotated[str | None, typer.Option(help="The plates' colour space.")] = None,
    layer: Annotated[str | None, typer.Option(help="What is placed: patch (over the plate), comp, beauty.")] = None,
    movie: Annotated[bool, typer.Option("--movie", help="Place ProRes 4444, not EXR; XML always does.")] = False,
    seed: Annotated[int | None, typer.Option(help="The same seed makes the same picture.")] = None,
    project: Annotated[str | None, typer.Option(help="The show.")] = None,
    record: Annotated[str | None, typer.Option(help="The papers: a record as JSON or TOML.")] = None,
    self_attest: Annotated[str | None, typer.Option(help="No record: who says so and why.")] = None,
    options: Annotated[
        Path | None, typer.Option(help="JSON with any option of `submit`; what is said here wins.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Recast the named clips and write the timeline again, with the takes on a track above; what was there stays."""
    from understudy.bridge.keys import CONNECTION_FILE, load_connection
    from understudy.bridge.settings import load_settings
    from understudy.host_plugins.timeline.recast import Wanted, load_options, open_timeline
    from understudy.host_plugins.timeline.recast import recast as recast_clips

    chosen = load_options(
        options, reference=reference, matte=matte, clean_plate=clean_plate, mode=mode, engine=engine, handles=handles,
        colour=colour, seed=seed, project=project, record=record, self_attest=self_attest,
    )  # fmt: skip
    placed = layer or ("beauty" if chosen.mode == "animate" else "patch")
    timeline = open_timeline(file)
    written = _unused(out, f"{file.stem}_understudy", timeline.suffix)
    wanted = Wanted(clips=clip, options=chosen, out=out.absolute(), layer=placed, movie=movie)
    connection = load_connection(load_settings().home / CONNECTION_FILE)
    takes = []
    try:
        for take in recast_clips(timeline, wanted, connection, _say):
            takes.append(take)  # noqa: PERF402 - one at a time: what was made stays when the next one fails
    finally:
        if takes:  # a later clip that failed does not lose the takes before it
            timeline.write(written)
            _say(f"wrote {written}: {len(takes)} takes above their clips")
    if as_json:
        _print_json([{"clip": take.cut.said, "job": take.job_id, "folder": str(take.folder)} for take in takes])


def _unused(folder: Path, name: str, suffix: str) -> Path:
    """Return a name that no file has yet: a timeline with an earlier take is the artist's to keep."""
    number, path = 1, folder / f"{name}{suffix}"
    while path.exists():
        number += 1
        path = folder / f"{name}_{number}{suffix}"
    return path


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _print_json(value: object) -> None:
    import msgspec

    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n")
