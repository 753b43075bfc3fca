# SPDX-License-Identifier: GPL-3.0-or-later
"""A Mask of Blender's, drawn as the sequencer draws it. Main thread only.

Its points are measured across the larger side of the picture, so it is drawn at the size of the scene. It is data:
Blender gives the same coverage in red, green and blue, whatever the sequencer's colour space.
"""

from __future__ import annotations

from typing import cast

import bpy

from understudy.bridge.errors import HostError
from understudy.bridge.frames import FrameRange

from . import compat
from .blender_types import Scene, given
from .rendering import Arrange

CORNER_WRONG_BEFORE = (5, 2, 0)
"""Until 5.2 the last pixel of a drawn mask, top right, is whatever was in memory."""


def mask_only(name: str, frames: FrameRange) -> Arrange:
    """Show the mask alone, animated as its keys stand in the scene's own frames."""

    def arrange(scene: Scene) -> tuple[bpy.types.Mask, ...]:
        mask = _need_mask(name).copy()  # its length is its strip's length, and the artist's own is not to be touched
        mask.frame_start, mask.frame_end = frames.first, frames.last + 1
        scene.sequence_editor_clear()
        editor = scene.sequence_editor_create()
        strips = compat.strips_of(editor)
        strips.new_mask(name="mask", mask=mask, channel=1, frame_start=frames.first).blend_type = "REPLACE"
        if bpy.app.version < CORNER_WRONG_BEFORE:
            corner = strips.new_mask(name="corner", mask=mask, channel=2, frame_start=frames.first)
            _cover_corner(cast("bpy.types.MaskStrip", corner), scene.render)  # the stubs say a strip of any kind
        return (mask,)

    return arrange


def _need_mask(name: str) -> bpy.types.Mask:
    mask = bpy.data.masks.get(name)
    if mask is None:
        raise HostError(f"there is no mask “{name}”", remedy="Choose a mask in the panel, or draw one.")
    return mask


def _cover_corner(strip: bpy.types.MaskStrip, render: bpy.types.RenderSettings) -> None:
    """Lay the mask over itself, one pixel to the right and cut to one pixel: the corner takes its neighbour's value."""
    strip.blend_type = "ALPHA_OVER"
    crop = given(strip.crop)
    crop.min_x, crop.max_x = render.resolution_x - 2, 1
    crop.min_y = render.resolution_y - 1
    given(strip.transform).offset_x = 1
