# SPDX-License-Identifier: GPL-3.0-or-later
"""What the artist chooses for a shot, kept in the scene and saved with it.

Blender reads a class's annotations as they stand there, so they are written as the table that they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, PointerProperty, StringProperty

from .blender_types import Scene, declared

NAME = "understudy"
_choice, _flag, _number = declared(EnumProperty), declared(BoolProperty), declared(IntProperty)
_text, _thing = declared(StringProperty), declared(PointerProperty)


def _is_armature(_settings: UnderstudyShot, thing: bpy.types.Object) -> bool:
    return thing.type == "ARMATURE"


class UnderstudyShot(bpy.types.PropertyGroup):
    """`scene.understudy`. What stands before the table tells mypy what Blender makes of it."""

    if TYPE_CHECKING:
        mode: Literal["replace", "animate"]
        driver: Literal["STRIP", "RIG"]
        rig: bpy.types.Object | None
        matte_from: Literal["MASK", "STRIP", "ALPHA", "FILE"]
        matte_mask: bpy.types.Mask | None
        matte_strip: str
        matte_file: str
        matte_invert: bool
        allow_large_matte: bool
        reference_from: Literal["FILE", "STRIP"]
        reference_file: str
        reference_strip: str
        clean_plate_strip: str
        shot: str
        head: int
        tail: int
        project: str
        engine: str
        seed: int
        record: str
        self_attest: str

    __annotations__ = {
        "mode": _choice(
            name="Mode", default="replace",
            items=(("replace", "Replace", "Recast the performer in the plate"),
                   ("animate", "Animate", "Let a performance or a rig move the character's image")),
        ),
        "driver": _choice(
            name="Driven by", default="STRIP",
            items=(("STRIP", "Active strip", "The performance that is seen in the active strip"),
                   ("RIG", "Rig", "The bones of an armature, seen through the scene's camera")),
        ),
        "rig": _thing(name="Rig", type=bpy.types.Object, poll=_is_armature),
        "matte_from": _choice(
            name="Matte", default="MASK",
            items=(("MASK", "Mask", "A mask of this file"), ("STRIP", "Strip", "A strip, white = replace here"),
                   ("ALPHA", "Alpha", "The plate's own alpha"), ("FILE", "File", "A file, or matte.####.exr")),
        ),
        "matte_mask": _thing(name="Mask", type=bpy.types.Mask),
        "matte_strip": _text(name="Matte strip"),
        "matte_file": _text(name="Matte file", subtype="FILE_PATH"),
        "matte_invert": _flag(name="Invert", description="The matte is black where the performer is"),
        "allow_large_matte": _flag(name="Allow a large matte", description="It covers more than 60 %"),
        "reference_from": _choice(
            name="Character", default="FILE",
            items=(("FILE", "File", "An image of the character"), ("STRIP", "Strip", "The first image of a strip")),
        ),
        "reference_file": _text(name="Character image", subtype="FILE_PATH"),
        "reference_strip": _text(name="Character strip"),
        "clean_plate_strip": _text(name="Clean plate", description="The background without the performer"),
        "shot": _text(name="Shot", description="Empty: named after the strip"),
        "head": _number(
            name="Head handle", default=0, min=0, description="Frames before the strip's cut that are recast as well",
        ),
        "tail": _number(
            name="Tail handle", default=0, min=0, description="Frames after the strip's cut that are recast as well",
        ),
        "project": _text(name="Project", description="Then the daemon's template says where versions go"),
        "engine": _text(name="Engine", default="preview"),
        "seed": _number(name="Seed", default=0, min=0, description="The same seed makes the same picture"),
        "record": _text(name="Record", subtype="FILE_PATH", description="The papers, as JSON"),
        "self_attest": _text(
            name="Self-attest", description="Without a record: who says so and why. Every file says uncleared"
        ),
    }  # fmt: skip


def settings_of(scene: Scene) -> UnderstudyShot:
    found: UnderstudyShot = getattr(scene, NAME)
    return found


def register() -> None:
    bpy.utils.register_class(UnderstudyShot)
    setattr(bpy.types.Scene, NAME, _thing(type=UnderstudyShot))


def unregister() -> None:
    delattr(bpy.types.Scene, NAME)
    bpy.utils.unregister_class(UnderstudyShot)
