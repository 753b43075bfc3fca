"""Every field of a record as a form needs it: its path, what kind of value it takes, in which section it stands. Pure.

Taken from the Structs of `bridge.record`: a field that is added there appears here, and a test asks for its words.
"""

from __future__ import annotations

import functools
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Union, get_args, get_origin

import msgspec

from understudy.bridge.circumstances import Approval, CastMember
from understudy.bridge.record import Record

Kind = Literal["truth", "choice", "text", "long", "day", "number", "words", "people", "consents", "rows"]
Choice = str | int

SECTIONS: dict[str, tuple[str, ...]] = {
    "record": ("record_id", "ground"),
    "people": ("likeness", "on_screen", "performed_by", "replaced", "consents", "cast", "attestation"),
    "use": ("use",),
    "disclosure": ("disclosure",),
    "content": ("content",),
    "approvals": ("approvals",),
    "eu": ("eu",),
    "guild": ("replica", "script", "synthetic", "generation"),
    "client": ("client",),
    "cn": ("cn",),
    "keeping": ("retention_until",),
    "context": ("context",),
}
"""Sections in their order, with the fields (or groups of them) that stand in each."""
ALWAYS = ("record_id", "likeness", "on_screen", "performed_by", "replaced", "consents")
"""What the gate itself asks of every record, whatever pack applies."""
HIDDEN = ("schema", "salt")
"""Kept as they are: the first is the file's, the second is private."""
_PEOPLE = ("on_screen", "performed_by", "replaced")
_LONG = ("attestation", "eu.reason", "synthetic.value_statement", "synthetic.union_notice", "context.notes")
_ROWS: dict[str, type[msgspec.Struct]] = {"cast": CastMember, "approvals": Approval}
_ELSEWHERE = {"consent": "consents", "person": "cast", "approved": "approvals"}
"""How packs name what stands in the record's lists: `consent.scope.nudity` is mended at `consents`."""


@dataclass(frozen=True, slots=True)
class RecordField:
    """One field of the form."""

    path: str
    """As in the record: `use.territories`; within a row of a list only the row's own name."""
    kind: Kind
    choices: tuple[Choice, ...] = ()
    parts: tuple[RecordField, ...] = ()
    """Of rows: the fields of one row."""


@functools.cache
def catalogue() -> dict[str, RecordField]:
    """Return every field by its path, in the order in which the form shows them."""
    known = {field.path: field for field in _fields(Record, "")}
    order = [top for tops in SECTIONS.values() for top in tops]
    return {
        path: known[path] for top in order for path in known if path == top or path.startswith(f"{top}.")
    }  # fmt: skip


def section_of(path: str) -> str:
    """Return the section in which a field stands."""
    top = path.partition(".")[0]
    return next(name for name, tops in SECTIONS.items() if top in tops)


def field_at(path: str) -> str:
    """Return the field of the form at which `path` (of a rule, of an error) is mended; empty = none.

    `cast[0].union` and `person.union` are mended at `cast`, `consent.scope.nudity` at `consents`.
    """
    plain = path.partition("[")[0]
    while plain:
        if plain in catalogue():
            return plain
        if "." not in plain:
            return _ELSEWHERE.get(plain, "")
        plain = plain.rpartition(".")[0]
    return ""


def _fields(kind: type[msgspec.Struct], prefix: str) -> Iterator[RecordField]:
    hints = typing.get_type_hints(kind)
    for name in kind.__struct_fields__:
        path = f"{prefix}{name}"
        if path in HIDDEN:
            continue
        hint = hints[name]
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            yield from _fields(hint, f"{path}.")
        else:
            yield _field(path, hint)


def _field(path: str, hint: object) -> RecordField:
    if path == "consents":
        return RecordField(path, "consents")
    if path in _ROWS:
        return RecordField(path, "rows", parts=tuple(_fields(_ROWS[path], "")))
    if path in _PEOPLE:
        return RecordField(path, "people")
    choices = _choices(hint)
    if choices:
        return RecordField(path, "choice", choices)
    return RecordField(path, "long" if path in _LONG else _plain_kind(hint))


def _plain_kind(hint: object) -> Kind:
    inner = _alternatives(hint)
    if get_origin(hint) is tuple:
        return "words"
    if bool in inner:
        return "truth"
    if int in inner:
        return "number"
    return "day" if type(None) in inner else "text"  # every text of a record that may be absent is a day


def _choices(hint: object) -> tuple[Choice, ...]:
    for one in _alternatives(hint):
        if get_origin(one) is Literal:
            return get_args(one)
    return ()


def _alternatives(hint: object) -> tuple[object, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
