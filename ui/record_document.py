"""A record as its file has it: a JSON document that is edited path by path, so that what no form shows stays as it is.

Pure; no file is opened here. A value that is taken away leaves no empty group behind.
"""

from __future__ import annotations

import copy
from typing import Any

from understudy.bridge.record import RECORD_SCHEMA

Document = dict[str, Any]


def new_document(record_id: str = "") -> Document:
    """Return a record that states nothing but its name."""
    return {"schema": RECORD_SCHEMA, **({"record_id": record_id} if record_id else {})}


def value_at(document: Document, path: str) -> Any:
    """Return what the document states at `path` (`use.media`); None = not stated."""
    found: Any = document
    for name in path.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    return found


def with_value(document: Document, path: str, value: object) -> Document:
    """Return the document with `value` at `path`. None, an empty text or list = not stated: the field is left out.

    A group that is no group in the file (`"use": "ads"`) is replaced only when something is stated in it.
    """
    changed = copy.deepcopy(document)
    *groups, name = path.split(".")
    if value in (None, "", [], ()):
        _take_away(changed, groups, name)
        return changed
    holder = changed
    for group in groups:
        inner = holder.get(group)
        if not isinstance(inner, dict):
            inner = holder[group] = {}
        holder = inner
    holder[name] = list(value) if isinstance(value, tuple) else value
    return changed


def stated_paths(document: Document, known: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of the `known` paths at which something is stated."""
    return tuple(path for path in known if value_at(document, path) not in (None, "", [], {}))


def people_of(document: Document) -> tuple[str, ...]:
    """Return everyone whom the document names, once."""
    named = (value_at(document, path) for path in ("on_screen", "performed_by", "replaced"))
    return tuple(dict.fromkeys(str(one) for names in named if isinstance(names, list) for one in names))


def _take_away(document: Document, groups: list[str], name: str) -> None:
    way: list[Document] = [document]
    for group in groups:
        inner = way[-1].get(group)
        if not isinstance(inner, dict):
            return
        way.append(inner)
    if name not in way[-1]:
        return
    del way[-1][name]
    for holder, group in reversed(list(zip(way, groups, strict=False))):
        if not holder[group]:
            del holder[group]
