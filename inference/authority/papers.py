"""What the registry knows: people, consents, clips, approvals, waivers, recipients. Plain values that cross a disk.

An empty day or text means that there is none, so that a row survives a spreadsheet and comes back the same. Days are
ISO days in UTC; the end day itself is still covered. Who may change which is in acting.py.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from understudy.bridge.record import is_day
from understudy.inference.authority.head import StudioAuthority

Id = Annotated[str, msgspec.Meta(pattern=r"^(?!\s)[^;/\\\x00-\x1f]{1,128}(?<!\s)\Z")]
"""What papers and records name a thing by: no separator of lists or paths in it, no blank at its ends."""
Day = Annotated[str, msgspec.Meta(pattern=r"^([0-9]{4}-[0-9]{2}-[0-9]{2})?\Z")]
Sha256 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
Words = tuple[Id, ...]
REASON_LENGTH = 20
"""Of a waiver, in characters: shorter than that is an excuse."""

YesNo = Literal["", "yes", "no"]
ApprovalKind = Literal["legal", "brand", "client", "talent"]
Kind = Literal["talent", "consent", "clip", "approval", "waiver", "recipient"]


class Paper(msgspec.Struct, frozen=True, kw_only=True):
    """Anything that the registry keeps."""

    id: Id


class Talent(Paper, frozen=True, kw_only=True):
    """A person or rights holder. Records name `id`; `name` stays in this registry and can be erased."""

    name: str = ""
    living: bool = True
    minor: bool = False
    union: str = ""
    notes: str = ""


class RegisteredConsent(Paper, frozen=True, kw_only=True):
    """One signed grant as the studio holds it. The document itself is filed elsewhere; here is its SHA-256."""

    talent: Id
    document: Sha256
    signed_on: Day
    expires_on: Day = ""
    revoked_on: Day = ""
    revoked_why: str = ""
    capacity: Literal["", "self", "guardian", "estate", "union"] = ""
    """As whom the grantor signed. Empty = not stated; so for all below."""
    representation: Literal["", "counsel", "union", "none"] = ""
    """Who advised the grantor."""
    separate: YesNo = ""
    """Whether it is an instrument, or a clause, signed by itself."""
    notice_at: str = ""
    """When notice of the use was given: a day, or a moment such as 2026-11-18T09:00Z."""
    projects: Words = ()
    """Empty = every project; so for the three below."""
    shots: Words = ()
    media: Words = ()
    territories: Words = ()
    use: str = ""
    """The reasonably specific description of the use."""
    exclusions: Words = ()
    nudity: YesNo = ""
    training: YesNo = ""
    """Whether models may be trained on the person."""


class Clip(Paper, frozen=True, kw_only=True):
    """A driving performance, plate or reference that may be used. Approved per use, never once for all."""

    files: tuple[Sha256, ...] = ()
    """BLAKE3 of each file and, of an OpenEXR one, of its picture: as a job names its inputs."""
    performers: Words = ()
    consents: Words = ()
    rights: str = ""
    uses: Words = ()
    """Media, `advertising`, `endorsement`, `training`, held against the record's `use`; empty = no limit."""
    projects: Words = ()
    """Names or patterns; empty = every project. So for shots."""
    shots: Words = ()
    camera_move: str = ""
    lighting: str = ""
    time_of_day: str = ""
    expires_on: Day = ""
    withdrawn_on: Day = ""


class Approval(Paper, frozen=True, kw_only=True):
    """Somebody's yes, for a project or a shot of it."""

    kind: ApprovalKind
    reference: str
    """Where it is filed: a letter, a ticket."""
    project: str = ""
    shot: str = ""
    approved_by: str
    approved_on: Day
    expires_on: Day = ""
    revoked_on: Day = ""


class Waiver(Paper, frozen=True, kw_only=True):
    """One rule of one pack version that does not block one record this once. Whoever asked for it never grants it.

    Whether one counts for a job is for the gate to say (compliance/policy/waiver.py).
    """

    rule: str
    pack: str
    """Id and version: us-ny-ads@1.0.0. Another version is another rule."""
    record_id: str
    shots: Words = ()
    """Names or patterns (`SH0*`); empty = every shot of the record."""
    facts: Sha256
    """What the rule had read when it refused: the `facts hash` of that finding."""
    waivable_by: Words
    """The roles that the rule allows to grant it."""
    reason: Annotated[str, msgspec.Meta(min_length=REASON_LENGTH)]
    requested_by: str
    requested_on: Day
    state: Literal["requested", "granted", "denied"] = "requested"
    decided_by: str = ""
    decided_as: Literal["", "artist", "producer", "legal", "admin"] = ""
    """The role in which whoever decided did so."""
    decided_on: Day = ""
    expires_on: Day = ""
    """The last day on which it counts; stated when it is granted, at the latest."""
    condition: str = ""
    """What must be kept to; for people."""


