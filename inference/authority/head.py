"""What a job carries away from the ledger and the registry when it is accepted. Plain values; no key, no disk."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from understudy.bridge.record import Record

Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""SHA-256, or an HMAC of it, in lower-case hex."""

Vouching = Literal["registry", "authority", "self-attested"]
"""The daemon's own registry, the studio authority that it follows, or the record alone."""


class StudioAuthority(msgspec.Struct, frozen=True, kw_only=True):
    """Which authority vouches, and by which of its snapshots. No address: manifests leave the house."""

    key: Digest
    """Its public key, Ed25519, hex: the name by which anybody can check it."""
    serial: int
    """The entry of its ledger that says that the snapshot was issued."""
    digest: Digest
    """SHA-256 of the snapshot as it was signed."""
    expires_at: str


class LedgerHead(msgspec.Struct, frozen=True, kw_only=True):
    """The newest entry of a ledger at some moment. Whoever holds one can tell whether the ledger was cut since."""

    seq: Annotated[int, msgspec.Meta(ge=1)]
    digest: Digest
    """SHA-256 of the entry's line, without its line break."""


class AdmittedPapers(msgspec.Struct, frozen=True, kw_only=True):
    """How the papers of a job stood when it was accepted: taken once and kept with the job, so that a run that is
    repeated or taken up again writes the same manifest.
    """

    ledger_head: LedgerHead | None = None
    """The entry that says that the job was accepted; None for a job that no ledger knows."""
    vouched_by: Vouching = "self-attested"
    """Who says that the consents are what the record says they are."""
    snapshot: str = ""
    """Digest of what the registry knew of the people and consents that the record names; empty = nothing."""
    authority: StudioAuthority | None = None
    """Where `vouched_by` is the authority: which, and by what."""
    record: Record | None = None
    """The record as it was sent, where the registry filled in some of it: a later admission fills in that one, by what
    the registry says then. None = the job's own record.
    """
