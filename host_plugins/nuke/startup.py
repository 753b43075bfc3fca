"""What the startup files call: `start` in every Nuke, render nodes too; `start_menu` in one that has a window.

Imports nothing of ours on the main thread: a Nuke that starts pays for what it uses.
"""

from __future__ import annotations

import threading

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
    """Add the node to the menu bar and to the toolbar, and read ahead what its first button needs."""
    if "menu" in _started:
        return
    _started.add("menu")
    for place in ("Nuke", "Nodes"):
        nuke.menu(place).addMenu("Understudy").addCommand("Understudy", COMMAND)
    nuke.addKnobChanged(_panel_shown, nodeClass="Group")
    # The first button would hold the window for as long; a render node has no button, and reads nothing.
    threading.Thread(target=_read_ahead, name="understudy-read-ahead", daemon=True).start()


def _read_ahead() -> None:
    """Import what asks nothing of Nuke: this is not its main thread."""
    from understudy.bridge import host_jobs  # noqa: F401


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
