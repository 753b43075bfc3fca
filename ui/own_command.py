"""Where `understudy` lies for this very panel: beside the Python that runs it."""

from __future__ import annotations

import sys
from pathlib import Path


def own_command() -> str:
    """Return the path of `understudy` beside this Python; empty where it is not there."""
    beside = Path(sys.executable).with_name("understudy")
    return str(beside) if beside.is_file() else ""
