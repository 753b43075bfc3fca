"""What a panel asks of the papers before and beside a job: a draft judged, consents to pick from, waivers.

Nothing here decides: the daemon does, by the roles and the projects of the key that asks (docs/registry.md).
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from understudy.bridge.consent import ConsentScope
from understudy.bridge.errors import Finding
from understudy.bridge.field_kinds import Choice, FieldKind
from understudy.bridge.record import Record
from understudy.bridge.shot import Digest
from understudy.bridge.words import Mode, Name

Day = Annotated[str, msgspec.Meta(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?\Z")]
PaperId = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Line = Annotated[str, msgspec.Meta(max_length=4000)]


# ---- a draft: what admission would say, for a job that is not submitted ---------------------------------------------


class DraftInput(msgspec.Struct, frozen=True, kw_only=True):
    """A file that the job would send, as far as its digests are known already."""

    role: Literal["plate", "reference", "matte", "clean_plate", "holdout", "keypoints"]
    file: Digest
    picture: Digest | None = None
    """None = that of the file."""


class JudgeDraft(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What would admission say of these papers? Nothing is stored, nothing stands in the ledger."""

    record: Record
    shot: Name
    project: Name | None = None
    mode: Mode = "replace"
    engine: str = "preview"
    performers: tuple[str, ...] = ()
    """Talents whom the shot's performers are said to be, beside those whom the record names."""
    pictures_drive: bool = True
    """Mode animate: whether the driver is pictures, in which somebody may be seen; False = keypoints alone."""
    inputs: Annotated[tuple[DraftInput, ...], msgspec.Meta(max_length=4096)] = ()
    """What is known of the files; where any is given, they are held against the registry's clips."""


class PackAsked(msgspec.Struct, frozen=True, kw_only=True):
    """One policy pack, and whether it is asked about this draft."""

    id: str
    version: str
    title: str
    asked: bool
    why: str
    """Why it is not asked, or by what it is: its territories, its `when`, or `everywhere`."""
    in_force: bool
    """Whether it is switched on and today lies within its dates."""
    confidence: str
    reviewed_by: str
    """Empty = no lawyer has read it."""
    not_verified: tuple[str, ...] = ()
    valid_from: str = ""
    valid_to: str | None = None


class FieldAsked(msgspec.Struct, frozen=True, kw_only=True):
    """A field of the record that somebody reads, for this draft as it stands."""

    path: str
    """As `use.media`. Behind a list `[]` stands for its items: `cast[].minor`, `consents[].scope.use_text`."""
    packs: tuple[str, ...] = ()
    """`id@version` of each that reads it; empty = only the gate's own rules do."""
    rules: tuple[str, ...] = ()
    required: bool = False
    """Without it a rule that applies refuses, here or at delivery."""
    stated: bool = False
    """Of a field within a list: for everyone whom it is asked of."""
    talents: tuple[str, ...] = ()
    """Of a field within a list: for whom it is asked; empty = for the job, or for anyone."""
    kind: FieldKind = "text"
    choices: tuple[Choice, ...] = ()
    """All values that it can have, where they are few."""
    help: str = ""


class Judged(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What admission says of a draft today; the submit says the same while papers and day are the same."""

    packs: tuple[PackAsked, ...]
    fields: tuple[FieldAsked, ...]
    findings: tuple[Finding, ...]
    """Of every rule that reads papers, in the order of a submit's."""
    vouched_by: str
    """`self-attested`, `registry` or `authority`."""
    not_judged: tuple[str, ...] = ()
    """Admission's rules that need the files or the settings: they are left out, not passed."""
    today: str = ""
    """The daemon's day, UTC."""


# ---- consents to pick from ------------------------------------------------------------------------------------------


class AskConsents(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Whose consents may this key pick from, and which cover this project and shot today?"""

    project: Name | None = None
    shot: str = ""
    """Empty = none in particular: whether a consent reaches it is not asked."""
    talents: tuple[str, ...] = ()
    """Empty = everyone."""
    limit: Annotated[int, msgspec.Meta(ge=1, le=5000)] = 1000


class PersonCard(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody whom a record may name. Artists are told the id alone."""

    talent: str
    name: str = ""
    """For roles that may look into the registry; else empty, as where it was erased. So for the three below."""
    living: bool | None = None
    minor: bool | None = None
    union: str = ""


class ConsentCard(msgspec.Struct, frozen=True, kw_only=True):
    """A grant as whoever picks it needs to know it. The document and why it was revoked stay in the registry."""

    consent_id: str
    talent: str
    scope: ConsentScope
    """Its projects are those of the key."""
    signed_on: str
    expires_on: str = ""
    """Empty = no end."""
    revoked_on: str = ""
    revoked: bool = False
    """Today."""
    covers: bool = False
    """Whether it holds today for the project and the shot that were asked for; the use is for a draft to judge."""
    why_not: str = ""


class Consents(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """By talent and id. With `stale`, none of it vouches for anything now."""

    people: tuple[PersonCard, ...]
    consents: tuple[ConsentCard, ...]
    left_out: int = 0
    """How many more there are than `limit`; ask for talents by name."""
    stale: str = ""
    """On a follower: why its authority's snapshot does not hold."""
    remedy: str = ""
    in_use: bool = True
    """False = this registry holds no consent: records are taken at their word."""
    today: str = ""


# ---- waivers --------------------------------------------------------------------------------------------------------


class AskWaivers(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Which waivers are there: of a job's record, or all that this key may see?"""

    job_id: str = ""
    waiver_id: str = ""
    """Only this one; empty = whichever there are."""


class RequestWaiver(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Ask that a rule which blocked a job does not, this once. Somebody else decides. Answered by the waiver."""

    job_id: PaperId
    """The job that it blocked; or the id of a record, for the newest job with it that it blocked."""
    rule: Annotated[str, msgspec.Meta(max_length=128)]
    reason: Line
    until: Day = ""
    """The last day on which it shall count; empty = whoever grants it says."""
    shots: tuple[PaperId, ...] = ()
    """Names or patterns; empty = every shot of the record."""
    waiver_id: Annotated[str, msgspec.Meta(max_length=128)] = ""
    """An id of one's own; empty = the daemon makes one."""


class DecideWaiver(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Grant or deny a waiver that somebody else asked for, in a role that its rule allows. Answered by the waiver."""

    waiver_id: PaperId
    decision: Literal["grant", "deny"]
    until: Day = ""
    """The last day; empty = the one that was asked for."""
    condition: Line = ""


class WaiverCard(msgspec.Struct, frozen=True, kw_only=True):
    """One waiver as the registry holds it, and whether this key may decide on it."""

    waiver_id: str
    rule: str
    pack: str
    record_id: str
    shots: tuple[str, ...] = ()
    facts: str = ""
    """Hash of what the rule had read: where another value stands there now, the waiver is dead."""
    waivable_by: tuple[str, ...] = ()
    reason: str = ""
    requested_by: str = ""
    requested_on: str = ""
    state: Literal["requested", "granted", "denied"] = "requested"
    decided_by: str = ""
    decided_as: str = ""
    decided_on: str = ""
    expires_on: str = ""
    condition: str = ""
    may_decide: bool = False
    """Whether this key may grant or deny it, here and now."""
    why_not: str = ""
    """Why it may not; empty where it may."""


class Waivers(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The newest first."""

    waivers: tuple[WaiverCard, ...]
    stale: str = ""
    """As in `Consents`."""
