"""Starting what a command needs on this machine as processes of their own, and stopping only what was started here."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from understudy.bridge.client import Client
from understudy.bridge.errors import DaemonError, DaemonUnreachable, RequestError
from understudy.bridge.gather import Gathered
from understudy.bridge.host_daemon import START_LOCK
from understudy.bridge.keys import CONNECTION_FILE, Connection, load_connection
from understudy.bridge.options import JobOptions
from understudy.bridge.private_files import locked
from understudy.bridge.record import Record

COMMAND = (sys.executable, "-m", "understudy.bridge.cli")
START_SECONDS = 20.0
"""A cold disk may take several to read the libraries; a daemon that needs longer has a fault to tell."""
STOP_SECONDS = 20.0


DEMONSTRATION = Record(
    ground="demonstration",
    attestation="Demonstration of Understudy: drawn or the user's own footage, not for delivery.",
)


def demonstration(options: JobOptions, gather: Callable[[JobOptions], Gathered]) -> Gathered:
    """Return what `gather` makes of the options; a job without papers of its own gets a demonstration's."""
    if options.record is not None or options.self_attest is not None:
        return gather(options)
    gathered = gather(msgspec.structs.replace(options, self_attest=DEMONSTRATION.attestation))
    return msgspec.structs.replace(gathered, job=msgspec.structs.replace(gathered.job, record=DEMONSTRATION))


@contextmanager
def running_daemon(home: Path) -> Iterator[Connection]:
    """Yield a connection to the living daemon of `home`; where none answers, start one and stop it at the end.

    Raises DaemonUnreachable with the daemon's own words when it does not start.
    """
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    process = None
    with locked(home, START_LOCK):  # a host, or another command, may be starting one just now
        try:
            connection = load_connection(home / CONNECTION_FILE)
            with Client.connect(connection):
                pass
        except (DaemonError, RequestError):
            process = _start(home)
    try:
        yield load_connection(home / CONNECTION_FILE)
    finally:
        if process is not None:
            _stop(process)


def draw_shot(folder: Path, ocio: str | None = None) -> dict[str, Any]:
    """Have the demonstration's shot drawn and return the job options that recast it. Raises RequestError.

    Drawn in the built-in config's spaces: the one that OCIO names here counts only where it was typed (`ocio`).
    """
    done = subprocess.run([*COMMAND, "draw", str(folder)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RequestError(
            f"the demonstration shot could not be drawn: {done.stderr.strip()[-500:]}",
            remedy="Install the daemon's libraries: pip install 'understudy[daemon]'.",
        )
    options: dict[str, Any] = json.loads(done.stdout)
    return {**options, "ocio": ocio or "none"}


def _start(home: Path) -> subprocess.Popen[bytes]:
    said = home / "start.log"
    with said.open("wb") as log:
        process = subprocess.Popen([*COMMAND, "serve"], stdout=log, stderr=log, start_new_session=True)
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with Client.connect(load_connection(home / CONNECTION_FILE)):
                return process
        except (DaemonError, RequestError):
            time.sleep(0.05)
    _stop(process)
    words = said.read_text(errors="replace").strip()[-800:] or "it said nothing"
    raise DaemonUnreachable(f"the daemon did not start: {words}", remedy="Run `understudy doctor`.")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
