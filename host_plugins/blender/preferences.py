# SPDX-License-Identifier: GPL-3.0-or-later
"""What is set once for this Blender: where the daemon is found. Main thread only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import bpy
from bpy.props import StringProperty

from .blender_types import declared, given
from .session import Reach


class UnderstudyPreferences(bpy.types.AddonPreferences):
    """Edit, Preferences, Add-ons, Understudy."""

    bl_idname = __package__

    if TYPE_CHECKING:
        command: str
        home: str
    __annotations__ = {
        "command": declared(StringProperty)(
            name="Daemon command", subtype="FILE_PATH",
            description="The path of `understudy`, which starts a daemon where none answers. Empty: only look for one",
        ),
        "home": declared(StringProperty)(
            name="Home", subtype="DIR_PATH", description="The daemon's folder. Empty: what the settings say",
        ),
    }  # fmt: skip

    def draw(self, _context: bpy.types.Context) -> None:
        layout = given(self.layout)
        layout.prop(self, "command")
        layout.prop(self, "home")
        online = "allowed" if bpy.app.online_access else "off: only a daemon on this machine is spoken to"
        layout.label(text=f"Online access is {online}.", icon="INTERNET")


def read_reach() -> Reach:
    """Return where the daemon may be reached, as plain data for other threads."""
    addon = given(bpy.context.preferences).addons.get(__package__)
    command, home = (addon.preferences.command, addon.preferences.home) if addon is not None else ("", "")
    return Reach(
        command=bpy.path.abspath(command) if command else "",
        home=Path(bpy.path.abspath(home)) if home else None,
        online=bool(bpy.app.online_access),
    )
