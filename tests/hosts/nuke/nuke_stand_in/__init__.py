"""A strict stand-in for Nuke: a module `nuke` that refuses what Nuke refuses, and writes and reads real EXRs.

A green run here is not a run in Nuke. `Guesses` lists what is not known.
"""

from __future__ import annotations

from nuke_stand_in.application import Application, Guesses, current, run
from nuke_stand_in.nodes import Root
from nuke_stand_in.surface import choose, knob_changed, make_module, press, show_panel

__all__ = [
    "Application",
    "Guesses",
    "choose",
    "current",
    "make_module",
    "press",
    "run",
    "knob_changed",
    "show_panel",
    "start",
]


def start(application: Application) -> Application:
    """Let this Nuke run, with an empty script."""
    run(application)
    application.root = Root()
    return application
