"""The fields that a policy pack may read: their paths, what kind of value each has, and which are private. Pure.

Most follow from the record's own structs, so that a new field of the record is readable by packs without a second list.
A value that is not stated is None, whatever its kind: an empty text and an empty list say nothing.
"""

from __future__ import annotations

import functools
import typing
from dataclasses import dataclass
from typing import Literal

import msgspec

from understudy.bridge.circumstances import CastMember
from understudy.bridge.consent import Consent
from understudy.bridge.record import Record

Kind = Literal["truth", "word", "text", "number", "day", "list", "territories"]
Value = bool | int | str | tuple[str, ...] | None
"""What is read of a job: None = not stated."""

NO_FIELDS = ("schema", "salt", "attestation", "consents", "cast", "approvals")
"""Of a record: the salt is nobody's business, lists of structs are read person by person, words are for people."""
PRIVATE = frozenset(
    {
        "on_screen", "performed_by", "replaced", "eu.reason", "disclosure.placement", "generation.prompt_writer",
        "script.reference", "synthetic.value_statement", "synthetic.union_notice", "cn.recipient",
        "consent.scope.use_text", "consent.scope.exclusions", "consent.scope.shots", "consent.scope.projects",
        "person.deceased_on", "context.notes",
    }
)  # fmt: skip
"""Of these a finding says whether they are stated, and no more: findings stand in the manifest beside the pictures."""
APPROVALS = ("legal", "brand", "client", "talent")
TODAY = "today"


@dataclass(frozen=True, slots=True)
class Field:
    """One readable field. `values` are all that it can have, where they are few; else empty."""

    path: str
    kind: Kind
    values: tuple[str | int, ...] = ()

    @property
    def private(self) -> bool:
        return self.path in PRIVATE

    @property
    def of_a_person(self) -> bool:
        """Whether it is read person by person: only a rule `each = "person"` may name it."""
        return self.path.startswith(("person.", "consent."))


@functools.cache
def fields() -> dict[str, Field]:
    """Return every field by its path."""
    found = [
        *_of_struct(Record, "", NO_FIELDS),
        *_of_struct(CastMember, "person.", ("talent",)),
        *_of_struct(Consent, "consent.", ("consent_id", "talent", "document")),
        *(Field(f"person.{name}", "truth") for name in ("on_screen", "performs", "is_replaced")),
        *(Field(f"approved.{kind}", "truth") for kind in APPROVALS),
        *(Field(f"job.{name}", "text") for name in ("mode", "project", "shot", "engine")),
        Field(TODAY, "day"),
    ]
    return {field.path: field for field in found}


def in_record(path: str) -> str | None:
    """Return where in a record the field that packs call `path` stands (`Finding.fields`); None for what a job, a day
    or the registry says.
    """
    if path in _WHOSE:
        return _WHOSE[path]
    if path.startswith("approved."):
        return "approvals"
    whole, _, rest = path.partition(".")
    if path not in fields() or path == TODAY or whole == "job":
        return None
    return {"person": f"cast[].{rest}", "consent": f"consents[].{rest}"}.get(whole, path)


_WHOSE = {"person.on_screen": "on_screen", "person.performs": "performed_by", "person.is_replaced": "replaced"}


def _of_struct(struct: type[msgspec.Struct], before: str, without: tuple[str, ...]) -> list[Field]:
    found: list[Field] = []
    for name, hint in typing.get_type_hints(struct).items():
        if name in without:
            continue
        if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
            found += _of_struct(hint, f"{before}{name}.", ())
        else:
            found.append(_of_hint(f"{before}{name}", name, hint))
    return found


def _of_hint(path: str, name: str, hint: object) -> Field:
    options = [one for one in (typing.get_args(hint) or (hint,)) if one is not type(None)]
    if typing.get_origin(hint) is tuple:
        return Field(path, "territories" if name == "territories" else "list")
    for option in (hint, *options):
        if typing.get_origin(option) is Literal:
            return Field(path, "word", typing.get_args(option))
    if bool in options:
        return Field(path, "truth")
    if int in options:
        return Field(path, "number")
    return Field(path, "day" if name.endswith(("_on", "_until", "_at")) else "text")
