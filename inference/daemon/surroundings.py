"""What a daemon process needs around it: memory settings, a log, and to be the only one in its HOME."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import logging.handlers
import os
import resource
import sys
from collections.abc import Mapping
from pathlib import Path

from understudy.bridge.errors import DaemonError

MEMORY_SETTINGS = {
    "MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "8589934592", "MALLOC_ARENA_MAX": "1",
}  # fmt: skip
"""glibc gives every block above 32 MB back to the kernel; each new frame then costs 25 ms of page faults. The heaps of
other threads end at 64 MB and are given back too: one arena for all halves what composing on threads costs."""
WORK_SETTINGS = {"OPENBLAS_NUM_THREADS": "1", "PYTORCH_ALLOC_CONF": "expandable_segments:True"}
"""numpy's helper thread spins between two products of matrices: it took a quarter of the processor from a job whose
frames are written on threads anyway, and made products depend on how many cores a machine has. PyTorch's allocator lost
2.6 GiB of a card's 24 between blocks that were free and too small (benchmarks/gpu/results); segments that grow lose
next to nothing."""
LOG_BYTES = 10 * 1024 * 1024
LOG_FILES = 5


def memory_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return `environment` with the settings above; they are read when a process starts. What is set stays."""
    return {**MEMORY_SETTINGS, **WORK_SETTINGS, **environment}


def begin_with_memory_settings() -> None:
    """Where this process was started without them, begin it again with them: the same command in its place.

    For before a daemon's imports, half a second of a core that would be spent twice.
    """
    if not all(name in os.environ for name in MEMORY_SETTINGS):
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], memory_environment(os.environ))  # noqa: S606


def raise_open_files_limit() -> None:
    """Let this process open as many files as it may: a thousand is the usual start, and connections, blobs and workers
    of a busy house are more.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS says that there is no limit, and takes no such word
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def log_to(home: Path) -> None:
    """Log to HOME/daemon.log, rotating; keys and nonces are never logged by anyone."""
    path = home / "daemon.log"
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8")
    path.chmod(0o600)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)


class OnlyDaemon:
    """The lock that makes this process the one daemon of a HOME. Gone with the process, however it ends."""

    def __init__(self, home: Path) -> None:
        """Raises DaemonError naming the process that holds it."""
        self._file = os.open(home / "daemon.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            process = os.pread(self._file, 32, 0).decode("ascii", "replace").strip()
            os.close(self._file)
            raise DaemonError(
                f"a daemon (process {process or 'unknown'}) already serves {home}",
                remedy="Use that one, stop it with `understudy stop`, or set UNDERSTUDY_HOME to another folder.",
                facts={"process": process},
            ) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        os.close(self._file)
