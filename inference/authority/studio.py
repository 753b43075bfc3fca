"""What a studio authority signs for a daemon that follows it, and how that is judged. Pure.

The body is JSON that is signed as it stands, behind a line that no entry of a ledger begins with: one key signs both.
A snapshot is for one follower, holds for some hours, and has a serial that never goes back: the number of the entry in
the authority's ledger that says that it was issued.
"""

from __future__ import annotations

import fnmatch
import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Protocol, TypeVar

import msgspec

from understudy.bridge.follower_messages import SignedSnapshot
from understudy.inference.authority.entries import ROTATED, is_signed, read_entry
from understudy.inference.authority.head import LedgerHead, StudioAuthority
from understudy.inference.authority.papers import (
    KINDS,
    Approval,
    ApprovalKind,
    Clip,
    Kind,
    Paper,
    RegisteredConsent,
    Talent,
    Waiver,
)
from understudy.inference.authority.signing import PublicKey

PREFIX = b"understudy studio snapshot 1\n"
SCHEMA = 1
CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far the clocks of two machines may be apart: Kerberos (RFC 4120, 1.6) allows as much."""
OTHERS = "(another project)"
NO_DAY = "9999-12-31"
UNTOLD = "The reason is told at the authority alone."
_Paper = TypeVar("_Paper", bound=Paper)


class Source(Protocol):
    """As much of a registry as a snapshot is made of."""

    def all(self, kind: type[_Paper], /) -> list[_Paper]: ...


class StudioContents(msgspec.Struct, frozen=True, kw_only=True):
    """What the registry holds for some projects. No name of a person, no reason of a revocation."""

    projects: tuple[str, ...] = ()
    """Empty = every project."""
    consents_known: int = 0
    """How many the registry holds in all, those of other projects too."""
    papers: dict[Kind, tuple[msgspec.Raw, ...]] = {}
    """By kind, each as JSON. Ten thousand read at once would hold Python from the event loop for half a second; so
    each is read, written and hashed by itself."""
    withdrawn: tuple[str, ...] = ()
    """Who has withdrawn every consent to whatever project, as `withdrawn_mark` of their id: no ground is left to name
    them on, and no follower that does not name them learns who they are."""
    elsewhere: tuple[str, ...] = ()
    """Approvals of other projects, as `approval_mark`: a record that names one is not taken at its word."""
    salt: str = ""
    """Of those marks: one of the authority's own, the same in all that it signs."""
    packs: dict[str, str] = {}
    """The studio's own policy packs, name to TOML text."""


class StudioSnapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What is signed. Times are ISO 8601 UTC."""

    schema: int = SCHEMA
    follower: str
    """The user whose key asked: it is nobody else's."""
    serial: int
    issued_at: str
    expires_at: str
    ledger_head: LedgerHead
    """The entry that says that it was issued: a follower holds a head of the authority's ledger."""
    digest: str
    """Of the contents: by it a follower asks whether they are still so."""
    contents: StudioContents


_DECODER = msgspec.json.Decoder(StudioSnapshot)


def contents_for(
    projects: tuple[str, ...], registry: Source, packs: Mapping[str, str], salt: str = ""
) -> StudioContents:
    """Return what a follower of these projects may know: papers of others are not in it, nor what they are called."""
    everything = registry.all(RegisteredConsent)
    consents = [shown for one in everything if (shown := shown_consent(one, projects)) is not None]
    ids = {one.id for one in consents}
    clips = [shown_clip(one, projects, ids) for one in registry.all(Clip)]
    people = {one.talent for one in consents} | {name for clip in clips for name in clip.performers}
    talents = [one for one in registry.all(Talent) if not projects or one.id in people]
    approvals = registry.all(Approval)
    others = [one for one in approvals if not _is_of(projects, one)]
    papers: dict[Kind, Iterable[Paper]] = {
        "talent": (msgspec.structs.replace(one, name="", notes="") for one in talents),
        "consent": consents,
        "clip": clips,
        "approval": (one for one in approvals if _is_of(projects, one)),
        "waiver": (_shown_waiver(one, projects) for one in registry.all(Waiver)),
    }
    written = {kind: tuple(msgspec.Raw(msgspec.json.encode(one)) for one in some) for kind, some in papers.items()}
    stand = {one.talent for one in everything if not one.revoked_on}
    gone = sorted({one.talent for one in everything} - stand)
    return StudioContents(
        projects=projects,
        consents_known=len(everything),
        papers=written,
        withdrawn=tuple(withdrawn_mark(salt, talent) for talent in gone),
        elsewhere=tuple(sorted({approval_mark(salt, one.kind, one.reference) for one in others})),
        salt=salt,
        packs=dict(packs),
    )


