"""What a daemon that follows a studio authority asks of it, and what it is answered (docs/authority.md)."""

from __future__ import annotations

from typing import Annotated

import msgspec


class AskSnapshot(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What the studio's registry holds for the projects of this key, signed. For a daemon that follows this one."""

    contents: str = ""
    """Digest of the contents that the asker holds: they are not sent again while they are the same. Empty = send them,
    signed anew."""
    key: str = ""
    """The public key (Ed25519, hex) that the asker trusts. Where it was changed since, the answer proves it."""


class PostEntries(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Lines of a follower's ledger as they stand there, those that follow on entry `after`. Safe to repeat."""

    after: Annotated[int, msgspec.Meta(ge=0)]
    lines: Annotated[tuple[str, ...], msgspec.Meta(max_length=256)]


class PostWaiver(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A waiver that somebody asked for at a follower, as JSON; whoever may decides on it at the authority."""

    waiver: str


class SignedSnapshot(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What an authority says to a follower. The follower keeps it as it is and verifies it whenever it is used."""

    body: str = ""
    """JSON, as it was signed (docs/authority.md); empty = what the asker holds is still so."""
    signature: str = ""
    """Ed25519, hex, over `understudy studio snapshot 1`, a line break, and the body."""
    key: str = ""
    """The public key that signed, hex: that of the authority's ledger."""
    rotations: tuple[str, ...] = ()
    """Lines of the authority's ledger by which one key named the next, from the asker's key on."""


class Posted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What the authority holds of a follower's ledger now, on its disk. The follower goes on from there."""

    seq: int
    digest: str
    head_seq: int
    """The entry of the authority's own ledger that says so; 0 = it holds nothing yet."""
    head_digest: str
