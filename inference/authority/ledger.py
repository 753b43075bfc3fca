"""The ledger on disk: append-only JSON lines, each on the disk before anyone is told. Blocks; any thread, any process.

One writer at a time across processes (a file lock). A line that a crash tore is taken out at the next append, kept
beside the ledger and named in an entry of its own: nobody had been told of it. Names of people never go in: they stand
as keyed hashes whose key stays here, and lists of files stand beside the chain, where they can be erased.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from understudy.bridge.errors import DaemonError, JobParked
from understudy.bridge.private_files import locked, make_private_folder, write_private
from understudy.inference.authority.entries import (
    LINE_LIMIT_BYTES,
    MENDED,
    OPENED,
    ROTATED,
    Entry,
    Judgement,
    NewEntry,
    is_signed,
    judge_chain,
    line_digest,
    read_entry,
    write_entry,
)
from understudy.inference.authority.head import LedgerHead
from understudy.inference.authority.signing import PublicKey, Signer, kept_secret, new_secret

FOLDER = "ledger"
ENTRIES_FILE, KEY_FILE, SALT_FILE, LISTS = "entries.jsonl", "signing_key", "salt", "lists"
NEXT_KEY_FILE = "signing_key.next"
_LOCK = ".ledger.lock"
HASH_LETTERS = 32  # 128 bits: no two names meet
DAMAGED_REMEDY = "`understudy ledger verify` says where. Put the ledger's folder back from a copy, then start again."


def utc_now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")[:23] + "Z"


class Ledger:
    """One daemon's ledger. Thread-safe; other processes may append between two calls."""

    def __init__(self, home: Path, clock: Callable[[], str] = utc_now) -> None:
        """Open or create HOME/ledger. Raises KeyRefused when others could read its keys, DaemonError when it is damaged
        at its end, JobParked when the disk is full.
        """
        self.folder = home / FOLDER
        self.path = self.folder / ENTRIES_FILE
        self._clock = clock
        self._thread = threading.Lock()
        self._known: tuple[int, LedgerHead | None] = (0, None)
        """(size of the file, head), as this process saw them last."""
        make_private_folder(home)
        make_private_folder(self.folder)
        with locked(self.folder, _LOCK):
            self._salt = kept_secret(self.folder / SALT_FILE)
            self._signer = Signer(kept_secret(self.folder / KEY_FILE, make=not self.path.exists()))
        self.append()

    @property
    def head(self) -> LedgerHead:
        """The newest entry that this process knows of."""
        head = self._known[1]
        assert head is not None  # noqa: S101 - opening it wrote one
        return head

    @property
    def public_key(self) -> str:
        return self._signer.public

    def hashed(self, name: str) -> str:
        """Return what stands in the chain for a name: its HMAC-SHA256 under a key that never leaves this machine."""
        return _hashed(self._salt, name)

    def digest_of(self, content: bytes) -> str:
        """Return the keyed digest of facts that name people: it proves them to us, and tells others nothing."""
        return hmac.new(self._salt, content, hashlib.sha256).hexdigest()

    def append(self, *new: NewEntry) -> LedgerHead:
        """Write entries and return the new head; they are on the disk. With none: look at the end and mend it.

        Raises JobParked when the disk is full (nothing was written), DaemonError when the ledger was damaged.
        """
        with self._thread, locked(self.folder, _LOCK), self._opened() as descriptor:
            head, mended = self._end(descriptor)
            return self._write(descriptor, head, (*mended, *new))

    def sign(self, content: bytes) -> tuple[str, str]:
        """Return (public key, signature) over something that is no entry: it must not read as one."""
        with self._thread, locked(self.folder, _LOCK), self._opened() as descriptor:
            head, mended = self._end(descriptor)  # another process may have changed the key
            self._write(descriptor, head, mended)
            return self._signer.public, self._signer.sign(content)

    def rotate(self, actor: str) -> LedgerHead:
        """Sign with a new key from now on; the old one signs the entry that says so."""
        with self._thread, locked(self.folder, _LOCK), self._opened() as descriptor:
            head, mended = self._end(descriptor)
            secret = new_secret()
            signer = Signer(secret)
            following = self.folder / NEXT_KEY_FILE
            write_private(following, secret.hex().encode())  # before the entry: a crash between leaves both keys
            said = NewEntry(event=ROTATED, actor=actor, subjects={"key": signer.public})
            head = self._write(descriptor, head, (*mended, said))
            following.replace(self.folder / KEY_FILE)
            self._signer = signer
            return head

    def keep_list(self, content: bytes) -> str:
        """Keep a list beside the chain, where it can be erased; return its SHA-256, by which an entry names it."""
        digest = hashlib.sha256(content).hexdigest()
        path = self.list_path(digest)
        if not path.exists():
            write_private(path, content)
        return digest

    def list_path(self, digest: str) -> Path:
        return self.folder / LISTS / f"{digest}.json"

    @contextmanager
    def _opened(self) -> Iterator[int]:
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _end(self, descriptor: int) -> tuple[LedgerHead | None, tuple[NewEntry, ...]]:
        """Return the head, and the entry that must say what was mended. Raises DaemonError for a damaged end."""
        size = os.fstat(descriptor).st_size
        known, head = self._known
        if size == known:
            return head, () if head is not None else (self._opening(),)
        if size < known:
            raise _damaged(self.path, f"it had {known} bytes and now has {size}: it was cut")
        tail = os.pread(descriptor, 2 * LINE_LIMIT_BYTES, max(0, size - 2 * LINE_LIMIT_BYTES))
        whole = tail[: tail.rfind(b"\n") + 1]
        torn = tail[len(whole) :]
        if not whole and len(torn) < size:
            raise _damaged(self.path, "its end is no line")
        if torn:
            os.ftruncate(descriptor, size - len(torn))
            os.fsync(descriptor)
        head = self._last(whole) if whole else None
        self._known = (size - len(torn), head)
        opening = () if head is not None else (self._opening(),)
        return head, (*opening, self._mended(torn)) if torn else opening

    def _last(self, whole: bytes) -> LedgerHead:
        line = whole[:-1].rsplit(b"\n", 1)[-1]
        try:
            entry = read_entry(line)
        except ValueError as problem:
            raise _damaged(self.path, f"its last line: {problem}") from None
        if entry.event == ROTATED:
            self._take_up(entry)
        elif not is_signed(entry, PublicKey(self._signer.public)):
            self._signer = Signer(kept_secret(self.folder / KEY_FILE, make=False))  # another process rotated
            if not is_signed(entry, PublicKey(self._signer.public)):
                raise _damaged(self.path, "its last line is not signed by this ledger's key")
        return LedgerHead(seq=entry.seq, digest=line_digest(line))

    def _take_up(self, entry: Entry) -> None:
        """Sign with the key that the last entry names; finish a rotation that a crash cut short."""
        for name in (KEY_FILE, NEXT_KEY_FILE):
            if (self.folder / name).exists():
                signer = Signer(kept_secret(self.folder / name, make=False))
                if signer.public == entry.subjects.get("key"):
                    (self.folder / name).replace(self.folder / KEY_FILE)
                    self._signer = signer
                    return
        raise _damaged(self.path, "the key that its last line names is not here")

    def _opening(self) -> NewEntry:
        return NewEntry(event=OPENED, actor="", subjects={"key": self._signer.public})

    def _mended(self, torn: bytes) -> NewEntry:
        name = f"torn-{hashlib.sha256(torn).hexdigest()[:16]}"
        write_private(self.folder / name, torn)
        return NewEntry(event=MENDED, actor="", subjects={"bytes": str(len(torn)), "kept": name})

    def _write(self, descriptor: int, head: LedgerHead | None, new: Iterable[NewEntry]) -> LedgerHead:
        lines = []
        for one in new:
            actor = self.hashed(one.actor) if one.actor else ""
            lines.append(write_entry(one, head, actor=actor, time=self._clock(), signer=self._signer))
            head = LedgerHead(seq=1 if head is None else head.seq + 1, digest=line_digest(lines[-1]))
        if head is None:
            raise _damaged(self.path, "it is empty")
        size = self._known[0]
        if lines:
            size += self._put(descriptor, b"".join(line + b"\n" for line in lines))
        self._known = (size, head)
        return head

    def _put(self, descriptor: int, content: bytes) -> int:
        """Append bytes and have them on the disk, or take back what came of it. Raises JobParked."""
        try:
            done = os.write(descriptor, content)
            while done < len(content):
                done += os.write(descriptor, content[done:])
            os.fsync(descriptor)
        except OSError as problem:
            os.ftruncate(descriptor, self._known[0])
            raise JobParked(
                f"the ledger cannot be written: {problem.strerror}",
                remedy="Make room on the disk that holds UNDERSTUDY_HOME; nothing is done unless the ledger says so.",
            ) from problem
        return len(content)


