"""One writer a version: a lock that ends with the process that holds it, however that ends.

`.provisional/.v003.lock` lies beside `.provisional/v003/` while somebody writes there and says who. The kernel lets go
of it on `kill -9`; the file may then stay, and means nothing. On NFS it holds between machines: Linux passes flock on
to the server since 2.6.12 (flock(2)), unless the mount says `local_lock=flock` or `nolock`. A node that loses its power
keeps its lock until it is back or, on NFS 4, until the server's lease has run out (90 seconds unless set otherwise).
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import time
from pathlib import Path

from understudy.bridge.errors import EngineError, JobParked

WAIT_SECONDS = 2.0
"""So long a killed worker's last write may be on its way to a slow disk; it holds its lock until then."""
LOOK_SECONDS = 0.05
_WHO_BYTES = 256


class VersionLock:
    """The right to write one version. Not shared by threads, and not inherited by what this process starts."""

    def __init__(self, provisional: Path) -> None:
        """`provisional`: the folder that is written; it need not be there yet."""
        self._path = _path_of(provisional)
        self._file = -1

    def acquire(self) -> None:
        """Take the lock. Raises JobParked naming who writes this version, EngineError where a disk knows no locks."""
        end = time.monotonic() + WAIT_SECONDS
        while not self._try():
            if time.monotonic() >= end:
                who = _who(self._path) or "another process"
                raise JobParked(
                    f"{who} is writing this version: {self._path} is locked",
                    remedy="Let it finish, or end it there. Its frames are kept: a daemon goes on from them by itself, "
                    "`understudy run` when it is said again.",
                    facts={"writer": who},
                )
            time.sleep(LOOK_SECONDS)

    def release(self) -> None:
        """Let go; nothing of the lock stays on disk."""
        file, self._file = self._file, -1
        if file < 0:
            return
        with contextlib.suppress(OSError):
            if _stands(self._path, file):
                self._path.unlink()
        os.close(file)
        with contextlib.suppress(OSError):
            self._path.parent.rmdir()  # fails while other versions are made in it

    def _try(self) -> bool:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as undone:
            try:
                file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o664)
            except FileNotFoundError:
                return False  # the folder went with the end of another version
            undone.callback(os.close, file)
            # A file that lost its name before we had the lock is no lock: the next one makes a new one.
            if not _locked(self._path, file, fcntl.LOCK_EX) or not _stands(self._path, file):
                return False
            os.ftruncate(file, 0)
            os.pwrite(file, f"process {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
            undone.pop_all()
            self._file = file
        return True


def writer_of(provisional: Path) -> str:
    """Return who writes a version now, as words; empty when nobody does."""
    path = _path_of(provisional)
    with contextlib.suppress(OSError, EngineError), contextlib.ExitStack() as opened:
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        opened.callback(os.close, file)
        # Shared: two who ask at once both hear the truth. A writer who comes meanwhile waits longer than this takes.
        return "" if _locked(path, file, fcntl.LOCK_SH) else _who(path) or "another process"
    return ""


def _path_of(provisional: Path) -> Path:
    return provisional.with_name(f".{provisional.name}.lock")


def _locked(path: Path, file: int, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except OSError as problem:
        if problem.errno in (errno.EWOULDBLOCK, errno.EACCES):
            return False
        raise EngineError(
            f"{path} cannot be locked: {problem.strerror}",
            remedy="Two processes could write one version there. Mount it with locks (NFS: version 4, or 3 with lockd; "
            "Lustre: -o flock), or put the output on another disk.",
        ) from None
    return True


def _stands(path: Path, file: int) -> bool:
    """Say whether `path` still names the open file."""
    try:
        return os.path.samestat(path.lstat(), os.fstat(file))
    except FileNotFoundError:
        return False


def _who(path: Path) -> str:
    """Return what the holder wrote of itself."""
    try:
        with path.open("rb") as file:
            line = file.read(_WHO_BYTES).decode("utf-8", "replace").strip()
    except OSError:
        return ""
    return line if line.isprintable() else ""
