"""Files that a host's document names, looked for on its main thread without holding it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from pathlib import Path

from understudy.bridge.host import Step, Steps

LOOK_SECONDS = 0.02
"""So long a turn looks: thousands of files of a local disk, a few of a share where each look is a round trip."""


def missing_files(paths: Iterable[Path]) -> Steps[list[Path]]:
    """Return those of the files that are not there, in their order."""
    gone = []
    end = time.monotonic() + LOOK_SECONDS
    for path in paths:
        if not path.is_file():
            gone.append(path)
        if time.monotonic() > end:
            yield Step(0, 0, f"looking for {path.name}")
            end = time.monotonic() + LOOK_SECONDS
    return gone
