# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a strip shows its source files as they are. If not, the reason in words: then it is rendered.

Main thread only. A strip is handed over by its files only where that is, bit for bit, what the sequencer shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, TypeGuard

import bpy

from understudy.bridge.errors import PlateError
from understudy.bridge.exr_structure import is_exr, read_exr_header
from understudy.bridge.typed_files import MOVIE_SUFFIXES

from . import compat, strips
from .blender_types import Editor, Picture, Scene, Strip, given
from .colours import PLATE_COLOURS

NEUTRAL = {
    "color_multiply": 1.0, "color_saturation": 1.0, "use_flip_x": False, "use_flip_y": False,
    "use_reverse_frames": False, "use_deinterlace": False, "multiply_alpha": False,
}  # fmt: skip
WITHOUT_ALPHA = frozenset({".jpg", ".jpeg", ".dpx", ".cin", ".hdr"})
PLAIN_CHANNELS = (b"A", b"B", b"G", b"R")
CHANNEL_FIELDS_BYTES = 16
"""What follows a channel's name in an OpenEXR header: type, flags, sampling (OpenEXR file layout, `chlist`)."""


def why_rendered(scene: Scene, strip: Strip, *, as_matte: bool = False) -> str:
    """Return why the strip's files are not what it shows; empty when they are. Reads the first file's header.

    as_matte: how it is blended and in which colour does not count, for it is looked at alone, as data.
    """
    if not strips.is_picture(strip):
        return f"it is no picture from disk ({strip.type.title()})"
    for reason in _picture_reasons(scene, strip):
        return reason
    if not as_matte:
        for reason in _blend_reasons(given(scene.sequence_editor), strip):
            return reason
    return ""


def is_untouched(strip: Strip, scene: Scene, *, as_matte: bool = False) -> TypeGuard[Picture]:
    """Return whether the strip is a picture whose files are what it shows: `why_rendered` has no reason."""
    return not why_rendered(scene, strip, as_matte=as_matte)


def _picture_reasons(scene: Scene, strip: Picture) -> Iterator[str]:
    if any(not modifier.mute for modifier in strip.modifiers):
        yield "it has modifiers"
    if len(getattr(strip, "retiming_keys", ())) > 0:
        yield "it is retimed"
    yield from (f"its {name.replace('_', ' ')} is set" for name, neutral in NEUTRAL.items()
                if getattr(strip, name, neutral) != neutral)  # fmt: skip
    if strip.strobe > 1.0:
        yield "it is strobed"
    move, crop = given(strip.transform), given(strip.crop)
    if (move.offset_x, move.offset_y, move.scale_x, move.scale_y, move.rotation) != (0, 0, 1, 1, 0):
        yield "it is transformed"
    if (crop.min_x, crop.max_x, crop.min_y, crop.max_y) != (0, 0, 0, 0):
        yield "it is cropped"
    escaped = bpy.utils.escape_identifier(strip.name)
    if any(f'["{escaped}"]' in path for path in compat.animated_paths(scene)):
        yield "it is animated"
    yield from _source_reasons(scene, strip)


def _source_reasons(scene: Scene, strip: Picture) -> Iterator[str]:
    element = strip.elements[0]
    size = (scene.render.resolution_x, scene.render.resolution_y)
    if (element.orig_width, element.orig_height) != size:
        yield f"it is {element.orig_width} x {element.orig_height} and the scene is {size[0]} x {size[1]}"
    if strips.is_movie(strip):
        if strips.movie_file(strip).suffix.lower() not in MOVIE_SUFFIXES:
            yield f"{strips.movie_file(strip).suffix} movies are read by Blender alone"
        if abs(strip.fps - scene.render.fps / scene.render.fps_base) > 1e-3:
            yield f"its rate is {strip.fps:g} frames per second, not the scene's"
        if getattr(strip, "stream_index", 0):
            yield "it shows another stream than the first"
    else:
        yield from _exr_reasons(_first_file(strip))


def _exr_reasons(path: Path) -> Iterator[str]:
    """Yield where Blender reads an OpenEXR file otherwise than it is meant: windows, layers."""
    header = _header(path)
    if header is None:
        return
    if header.parts > 1 or not set(header.channels) <= set(PLAIN_CHANNELS):
        yield "it has layers, of which Blender shows one"
    if header.overscan:
        yield "its data window is not its display window, which Blender shows otherwise"


def _blend_reasons(editor: Editor, strip: Picture) -> Iterator[str]:
    colour_space = strips.colour_space_of(strip)
    if colour_space not in PLATE_COLOURS:
        yield f"its colour space is {colour_space}"
    below = strips.visible_below(editor, strip)
    if strip.blend_alpha != 1.0 or strip.blend_type not in ("REPLACE", "ALPHA_OVER"):
        yield "it is blended"
    elif below and strip.blend_type == "ALPHA_OVER" and may_have_alpha(strip):
        yield f"“{below[0].name}” may shine through it"
    if strip.alpha_mode != "PREMUL" and may_have_alpha(strip):
        yield "its alpha is straight"


def may_have_alpha(strip: Picture) -> bool:
    path = strips.movie_file(strip) if strips.is_movie(strip) else _first_file(strip)
    header = _header(path)
    if header is not None:
        return header.parts > 1 or any(name.rpartition(b".")[2] == b"A" for name in header.channels)
    return path.suffix.lower() not in WITHOUT_ALPHA and not (strip.type == "MOVIE" and path.suffix.lower() != ".mov")


def _first_file(strip: bpy.types.ImageStrip) -> Path:
    return Path(bpy.path.abspath(strip.directory), strip.strip_elem_from_frame(compat.start_of(strip)).filename)


class _Header(NamedTuple):
    parts: int
    channels: tuple[bytes, ...]
    overscan: bool


def _header(path: Path) -> _Header | None:
    """Return what an OpenEXR file says of itself; None for any other, and for one that is gone or damaged."""
    try:
        return _read_header(path, path.stat().st_mtime_ns)
    except (OSError, PlateError):
        return None  # it is looked for, and read as a whole, before anything is sent


@lru_cache(maxsize=64)
def _read_header(path: Path, _changed: int) -> _Header | None:
    """Kept, because the panel asks at every redraw, and a plate may lie on a slow share."""
    if not is_exr(path):
        return None
    structure = read_exr_header(path)
    part = structure.parts[0]
    found = {name: part.find(name) for name in ("dataWindow", "displayWindow", "channels")}
    values = {name: structure.value(attribute) for name, attribute in found.items() if attribute is not None}
    return _Header(
        len(structure.parts), tuple(_channel_names(values["channels"])), values["dataWindow"] != values["displayWindow"]
    )


def _channel_names(data: bytes) -> Iterator[bytes]:
    while data and data[0]:
        name, _, data = data.partition(b"\0")
        yield name
        data = data[CHANNEL_FIELDS_BYTES:]
