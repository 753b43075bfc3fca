# SPDX-License-Identifier: GPL-3.0-or-later
"""What a strip shows, read from the sequencer: which strip, which source files, and which of them are gone.

Changes nothing. Main thread only. A missing file raises nothing in Blender: it is rendered as an opaque magenta
picture, so every file is looked for before a frame is written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import bpy

from understudy.bridge.aside import missing_files
from understudy.bridge.errors import HostError
from understudy.bridge.frames import FrameRange, FrameRate
from understudy.bridge.host import Steps

from . import compat
from .blender_types import Editor, Picture, Scene, Strip, given

if TYPE_CHECKING:
    from typing_extensions import TypeIs  # in `typing` from Python 3.13 on only; mypy knows it of itself

JOB, VERSION, LAYER, JOBS = "understudy_job", "understudy_version", "understudy_layer", "understudy_jobs"
"""What a result strip, and the strip that it was made of, say of themselves; they survive a rename."""
BASE_STEPS = 10**6
"""fps_base is a single float: 1.001 reads 1.00100004673. Rounded to a millionth it is exact again."""


def need_editor() -> tuple[Scene, Editor]:
    """Return the sequencer's scene and editor. Raises HostError where there is none."""
    scene = compat.sequencer_scene()
    if scene is None or scene.sequence_editor is None:
        raise HostError("there is no sequencer here", remedy="Open the Video Editing workspace and add the plate.")
    return scene, scene.sequence_editor


def need_saved() -> Path:
    """Return the .blend. Raises HostError before it was saved: relative paths and takes have no place until then."""
    if not bpy.data.filepath:
        raise HostError("this .blend was never saved", remedy="Save it first: takes are written beside it.")
    return Path(bpy.data.filepath)


def find_scene(name: str) -> Scene:
    scene = bpy.data.scenes.get(name)
    if scene is None or scene.sequence_editor is None:
        raise HostError(f"scene “{name}” has no sequencer any more", remedy="Was it renamed or removed? Undo that.")
    return scene


def find_strip(scene: Scene, name: str) -> Strip:
    """Return the strip of this name. Strips are found by name at every step: references die with an undo."""
    strip = compat.all_strips_of(given(scene.sequence_editor)).get(name)
    if strip is None:
        raise HostError(f"there is no strip “{name}” in scene “{scene.name}”", remedy="Was it renamed or removed?")
    return strip


def need_active_strip(scene: Scene, editor: Editor) -> Strip:
    """Return the active strip that can be a plate. Raises HostError that names it, and what to do, for all others."""
    strip = editor.active_strip
    if strip is None:
        raise HostError("no strip is selected", remedy="Select the plate's strip in the sequencer.")
    if len(editor.meta_stack) > 0:
        raise HostError(f"strip “{strip.name}” lies in an open meta strip", remedy="Leave the meta strip with Tab.")
    if strip.type in ("SOUND", "SCENE"):
        what, then = {
            "SOUND": ("has no pictures", "Select the picture's strip."),
            "SCENE": ("is a scene", "Render that scene to an EXR sequence and select its strip."),
        }[strip.type]
        raise HostError(f"strip “{strip.name}” {what}", remedy=then)
    for effect in compat.strips_of(editor):
        if strip in compat.inputs_of(effect):
            raise HostError(
                f"strip “{strip.name}” is shown through “{effect.name}” ({effect.type.title()}): its frames there are "
                "not its own",
                remedy=f"Select “{effect.name}” to recast what it shows, or take the transition out.",
            )
    if strip.get(JOB) is not None:
        raise HostError(f"strip “{strip.name}” is a result of ours", remedy="Select the plate's strip.")
    return strip


def is_image(strip: Strip) -> TypeIs[bpy.types.ImageStrip]:
    return strip.type == "IMAGE"


def is_movie(strip: Strip) -> TypeIs[bpy.types.MovieStrip]:
    return strip.type == "MOVIE"


def is_picture(strip: Strip) -> TypeIs[Picture]:
    return is_image(strip) or is_movie(strip)