def _damaged(path: Path, what: str) -> DaemonError:
    return DaemonError(f"{path} is damaged: {what}", remedy=DAMAGED_REMEDY)


def _hashed(salt: bytes, name: str) -> str:
    return hmac.new(salt, name.encode(), hashlib.sha256).hexdigest()[:HASH_LETTERS]


def known_hashes(home: Path, names: Iterable[str]) -> dict[str, str]:
    """Return what stands in the chain for each of `names`: hash to name. Raises KeyRefused without the salt."""
    salt = kept_secret(home / FOLDER / SALT_FILE, make=False)
    return {_hashed(salt, name): name for name in names}


def judge_ledger(path: Path, anchors: Iterable[LedgerHead] = (), *, first_key: str | None = None) -> Judgement:
    """Read a ledger from its first line to its last and say what is found. Needs no key. Raises DaemonError.

    path: the file of its entries, or the HOME that it belongs to.
    """
    with entries_file(path).open("rb") as file:
        return judge_chain(file, anchors, first_key=first_key)


def read_ledger(path: Path) -> Iterator[Entry]:
    """Yield the entries of a ledger in order. Raises DaemonError naming a line that does not read."""
    path = entries_file(path)
    with path.open("rb") as file:
        for number, whole in enumerate(file, 1):
            if not whole.endswith(b"\n"):
                return  # an append that was cut short: nobody was told of it
            try:
                yield read_entry(whole[:-1])
            except ValueError as problem:
                raise _damaged(path, f"line {number}: {problem}") from None


def entries_file(path: Path) -> Path:
    """Return the file of the entries in a HOME, or the file itself. Raises DaemonError where there is none."""
    path = path / FOLDER / ENTRIES_FILE if path.is_dir() else path
    if not path.is_file():
        raise DaemonError(f"there is no ledger {path}", remedy="A daemon's first start makes it: `understudy serve`.")
    return path
