# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Blender's own words differ between 4.2 and 5.2: one place that knows both. Main thread only.

Strips: `sequences` became `strips` (4.4), and 5.2 renames every time of a strip and warns of the old names. Output: 5.0
asks for a medium before a format, 4.5 reads templates in output paths. Animation: 5.0 keeps curves in layers.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy

from .blender_types import Editor, Scene, Strip
from .colours import RENDERED

TEMPLATES_FROM = (4, 5, 0)
"""From here on {braces} in an output path are variables, and an unknown one is an error."""


def strips_of(holder: Editor | Strip) -> bpy.types.StripsTopLevel:
    """Return the strips of an editor or of a meta strip, one level."""
    found: bpy.types.StripsTopLevel = getattr(holder, "strips" if hasattr(holder, "strips") else "sequences")
    return found


def all_strips_of(editor: Editor) -> bpy.types.bpy_prop_collection[Strip]:
    """Return every strip of the editor, those inside meta strips too."""
    return editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all


def start_of(strip: Strip) -> int:
    """Return the first frame that the strip shows."""
    return int(strip.left_handle if hasattr(strip, "left_handle") else strip.frame_final_start)


def end_of(strip: Strip) -> int:
    """Return the frame after the last one that the strip shows."""
    return int(strip.right_handle if hasattr(strip, "right_handle") else strip.frame_final_end)


def show_frames(strip: Any, first: int, last: int) -> None:
    """Trim the strip, or let it out, to show these frames. Where it then meets another, Blender moves it up."""
    if hasattr(strip, "left_handle"):
        strip.left_handle, strip.right_handle = first, last + 1
    else:
        strip.frame_final_start, strip.frame_final_end = first, last + 1


def content_of(strip: Any) -> tuple[int, int]:
    """Return the first frame that the strip has, shown or trimmed away, and the frame after its last."""
    if hasattr(strip, "content_start"):
        return int(strip.content_start), int(strip.content_start) + int(strip.content_duration)
    return int(strip.frame_start), int(strip.frame_start) + int(strip.frame_duration)


def first_source_frame(strip: Any) -> int:
    """Return the frame number of a movie's first picture, shown or trimmed away."""
    if hasattr(strip, "content_start"):
        return int(strip.content_start) - int(strip.content_trim_start)
    return int(strip.frame_start) - int(strip.animation_offset_start)


def inputs_of(strip: Strip) -> tuple[Strip, ...]:
    """Return the strips that an effect strip is made of."""
    return tuple(found for name in ("input_1", "input_2") if (found := getattr(strip, name, None)) is not None)


def sequencer_scene() -> Scene | None:
    """Return the scene whose sequencer is edited: from 5.0 on not always the active one."""
    edited: Scene | None = getattr(bpy.context, "sequencer_scene", None)
    return edited or bpy.context.scene


def set_exr_output(settings: Any, channels: str) -> None:
    """Set an image format to half EXR, zip, in the working space. channels: RGB or RGBA."""
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format = "OPEN_EXR"
    settings.color_mode = channels
    settings.color_depth = "16"
    settings.exr_codec = "ZIP"
    settings.color_management = "FOLLOW_SCENE"  # an override of the artist's converts: 4.2 keeps its space in a copy


def working_space() -> str:
    """Return the space of what is rendered, by its colour interop id. From 5.0 on a file may choose, and name none."""
    chosen = getattr(bpy.data, "colorspace", None)
    return RENDERED if chosen is None else str(chosen.working_space_interop_id)


def output_path(path: Path) -> str:
    """Return the path as an output setting that means exactly this path."""
    text = str(path)
    return text.replace("{", "{{").replace("}", "}}") if bpy.app.version >= TEMPLATES_FROM else text


def animated_paths(owner: Any) -> Iterator[str]:
    """Yield the data path of every curve and driver of a scene."""
    animation = owner.animation_data
    if animation is None:
        return
    yield from (driver.data_path for driver in animation.drivers)
    action = animation.action
    if action is None:
        return
    if hasattr(action, "fcurves"):
        yield from (curve.data_path for curve in action.fcurves)
        return
    for layer in action.layers:
        for strip in layer.strips:
            for bag in strip.channelbags:
                yield from (curve.data_path for curve in bag.fcurves)
