"""Where an artist sits: a user on a machine. Two programs of one key belong together only at one seat."""

from __future__ import annotations

import getpass
import os
import platform

LETTERS = 200
"""As many as the wire takes (`desk_messages.DeskName`)."""


def this_seat() -> str:
    """Return `user@machine`. Touches no network."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):  # a container's user without a name
        user = str(os.getuid() if hasattr(os, "getuid") else "")
    return f"{user}@{platform.node()}"[:LETTERS]
