"""What the node's buttons and the menu do. Each returns at once: nothing of a job is waited for here."""

from __future__ import annotations

import nuke

from understudy.bridge.errors import HostError, UnderstudyError
from understudy.host_plugins.nuke.node import create_node, is_ours, selected_node
from understudy.host_plugins.nuke.session import current


def press(name: str) -> None:
    """Do what the button of that name says, for the node on which it is. Errors become a message."""
    try:
        _BUTTONS[name](_own_node())
    except UnderstudyError as problem:
        _say(f"{problem.message}\n\n{problem.remedy}")
    except Exception as problem:  # noqa: BLE001 - the host callback's edge: it must not end as a traceback in a dialog
        _say(f"Understudy could not do that: {type(problem).__name__}: {problem}")


def add_node() -> None:
    """The menu's and the toolbar's command."""
    try:
        create_node()
    except UnderstudyError as problem:
        _say(f"{problem.message}\n\n{problem.remedy}")


def open_panel() -> None:
    """The menu's command: the panel, with the shot of the Understudy node that is selected."""
    try:
        current().open_panel(selected_node())
    except UnderstudyError as problem:
        _say(f"{problem.message}\n\n{problem.remedy}")


def _own_node() -> nuke.Node:
    node = nuke.thisNode()
    if node is None or not is_ours(node):
        raise HostError("this button is not on an Understudy node", remedy="Add one from the menu Understudy.")
    return node


def _submit(node: nuke.Node) -> None:
    current().submit(node)


def _cancel(node: nuke.Node) -> None:
    if not current().cancel(node):
        raise HostError(f"{node.fullName()} has no job that runs", remedy="See `understudy jobs` for all of yours.")


def _details(node: nuke.Node) -> None:
    words = current().last_words(node)
    _say(words or f"{node.fullName()} has sent no job since this script was opened.")


def _panel(node: nuke.Node) -> None:
    current().open_panel(node)


def _say(words: str) -> None:
    """Show a message, or print it where there is no window."""
    if nuke.GUI:
        nuke.message(words)
    else:
        nuke.tprint(words)


_BUTTONS = {"submit": _submit, "cancel": _cancel, "details": _details, "panel": _panel}
