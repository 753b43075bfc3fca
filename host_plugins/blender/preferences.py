# SPDX-License-Identifier: GPL-3.0-or-later
"""What is set once for this Blender: where the daemon is found. Main thread only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bpy.props import StringProperty

from .session import Reach


class UnderstudyPreferences(bpy.types.AddonPreferences):
    """Edit, Preferences, Add-ons, Understudy."""

    bl_idname = __package__

    __annotations__ = {
        "command": StringProperty(
            name="Daemon command", subtype="FILE_PATH",
            description="The path of `understudy`, which starts a daemon where none answers. Empty: only look for one",
        ),
        "home": StringProperty(
            name="Home", subtype="DIR_PATH", description="The daemon's folder. Empty: what the settings say",
        ),
    }  # fmt: skip

    def draw(self, _context: Any) -> None:
        self.layout.prop(self, "command")
        self.layout.prop(self, "home")
        online = "allowed" if bpy.app.online_access else "off: only a daemon on this machine is spoken to"
        self.layout.label(text=f"Online access is {online}.", icon="INTERNET")


def read_reach() -> Reach:
    """Return where the daemon may be reached, as plain data for other threads."""
    addon = bpy.context.preferences.addons.get(__package__)
    command, home = (addon.preferences.command, addon.preferences.home) if addon is not None else ("", "")
    return Reach(
        command=bpy.path.abspath(command) if command else "",
        home=Path(bpy.path.abspath(home)) if home else None,
        online=bool(bpy.app.online_access),
    )
