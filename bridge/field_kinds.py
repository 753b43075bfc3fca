"""What kind of thing a field of the record is, for a form: words for its types where a type alone does not say."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

FieldKind = Literal[
    "text", "long_text", "flag", "choice", "number", "day", "moment", "list", "territories", "people", "parts",
]  # fmt: skip
"""`flag` has three states: yes, no, not stated. `people` is a list of talents, `parts` a list of structs (`cast`)."""
Choice = str | int

LongText = Annotated[str, msgspec.Meta(extra={"kind": "long_text"})]
"""A text of more than a line."""
People = Annotated[tuple[str, ...], msgspec.Meta(extra={"kind": "people"})]
"""Talents by their ids."""
