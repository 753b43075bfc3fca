"""Files that only their owner can read: written whole or not at all, refused when others could have read them."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

from understudy.bridge.errors import KeyRefused


def make_private_folder(folder: Path) -> None:
    """Make `folder` with mode 0700; an empty one is made so. Raises KeyRefused when others may put files into it."""
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name == "posix":
        found = folder.stat()
        mode = stat.S_IMODE(found.st_mode)
        if mode & 0o077 and found.st_uid == os.geteuid() and not any(folder.iterdir()):
            folder.chmod(0o700)
            return
        if mode & 0o022 and not mode & stat.S_ISVTX:
            raise KeyRefused(
                f"others may put files into {folder} (mode {mode:04o}), so the keys in it prove nothing",
                remedy=f"Run `chmod 700 '{folder}'`, or name another folder in UNDERSTUDY_HOME.",
            )


def write_private(path: Path, content: bytes) -> None:
    """Write a file of mode 0600 whole or not at all: through a temporary name, on disk before it has its own."""
    make_private_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        with open(temporary, "xb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)  # gone already where it got its name


def read_private(path: Path, limit: int = 2**26) -> bytes:
    """Read up to one byte more than `limit`. Raises KeyRefused when others could have read or written the file."""
    # Without O_NONBLOCK, opening a named pipe would wait for ever.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    found = os.fstat(descriptor)
    if stat.S_ISDIR(found.st_mode):
        os.close(descriptor)
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(found.st_mode):
            raise KeyRefused(f"{path} is not a plain file", remedy="Put the file that the daemon wrote there.")
        mode = stat.S_IMODE(found.st_mode)
        if os.name == "posix" and mode & 0o077:
            raise KeyRefused(
                f"{path} holds a secret that others can read (mode {mode:04o})",
                remedy=f"Run `chmod 600 '{path}'`, and have a new key issued if others use this machine.",
            )
        return file.read(limit + 1)


@contextlib.contextmanager
def locked(home: Path, name: str = ".keys.lock") -> Iterator[None]:
    """Hold a lock of `home`, of its key files unless named, against other processes and threads; waits for it.

    It goes with its process, however that ends. Windows has no daemon, so no lock either.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with (home / name).open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
