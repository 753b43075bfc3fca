"""Where segments meet, as a real daemon tells it: while the job runs, over a kill, and of a take of before."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

from spine_rig import RunningDaemon, gathered

from understudy.bridge.client import Client
from understudy.bridge.messages import Outputs
from understudy.bridge.options import JobOptions
from understudy.bridge.roundtrip import follow_job, send_job
from understudy.inference.drawn_shot import draw_shot

PLANNED = [(1001, 1013), (1014, 1026)]


def outputs_while(daemon: RunningDaemon, job_id: str, frames: int) -> Outputs:
    """Return what the daemon says of the files as soon as `frames` are there."""
    ends = time.monotonic() + 60
    with Client.connect(daemon.connection) as client:
        while client.show_job(job_id).summary.frames_done < frames:
            assert time.monotonic() < ends
            time.sleep(0.02)
        return client.outputs(job_id)


def kill_its_worker(daemon: RunningDaemon, job_id: str) -> None:
    with Client.connect(daemon.connection) as client:
        for slot in client.status().slots:
            if slot.process is not None and slot.job_id == job_id:
                os.kill(slot.process, signal.SIGKILL)


def test_when_worker_and_daemon_are_killed_then_the_segments_are_those_that_were_told_while_it_ran(
    daemon: RunningDaemon, tmp_path: Path
) -> None:
    shot = draw_shot(tmp_path / "shot", frames=26, width=160, height=90)
    options = JobOptions(
        plate=shot.plate, matte=shot.matte, reference=shot.reference, clean_plate=shot.clean_plate, engine="preview",
        self_attest="a test of segments",
    )  # fmt: skip
    job_id = send_job(daemon.connection, gathered(options)).job_id
    running = outputs_while(daemon, job_id, 2)
    assert running.provisional
    assert [(one.first, one.last) for one in running.segments] == PLANNED
    kill_its_worker(daemon, job_id)
    daemon.kill()
    daemon.start_again()
    assert [(one.first, one.last) for one in outputs_while(daemon, job_id, 0).segments] == PLANNED
    assert follow_job(daemon.connection, job_id, tmp_path / "out").summary.state == "delivered"
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert [(one["first"], one["last"]) for one in manifest["segments"]] == PLANNED
    assert {(one["job_id"], one["version"]) for one in manifest["segments"]} == {(job_id, 1)}
    _of_before(daemon, job_id)


def _of_before(daemon: RunningDaemon, job_id: str) -> None:
    """A manifest that lists no segments: the daemon tells the plan."""
    with Client.connect(daemon.connection) as client:
        path = Path(client.outputs(job_id).folder) / "manifest.json"
        manifest = json.loads(path.read_text())
        del manifest["segments"]
        path.chmod(0o600)
        path.write_text(json.dumps(manifest))
        assert [(one.first, one.last) for one in client.outputs(job_id).segments] == PLANNED
