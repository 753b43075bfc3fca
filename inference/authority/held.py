"""The snapshot that a follower holds, on its disk, and the key that it trusts. Blocks; any thread, any process.

HOME/authority/ has `snapshot.json`, as the authority signed it, and `pinned.json`: whose word counts here, and the
newest serial. The key is pinned at the first snapshot, which came over a connection that only the authority of the
connection file can answer; from then on it changes only by the word of the key before it. What is on the disk is
verified whenever it is used; bytes that were verified before are known by being the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

import msgspec

from understudy.bridge.errors import DaemonError, DaemonUnreachable, UnderstudyError
from understudy.bridge.follower_messages import SignedSnapshot
from understudy.bridge.keys import Connection, load_connection
from understudy.bridge.private_files import locked, make_private_folder, read_private, write_private
from understudy.inference.authority.head import StudioAuthority
from understudy.inference.authority.papers import Paper
from understudy.inference.authority.studio import (
    StudioSnapshot,
    body_digest,
    from_moment,
    named,
    papers_in,
    read_signed,
    trusted_after,
    why_not_now,
)

FOLDER = "authority"
SNAPSHOT_FILE, PINNED_FILE = "snapshot.json", "pinned.json"
_LOCK = ".authority.lock"
REFRESH = "`understudy authority refresh` asks for another; `understudy authority status` says how it stands."
UNPIN = (
    "Ask whoever runs the authority which key is its own (`understudy authority status` there shows it). If this is "
    "meant, remove {file} and say `understudy authority refresh`."
)


class Pinned(msgspec.Struct, frozen=True, kw_only=True):
    """Whose word counts here. `server` is the CURVE key of the connection file, `key` the one that signs."""

    server: str
    key: str
    serial: int
    digest: str
    """SHA-256 of the newest snapshot's body: of two with one serial, one is forged."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a follower has to go by at one moment. `stale`: why it vouches for nothing; empty = it does."""

    snapshot: StudioSnapshot | None = None
    """Signed and not older than any before it, though it may have run out; None = there is none such."""
    authority: StudioAuthority | None = None
    papers: tuple[Paper, ...] = ()
    stale: str = ""
    remedy: str = ""

    @property
    def digest(self) -> str:
        return self.authority.digest if self.authority is not None else ""


class _Verified(NamedTuple):
    """Bytes of the disk that were found to be signed by `key` for `follower`, and what they say."""

    content: bytes
    key: str
    follower: str
    snapshot: StudioSnapshot
    authority: StudioAuthority
    papers: tuple[Paper, ...]


