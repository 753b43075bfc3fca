"""The ledgers of followers, as the authority keeps them: line for line, each a chain that can be verified by itself.

HOME/followers/HASH/ has `entries.jsonl`, the follower's own lines, and `kept.json`, how far they are verified and which
entry of the authority's ledger says so. What comes twice is known by its number and taken once; what does not follow is
not taken. Blocks; for the ledger's thread. Lines first, then the word that they are here: a head is promised for what
is on the disk.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from understudy.bridge.errors import JobParked, RequestError
from understudy.bridge.private_files import make_private_folder, read_private, write_private
from understudy.inference.authority.entries import NewEntry, follows, line_digest
from understudy.inference.authority.head import LedgerHead
from understudy.inference.authority.ledger import ENTRIES_FILE, Ledger
from understudy.inference.authority.signing import PublicKey

FOLDER = "followers"
KEPT_FILE = "kept.json"
POSTED = "follower.posted"
"""The event by which the authority's ledger anchors a follower's."""


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """How far a follower's lines are verified."""

    follower: str
    """The user whose key posts them."""
    head: LedgerHead | None = None
    """The newest of the follower's entries."""
    key: str = ""
    """The key that must sign its next entry."""
    size: int = 0
    """Bytes of the file up to that entry."""
    anchored: LedgerHead | None = None
    """The entry of the authority's own ledger that names `head`."""


class Chains:
    """The ledgers of all followers of one authority."""

    def __init__(self, home: Path, ledger: Ledger) -> None:
        self._folder = home / FOLDER
        self._ledger = ledger
        self._kept: dict[str, Kept] = {}

    def take(self, follower: str, after: int, lines: Sequence[str]) -> Kept:
        """Store a follower's lines that follow on entry `after`, and have the ledger say so; return what is held.

        Lines that would leave a gap are not taken: the answer says where to go on. Raises RequestError for lines that
        are not what was held before or do not follow on it, JobParked on a full disk.
        """
        before = self._known(follower)
        kept = self._with(before, after, lines)
        if kept.head is not None and (kept.anchored is None or kept.head != before.head):
            subjects = {"follower": self._ledger.hashed(follower), "seq": str(kept.head.seq), "head": kept.head.digest}
            anchored = self._ledger.append(NewEntry(event=POSTED, actor=follower, subjects=subjects))
            kept = msgspec.structs.replace(kept, anchored=anchored)
        if kept != before:
            write_private(self.folder_of(follower) / KEPT_FILE, msgspec.json.encode(kept))
        self._kept[follower] = kept
        return kept

    def folder_of(self, follower: str) -> Path:
        return self._folder / self._ledger.hashed(follower)

    def _with(self, kept: Kept, after: int, lines: Sequence[str]) -> Kept:
        held = 0 if kept.head is None else kept.head.seq
        if after > held:
            return kept
        self._check_known(kept, after, lines[: held - after])
        fresh = [line.encode() for line in lines[held - after :]]
        extended = _extended(kept, fresh)
        if fresh:
            self._append(kept, fresh)
        return extended

    def _check_known(self, kept: Kept, after: int, lines: Sequence[str]) -> None:
        """Raises RequestError for lines that are not those which are held."""
        if not lines:
            return
        path = self.folder_of(kept.follower) / ENTRIES_FILE
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if after < number <= after + len(lines) and line[:-1] != lines[number - after - 1].encode():
                    raise _other(kept.follower, f"its entry {number} is not the one that was posted before")

    def _append(self, kept: Kept, lines: Sequence[bytes]) -> None:
        folder = self.folder_of(kept.follower)
        make_private_folder(self._folder)
        make_private_folder(folder)
        descriptor = os.open(folder / ENTRIES_FILE, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.truncate(kept.size)  # what a crash or a full disk tore
                file.seek(kept.size)
                file.write(b"".join(line + b"\n" for line in lines))
                file.flush()
                os.fsync(descriptor)
        except OSError as problem:
            raise JobParked(
                f"the ledger of {kept.follower} cannot be written: {problem.strerror}",
                remedy="Make room on the authority's disk; the follower posts it again by itself.",
            ) from problem

    def _known(self, follower: str) -> Kept:
        """Return how far a follower's lines are verified; those that a crash left unsaid are verified now."""
        if follower in self._kept:
            return self._kept[follower]
        folder = self.folder_of(follower)
        try:
            kept = msgspec.json.decode(read_private(folder / KEPT_FILE), type=Kept)
        except FileNotFoundError:
            kept = Kept(follower=follower)
        path = folder / ENTRIES_FILE
        if path.exists():
            with path.open("rb") as file:
                file.seek(kept.size)
                left = [line[:-1] for line in file if line.endswith(b"\n")]
            if left:
                kept = msgspec.structs.replace(_extended(kept, left), anchored=None)
        return kept


def _extended(kept: Kept, lines: Sequence[bytes]) -> Kept:
    """Return how it stands with these lines behind it. Raises RequestError for one that does not follow."""
    head, key = kept.head, PublicKey(kept.key) if kept.key else None
    for line in lines:
        try:
            entry, key = follows(line, head, key)
        except ValueError as problem:
            raise _other(kept.follower, str(problem)) from None
        head = LedgerHead(seq=entry.seq, digest=line_digest(line))
    size = kept.size + sum(len(line) + 1 for line in lines)
    return msgspec.structs.replace(kept, head=head, key="" if key is None else key.text, size=size)


def _other(follower: str, why: str) -> RequestError:
    return RequestError(
        f"the ledger that {follower} posts is not the one that is held here: {why}",
        remedy="Two daemons may share a key: issue each its own. Or a ledger was put back from an old copy: keep both, "
        "ask who was at the disk, then issue a key of another name.",
    )


def kept_chains(home: Path) -> Iterator[tuple[Path, Kept]]:
    """Yield every follower's folder and how far it is verified, by the follower's name. Reads only."""
    paths = (home / FOLDER).glob(f"*/{KEPT_FILE}")
    found = [(path.parent, msgspec.json.decode(read_private(path), type=Kept)) for path in paths]
    yield from sorted(found, key=lambda one: one[1].follower)
