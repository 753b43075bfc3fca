# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the type stubs of Blender say less, or something else, than Blender does.

It changes nothing at run time. Mypy reads the stubs of one version, 4.5; what other versions call otherwise is in
compat.py, where that is looked up by name. Main thread only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeAlias, TypeVar

import bpy.app.handlers

Scene: TypeAlias = "bpy.types.Scene"
Editor: TypeAlias = "bpy.types.SequenceEditor"
Strip: TypeAlias = "bpy.types.Strip"
Picture: TypeAlias = "bpy.types.ImageStrip | bpy.types.MovieStrip"
"""What shows files from disk. In 4.2 and 4.3 these three are Sequence, ImageSequence, MovieSequence: name them in
annotations alone, and ask a strip's `type` for what it is."""
Layout: TypeAlias = "bpy.types.UILayout"
Icon: TypeAlias = "bpy.stub_internal.rna_enums.IconItems"
Space: TypeAlias = "bpy.stub_internal.rna_enums.SpaceTypeItems"
Region: TypeAlias = "bpy.stub_internal.rna_enums.RegionTypeItems"
OperatorEnd: TypeAlias = "set[bpy.stub_internal.rna_enums.OperatorReturnItems]"

_Thing = TypeVar("_Thing")
_Fields = ParamSpec("_Fields")


def given(thing: _Thing | None) -> _Thing:
    """Return what Blender always gives where we ask for it, and the stubs allow to be None: a panel's layout."""
    if thing is None:
        raise RuntimeError("Blender gave nothing where it always gives something: this is a fault of ours")
    return thing


def set_colour_space(settings: Any, name: str) -> None:
    """Set a space of the OCIO config by its name. Not typed: the stubs list no name that a config may have."""
    settings.name = name


def declared(make: Callable[_Fields, None]) -> Callable[_Fields, object]:
    """Return a maker of properties as one that returns something: the stubs deny it, so that it fits an annotation."""
    return make


def persistent(handler: Callable[..., None]) -> Callable[..., None]:
    """Keep a handler while files are opened: Blender's own decorator, which the stubs leave without types."""
    kept: Callable[..., None] = bpy.app.handlers.persistent(handler)
    return kept