class Recipient(Paper, frozen=True, kw_only=True):
    """A party to which pictures are delivered, and where a recall is sent."""

    name: str = ""
    contact: str = ""


KINDS: dict[Kind, type[Paper]] = {
    "talent": Talent, "consent": RegisteredConsent, "clip": Clip,
    "approval": Approval, "waiver": Waiver, "recipient": Recipient,
}  # fmt: skip


def word_for(kind: type[Paper]) -> Kind:
    """Return the word for a kind of paper, as commands and the ledger say it."""
    return next(word for word, known in KINDS.items() if known is kind)


ENDED_BY = {"consent": "revoked_on", "clip": "withdrawn_on", "approval": "revoked_on"}
"""The field by which a paper ends before its time. It is set once: a new grant is a new paper."""


def ended_on(paper: Paper) -> str:
    """Return the day on which a paper was revoked or withdrawn; empty where it was not."""
    return next((str(getattr(paper, name)) for name in set(ENDED_BY.values()) if hasattr(paper, name)), "")


def day_fields(paper: Paper) -> dict[str, str]:
    """Return the days that a paper states, by field."""
    days = {name: str(getattr(paper, name)) for name in paper.__struct_fields__ if name.endswith("_on")}
    return {name: day for name, day in days.items() if day}


def problem_in(paper: Paper) -> tuple[str, str] | None:
    """Return the field that is wrong and why, beyond what its type says; None for a sound paper. Pure."""
    days = day_fields(paper)
    for name, day in days.items():
        if not is_day(day):
            return name, f"{day!r} is not a day such as 2026-11-20"
    if isinstance(paper, RegisteredConsent):
        if not paper.signed_on:
            return "signed_on", "a consent is signed on some day"
        if "expires_on" in days and paper.expires_on < paper.signed_on:
            return "expires_on", f"{paper.expires_on} lies before signed_on {paper.signed_on}"
    if isinstance(paper, Waiver) and paper.decided_by and paper.decided_by == paper.requested_by:
        return "decided_by", f"{paper.decided_by} asked for it, and nobody decides on their own request"
    if isinstance(paper, Waiver) and paper.state == "granted" and not paper.expires_on:
        return "expires_on", "a granted waiver ends on some day"
    if isinstance(paper, Waiver) and not paper.waivable_by:
        return "waivable_by", f"nobody can waive {paper.rule}"
    return None


class TalentState(msgspec.Struct, frozen=True, kw_only=True):
    """What of a talent the gate reads. No name."""

    id: str
    living: bool
    minor: bool
    union: str


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What the registry knows at one moment of the people and consents that a record names."""

    consents_known: int = 0
    """How many consents the registry holds in all: 0 = it is not in use, and a record vouches for itself."""
    talents: tuple[TalentState, ...] = ()
    consents: tuple[RegisteredConsent, ...] = ()
    """Those that the record names, and every other of the people that it names."""
    digest: str = ""
    """Keyed SHA-256 of all that is here: the same papers in the same state have the same."""
    waivers: tuple[Waiver, ...] = ()
    """Those of the job's record that were granted."""
    clips: tuple[Clip, ...] = ()
    """Those of which a file is among the job's inputs, withdrawn ones too; of their files, these alone."""
    approvals: tuple[Approval, ...] = ()
    """Those of the job's project, of no project, and of any project where the record names their reference; revoked
    ones too. Of what does not reach whoever asks no more than kind and reference (`studio.approval_elsewhere`)."""
    withdrawn: tuple[str, ...] = ()
    """Of the people asked for, who has withdrawn every consent, though those may not be among the papers here: a
    follower is told so of whoever gave them to other projects."""
    authority: StudioAuthority | None = None
    """Whose papers these are, where the daemon follows a studio authority; None = its own, or there is no snapshot."""
    stale: str = ""
    """Why the authority's snapshot vouches for nothing now: it ran out, is forged, is not there. Empty = it does."""
    stale_remedy: str = ""

    def consent(self, consent_id: str) -> RegisteredConsent | None:
        return next((consent for consent in self.consents if consent.id == consent_id), None)
