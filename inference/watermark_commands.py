"""`understudy watermark`: what the invisible mark in a review movie says. Needs no daemon, only its home's key."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from understudy.inference.provenance.watermark_movies import FileReading

EXIT_FOUND, EXIT_NOT_FOUND = 0, 1

watermark = typer.Typer(help="The invisible mark in review movies.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add this file's commands to the command line."""
    app.add_typer(watermark, name="watermark")


@watermark.callback()
def _watermark() -> None:
    """Keep `read` a command of its own: a lone command would take its group's place."""


@watermark.command()
def read(
    file: Annotated[Path, typer.Argument(help="A movie, or a PNG or JPEG still of one.")],
    key: Annotated[Path | None, typer.Option(help="The key file. Default: that of this machine's daemon.")] = None,
    frames: Annotated[int, typer.Option(min=1, max=1000, help="Look at so many, evenly spread.")] = 24,
    search: Annotated[bool, typer.Option(help="Look for a cropped picture too: some seconds.")] = True,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Read the mark in FILE: which content id, how sure that is, and of how many frames. Exit 0 found, 1 not found."""
    from understudy.inference.provenance.watermark_key import key_id, read_key
    from understudy.inference.provenance.watermark_movies import read_file

    secret = read_key(key if key is not None else _home_key())
    said = spoken(read_file(file, secret, frames=frames, search=search), key_id(secret))
    sys.stdout.write(json.dumps(said) + "\n" if as_json else _in_words(file, said))
    raise typer.Exit(EXIT_FOUND if said["found"] else EXIT_NOT_FOUND)


def spoken(found: FileReading, name: str) -> dict[str, object]:
    """Return a reading as JSON shows it. `name`: the id of the key; what is no mark has no content id."""
    from understudy.inference.provenance.watermark import ALGORITHM
    from understudy.inference.provenance.watermark_key import id_words

    reading = found.reading
    return {
        "found": reading.found,
        "content_id": id_words(reading.content_id) if reading.found and reading.content_id is not None else None,
        "algorithm": ALGORITHM,
        "key_id": name,
        "frames": reading.frames,
        "false_positive_at_most": reading.chance,
        "deviations": round(reading.deviations, 2),
        "how": found.how,
        "place": [round(number, 4) for number in found.place],
    }


def _in_words(file: Path, said: dict[str, object]) -> str:
    looked = f"{said['frames']} frames, {said['how']}"
    if not said["found"]:
        return f"{file}: no mark of key {said['key_id']} is read ({looked}); that does not prove that there is none\n"
    return (
        f"{file}: content id {said['content_id']} of key {said['key_id']} ({looked})\n"
        f"  {said['deviations']} standard deviations; the chance of that without a mark is at most "
        f"{said['false_positive_at_most']:.1e}\n"
    )


def _home_key() -> Path:
    from understudy.bridge.settings import load_settings
    from understudy.inference.provenance.watermark_key import KEY_FILE

    return load_settings().home / KEY_FILE
