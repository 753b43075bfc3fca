"""What the artist says beside the selection: in the dialog, or in a file where this edition has no dialogs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from understudy.bridge.errors import HostError
from understudy.bridge.options import JobOptions
from understudy.bridge.private_files import write_private
from understudy.bridge.settings import load_settings

CHOICES_FILE = "resolve.json"
TrackNumber = Annotated[int, msgspec.Meta(ge=1, le=999)]


class Choices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that a job needs and the timeline does not say."""

    options: JobOptions = JobOptions()
    """Matte, reference and clean plate here are files on disk."""
    source: Literal["auto", "source", "render"] = "auto"
    """auto: source frames, ungraded, where the clip is untouched; else a render of what the track shows."""
    matte_from: Literal["file", "track", "alpha"] = "file"
    matte_track: TrackNumber = 2
    """matte_from track: rendered by itself, white = replace here."""
    matte_first: int | None = None
    """The frame number of a matte movie's first picture; None = the first frame of the clip."""
    layer: Literal["patch", "comp", "beauty", "character"] = "patch"
    """patch lies over the plate with alpha; comp covers it, where soft edges must not depend on Resolve's blending.
    beauty and character are those of mode animate.
    """
    medium: Literal["exr", "prores_4444"] = "exr"
    folder: str = ""
    """Where takes go; empty = `understudy` beside the clip's own file."""

    def job_options(self) -> JobOptions:
        """Return the options, with the movie that is to be placed asked for and the clip's alpha taken as the matte."""
        options = self.options
        if self.matte_from == "alpha" and options.matte_channel is None:
            options = msgspec.structs.replace(options, matte_channel="A")
        if self.medium == "exr":
            return options
        movie = f"{self.layer}:prores_4444:premultiplied"
        asked = [text for text in (options.movies or "").split(",") if text.strip()]
        return msgspec.structs.replace(options, movies=",".join([*asked, movie] if movie not in asked else asked))


def choices_file() -> Path:
    return load_settings().home / CHOICES_FILE


def load_choices(path: Path) -> Choices:
    """Return what the file says; the defaults where there is none. Raises HostError naming the field."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Choices)
    except FileNotFoundError:
        return Choices()
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as problem:
        raise HostError(f"{path}: {problem}", remedy="Correct it, or remove it to begin with the defaults.") from None


def save_choices(path: Path, choices: Choices) -> None:
    """Write every field, so that the file shows what can be said."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(path, msgspec.json.format(msgspec.json.encode(choices), indent=1) + b"\n")
