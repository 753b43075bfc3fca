# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender is told of us when the extension is switched on, and takes back when it is switched off."""

from __future__ import annotations

from typing import Any

import bpy

from . import desk, memory, operators, panel, properties
from .blender_types import persistent
from .preferences import UnderstudyPreferences
from .session import close_session, current_session

CLASSES = (UnderstudyPreferences, *operators.CLASSES, *panel.CLASSES)


@persistent
def close_file(*_: Any) -> None:
    close_session()


@persistent
def open_file(*_: Any) -> None:
    """Take up the jobs that the file was saved with. In the background a script asks for it."""
    if not bpy.app.background and any(not job.settled for job in memory.kept_jobs()):
        session = desk.session_here()
        session.jobs.reattach()
        operators.watch(session)


@persistent
def after_undo(*_: Any) -> None:
    session = current_session()
    if session is not None:
        session.remember_again()


HANDLERS = (("load_pre", close_file), ("load_post", open_file), ("undo_post", after_undo), ("redo_post", after_undo))


def register() -> None:
    properties.register()
    for one in CLASSES:
        bpy.utils.register_class(one)
    for name, handler in HANDLERS:
        getattr(bpy.app.handlers, name).append(handler)


def unregister() -> None:
    """End our threads first: none may meet a Blender that has forgotten us."""
    close_session()
    for timer in (operators.watch_again, desk.look):
        if bpy.app.timers.is_registered(timer):
            bpy.app.timers.unregister(timer)
    for name, handler in HANDLERS:
        listed = getattr(bpy.app.handlers, name)
        if handler in listed:
            listed.remove(handler)
    for one in reversed(CLASSES):
        bpy.utils.unregister_class(one)
    properties.unregister()
