"""Content-addressed files on disk: every input of every job, named by the BLAKE3 of its bytes.

A blob that has its name is whole, durable and read-only. Uploads grow under `partial/`, apart for every owner: who
knows a digest but not the bytes gains nothing from another's half-sent file.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from blake3 import blake3

from understudy.bridge.errors import JobParked, PlateError
from understudy.inference.hand_over import (
    clone,
    copy_digested,
    handed_over,
    inside_roots,
    mapped_digest,
    nobody_writes,
    parked_when_full,
    steady_digest,
    write_all,
)

__all__ = ["Partial", "Vault", "blob_digest", "inside_roots"]

HASHING_THREADS = 4
ROOM_SHARE = 5
"""`clean` frees one part in this many of the quota unless told otherwise."""
_DIGEST = re.compile(r"[0-9a-f]{64}")


def blob_digest(path: Path) -> str | None:
    """Return the digest that a blob's path stands for, None for a path that is none of a vault's. Pure."""
    name = path.parent.name + path.name
    return name if len(path.parent.name) == 2 and _DIGEST.fullmatch(name) else None


class Vault:
    """All methods may be called from any thread, at once and for the same digest."""

    def __init__(self, root: Path, quota_bytes: int) -> None:
        """Open or make the vault in `root`, which no one else should write to."""
        self.root = root
        self.quota_bytes = quota_bytes
        self._blobs = root / "blobs"
        self._partials = root / "partial"
        for folder in (self._blobs, self._partials):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._remove_broken_copies()
        self._lock = threading.RLock()
        self._hashing = ThreadPoolExecutor(HASHING_THREADS, "vault-hash")
        self._used = sum(size for _, size, _ in self._files())
        self._device = root.stat().st_dev

    @property
    def bytes_used(self) -> int:
        """Bytes of all blobs and of all that has arrived of others."""
        return self._used

    def path(self, digest: str) -> Path:
        """Return where the blob lies or would lie. Raises ValueError for what is no digest."""
        if not _DIGEST.fullmatch(digest):
            raise ValueError(f"'{digest}' is not a BLAKE3 digest")
        return self._blobs / digest[:2] / digest[2:]

    def has(self, digest: str) -> bool:
        return self.path(digest).exists()

    def touch(self, digest: str) -> None:
        """Mark a blob as just used: cleaning takes the least recently used first."""
        with contextlib.suppress(FileNotFoundError):
            os.utime(self.path(digest))

    def verify(self, digest: str) -> Path:
        """Hash the blob again and return its path. Raises PlateError when it is gone or damaged; then it is removed.

        JobParked where it is there and the disk does not give it: sent again, it would find its place taken.
        """
        path = self.path(digest)
        try:
            with path.open("rb", buffering=0) as file:
                found = steady_digest(file.fileno())
        except FileNotFoundError:
            raise PlateError(f"the vault does not have {digest} any more", remedy=_SEND) from None
        except OSError as problem:
            raise JobParked(
                f"the vault cannot read {digest}: {problem.strerror}",
                remedy="Look after the disk of UNDERSTUDY_HOME. The job goes on by itself when the file can be read.",
            ) from None
        if found != digest:
            with self._lock:
                self._remove(path)
            raise PlateError(f"the vault's copy of {digest} was damaged on disk and has been removed", remedy=_SEND)
        self.touch(digest)
        return path

    def take_copy(
        self, path: Path, digest: str, *, size: int | None = None, roots: Iterable[Path] | None = None
    ) -> Path:
        """Take a user's file by reflink, else by a copy hashed on the way; return the blob's path.

        size: what the job said; roots: see `handed_over`. Raises PlateError when the file is not what the digest
        says, or changes meanwhile; JobParked without room.
        """
        with handed_over(path, roots) as source:
            _compare_size(path, source, size)
            if self.has(digest):
                _compare(path, digest, steady_digest(source))
                return self.path(digest)
            return self._copy_in(path, source, digest)

    def take_link(
        self, path: Path, digest: str, *, size: int | None = None, roots: Iterable[Path] | None = None
    ) -> Path:
        """Take a file that its writer has given up, by a hard link to exactly the bytes that were hashed, once.

        Falls back to `take_copy` where somebody still has it open for writing, on another file system, or for a file
        of another user. Raises as `take_copy` does.
        """
        with handed_over(path, roots) as source:
            _compare_size(path, source, size)
            with nobody_writes(source) as steady:
                if steady and os.fstat(source).st_dev == self._device and not self.has(digest):
                    _compare(path, digest, mapped_digest(source))
                    if self._link_in(source, digest):
                        return self.path(digest)
        return self.take_copy(path, digest, size=size, roots=roots)

    def partial(self, digest: str, owner: str = "") -> Path:
        """Return the file in which an upload of this owner grows; its length is where to go on."""
        self.path(digest)
        return self._partials / (blake3(owner.encode()).hexdigest(16)) / digest

    def resume_offset(self, digest: str, owner: str = "") -> int:
        """Return how much of the file this owner's earlier connection brought."""
        try:
            return self.partial(digest, owner).stat().st_size
        except FileNotFoundError:
            return 0

    def open_partial(self, digest: str, owner: str = "") -> Partial:
        """Go on with an upload: what has arrived is hashed again, the rest as it comes. One thread a Partial."""
        return Partial(self, digest, owner)

    def finish(self, digest: str, owner: str = "", *, found: str | None = None) -> Path:
        """Give a whole upload its name, durably. Two who end at once both end well.

        found: the digest measured while it arrived; None = hash it now. Raises PlateError when the bytes are others;
        then the partial file is removed and an upload starts from the beginning.
        """
        partial = self.partial(digest, owner)
        try:
            with partial.open("rb", buffering=0) as file, parked_when_full():
                _compare(partial, digest, found or steady_digest(file.fileno()), who="what was uploaded")
                os.fsync(file.fileno())
        except FileNotFoundError:
            raise PlateError(f"no upload of {digest} is under way", remedy=_SEND) from None
        except PlateError:
            with self._lock:
                self._remove(partial)
            raise
        self._publish(partial, digest)
        return self.path(digest)

    def forget(self, digest: str, owner: str = "") -> None:
        """Remove what this owner's upload brought so far."""
        with self._lock:
            self._remove(self.partial(digest, owner))

    def clean(self, keep: Collection[str], room_bytes: int | None = None) -> int:
        """Remove what no job in `keep` needs until `room_bytes` (a fifth of the quota) are free; return bytes freed.

        Partial files of other digests always go; then blobs, least recently used first. Nothing in `keep` goes.
        """
        room = self.quota_bytes // ROOM_SHARE if room_bytes is None else room_bytes
        kept = frozenset(keep)
        with self._lock:
            before = self._used
            for _, _, path in sorted(self._files(), key=lambda file: (file[2].parent.parent == self._blobs, file[0])):
                is_blob = path.parent.parent == self._blobs
                digest = path.parent.name + path.name if is_blob else path.name
                if digest in kept or (is_blob and self._used + room <= self.quota_bytes):
                    continue
                self._remove(path)
            return before - self._used

    def grow(self, size: int) -> None:
        """Count bytes that are about to be written. Raises JobParked when they do not fit the quota."""
        with self._lock:
            if self._used + size > self.quota_bytes:
                raise JobParked(
                    f"the vault is full: {self._used} of {self.quota_bytes} bytes are used and {size} more are needed",
                    remedy="Finish or cancel other jobs, or raise vault_quota_bytes; the job goes on where it stopped.",
                    facts={"used": str(self._used), "quota": str(self.quota_bytes), "needed": str(size)},
                )
            self._used += size

    def shrink(self, size: int) -> None:
        """Take back what `grow` counted."""
        with self._lock:
            self._used -= size

    def _copy_in(self, path: Path, source: int, digest: str) -> Path:
        size = os.fstat(source).st_size
        self.grow(size)
        copy = self._partials / f"{digest}.{os.getpid()}.{threading.get_ident()}.copy"
        with contextlib.ExitStack() as undone:
            undone.callback(self.shrink, size)
            undone.callback(copy.unlink, missing_ok=True)
            with parked_when_full():
                target = os.open(copy, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
                try:
                    found = steady_digest(target) if clone(source, target) else None
                    _compare(path, digest, found or copy_digested(source, target, self._hashing))
                    os.fsync(target)
                finally:
                    os.close(target)
            undone.pop_all()
        self._publish(copy, digest)
        return self.path(digest)

    def _link_in(self, source: int, digest: str) -> bool:
        target = self.path(digest)
        size = os.fstat(source).st_size
        self.grow(size)
        try:
            os.fsync(source)
            os.fchmod(source, 0o400)
            self._make_shard(target.parent)
            # With a folder descriptor Python calls linkat(AT_SYMLINK_FOLLOW), which alone can name an open file.
            with _folder(target.parent) as folder:
                os.link(f"/proc/self/fd/{source}", target, src_dir_fd=folder)
                os.fsync(folder)
        except OSError:
            self.shrink(size)
            return self.has(digest)
        self.touch(digest)
        return True

    def _publish(self, partial: Path, digest: str) -> None:
        """Move a verified file to its name; where another was first, ours goes."""
        target = self.path(digest)
        with self._lock:
            self._make_shard(target.parent)
            if target.exists():
                self._remove(partial)
                return
            partial.chmod(0o400)
            partial.rename(target)
            with _folder(target.parent) as folder:
                os.fsync(folder)
        self.touch(digest)

    def _make_shard(self, folder: Path) -> None:
        """Make the folder of a blob, durably: a blob must not be lost with it."""
        if not folder.is_dir():
            folder.mkdir(exist_ok=True, mode=0o700)
            with _folder(self._blobs) as blobs:
                os.fsync(blobs)

    def _remove(self, path: Path) -> None:
        with contextlib.suppress(FileNotFoundError):
            size = path.stat().st_size
            path.unlink()
            self._used -= size

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """Yield (last use, size, path) of every blob and partial file."""
        for folder in (self._blobs, self._partials):
            for path in folder.glob("*/*"):
                with contextlib.suppress(FileNotFoundError):
                    found = path.stat()
                    yield found.st_mtime, found.st_size, path

    def _remove_broken_copies(self) -> None:
        """What a killed daemon was copying: the user's own file is still there."""
        for path in self._partials.glob("*.copy"):
            path.unlink(missing_ok=True)


class Partial:
    """One upload that grows. `length` bytes are on disk and hashed. One thread at a time."""

    def __init__(self, vault: Vault, digest: str, owner: str) -> None:
        self.digest = digest
        self._vault = vault
        self._owner = owner
        self._hasher = blake3()
        path = vault.partial(digest, owner)
        path.parent.mkdir(exist_ok=True, mode=0o700)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        self.length = self._hash_what_is_there()

    def append(self, data: memoryview | bytes) -> None:
        """Write and hash the next bytes. Raises JobParked without room; what was taken before stays.

        PlateError when the vault was cleaned meanwhile and no job needed this file.
        """
        if not os.fstat(self._file).st_nlink:
            raise PlateError(f"the upload of {self.digest} was removed: no job needs it", remedy=_SEND)
        size = len(data)
        self._vault.grow(size)
        with contextlib.ExitStack() as undone:
            undone.callback(os.ftruncate, self._file, self.length)
            undone.callback(self._vault.shrink, size)
            with parked_when_full():
                write_all(self._file, data, self.length)
            undone.pop_all()
        self._hasher.update(data)
        self.length += size

    def finish(self) -> Path:
        """Close and give the whole file its name. Raises as `Vault.finish` does."""
        self.close()
        return self._vault.finish(self.digest, self._owner, found=self._hasher.hexdigest())

    def drop(self) -> None:
        """Close and forget what has arrived: it cannot be what its name says."""
        self.close()
        self._vault.forget(self.digest, self._owner)

    def close(self) -> None:
        """Stop; what has arrived stays for the next connection."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)

    def _hash_what_is_there(self) -> int:
        buffer = memoryview(bytearray(1024 * 1024))
        offset = 0
        while count := os.preadv(self._file, [buffer], offset):
            self._hasher.update(buffer[:count])
            offset += count
        return offset


_SEND = "Send it again: `understudy watch` of the job does, from where the files are."


def _compare(path: Path, digest: str, found: str, who: str = "") -> None:
    if found != digest:
        raise PlateError(
            f"{who or path} is not the file that was announced: it is {found}, the job says {digest}",
            remedy="It was changed after the job was sent. Submit the job again.",
            facts={"found": found, "expected": digest},
        )


def _compare_size(path: Path, source: int, size: int | None) -> None:
    found = os.fstat(source).st_size
    if size is not None and found != size:
        raise PlateError(
            f"{path} has {found} bytes, the job says {size}",
            remedy="It was changed after the job was sent. Submit the job again.",
        )


@contextlib.contextmanager
def _folder(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
