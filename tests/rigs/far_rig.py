"""A panel whose key proved no machine, over a daemon of this one: its takes are elsewhere, as far as it can tell."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from daemon_rig import RunningDaemon
from qt_rig import wait_until

from understudy.bridge.gather import gather_job
from understudy.bridge.keys import issue_key, write_connection
from understudy.bridge.options import JobOptions
from understudy.bridge.roundtrip import follow_job, send_job
from understudy.ui.panel import Panel
from understudy.ui.session import Session
from understudy.ui.take_centre import TakeCentre
from understudy.ui.viewer_canvas import FRONT


def delivered(daemon: RunningDaemon, options: JobOptions) -> str:
    """Have a take made; return its job."""
    accepted = send_job(daemon.connection, gather_job(options))
    assert follow_job(daemon.connection, accepted.job_id, None).summary.state == "delivered"
    return accepted.job_id


def far_panel(daemon: RunningDaemon, folder: Path) -> Iterator[Panel]:
    """A panel on another machine, as far as it can tell: a key of its own, and no challenge that it could read."""
    challenge = daemon.home / "challenge"
    challenge.rename(folder / "challenge")  # read by nobody: as good as a file of another machine
    connection = issue_key(daemon.home, f"far{folder.name[-6:]}", roles=("artist",), projects=(), host="127.0.0.1")
    write_connection(folder / "far.json", connection)
    session = Session(folder / "far.json")
    panel = Panel(session, None, TakeCentre(session))
    panel.resize(1400, 900)
    panel.show()
    session.start()
    wait_until(lambda: session.standing.life == "alive")
    assert not session.standing.same_machine
    yield panel
    panel.close()
    (folder / "challenge").rename(challenge)


def chosen(panel: Panel, job: str) -> TakeCentre:
    """Choose a job and wait for its picture."""
    wait_until(lambda: panel.jobs.place(job) is not None)
    panel.pane.choose(job)
    centre = panel.middle
    assert isinstance(centre, TakeCentre)
    wait_until(lambda: FRONT in centre.viewer._shown and centre.viewer._shown[FRONT].picture is not None)
    return centre
