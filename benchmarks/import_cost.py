"""What a host pays for importing the client, against pyzmq and msgspec, which it cannot do without."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

from benchmarks.table import Row, at_most

LIBRARIES = "import zmq, msgspec"
CLIENT = "import understudy.bridge.client"
ROUNDS = 9
_TIMED = """
import time
start = time.perf_counter()
{imports}
print(time.perf_counter() - start)
"""


def seconds_to(imports: str) -> float:
    """Return the seconds that the import lines take in a fresh interpreter, its own start not counted."""
    # Compiled files may be kept, as they are for the libraries: otherwise ours alone would be compiled each time.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", _TIMED.format(imports=imports)],
        env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return float(done.stdout)


def measure(rounds: int = ROUNDS) -> list[Row]:
    """Time both in turn, so that a busy machine slows both; compare the medians of the faster halves."""
    pairs = [(seconds_to(LIBRARIES), seconds_to(CLIENT)) for _ in range(rounds)][1:]
    libraries, client = (
        statistics.median(sorted(times)[: (len(times) + 1) // 2]) * 1000 for times in zip(*pairs, strict=True)
    )
    return [at_most("import understudy.bridge.client", client, libraries, "ms", 2.0, "limit: zmq + msgspec")]
