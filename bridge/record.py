"""The papers that a job carries. JSON on the wire and in hosts; upgraded, never guessed.

The full schema grows here; what stands is what the gates of today read.
"""

from __future__ import annotations

from typing import Literal

import msgspec

RECORD_SCHEMA = 1


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """One signed grant. Dates are ISO days (2026-11-20) in UTC; the end day itself is still covered."""

    consent_id: str
    talent: str
    document: str
    """SHA-256 of the signed document."""
    signed_on: str
    expires_on: str | None = None
    revoked_on: str | None = None
    projects: tuple[str, ...] = ()
    """Empty = every project."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Who is seen, who consented, and on what ground this job runs."""

    schema: int = RECORD_SCHEMA
    record_id: str = ""
    ground: Literal["record", "self_attested", "demonstration"] = "record"
    """`record`: the papers below. `self_attested`: every file says uncleared. `demonstration`: not for delivery."""
    attestation: str = ""
    """Who says so and why; required where the ground is not `record`."""
    likeness: Literal["digital_replica", "synthetic_performer", "altered_performance", "non_human", "no_person"] | None = (
        None
    )
    on_screen: tuple[str, ...] = ()
    performed_by: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    consents: tuple[Consent, ...] = ()
    disclosure: str = "Contains AI-generated or AI-altered imagery."

    @property
    def clearance(self) -> Literal["cleared", "uncleared", "demonstration"]:
        return {"record": "cleared", "self_attested": "uncleared", "demonstration": "demonstration"}[self.ground]  # type: ignore[return-value]
