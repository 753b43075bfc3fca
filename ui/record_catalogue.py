"""Where each field of a record stands in the form, and at which field a rule or an error is mended. Pure.

The fields themselves are those of `bridge.record_fields`: one that is added there appears here.
"""

from __future__ import annotations

import functools

from understudy.bridge.record_fields import ITEM, RecordField, record_fields

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
_ELSEWHERE = {"consent": "consents", "person": "cast", "approved": "approvals"}
"""How packs name what stands in the record's lists: `consent.scope.nudity` is mended at `consents`."""


@functools.cache
def catalogue() -> dict[str, RecordField]:
    """Return every field that has a place of its own, by its path, in the order in which the form shows them."""
    known = {path: field for path, field in record_fields().items() if ITEM not in path}
    order = [top for tops in SECTIONS.values() for top in tops]
    return {path: known[path] for top in order for path in known if path == top or path.startswith(f"{top}.")}


def parts_of(path: str) -> dict[str, RecordField]:
    """Return the fields of one row of a list (`cast`), by their names within it."""
    before = f"{path}{ITEM}."
    return {name.removeprefix(before): field for name, field in record_fields().items() if name.startswith(before)}


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
