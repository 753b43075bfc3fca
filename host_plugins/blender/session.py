# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs of the open file, and the thread that draws. Made and closed on the main thread; touches no Blender API."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from understudy.bridge.errors import HostError
from understudy.bridge.host import RememberedJob
from understudy.bridge.host_jobs import HostJob, HostJobs
from understudy.bridge.host_panel import HostDesk
from understudy.bridge.main_thread import MainThread
from understudy.bridge.settings import load_settings

from .host import BlenderHost

if TYPE_CHECKING:
    from understudy.bridge.keys import Connection

LOOPBACK = ("localhost", "::1")
EXPORTS = "exports"


class Reach(NamedTuple):
    """How the daemon may be reached, read from the preferences on the main thread."""

    command: str = ""
    home: Path | None = None
    online: bool = False
    """Whether Blender may speak to other machines (Preferences, System, Network)."""


class Session:
    """One file's jobs. `changed` is set by any thread when there is something new to draw."""

    def __init__(self, reach: Reach, title: str = "Blender") -> None:
        self.reach = reach
        """Read anew at every press of a button: preferences change while a file is open."""
        self.host = BlenderHost()
        self.main = MainThread()
        self.changed = True
        self.watched = False
        """A modal operator lends us the main thread."""
        home = reach.home or load_settings().home
        self.jobs = HostJobs(self.host, self.main, lambda: connect(self.reach), home / EXPORTS, self._tell)
        self.desk = HostDesk(
            self.jobs, self.main, lambda: known(self.reach), host="blender", title=title, home=home,
            command=reach.command,
        )  # fmt: skip

    @property
    def running(self) -> bool:
        return self.main.waiting or any(not job.ended for job in self.jobs.jobs.values())

    def remember_again(self) -> None:
        """Write down what an undo has taken out of the document, and take out what it has brought back: jobs know
        nothing of an artist's undo.
        """
        kept = {job.job_id: job for job in self.host.remembered()}
        for job in self.jobs.jobs.values():
            if job.remembered is not None and kept.get(job.remembered.job_id) != job.remembered:
                self.host.remember(job.remembered)
            if job.remembered is not None and job.draft is not None and job.draft.job_id in kept:
                self.host.forget(job.draft)

    def remembered(self) -> tuple[RememberedJob, ...]:
        return self.host.remembered()

    def _tell(self, _job: HostJob) -> None:
        self.changed = True


def connect(reach: Reach) -> Connection:
    """Return a connection, in a job's own thread. Raises HostError for another machine while Blender is offline."""
    # Sockets are a job's to pay for, as in `host_jobs`.
    from understudy.bridge.host_daemon import find_daemon
    from understudy.bridge.keys import CONNECTION_FILE

    if ((reach.home or load_settings().home) / CONNECTION_FILE).is_file():
        known(reach)
    return find_daemon(reach.command, reach.home)


def known(reach: Reach) -> Connection:
    """Return where a daemon was last, and start none. Raises HostError as `connect` does."""
    from understudy.bridge.keys import load_connection

    connection = load_connection(reach.home or load_settings().home)
    host = connection.host
    if not reach.online and host not in LOOPBACK and not host.startswith("127."):
        raise HostError(
            f"the daemon is on {host}, and Blender may not go online",
            remedy="Allow it: Edit, Preferences, System, Network, Allow Online Access.",
        )
    return connection


class _Open:
    session: Session | None = None


def open_session(reach: Reach, title: str = "Blender") -> Session:
    """Return the session of the open file; make it when there is none. title: what the panel calls it."""
    if _Open.session is None:
        _Open.session = Session(reach, title)
    _Open.session.reach = reach
    return _Open.session


def current_session() -> Session | None:
    return _Open.session


def close_session() -> None:
    """The file is closed or the extension is switched off: jobs go on in the daemon, our threads end."""
    session, _Open.session = _Open.session, None
    if session is not None:
        session.jobs.close()
        session.desk.close()
