"""Kinds, choices and help of the record's fields, as a form is made of them."""

from __future__ import annotations

import typing

import msgspec
import pytest

from understudy.bridge.circumstances import Likeness
from understudy.bridge.field_kinds import FieldKind
from understudy.bridge.record import Record
from understudy.bridge.record_fields import HELP, record_fields

HELP_LETTERS = 110


def test_every_field_has_one_line_of_help_and_no_line_is_of_a_field_that_is_not_there() -> None:
    assert set(HELP) == set(record_fields())
    assert [path for path, text in HELP.items() if "\n" in text or not 10 < len(text) <= HELP_LETTERS] == []


def test_every_kind_is_one_that_a_form_knows() -> None:
    assert {field.kind for field in record_fields().values()} <= set(typing.get_args(FieldKind))


@pytest.mark.parametrize(
    ("path", "kind", "choices"),
    [
        ("likeness", "choice", typing.get_args(Likeness)),
        ("use.is_advertising", "flag", ()),
        ("cast[].living", "choice", ("yes", "no", "unknown")),
        ("cast[].minor", "flag", ()),
        ("cn.label", "choice", (1, 2, 3)),
        ("on_screen", "people", ()),
        ("use.media", "list", ()),
        ("use.territories", "territories", ()),
        ("consents[].scope.territories", "territories", ()),
        ("consents[].notice_at", "moment", ()),
        ("use.first_use_on", "day", ()),
        ("retention_until", "day", ()),
        ("eu.reason", "long_text", ()),
        ("disclosure.proof_frame", "number", ()),
        ("record_id", "text", ()),
        ("approvals", "parts", ()),
        ("approvals[].kind", "choice", ("legal", "brand", "client", "talent")),
    ],
)
def test_a_kind_follows_from_the_type(path: str, kind: str, choices: tuple[str | int, ...]) -> None:
    field = record_fields()[path]
    assert (field.kind, field.choices) == (kind, choices)


def test_whatever_a_record_states_has_a_field_but_for_what_nobody_fills_in() -> None:
    def paths(struct: type[msgspec.Struct], before: str = "") -> set[str]:
        found: set[str] = set()
        for name, hint in typing.get_type_hints(struct).items():
            inner = (typing.get_args(hint) or (None,))[0] if typing.get_origin(hint) is tuple else None
            if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
                found |= paths(hint, f"{before}{name}.")
                continue
            found.add(f"{before}{name}")
            if isinstance(inner, type) and issubclass(inner, msgspec.Struct):
                found |= paths(inner, f"{before}{name}[].")
        return found

    assert paths(Record) - set(record_fields()) == {"schema", "salt"}
