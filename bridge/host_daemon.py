"""The daemon that a host talks to: the one that answers, else one that is started from our own environment.

A host's Python cannot run the daemon: it lacks the libraries, and must not get them. So it is started by its command,
in a process of its own that outlives the host: jobs go on when the host is closed.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

from understudy.bridge.client import Client
from understudy.bridge.errors import DaemonError, DaemonUnreachable, RequestError
from understudy.bridge.keys import CONNECTION_FILE, Connection, load_connection
from understudy.bridge.private_files import locked, read_private, write_private
from understudy.bridge.settings import load_settings

COMMAND_VARIABLE = "UNDERSTUDY_COMMAND"
"""Where `understudy` lies, when it is not where the installer found it."""
COMMAND_FILE = "command"
"""In HOME: the path of `understudy` as the installer found it."""
START_SECONDS = 20.0
START_LOCK = ".start.lock"
"""In HOME, held while a daemon is looked for and started: two hosts that open together start one."""
_one_at_a_time = threading.Lock()
"""Jobs that are taken up together look for the daemon together: one of them starts it."""
REMEDY = "Start it with `understudy serve`; `understudy doctor` says what is wrong."


def find_daemon(command: str = "", home: Path | None = None) -> Connection:
    """Return a connection to the daemon of this user's settings; start one by `command` where none answers.

    command: the path of `understudy`; empty = as the installer wrote it down, and where it did not, only look. home:
    the daemon's, where the host's preferences name another than the settings. Blocks for up to 20 seconds: never on a
    host's main thread. Raises DaemonUnreachable with the daemon's own words when it does not start, KeyRefused when
    others may have written that path down.
    """
    home = load_settings({"home": home}).home
    with _one_at_a_time:
        try:
            return _answering(home)
        except (DaemonError, RequestError) as problem:
            command = os.environ.get(COMMAND_VARIABLE, command or read_command(load_settings().home))
            if not command:
                raise DaemonUnreachable(f"no daemon answers for {home}: {problem.message}", remedy=REMEDY) from None
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with locked(home, START_LOCK):
            with suppress(DaemonError, RequestError):  # another process has started it while we waited
                return _answering(home)
            return _start(command, home)


def write_command(home: Path, command: str) -> None:
    """Write down where `understudy` lies, so that a host of this user can start the daemon."""
    write_private(home / COMMAND_FILE, command.encode())


def read_command(home: Path) -> str:
    """Return what was written down; empty when nothing was."""
    try:
        return read_private(home / COMMAND_FILE).decode().strip()
    except FileNotFoundError:
        return ""


def _answering(home: Path) -> Connection:
    connection = load_connection(home / CONNECTION_FILE)
    with Client.connect(connection, timeout_seconds=3.0) as client:
        return client.connection  # with the port, which a daemon that has just begun writes down a moment later


def _start(command: str, home: Path) -> Connection:
    said = home / "start.log"
    try:
        with said.open("wb") as log:
            process = subprocess.Popen(
                [command, "serve"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env={**clean_environment(), "UNDERSTUDY_HOME": str(home)},
            )  # fmt: skip
    except OSError as problem:
        raise DaemonUnreachable(f"{command} cannot be started: {problem.strerror}", remedy=REMEDY) from None
    # It outlives us, or ends before: either way nobody else collects its exit.
    threading.Thread(target=process.wait, name="daemon-exit", daemon=True).start()
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            return _answering(home)
        except (DaemonError, RequestError):
            time.sleep(0.1)
    words = said.read_text(errors="replace").strip()[-800:] or "it said nothing"
    raise DaemonUnreachable(f"the daemon did not start: {words}", remedy=REMEDY)


def clean_environment() -> dict[str, str]:
    """Return the environment without what a host sets for its own Python, which would mislead another one."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "PYTHONPATH")}
