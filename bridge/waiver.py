"""A waiver as it is kept and sent: who lets which rule be, on which record, for how long, and on what facts.

Whether one counts is for the gate to say (inference/compliance/policy/waiver.py).
"""

from __future__ import annotations

from typing import Literal

import msgspec


class Waiver(msgspec.Struct, frozen=True, kw_only=True):
    """One waiver as the registry keeps it. Days are UTC; the last day itself still counts."""

    waiver_id: str
    rule: str
    pack: str
    """Id and version: us-ny-ads@1.0.0. Another version is another rule."""
    record_id: str
    shots: tuple[str, ...] = ()
    """Names or patterns (`SH0*`); empty = every shot of the record."""
    reason: str
    requested_by: str
    granted_by: str
    granted_as: Literal["artist", "producer", "legal", "admin"]
    """The role that the grantor's key had."""
    granted_on: str
    expires_on: str
    condition: str = ""
    """What must be kept to; for people."""
    facts: str
    """SHA-256 of what the rule read when it was granted: the `facts hash` of the refusal."""