def colour_space_of(picture: Picture) -> str:
    return given(picture.colorspace_settings).name


def blend_space_of(scene: Scene) -> str:
    """Return the colour space in which the scene's sequencer blends."""
    return given(scene.sequencer_colorspace_settings).name


def frames_of(strip: Strip) -> FrameRange:
    return FrameRange(compat.start_of(strip), compat.end_of(strip) - 1)


def reach_of(strip: Strip) -> FrameRange:
    """Return the frames that the strip has, its trim aside: of what is no plain picture from disk, what it shows."""
    shown = frames_of(strip)
    if not is_picture(strip) or len(getattr(strip, "retiming_keys", ())) > 0:
        return shown
    first, end = compat.content_of(strip)
    return FrameRange(min(first, shown.first), max(end - 1, shown.last))


def rate_of(scene: Scene) -> FrameRate:
    base = Fraction(round(scene.render.fps_base * BASE_STEPS), BASE_STEPS)
    return FrameRate.from_fraction(scene.render.fps / base)


def source_files(strip: bpy.types.ImageStrip, frames: FrameRange) -> dict[int, str]:
    """Return the file behind each of `frames` of an image strip, trimmed, held and reversed as it is shown."""
    folder = str(Path(bpy.path.abspath(strip.directory), "_"))[:-1]
    return {frame: f"{folder}{strip.strip_elem_from_frame(frame).filename}" for frame in frames}


def movie_file(strip: bpy.types.MovieStrip) -> Path:
    return Path(bpy.path.abspath(strip.filepath))


def pattern_of(files: dict[int, str]) -> str:
    """Return how the files are told to people: the first one's path, #### where its number stands."""
    first = Path(next(iter(files.values())))
    if len(set(files.values())) == 1:
        return str(first)
    found = list(re.finditer(r"\d+", first.stem))
    if not found:
        return str(first)
    start, end = found[-1].span()
    return str(first.with_name(first.stem[:start] + "#" * (end - start) + first.stem[end:] + first.suffix))


class Sources(NamedTuple):
    """The files behind one strip, which is named: a reference to it would not outlive a turn."""

    strip: str
    files: tuple[str, ...]


def sources_of(strip: Strip, frames: FrameRange, *, behind_trim: bool = False) -> Sources:
    """Return the files behind a strip at these frames, whatever it is made of.

    behind_trim: frames that it has and does not show are wanted too.
    """
    has = reach_of(strip) if behind_trim else frames_of(strip)
    return Sources(strip.name, tuple(dict.fromkeys(_sources(strip, frames, has))))


def refuse_missing(sources: Iterable[Sources]) -> Steps[None]:
    """Raise HostError when a source of a strip is gone. Reads the disk, as many files a turn as it answers for."""
    for strip, files in sources:
        gone = yield from missing_files(files)
        if gone:
            raise HostError(
                f"strip “{strip}”: {len(gone)} of {len(files)} source files are missing, the first is {gone[0]}",
                remedy="Bring it back, or relink the strip (File, External Data, Find Missing Files).",
            )


def _sources(strip: Strip, frames: FrameRange, has: FrameRange) -> Iterator[str]:
    if strip.type == "META":
        for inner in compat.strips_of(strip):
            if not inner.mute:
                yield from _sources(inner, frames, frames_of(inner))
    for source in compat.inputs_of(strip):
        yield from _sources(source, frames, frames_of(source))
    if is_movie(strip):
        yield str(movie_file(strip))
    elif is_image(strip):
        first, last = max(frames.first, has.first), min(frames.last, has.last)
        yield from source_files(strip, FrameRange(first, last)).values() if first <= last else ()


def visible_below(editor: Editor, strip: Strip) -> list[Strip]:
    """Return the strips that may shine through: lower channels, not muted, at some of the same frames."""
    first, end = compat.start_of(strip), compat.end_of(strip)
    return [
        other
        for other in compat.strips_of(editor)
        if other.channel < strip.channel
        and other.type != "SOUND"
        and not other.mute
        and not editor.channels[other.channel].mute
        and compat.start_of(other) < end
        and compat.end_of(other) > first
    ]
