"""Small pictures and what files say of themselves, asked of a real daemon."""

from __future__ import annotations

from pathlib import Path

from daemon_rig import RunningDaemon
from panel_rig import shot_options
from qt_rig import wait_until

from understudy.bridge.client import Client
from understudy.bridge.gather import gather_job
from understudy.bridge.roundtrip import send_job
from understudy.ui.thumbnails import Thumbnails


def test_when_a_take_changes_while_it_is_read_then_only_what_is_read_of_it_afterwards_is_told(
    shared_daemon: RunningDaemon, drawn: Path
) -> None:
    job_id = send_job(shared_daemon.connection, gather_job(shot_options(drawn))).job_id
    with Client.connect(shared_daemon.connection) as client:
        wait_until(lambda: client.show_job(job_id).summary.state == "delivered", 60)
    thumbnails = Thumbnails()
    told: list[str] = []
    thumbnails.state_told.connect(lambda job, state: told.append(state))
    thumbnails.use(shared_daemon.connection)
    thumbnails.want(job_id)
    thumbnails.want(job_id)  # it is under way already
    thumbnails.forget(job_id)
    thumbnails.want(job_id)
    wait_until(lambda: thumbnails._errands.idle)
    assert told == ["uncleared"]
    thumbnails.want(job_id)  # its picture was let go of
    wait_until(lambda: told == ["uncleared"] * 2)
    thumbnails.close()