class Holding:
    """One follower's snapshot. Thread-safe."""

    def __init__(self, home: Path, connection_file: Path, now: Callable[[], datetime] | None = None) -> None:
        """connection_file: what the setting `authority` names."""
        self.folder = home / FOLDER
        self.connection_file = connection_file
        self._now = now or (lambda: datetime.now(timezone.utc))
        self._verified: _Verified | None = None

    def connection(self) -> Connection:
        """Return where the authority is. Raises DaemonError without a file, KeyRefused for one that others can read."""
        try:
            return load_connection(self.connection_file)
        except DaemonUnreachable:
            raise DaemonError(
                f"the setting `authority` names {self.connection_file}, which is not there",
                remedy="Put the file there that `understudy key issue NAME --role follower` wrote at the authority.",
            ) from None

    @property
    def address(self) -> str:
        """Where the authority is, in words; the file's name where it cannot be read."""
        try:
            connection = self.connection()
        except UnderstudyError:
            return str(self.connection_file)
        return f"{connection.host}:{connection.port}"

    def pinned(self) -> Pinned | None:
        """Return whose word counts here; None before the first snapshot. Raises DaemonError for a damaged file."""
        path = self.folder / PINNED_FILE
        try:
            return msgspec.json.decode(read_private(path), type=Pinned)
        except FileNotFoundError:
            return None
        except msgspec.MsgspecError as problem:
            raise DaemonError(f"{path} does not read: {problem}", remedy=UNPIN.format(file=path)) from None

    def now(self) -> Held:
        """Return what is held, verified. Never raises: what is wrong is why it vouches for nothing."""
        try:
            return self._held(self.connection())
        except OSError as problem:
            return Held(stale=f"it cannot be read: {problem.strerror}", remedy=REFRESH)
        except UnderstudyError as problem:
            return Held(stale=problem.message, remedy=problem.remedy)

    def _held(self, connection: Connection) -> Held:
        pinned = self.pinned()
        path = self.folder / SNAPSHOT_FILE
        if pinned is None or not path.exists():
            return Held(stale="none has come yet", remedy=REFRESH)
        self._check_server(pinned, connection)
        verified = self._verify(read_private(path), pinned.key, connection.user)
        try:
            _check_order(verified.snapshot, verified.authority.digest, pinned)
        except ValueError as problem:
            return Held(stale=str(problem), remedy=REFRESH)
        stale = why_not_now(verified.snapshot, self._now())
        return Held(verified.snapshot, verified.authority, verified.papers, stale, REFRESH if stale else "")

    def _verify(self, content: bytes, key: str, follower: str) -> _Verified:
        before = self._verified
        if before is not None and (before.content, before.key, before.follower) == (content, key, follower):
            return before
        try:
            signed = msgspec.json.decode(content, type=SignedSnapshot)
            snapshot = read_signed(signed, key=key, follower=follower)
            papers = papers_in(snapshot.contents)
        except (msgspec.MsgspecError, ValueError) as problem:
            raise DaemonError(str(problem), remedy=REFRESH) from None
        self._verified = _Verified(content, key, follower, snapshot, named(snapshot, signed), papers)
        return self._verified

    def take(self, signed: SignedSnapshot) -> StudioSnapshot:
        """Verify a snapshot that has come and hold it from now on. Raises DaemonError; what was held is kept then."""
        connection = self.connection()
        make_private_folder(self.folder)
        with locked(self.folder, _LOCK):
            pinned = self.pinned()
            if pinned is not None:
                self._check_server(pinned, connection)
            snapshot, key = self._verified_by(signed, pinned, connection.user)
            write_private(self.folder / SNAPSHOT_FILE, msgspec.json.encode(signed))
            # After the snapshot: a crash between the two leaves one that is newer than what is pinned, which is sound.
            pinned = Pinned(
                server=connection.server_public, key=key, serial=snapshot.serial, digest=body_digest(signed.body)
            )
            write_private(self.folder / PINNED_FILE, msgspec.json.encode(pinned))
        return snapshot

    def _verified_by(self, signed: SignedSnapshot, pinned: Pinned | None, follower: str) -> tuple[StudioSnapshot, str]:
        try:
            key = signed.key if pinned is None else trusted_after(pinned.key, signed.rotations)
            snapshot = read_signed(signed, key=key, follower=follower)
            papers_in(snapshot.contents)
            if pinned is not None:
                _check_order(snapshot, body_digest(signed.body), pinned)
        except ValueError as problem:
            raise self._not_taken(str(problem), UNPIN.format(file=self.folder / PINNED_FILE)) from None
        if wrong := why_not_now(snapshot, self._now()):
            raise self._not_taken(wrong, "Set the clocks of this machine and the authority's: one of them is wrong.")
        return snapshot, key

    def _not_taken(self, why: str, remedy: str) -> DaemonError:
        return DaemonError(f"a snapshot of the studio authority {self.address} is not taken: {why}", remedy=remedy)

    def _check_server(self, pinned: Pinned, connection: Connection) -> None:
        if pinned.server != connection.server_public:
            raise DaemonError(
                f"{self.connection_file} names another authority than the one that was followed until now",
                remedy=UNPIN.format(file=self.folder / PINNED_FILE),
            )

    def wanted(self) -> tuple[str, str]:
        """Return what to ask by: the digest of the contents held (empty = sign anew), and the key that is trusted.

        Half of its life before it runs out a snapshot is asked for anew.
        """
        pinned, held = self.pinned(), self.now()
        key = pinned.key if pinned is not None else ""
        if held.stale or held.snapshot is None:
            return "", key
        issued, expires = from_moment(held.snapshot.issued_at), from_moment(held.snapshot.expires_at)
        old = self._now() >= issued + (expires - issued) / 2
        return "" if old else held.snapshot.digest, key


def _check_order(snapshot: StudioSnapshot, digest: str, pinned: Pinned) -> None:
    """Raises ValueError for a snapshot that is older than the newest one, or another of the same serial."""
    if snapshot.serial < pinned.serial:
        raise ValueError(f"its serial {snapshot.serial} is older than {pinned.serial}, which was held already")
    if snapshot.serial == pinned.serial and digest != pinned.digest:
        raise ValueError(f"it is another than the one that had its serial {snapshot.serial}")
