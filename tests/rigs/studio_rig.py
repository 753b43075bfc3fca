"""What tests of an authority and its followers share: a port that stays, and patience with what is told by polling."""

from __future__ import annotations

import contextlib
import random
import socket
import time
from collections.abc import Callable

PATIENCE_SECONDS = 30.0
FIRST_PORT, EPHEMERAL_PORT = 20_000, 32_768
"""From the second on Linux gives ports to whoever leaves the choice to it (ip(7), ip_local_port_range)."""


def free_port() -> int:
    """Return a port that nobody has: a follower's connection file names it, so it must outlive a restart.

    It is none that the system would give to another program meanwhile.
    """
    while True:
        port = random.SystemRandom().randrange(FIRST_PORT, EPHEMERAL_PORT)
        with contextlib.suppress(OSError), socket.socket() as taken:
            taken.bind(("127.0.0.1", port))
            return port


def wait_for(true: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until `true()` is."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)
