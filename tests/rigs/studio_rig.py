"""What tests of an authority and its followers share: a port that stays, and patience with what is told by polling."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable

PATIENCE_SECONDS = 30.0


def free_port() -> int:
    """Return a port that nobody has: a follower's connection file names it, so it must outlive a restart."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def wait_for(true: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until `true()` is."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)
