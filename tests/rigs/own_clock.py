"""A clock for one thread: the seconds in which it could have run and did not, for want of a core, are not counted.

What holds a host's main thread is measured by it, where a daemon, its worker and other tests want the same cores.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path


class OwnClock:
    """For the thread that makes it. Where Linux does not say what it waited for a core, all time counts."""

    def __init__(self) -> None:
        said = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        self._said = said.open("rb", buffering=0) if said.is_file() else None

    def now(self) -> float:
        if self._said is None:
            return time.perf_counter()
        self._said.seek(0)
        waited_nanoseconds = int(self._said.read(100).split()[1])  # on the processor, waiting for one, slices
        return time.perf_counter() - waited_nanoseconds / 1e9

    def close(self) -> None:
        if self._said is not None:
            self._said.close()
