"""The panel's process, started from a host: `understudy panel` of our own environment, which outlives the host."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from understudy.bridge.errors import HostError
from understudy.bridge.host_daemon import COMMAND_VARIABLE, read_command
from understudy.bridge.settings import load_settings

OPEN_SECONDS = 40.0
"""A cold disk may take many seconds to read Qt; a panel that needs longer has a fault to tell."""
LOOK_SECONDS = 0.1
OF_A_HOST = ("PYTHON", "QT_", "QML", "PYSIDE", "SHIBOKEN", "LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_")
"""How variables begin that a host sets for its own Python and its own Qt, and that would mislead ours."""
OF_THE_SCREEN = ("QT_QPA_PLATFORM", "QT_SCALE_FACTOR", "QT_SCREEN_SCALE_FACTORS", "QT_FONT_DPI", "QT_ACCESSIBILITY")
"""What the artist's desktop says, whichever Qt reads it."""
REMEDY = "Run `understudy panel` in a terminal: it says what is wrong. Without Qt: pip install 'understudy[panel]'."


def panel_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without what a host sets for itself."""
    return {name: value for name, value in variables.items() if name in OF_THE_SCREEN or not name.startswith(OF_A_HOST)}


def start_panel(connection_file: str, home: Path, command: str, listens: Callable[[], bool]) -> None:
    """Start the panel and return when it listens. Blocks for seconds: never on a host's main thread.

    connection_file: of the daemon that the host speaks to. command: the path of `understudy`; empty = where the
    installer found it. Raises HostError with the panel's own words.
    """
    command = os.environ.get(COMMAND_VARIABLE, command or read_command(load_settings().home))
    if not command:
        raise HostError("where `understudy` lies is not known here", remedy="Run `understudy install` for this host.")
    said = home / "panel.log"
    options = ["--key", connection_file] if connection_file else []
    process = _start([command, "panel", *options], said, home)
    # It outlives us, or ends before: either way nobody else collects its exit.
    threading.Thread(target=process.wait, name="panel-exit", daemon=True).start()
    end = time.monotonic() + OPEN_SECONDS
    while not listens():
        # One that ended well has found another panel, which two hosts started at once.
        if process.poll() not in (None, 0) or time.monotonic() > end:
            words = said.read_text(errors="replace").strip()[-800:] or "it said nothing"
            raise HostError(f"the panel did not open: {words}", remedy=REMEDY)
        time.sleep(LOOK_SECONDS)


def _start(line: list[str], said: Path, home: Path) -> subprocess.Popen[bytes]:
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    # A host on Windows has no console for it, and would take it along when it ends.
    apart = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) | getattr(subprocess, "CREATE_NO_WINDOW", 0)
    try:
        with said.open("wb") as log:
            return subprocess.Popen(
                line, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, creationflags=apart,
                env={**panel_environment(os.environ), "UNDERSTUDY_HOME": str(home)},
            )  # fmt: skip
    except OSError as problem:
        raise HostError(f"{line[0]} cannot be started: {problem.strerror}", remedy=REMEDY) from None
