"""What was read of credentials, as a process of rules is told it: plain values, nothing heavy imported."""

from __future__ import annotations

import msgspec


class InputCredentials(msgspec.Struct, frozen=True, kw_only=True):
    """The credentials of one input file."""

    role: str
    typed: str
    state: str
    damage: tuple[str, ...] = ()
    """Why it is not what was signed, in C2PA's codes; empty = it is."""
    signer: str = ""
