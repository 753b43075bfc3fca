# SPDX-License-Identifier: GPL-3.0-or-later
"""What the artist chooses for a shot, kept in the scene and saved with it.

Blender reads a class's annotations as they stand there, so they are written as the table that they are.
"""

from __future__ import annotations

from typing import Any

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, PointerProperty, StringProperty


def _is_armature(_settings: Any, thing: Any) -> bool:
    return bool(thing.type == "ARMATURE")


class UnderstudyShot(bpy.types.PropertyGroup):
    """`scene.understudy`."""

    __annotations__ = {
        "mode": EnumProperty(
            name="Mode", default="replace",
            items=(("replace", "Replace", "Recast the performer in the plate"),
                   ("animate", "Animate", "Let a performance or a rig move the character's image")),
        ),
        "driver": EnumProperty(
            name="Driven by", default="STRIP",
            items=(("STRIP", "Active strip", "The performance that is seen in the active strip"),
                   ("RIG", "Rig", "The bones of an armature, seen through the scene's camera")),
        ),
        "rig": PointerProperty(name="Rig", type=bpy.types.Object, poll=_is_armature),
        "matte_from": EnumProperty(
            name="Matte", default="MASK",
            items=(("MASK", "Mask", "A mask of this file"), ("STRIP", "Strip", "A strip, white = replace here"),
                   ("ALPHA", "Alpha", "The plate's own alpha"), ("FILE", "File", "A file, or matte.####.exr")),
        ),
        "matte_mask": PointerProperty(name="Mask", type=bpy.types.Mask),
        "matte_strip": StringProperty(name="Matte strip"),
        "matte_file": StringProperty(name="Matte file", subtype="FILE_PATH"),
        "matte_invert": BoolProperty(name="Invert", description="The matte is black where the performer is"),
        "allow_large_matte": BoolProperty(name="Allow a large matte", description="It covers more than 60 %"),
        "reference_from": EnumProperty(
            name="Character", default="FILE",
            items=(("FILE", "File", "An image of the character"), ("STRIP", "Strip", "The first image of a strip")),
        ),
        "reference_file": StringProperty(name="Character image", subtype="FILE_PATH"),
        "reference_strip": StringProperty(name="Character strip"),
        "clean_plate_strip": StringProperty(name="Clean plate", description="The background without the performer"),
        "shot": StringProperty(name="Shot", description="Empty: named after the strip"),
        "project": StringProperty(name="Project", description="Then the daemon's template says where versions go"),
        "engine": StringProperty(name="Engine", default="preview"),
        "seed": IntProperty(name="Seed", default=0, min=0, description="The same seed makes the same picture"),
        "record": StringProperty(name="Record", subtype="FILE_PATH", description="The papers, as JSON"),
        "self_attest": StringProperty(
            name="Self-attest", description="Without a record: who says so and why. Every file says uncleared"
        ),
    }  # fmt: skip


def register() -> None:
    bpy.utils.register_class(UnderstudyShot)
    bpy.types.Scene.understudy = PointerProperty(type=UnderstudyShot)


def unregister() -> None:
    del bpy.types.Scene.understudy
    bpy.utils.unregister_class(UnderstudyShot)
