"""What the node's pulldowns offer: the script's views, and the engines that the daemon has."""

from __future__ import annotations

import threading

import nuke

from understudy.bridge.client import Client
from understudy.bridge.errors import DaemonError, RequestError
from understudy.bridge.keys import CONNECTION_FILE, load_connection
from understudy.bridge.settings import load_settings
from understudy.host_plugins.nuke.knobs import set_entries
from understudy.host_plugins.nuke.node import find_node
from understudy.host_plugins.nuke.undisturbed import undisturbed

PATIENCE_SECONDS = 2.0


def refresh(node: nuke.Node) -> None:
    """Offer what there is: views at once, engines when a daemon answers. Starts none, waits for none."""
    _offer(node.fullName(), "view", list(nuke.views()))
    threading.Thread(target=_ask_engines, args=(node.fullName(),), name="understudy-engines", daemon=True).start()


def _ask_engines(name: str) -> None:
    try:
        connection = load_connection(load_settings().home / CONNECTION_FILE)
        with Client.connect(connection, timeout_seconds=PATIENCE_SECONDS) as client:
            engines = [engine.name for engine in client.hello().engines]
    except (DaemonError, RequestError):
        return  # none runs: the entries stay as they are
    nuke.executeInMainThread(_offer, (name, "engine", engines))


def _offer(name: str, knob: str, entries: list[str]) -> None:
    """Change the entries and keep the value, also one that is not among them: a script may come from elsewhere."""
    node = find_node(name)
    if node is None or not entries:
        return
    value = str(node[knob].value())
    with undisturbed():
        set_entries(node[knob], entries if value in entries else [*entries, value], value)
