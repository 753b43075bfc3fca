"""Writes docs/protocol.md from the messages themselves: `python -m understudy.bridge.protocol_document`."""

from __future__ import annotations

import ast
import functools
import inspect
import itertools
import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from understudy.bridge import bulk_messages, messages, shot, wire, words

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "protocol.md"
_NAMED: dict[Any, str] = {
    messages.JobId: "JobId", words.State: "State", shot.Digest: "Digest", words.Name: "Name", words.Mode: "Mode",
}  # fmt: skip
_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", bytes: "bytes", type(None): "null"}
_UNIONS: tuple[tuple[str, str, Any], ...] = (
    ("Requests", "Client to daemon. Each is answered by one reply.", messages.Request),
    ("Replies", "Daemon to client, with the id of the request.", messages.Reply),
    ("Pushes", "Daemon to a watcher, with an empty id.", messages.Push),
    (
        "Bulk headers",
        "Either way on the bulk port: MessagePack arrays, the tag first, the fields in order.",
        bulk_messages.Bulk,
    ),
)


def protocol_document() -> str:
    """Return the text of docs/protocol.md: every message, field, type, default and its documentation."""
    told = [kind for _, _, union in _UNIONS for kind in typing.get_args(union)]
    parts = [_preface()]
    for title, text, union in _UNIONS:
        parts.append(f"## {title}\n\n{text}\n")
        parts.extend(_section(kind) for kind in typing.get_args(union))
    parts.append("## Parts of messages\n")
    parts.extend(_section(kind) for kind in _reached(told) if kind not in told)
    return "\n".join(parts)


def _preface() -> str:
    named = "\n".join(f"| `{name}` | {_type_text(kind, unfold=True)} |" for kind, name in _NAMED.items())
    return f"""# The protocol, version {messages.PROTOCOL_VERSION}

Generated from `bridge/messages.py` and every `bridge/*_messages.py` by
`python -m understudy.bridge.protocol_document`; do not edit.

{inspect.cleandoc(messages.__doc__ or "").split(chr(10), 1)[1].strip()}

{inspect.cleandoc(wire.__doc__ or "").split(chr(10), 1)[1].strip()}

The first word of every connection is `Hello`. A message is a JSON object whose `type` is its tag.

| limit | value |
|---|---|
| a request, refused unread above | {messages.CONTROL_MESSAGE_LIMIT_BYTES} bytes |
| a reply or push | {wire.REPLY_LIMIT_BYTES} bytes |
| a bulk header | {wire.BULK_HEADER_LIMIT_BYTES} bytes |
| a chunk's payload | {bulk_messages.CHUNK_BYTES} bytes |
| chunks in flight | {bulk_messages.CREDIT_CHUNKS} |

| named type | is |
|---|---|
{named}

Where the default is a dash the field must be there. Unknown fields are ignored, unknown tags refused.
"""


def _section(kind: type[msgspec.Struct]) -> str:
    config = kind.__struct_config__
    tag = f" · tag `{config.tag}`" if config.tag is not None else ""
    text = f"### {kind.__name__}{tag}\n\n{_own_words(kind)}".rstrip() + "\n"
    words = {name: _cell(text) for name, text in _field_documents(kind).items()}
    rows = [
        f"| `{field.encode_name}` | {_type_text(field.type)} | {_default(field)} "
        f"| {words.get(field.name, _described(field.type))} |"
        for field in msgspec.structs.fields(kind)
    ]
    if rows:
        text += "\n| field | type | default | |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"
    return text


def _own_words(kind: type[msgspec.Struct]) -> str:
    return inspect.cleandoc(kind.__dict__.get("__doc__") or "")


def _field_documents(kind: type[msgspec.Struct]) -> dict[str, str]:
    """Return the string that stands under each field in the source; Python itself does not keep it."""
    documents = {}
    for field, text in itertools.pairwise(_bodies(kind.__module__)[kind.__name__]):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            documents[ast.unparse(field.target)] = inspect.cleandoc(str(text.value.value))
    return documents


@functools.cache
def _bodies(module: str) -> dict[str, list[ast.stmt]]:
    """Return the source of every class of a module."""
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {node.name: node.body for node in tree.body if isinstance(node, ast.ClassDef)}


def _default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "-"
    value = field.default_factory() if field.default_factory is not msgspec.NODEFAULT else field.default
    return _cell(f"`{msgspec.json.encode(value).decode()}`")


def _type_text(kind: Any, *, unfold: bool = False) -> str:
    """Return a type in words, a Struct as a link. `unfold`: say what a named type is made of."""
    if not unfold and kind in _NAMED:
        return f"`{_NAMED[kind]}`"
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        return f"{_type_text(arguments[0])}{_limits(arguments[1])}"
    if origin is typing.Literal:
        return ", ".join(f"`{word}`" for word in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_type_text(argument) for argument in arguments)
    if origin in (tuple, list):
        return f"list of {_type_text(arguments[0])}"
    if origin is dict:
        return f"map of {_type_text(arguments[0])} to {_type_text(arguments[1])}"
    return _PLAIN.get(kind) or f"[{kind.__name__}](#{_anchor(kind)})"


def _described(kind: Any) -> str:
    """Return what a field's own type says of it, as the fields of `JobOptions` do."""
    metas = [meta for meta in typing.get_args(kind)[1:] if isinstance(meta, msgspec.Meta)]
    return _cell(next((meta.description for meta in metas if meta.description), ""))


def _anchor(kind: type[msgspec.Struct]) -> str:
    """Return the anchor that Markdown viewers make of the heading in `_section`."""
    tag = kind.__struct_config__.tag
    return kind.__name__.lower() + (f"--tag-{str(tag).lower()}" if tag is not None else "")


def _limits(meta: msgspec.Meta) -> str:
    said = [(meta.ge, "at least {}"), (meta.gt, "above {}"), (meta.le, "at most {}"), (meta.lt, "below {}"),
            (meta.min_length, "length at least {}"), (meta.max_length, "length at most {}")]  # fmt: skip
    texts = [text.format(limit) for limit, text in said if limit is not None]
    texts += [_cell(f"matching `{meta.pattern}`")] if meta.pattern else []
    return ", " + ", ".join(texts) if texts else ""


def _reached(kinds: list[type[msgspec.Struct]]) -> list[type[msgspec.Struct]]:
    """Return every Struct that these are made of, in the order in which a reader meets them."""
    found: dict[type[msgspec.Struct], None] = {}
    waiting = list(kinds)
    while waiting:
        kind = waiting.pop(0)
        if kind not in found:
            found[kind] = None
            waiting.extend(part for field in msgspec.structs.fields(kind) for part in _structs_in(field.type))
    return list(found)


def _structs_in(kind: Any) -> Iterator[type[msgspec.Struct]]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
    for argument in typing.get_args(kind):
        yield from _structs_in(argument)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    DOCUMENT.write_text(protocol_document(), encoding="utf-8")
    sys.stdout.write(f"{DOCUMENT}\n")
