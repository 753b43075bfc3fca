"""Files that a client hands over by path: opened without trust, digested while nothing can change them, copied.

Linux: file leases, reflinks and /proc. Decides nothing about who may hand over what.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import mmap
import os
import signal
import stat
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future
from pathlib import Path

from blake3 import blake3

from understudy.bridge.errors import JobParked, PlateError, RequestError

PIECE_BYTES = 1024 * 1024
"""What is read, written and hashed at once: it is still in the core's cache when the next of the three takes it."""
PARALLEL_FROM_BYTES = 4 * 1024 * 1024
FICLONE = 0x40049409
"""ioctl_ficlone(2): share the extents of another file, copied by the file system when either is written."""
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def inside_roots(path: Path, roots: Iterable[Path]) -> bool:
    """Say whether `path` lies in one of the folders once every symlink on the way is followed. Reads the disk."""
    try:
        real = path.resolve()
    except (OSError, RuntimeError):  # a loop of symlinks leads nowhere
        return False
    return any(real.is_relative_to(root.resolve()) for root in roots)


@contextlib.contextmanager
def handed_over(path: Path, roots: Iterable[Path] | None = None) -> Iterator[int]:
    """Open a regular file that somebody else named; yield its descriptor, for reading.

    roots: folders that it must really lie in; None = anywhere. What was checked is what was opened: the roots count for
    the open file. Raises PlateError for a symlink, a device, a missing file; RequestError outside the roots, where
    nothing is opened or told apart, so that nobody learns which files there are.
    """
    if roots is not None and not inside_roots(path, roots := list(roots)):
        raise _outside(path)
    try:
        # Without O_NONBLOCK a named pipe would hold this thread for ever.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as problem:
        what = "is a symlink" if problem.errno == errno.ELOOP else f"cannot be read: {problem.strerror}"
        raise PlateError(f"{path} {what}", remedy="Hand over the file itself, readable for the daemon.") from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise PlateError(f"{path} is not a regular file", remedy="Hand over a picture or movie file.")
        if roots is not None and not inside_roots(Path(f"/proc/self/fd/{descriptor}"), roots):
            raise _outside(path)
        yield descriptor
    finally:
        os.close(descriptor)


def _outside(path: Path) -> RequestError:
    return RequestError(
        f"{path} lies outside the folders that this daemon may read for you",
        remedy="Put it under a root that the daemon's settings name, or let it be uploaded.",
    )


@contextlib.contextmanager
def nobody_writes(descriptor: int) -> Iterator[bool]:
    """Hold a read lease: say whether nobody has the file open for writing; a new writer waits until we are done.

    Without it a file that is cut short while it is mapped kills the process that maps it.
    """
    try:
        # The default signal of a broken lease, SIGIO, ends a process; SIGURG is ignored unless asked for.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)


def mapped_digest(descriptor: int) -> str:
    """Return the BLAKE3 of a file that nobody can write to now (see `nobody_writes`), on all cores."""
    if os.fstat(descriptor).st_size == 0:
        return blake3().hexdigest()
    with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as content:
        return blake3(content, max_threads=blake3.AUTO).hexdigest()


def steady_digest(descriptor: int) -> str:
    """Return the BLAKE3 of a file by reading it: safe for a file that changes meanwhile."""
    hasher = blake3(max_threads=blake3.AUTO)
    buffer = memoryview(bytearray(PARALLEL_FROM_BYTES))
    offset = 0
    while count := os.preadv(descriptor, [buffer], offset):
        hasher.update(buffer[:count])
        offset += count
    return hasher.hexdigest()


def clone(source: int, target: int) -> bool:
    """Make `target` share the bytes of `source`, copy on write; False where the file system cannot."""
    try:
        fcntl.ioctl(target, FICLONE, source)
    except OSError:
        return False
    return True


def copy_digested(source: int, target: int, hashing: Executor) -> str:
    """Copy all bytes and return their BLAKE3, hashed on another thread while they are written."""
    hasher = blake3()
    buffers = [memoryview(bytearray(PIECE_BYTES)) for _ in range(2)]
    pending: Future[object] | None = None
    offset = turn = 0
    while count := os.preadv(source, [buffers[turn]], offset):
        piece = buffers[turn][:count]
        if pending is not None:
            pending.result()
        pending = hashing.submit(hasher.update, piece)
        write_all(target, piece, offset)
        offset += count
        turn = 1 - turn
    if pending is not None:
        pending.result()
    return hasher.hexdigest()


def write_all(descriptor: int, data: memoryview | bytes, offset: int) -> None:
    """Write everything at `offset`; a short write goes on."""
    view = memoryview(data)
    while view:
        count = os.pwrite(descriptor, view, offset)
        view, offset = view[count:], offset + count


@contextlib.contextmanager
def parked_when_full() -> Iterator[None]:
    """Turn the disk's word that there is no room into JobParked; every other error stays what it is."""
    try:
        yield
    except OSError as problem:
        if problem.errno not in NO_ROOM:
            raise
        raise JobParked(
            f"the disk of the vault is full: {problem.strerror}",
            remedy="Make room on that disk; the job goes on where it stopped.",
        ) from None
