"""The ledger's entries: what stands in a line, how lines hang together, and how the chain is judged. Pure.

A line is the canonical JSON of an Entry. Its signature is over that JSON with an empty signature; `prev` of the next
line is the SHA-256 of the whole line. So a changed byte, a missing line and two that were swapped each show where they
are. What is cut off at the end shows only against a head kept elsewhere: manifests and the job store hold some.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from understudy.inference.authority.head import LedgerHead
from understudy.inference.authority.signing import PublicKey, Signer

SCHEMA = 1
FIRST = "0" * 64
"""`prev` of the first entry."""
OPENED, ROTATED, MENDED = "ledger.opened", "key.rotated", "ledger.mended"
LINE_LIMIT_BYTES = 64 * 1024
"""No entry holds a list of files; a digest names that. So the newest line is found by reading this much of the end."""


class NewEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody did, before it has its place in the chain."""

    event: str
    """`job.accepted`, `consent.revoked`, ...: docs/ledger.md lists them."""
    actor: str
    """The user whose key it was; stands in the chain as a salted hash."""
    subjects: Mapping[str, str] = {}
    """What it was done to: ids, digests, counts. Never a name: those go through `Ledger.hashed`."""
    record: str = ""
    """Digest of the job's record."""
    packs: Mapping[str, str] = {}
    """Policy packs that were evaluated, by name, each with its version."""
    outcome: str = ""
    facts: str = ""
    """Salted digest of the facts on which it was decided."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the ledger. Times are ISO 8601 UTC."""

    schema: int = SCHEMA
    seq: int
    prev: str
    time: str
    actor: str
    event: str
    subjects: Mapping[str, str] = {}
    record: str = ""
    packs: Mapping[str, str] = {}
    outcome: str = ""
    facts: str = ""
    signature: str = ""
    """Ed25519 (RFC 8032), 128 hex digits, over the line with this field empty."""


@dataclass(frozen=True, slots=True)
class Damage:
    """The first place at which a ledger is not what was written. Lines count from 1."""

    line: int
    what: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found in a chain. `torn_bytes`: of an append that a crash cut short; nobody was told of it."""

    entries: int
    head: LedgerHead | None
    damage: Damage | None
    torn_bytes: int = 0


def line_digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def encode(entry: Entry) -> bytes:
    """Return the canonical JSON of an entry: the fields in their order, mappings by key."""
    return msgspec.json.encode(entry, order="deterministic")


def write_entry(new: NewEntry, head: LedgerHead | None, *, actor: str, time: str, signer: Signer) -> bytes:
    """Return the line that follows on `head`, signed. `actor`: already hashed. Raises ValueError when too long."""
    entry = Entry(
        seq=1 if head is None else head.seq + 1,
        prev=FIRST if head is None else head.digest,
        time=time,
        actor=actor,
        event=new.event,
        subjects=new.subjects,
        record=new.record,
        packs=new.packs,
        outcome=new.outcome,
        facts=new.facts,
    )
    line = encode(msgspec.structs.replace(entry, signature=signer.sign(encode(entry))))
    if len(line) >= LINE_LIMIT_BYTES:
        raise ValueError(f"an entry of {len(line)} bytes; {LINE_LIMIT_BYTES} is the limit")
    return line


def read_entry(line: bytes) -> Entry:
    """Return the entry in a line. Raises ValueError for one that is not as `encode` writes it."""
    try:
        entry = msgspec.json.decode(line, type=Entry)
    except (msgspec.MsgspecError, UnicodeDecodeError) as problem:
        raise ValueError(f"it does not read: {problem}") from None
    if encode(entry) != line:
        raise ValueError("it is not written as the ledger writes")
    return entry


def is_signed(entry: Entry, key: PublicKey) -> bool:
    return key.signed(entry.signature, encode(msgspec.structs.replace(entry, signature="")))


def judge_chain(
    content: Iterable[bytes], anchors: Iterable[LedgerHead] = (), *, first_key: str | None = None
) -> Judgement:
    """Return what is found in a ledger's lines, each with its line break as a file yields them.

    anchors: heads that were kept elsewhere and must be in it. first_key: the public key (hex) that must have opened it;
    None = the one that it names itself, by which a chain that was written anew as a whole is not told from the old.
    """
    wanted = {anchor.seq: anchor.digest for anchor in anchors}
    head: LedgerHead | None = None
    key = PublicKey(first_key) if first_key is not None else None
    for number, whole in enumerate(content, 1):
        if not whole.endswith(b"\n"):
            return Judgement(number - 1, head, _cut(head, wanted), len(whole))
        line = whole[:-1]
        try:
            entry, key = follows(line, head, key)
        except ValueError as problem:
            return Judgement(number - 1, head, Damage(number, str(problem)))
        head = LedgerHead(seq=entry.seq, digest=line_digest(line))
        if wanted.get(head.seq, head.digest) != head.digest:
            return Judgement(number, head, Damage(number, "it is not the entry that was here when its digest was kept"))
    return Judgement(head.seq if head is not None else 0, head, _cut(head, wanted))


def follows(line: bytes, head: LedgerHead | None, key: PublicKey | None) -> tuple[Entry, PublicKey]:
    """Return the entry of a line and the key by which the next must be signed. Raises ValueError for a wrong one."""
    entry = read_entry(line)
    expected = 1 if head is None else head.seq + 1
    if entry.seq != expected:
        raise ValueError(f"entry {expected} is not here: this is entry {entry.seq}")
    if head is None:
        if entry.event != OPENED:
            raise ValueError(f"the first entry is {entry.event}, not {OPENED}")
        named = PublicKey(entry.subjects.get("key", ""))
        if key is not None and key.text != named.text:
            raise ValueError("this ledger was opened with another key")
        key = named
    if key is None or not is_signed(entry, key):
        raise ValueError("its signature is not by the ledger's key over what stands here")
    if entry.prev != (FIRST if head is None else head.digest):
        raise ValueError(f"it does not follow on what stands as entry {expected - 1}")
    return entry, PublicKey(entry.subjects.get("key", "")) if entry.event == ROTATED else key


def _cut(head: LedgerHead | None, wanted: Mapping[int, str]) -> Damage | None:
    last = 0 if head is None else head.seq
    missing = max(wanted, default=0)
    if missing <= last:
        return None
    return Damage(last + 1, f"the ledger ends after entry {last}, but a head of entry {missing} was kept elsewhere")