def withdrawn_mark(salt: str, talent: str) -> str:
    """Return what stands for a person in a list that others shall not read."""
    return hashlib.sha256(f"{salt}\n{talent}".encode()).hexdigest()


def approval_mark(salt: str, kind: str, reference: str) -> str:
    """Return what stands for an approval in a list that others shall not read; no person's id has a line break."""
    return withdrawn_mark(salt, f"approval {kind}\n{reference}")


def papers_in(contents: StudioContents) -> tuple[Paper, ...]:
    """Return the papers themselves. Raises ValueError for one that does not read, or of a kind that none is."""
    try:
        return tuple(
            msgspec.json.decode(one, type=KINDS[kind]) for kind, some in contents.papers.items() for one in some
        )
    except msgspec.MsgspecError as problem:
        raise ValueError(f"a paper in it does not read: {problem}") from None


def shown_consent(consent: RegisteredConsent, projects: tuple[str, ...]) -> RegisteredConsent | None:
    """Return a consent without why it was revoked and which other projects it is for; None where it is for others."""
    shown = msgspec.structs.replace(consent, revoked_why="")
    if not projects or not consent.projects:
        return shown
    theirs = _among(projects, consent.projects)
    return msgspec.structs.replace(shown, projects=theirs) if theirs else None


def shown_clip(clip: Clip, projects: tuple[str, ...], consents: set[str]) -> Clip:
    """Return a clip as one for these projects; one for others by the digests of its files alone, so that the gate
    refuses it as an input: a clip that nobody was told of would pass.
    """
    if not projects:
        return clip
    theirs = _among(projects, clip.projects) if clip.projects else ()
    if clip.projects and not theirs:
        name = hashlib.sha256(clip.id.encode()).hexdigest()[:16]
        return Clip(id=f"clip-{name}", files=clip.files, projects=(OTHERS,))
    known = tuple(one for one in clip.consents if one in consents)
    return msgspec.structs.replace(clip, projects=theirs, consents=known)


def shown_approval(approval: Approval, projects: tuple[str, ...]) -> Approval:
    """Return an approval as one for these projects; one for others as none that counts."""
    return approval if _is_of(projects, approval) else approval_elsewhere(approval.kind, approval.reference)


def approval_elsewhere(kind: ApprovalKind, reference: str) -> Approval:
    """Return what is told of an approval of other projects to a record that names it: its own words, and that it counts
    on no day. Were nothing told, the record would be taken at its word.
    """
    name = withdrawn_mark(kind, reference)[:16]
    return Approval(
        id=f"approval-{name}", kind=kind, reference=reference, project=OTHERS, approved_by="", approved_on=NO_DAY
    )


def _shown_waiver(waiver: Waiver, projects: tuple[str, ...]) -> Waiver:
    """Return a waiver, which is bound to a record's id; without its reason where a project's follower is told."""
    return msgspec.structs.replace(waiver, reason=UNTOLD) if projects else waiver


