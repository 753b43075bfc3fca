"""A script on disk: everything that Nuke would save of it. The form is the stand-in's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nuke_stand_in import knobs as kinds
from nuke_stand_in.application import Application
from nuke_stand_in.nodes import Group, Node, Root


def save(application: Application, path: str) -> None:
    root = application.root
    root.script = path
    content = {"views": application.views, "root": _table(root), "children": [_kept(node) for node in root.children]}
    Path(path).write_text(json.dumps(content))
    root.set_modified(False)


def open_into(application: Application, path: str) -> None:
    """Let the application have this script, and nothing of the one before."""
    content = json.loads(Path(path).read_text())
    root = application.root = Root()
    root.script = path
    application.views = content["views"]
    _restore(root, content["root"])
    _fill(root, content["children"])
    root.set_modified(False)


def _kept(node: Node) -> dict[str, Any]:
    names = {id(one): number for number, one in enumerate(node.group.children)}
    return {
        "kind": node.kind, "name": node.said, "place": node.place, "knobs": _table(node), "user": node.user,
        "above": {number: names[id(one)] for number, one in node.above.items() if one is not None},
        "children": [_kept(child) for child in node.children] if isinstance(node, Group) else [],
    }  # fmt: skip


def _table(node: Node) -> list[dict[str, Any]]:
    found = []
    for knob in node.table.values():
        kept = knob.saved()
        if knob._flags & kinds.DO_NOT_WRITE:
            kept["value"] = type(knob).default
        found.append(kept)
    return found


def _fill(group: Group, children: list[dict[str, Any]]) -> None:
    made = []
    for kept in children:
        node = (Group if kept["kind"] == "Group" else Node)(kept["kind"], group, kept["name"])
        node.place, node.user = tuple(kept["place"]), kept["user"]
        group.children.append(node)
        _restore(node, kept["knobs"])
        if isinstance(node, Group):
            _fill(node, kept["children"])
        made.append(node)
    for node, kept in zip(made, children, strict=True):
        node.above = {int(number): made[place] for number, place in kept["above"].items()}


def _restore(node: Node, table: list[dict[str, Any]]) -> None:
    for kept in table:
        knob = node.table.get(kept["name"])
        if knob is None:
            kind = kinds.KINDS[kept["kind"]]
            entries = (kept["entries"],) if "entries" in kept else ()
            knob = kind(kept["name"], kept["label"], *entries)
            node._take(knob)
        knob.restore(kept)
        node.knob_changed(knob)
