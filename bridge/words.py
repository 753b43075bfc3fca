"""The words that a job is described in, alike in code, on the wire, in the panels and in the documents.

Their messages are in `messages`, their nouns in `shot`: here is what a host must know before it says anything.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

Name = Annotated[
    str,
    msgspec.Meta(pattern=r"^(?!\.{1,2}\Z)[^/\\\x00-\x1f]{1,128}\Z", description="one path component, not . or .."),
]
Mode = Literal["replace", "animate"]
State = Literal[
    "draft", "uploading", "queued", "running", "parked", "paused", "checking",
    "delivered", "refused", "quarantined", "cancelled", "failed",
]  # fmt: skip
ENDED: frozenset[str] = frozenset({"delivered", "refused", "quarantined", "cancelled", "failed"})

PREMULTIPLIED_LAYERS = ("patch", "character")