def _among(projects: tuple[str, ...], patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Return the projects that a paper for these names or patterns is for."""
    return tuple(name for name in projects if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns))


def _is_of(projects: tuple[str, ...], approval: Approval) -> bool:
    """Say whether an approval is for one of these projects, or for none in particular."""
    return not projects or approval.project in ("", *projects)


def contents_digest(contents: StudioContents) -> str:
    """Return the SHA-256 of what is in it: the same papers in the same state have the same."""
    digest = hashlib.sha256(
        msgspec.json.encode(
            (
                contents.projects,
                contents.consents_known,
                contents.withdrawn,
                contents.elsewhere,
                contents.salt,
                contents.packs,
            )
        )
    )
    for kind, some in contents.papers.items():
        digest.update(kind.encode())
        for one in some:
            digest.update(one)
    return digest.hexdigest()


def body_digest(body: str) -> str:
    return hashlib.sha256(body.encode()).hexdigest()


def signed_bytes(body: str) -> bytes:
    return PREFIX + body.encode()


def issue(
    contents: StudioContents, *, follower: str, head: LedgerHead, issued_at: datetime, holds: timedelta
) -> StudioSnapshot:
    """Return the snapshot that the ledger's entry `head` speaks of."""
    return StudioSnapshot(
        follower=follower,
        serial=head.seq,
        issued_at=moment(issued_at),
        expires_at=moment(issued_at + holds),
        ledger_head=head,
        digest=contents_digest(contents),
        contents=contents,
    )


def moment(at: datetime) -> str:
    return at.astimezone(timezone.utc).isoformat(timespec="milliseconds")[:23] + "Z"


def from_moment(text: str) -> datetime:
    """Raises ValueError for what is no moment with a zone."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} names no zone")
    return at


def read_signed(signed: SignedSnapshot, *, key: str, follower: str) -> StudioSnapshot:
    """Return what was signed by `key` for `follower`. Raises ValueError saying what is wrong with it."""
    if signed.key != key:
        raise ValueError(f"it is signed by the key {signed.key[:16]}..., but {key[:16]}... is pinned")
    if not PublicKey(key).signed(signed.signature, signed_bytes(signed.body)):
        raise ValueError("its signature is not by the authority's key over what stands in it")
    try:
        snapshot = _DECODER.decode(signed.body)
        from_moment(snapshot.issued_at), from_moment(snapshot.expires_at)
    except (msgspec.MsgspecError, ValueError) as problem:
        raise ValueError(f"it does not read: {problem}") from None
    if snapshot.schema != SCHEMA:
        raise ValueError(f"it is of schema {snapshot.schema}; {SCHEMA} is understood here")
    if snapshot.follower != follower:
        raise ValueError(f"it was signed for {snapshot.follower}, not for {follower}")
    return snapshot


def why_not_now(snapshot: StudioSnapshot, now: datetime) -> str:
    """Return why a snapshot does not hold at this moment; empty where it does."""
    if from_moment(snapshot.issued_at) > now + CLOCK_TOLERANCE:
        return f"it was issued at {snapshot.issued_at}, but the clock here says {moment(now)}"
    if now >= from_moment(snapshot.expires_at):
        return f"it ran out at {snapshot.expires_at}"
    return ""


def named(snapshot: StudioSnapshot, signed: SignedSnapshot) -> StudioAuthority:
    """Return how a manifest names who vouches."""
    return StudioAuthority(
        key=signed.key, serial=snapshot.serial, digest=body_digest(signed.body), expires_at=snapshot.expires_at
    )


def trusted_after(key: str, rotations: Iterable[str]) -> str:
    """Return the key to which `key` has handed over by entries that each key signed for the next.

    Raises ValueError for a line that is no such entry.
    """
    for line in rotations:
        entry = read_entry(line.encode())
        if entry.event != ROTATED or not is_signed(entry, PublicKey(key)):
            raise ValueError("the entry that should name its new key is not signed by the one before")
        key = PublicKey(entry.subjects.get("key", "")).text
    return key


def rotations_after(key: str, lines: Iterable[bytes]) -> tuple[str, ...]:
    """Return the lines of a ledger by which `key`, and then each next one, handed over. None where it never signed."""
    found: list[str] = []
    for line in lines:
        if b'"event":"key.rotated"' not in line or not line.endswith(b"\n"):
            continue
        entry = read_entry(line[:-1])
        if is_signed(entry, PublicKey(key)):
            found.append(line[:-1].decode())
            key = entry.subjects.get("key", "")
    return tuple(found)
