# SPDX-License-Identifier: GPL-3.0-or-later
"""One frame of a sequencer written as EXR from a scene that exists for that frame only. Main thread only.

The scene is a copy of the artist's, made and removed within one step: between two steps nothing of ours is in the
document, so that an undo, a save or a cancel at any moment finds the artist's work and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, cast

import bpy

from understudy.bridge.errors import HostError
from understudy.bridge.frames import FrameRange

from . import compat
from .blender_types import Editor, Scene, Strip, given, set_colour_space
from .colours import SEQUENCER_SPACE
from .strips import find_scene, find_strip, frames_of

NAME = "understudy export"
ASIDE = 127
"""A channel at the top, for what is not to be seen."""
Arrange = Callable[["bpy.types.Scene"], tuple["bpy.types.Mask", ...]]
"""Given the copied scene: makes it show what is wanted, and returns data blocks that go when the scene goes."""


class Rendering(NamedTuple):
    """What is rendered, by names: a reference would not outlive an undo."""

    scene: str
    arrange: Arrange
    channels: str = "RGB"


def pattern_in(folder: Path, role: str) -> str:
    return str(folder / role / f"{role}.####.exr")


def render_frame(rendering: Rendering, folder: Path, role: str, frame: int) -> None:
    """Write `folder`/role/role.####.exr for one frame. Raises HostError with Blender's own words."""
    path = folder / role / f"{role}.{frame:04}.exr"
    path.parent.mkdir(exist_ok=True)
    scene = find_scene(rendering.scene).copy()
    scene.name = NAME
    leftovers: tuple[bpy.types.Mask, ...] = ()
    try:
        _empty(scene)
        leftovers = rendering.arrange(scene)
        _set_output(scene, rendering.channels, path.parent / f"{role}.", frame)
        # Not a still: Blender 4.5 and 5.2 render stills of a copied scene at the frame of the scene in the window.
        bpy.ops.render.render(animation=True, scene=scene.name)
    except RuntimeError as problem:
        raise HostError(
            f"Blender did not render frame {frame} of the {role}: {str(problem).strip()}",
            remedy="Render this frame yourself to see why, then submit again.",
        ) from None
    finally:
        bpy.data.scenes.remove(scene)
        for leftover in leftovers:
            bpy.data.masks.remove(leftover)
    if not path.is_file():
        raise HostError(f"Blender rendered no {path.name}", remedy="Was the render cancelled? Submit it again.")


def up_to(strip_name: str, frames: FrameRange) -> Arrange:
    """Show what the sequencer shows up to and with this strip, nothing above it, the strip let out to `frames`."""

    def arrange(scene: Scene) -> tuple[bpy.types.Mask, ...]:
        plate = find_strip(scene, strip_name)
        editor = given(scene.sequence_editor)
        for strip in compat.strips_of(editor):
            if strip.channel > plate.channel:
                strip.mute = True
        plate.mute = editor.channels[plate.channel].mute = False
        _let_out(editor, plate, frames)
        return ()

    return arrange


def alone(strip_name: str, frames: FrameRange, *, as_data: bool = False) -> Arrange:
    """Show this strip and no other, opaque, let out to `frames`. as_data: its numbers as they are, without a curve."""

    def arrange(scene: Scene) -> tuple[bpy.types.Mask, ...]:
        wanted = _out_of_metas(scene, strip_name)
        editor = given(scene.sequence_editor)
        inputs = compat.inputs_of(wanted)
        for strip in compat.strips_of(editor):
            strip.mute = strip != wanted and strip not in inputs
        wanted.blend_type, wanted.blend_alpha = "REPLACE", 1.0
        editor.channels[wanted.channel].mute = False
        if as_data and hasattr(wanted, "colorspace_settings"):
            wanted.colorspace_settings.name = "Non-Color"
        _let_out(editor, wanted, frames)
        return ()

    return arrange


def _out_of_metas(scene: Scene, strip_name: str) -> Strip:
    """Return the strip, the meta strips around it taken apart: what they do to it is not its own."""
    while (meta := find_strip(scene, strip_name).parent_meta()) is not None:
        cast("bpy.types.MetaStrip", meta).separate()  # the stubs say a strip of any kind
    return find_strip(scene, strip_name)


def _let_out(editor: Editor, strip: Strip, frames: FrameRange) -> None:
    """Let the strip show what it has behind its trim. Its neighbours go away first, or Blender would move it up."""
    shown = frames_of(strip)
    if shown.first <= frames.first and shown.last >= frames.last:
        return
    for other in compat.strips_of(editor):
        if other.channel == strip.channel and other != strip:
            other.mute = True
            other.channel = ASIDE
    compat.show_frames(strip, min(shown.first, frames.first), max(shown.last, frames.last))


def _empty(scene: Scene) -> None:
    """Take the set out of the copy: a heavy one would be evaluated for each frame, and is not in the picture."""
    for held in list(scene.collection.objects):
        scene.collection.objects.unlink(held)
    for child in list(scene.collection.children):
        scene.collection.children.unlink(child)
    scene.timeline_markers.clear()  # a marker may bind a camera


def _set_output(scene: Scene, channels: str, stem: Path, frame: int) -> None:
    scene.frame_start = scene.frame_end = frame
    if (scene.frame_start, scene.frame_end) != (frame, frame):
        raise HostError(f"Blender renders no frame {frame}", remedy="Move the strips to frames from 0 on.")
    scene.frame_step = 1
    set_colour_space(scene.sequencer_colorspace_settings, SEQUENCER_SPACE)
    render = scene.render
    render.use_sequencer, render.use_compositing = True, False
    render.use_file_extension, render.use_overwrite, render.use_placeholder = True, True, False
    render.use_border, render.use_multiview, render.use_stamp = False, False, False
    render.resolution_percentage, render.dither_intensity = 100, 0.0
    compat.set_exr_output(render.image_settings, channels)
    render.filepath = compat.output_path(stem)
