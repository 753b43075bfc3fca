"""What the startup files call: `start` in every Nuke, render nodes too; `start_menu` in one that has a window.

Imports nothing of ours but by name in the menu's text: a Nuke that starts pays for what it uses.
"""

from __future__ import annotations

import nuke

COMMAND = "from understudy.host_plugins.nuke import buttons; buttons.add_node()"
_started: set[str] = set()


def start() -> None:
    """Let a script that is opened take up its jobs. Twice is once: startup files are sometimes run again."""
    if "callbacks" in _started:
        return
    _started.add("callbacks")
    nuke.addOnScriptLoad(_opened)
    nuke.addOnScriptClose(_closed)


def start_menu() -> None:
    """Add the node to the menu bar and to the toolbar."""
    if "menu" in _started:
        return
    _started.add("menu")
    for place in ("Nuke", "Nodes"):
        nuke.menu(place).addMenu("Understudy").addCommand("Understudy", COMMAND)
    nuke.addKnobChanged(_panel_shown, nodeClass="Group")


def _opened() -> None:
    from understudy.host_plugins.nuke.session import script_opened

    script_opened()


def _closed() -> None:
    from understudy.host_plugins.nuke.session import script_closed

    script_closed()


def _panel_shown() -> None:
    """A node's panel was opened: offer the views and engines that there are now."""
    if nuke.thisKnob().name() == "showPanel" and nuke.thisNode().knob("understudy_memory") is not None:
        from understudy.host_plugins.nuke.offers import refresh

        refresh(nuke.thisNode())
