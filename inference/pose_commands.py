"""`understudy pose`: see what drives a shot before it is made, correct it, and hand it back by --keypoints.

`detect` writes a keypoints file, `show` draws one over its plate, `install` makes the environment of MediaPipe.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from understudy.bridge.errors import RequestError
from understudy.bridge.settings import load_settings

POSES_FOLDER = "poses"
"""Where poses that were found are kept, in HOME."""

pose = typer.Typer(help="What drives a shot: find, look at and correct poses.", no_args_is_help=True)

Frames = Annotated[str, typer.Option(help="The frames, both ends inclusive: 56-163, or 12 for one.")]
First = Annotated[int, typer.Option(help="The frame number of a movie's first picture.")]
Rate = Annotated[str | None, typer.Option(help="Frames per second. Default: what the file says.")]
Colour = Annotated[str | None, typer.Option(help="The plate's colour space.")]
Ocio = Annotated[str | None, typer.Option(help="The OCIO config: a path, ocio://NAME, or none.")]
Json = Annotated[bool, typer.Option("--json", help="Print what a script reads, nothing else, on standard output.")]


@pose.command()
def detect(
    plate: Annotated[str, typer.Argument(help="A movie or numbered files: plate.####.exr.")],
    frames: Frames,
    out: Annotated[Path, typer.Option(help="The keypoints file to write.")] = Path("keypoints.json"),
    matte: Annotated[str | None, typer.Option(help="Who is meant, where there are several people.")] = None,
    source: Annotated[str, typer.Option(help="auto, vitpose or mediapipe.")] = "auto",
    weights: Annotated[Path | None, typer.Option(help="The checkpoint's folder. Default: weights in HOME.")] = None,
    overlay: Annotated[Path | None, typer.Option(help="A movie of the plate with the skeletons on it.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Write over a file that is there.")] = False,
    first: First = 0,
    rate: Rate = None,
    colour: Colour = None,
    ocio: Ocio = None,
    as_json: Json = False,
) -> None:
    """Find the performer's pose in every frame and write it as a keypoints file."""
    _refuse_existing(replace, out, overlay)
    from understudy.inference.controls.keypoints import write_keypoints
    from understudy.inference.controls.mediapipe_environment import find_interpreter
    from understudy.inference.controls.pose import choose_source, poses
    from understudy.inference.controls.pose_cache import PoseCache
    from understudy.inference.controls.vitpose import WEIGHTS_FOLDER
    from understudy.inference.pose_detection import PlateOptions, WatchedPlate, by_frame, write_overlay

    settings = load_settings()
    python = find_interpreter(settings.mediapipe_python, settings.home)
    folder = weights or settings.home / WEIGHTS_FOLDER
    with WatchedPlate(PlateOptions(plate, frames, matte, first, rate, colour, ocio)) as watched:
        chosen = choose_source(source, keypoints=None, weights=folder, mediapipe=python)
        try:
            found = poses(
                chosen, watched.frames, watched.picture, watched.matte, rate=watched.rate,
                cache=PoseCache(settings.home / POSES_FOLDER), step=_tell,
            )  # fmt: skip
        finally:
            chosen.close()
        points = by_frame(watched, found)
        write_keypoints(out, watched.size, points)
        if overlay is not None:
            write_overlay(overlay, watched, points.__getitem__)
    said = {"keypoints": str(out), "overlay": str(overlay) if overlay else None, "source": found.source}
    _report(as_json, said, (*watched.findings, *found.findings))


@pose.command()
def show(
    plate: Annotated[str, typer.Argument(help="A movie or numbered files: plate.####.exr.")],
    keypoints: Annotated[Path, typer.Option(help="A keypoints file, from `pose detect`, a rig or your own hand.")],
    overlay: Annotated[Path, typer.Option(help="The movie to write.")],
    frames: Frames,
    replace: Annotated[bool, typer.Option("--replace", help="Write over a file that is there.")] = False,
    first: First = 0,
    rate: Rate = None,
    colour: Colour = None,
    ocio: Ocio = None,
    as_json: Json = False,
) -> None:
    """Draw a keypoints file over its plate, to judge what was corrected."""
    _refuse_existing(replace, overlay)
    from understudy.inference.pose_detection import PlateOptions, WatchedPlate, write_overlay

    with WatchedPlate(PlateOptions(plate, frames, None, first, rate, colour, ocio)) as watched:
        write_overlay(overlay, watched, watched.host_keypoints(keypoints).read)
    _report(as_json, {"keypoints": str(keypoints), "overlay": str(overlay), "source": "keypoints"}, watched.findings)


@pose.command()
def install(
    folder: Annotated[Path | None, typer.Option(help="Where. Default: mediapipe in HOME, where it is found.")] = None,
    python: Annotated[str, typer.Option(help="A Python from 3.9 to 3.12 to make it with.")] = sys.executable,
) -> None:
    """Make the environment that MediaPipe runs in: 412 MB from the package index, once a machine."""
    from understudy.inference.controls.mediapipe_environment import default_folder
    from understudy.inference.controls.mediapipe_environment import install as install_into

    made = install_into((folder or default_folder(load_settings().home)).expanduser().absolute(), python)
    sys.stdout.write(f"MediaPipe is installed: {made}\n")
    if folder is not None:
        sys.stdout.write("Name it by the setting `mediapipe_python`, or by UNDERSTUDY_MEDIAPIPE_PYTHON.\n")


def _refuse_existing(replace: bool, *files: Path | None) -> None:
    for file in files:
        if file is not None and file.exists() and not replace:
            raise RequestError(
                f"{file} is there already, perhaps with corrections in it",
                remedy="Name another file, or say --replace.",
            )


def _tell(done: int, total: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done} of {total} frames" + ("\n" if done == total else ""))


def _report(as_json: bool, said: dict[str, Any], findings: tuple[Any, ...]) -> None:
    if as_json:
        sys.stdout.buffer.write(msgspec.json.encode({**said, "findings": findings}) + b"\n")
        sys.stdout.buffer.flush()
        return
    for finding in findings:
        sys.stderr.write(f"{finding.outcome}: {finding.message}\n")
        if finding.remedy:
            sys.stderr.write(f"  what to do: {finding.remedy}\n")
    sys.stdout.write(", ".join(f"{name} {value}" for name, value in said.items() if value) + "\n")
