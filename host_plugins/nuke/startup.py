"""What the startup files call: `start` in every Nuke, render nodes too; `start_menu` in one that has a window.

Imports nothing of ours on the main thread: a Nuke that starts pays for what it uses.
"""

from __future__ import annotations

import threading

import nuke

COMMAND = "from understudy.host_plugins.nuke import buttons; buttons.add_node()"
PANEL_COMMAND = "from understudy.host_plugins.nuke import buttons; buttons.open_panel()"
DOCK_ID = "understudy.jobs"
DOCK_FROM_MAJOR = 16
"""From here on Nuke brings PySide6, on which the panel's own job list runs; before, the panel is its process alone."""
DOCK = "__import__('understudy.host_plugins.nuke.dock', fromlist=['JobsDock']).JobsDock"
"""Nuke evaluates it when the pane is opened first: a start pays nothing for Qt's widgets."""
LOOKED_AT = frozenset(("showPanel", "selected", "inputChange", "view"))
"""Of all that Nuke calls a change of a knob; what is dragged or typed comes many times a second."""
_started: set[str] = set()


def start() -> None:
    """Let a script that is opened take up its jobs. Twice is once: startup files are sometimes run again."""
    if "callbacks" in _started:
        return
    _started.add("callbacks")
    nuke.addOnScriptLoad(_opened)
    nuke.addOnScriptClose(_closed)


def start_menu() -> None:
    """Add the node to the menu bar and to the toolbar, and read ahead what its first button needs."""
    if "menu" in _started:
        return
    _started.add("menu")
    for place in ("Nuke", "Nodes"):
        menu = nuke.menu(place).addMenu("Understudy")
        menu.addCommand("Understudy", COMMAND)
        if place == "Nuke":
            menu.addCommand("Panel", PANEL_COMMAND)
    nuke.addKnobChanged(_knob_changed, nodeClass="Group")
    # The first button would hold the window for as long; a render node has no button, and reads nothing.
    threading.Thread(target=_read_ahead, name="understudy-read-ahead", daemon=True).start()
    _offer_dock()


def _offer_dock() -> None:
    """Add the job list to the panes that can be opened, where this Nuke can show it."""
    if nuke.NUKE_VERSION_MAJOR < DOCK_FROM_MAJOR:
        return
    from nukescripts import panels

    panels.registerWidgetAsPanel(DOCK, "Understudy jobs", DOCK_ID)


def _read_ahead() -> None:
    """Import what asks nothing of Nuke: this is not its main thread."""
    from understudy.bridge import host_jobs  # noqa: F401


def _opened() -> None:
    from understudy.host_plugins.nuke.session import script_opened

    script_opened()


def _closed() -> None:
    from understudy.host_plugins.nuke.session import script_closed

    script_closed()


def _knob_changed() -> None:
    """A node of ours was looked at: say what to mind; its panel was opened: offer the views and engines there are."""
    try:
        name, node = nuke.thisKnob().name(), nuke.thisNode()
        if name not in LOOKED_AT or node.knob("understudy_memory") is None:
            return
        from understudy.host_plugins.nuke.offers import refresh
        from understudy.host_plugins.nuke.session import current

        if name == "showPanel":
            refresh(node)
        current().look_at(node)
    except Exception as problem:  # noqa: BLE001 - the host callback's edge: an error here is a dialog at every click
        nuke.tprint(f"Understudy: {type(problem).__name__}: {problem}")
