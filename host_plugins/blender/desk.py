# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel's button, and the timer that notices what the panel asks of this file. Main thread only."""

from __future__ import annotations

from pathlib import Path

import bpy

from understudy.bridge.errors import HostError
from understudy.bridge.host_jobs import HostJob
from understudy.bridge.options import JobOptions

from . import compat
from .choices import read_choices
from .preferences import read_reach
from .session import Session, current_session, open_session

LOOK_SECONDS = 0.25
"""How soon a take that the panel sends is noticed: a look costs a microsecond."""


def document_title() -> str:
    """Return what the panel calls this file."""
    return f"Blender ({Path(bpy.data.filepath).name or 'not saved'})"


def session_here() -> Session:
    """Return the session of the open file; from now on it hears the panel."""
    session = open_session(read_reach(), document_title())
    session.desk.listen()
    if not bpy.app.background and not bpy.app.timers.is_registered(look):
        bpy.app.timers.register(look, first_interval=LOOK_SECONDS)
    return session


def open_panel() -> tuple[HostJob, str]:
    """Show the panel with the active strip's shot in its form; return at once, with why there is none, or nothing."""
    session = session_here()
    try:
        selection = session.host.select()
        folder = session.host.default_folder(selection)
    except HostError as problem:
        return session.desk.open_panel(None, JobOptions(), None), f"{problem.message}. {problem.remedy}"
    scene = compat.sequencer_scene()
    assert scene is not None  # noqa: S101 - select has looked
    return session.desk.open_panel(selection, read_choices(scene), folder), ""


def look() -> float | None:
    """Have the main thread lent where the panel asked for something; Blender's own timer calls it."""
    from .operators import watch

    session = current_session()
    if session is None:
        return None
    if session.running and not session.watched:
        watch(session)
    return LOOK_SECONDS
