"""The interface is never held longer than 50 ms, with 10,000 jobs listed and a daemon that dies and comes back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from daemon_rig import RunningDaemon
from many_jobs import add_jobs
from panel_rig import shot_options

from understudy.bridge.gather import gather_job
from understudy.bridge.roundtrip import send_job
from understudy.inference.drawn_shot import draw_shot

HELD_SECONDS = 0.050
MANY = 9_990
FRAMES = 108
KILLED_AT = 30
PROCESS = Path(__file__).parents[1] / "rigs/hold_process.py"


@pytest.mark.long
def test_when_108_frames_render_among_ten_thousand_jobs_and_the_daemon_is_killed_then_the_interface_is_never_held(
    daemon: RunningDaemon, tmp_path: Path
) -> None:
    draw_shot(tmp_path / "one", frames=1, width=64, height=48)
    send_job(daemon.connection, gather_job(shot_options(tmp_path / "one")))
    draw_shot(tmp_path / "shot", frames=FRAMES, width=96, height=64)
    daemon.stop()
    add_jobs(daemon.home, MANY)
    daemon.start_again()
    job_id = send_job(daemon.connection, gather_job(shot_options(tmp_path / "shot", shot="sh_long"))).job_id
    lives, told = [], {}
    killed = False
    command = [sys.executable, str(PROCESS), str(daemon.home), job_id]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as panel:
        assert panel.stdout is not None
        for line in panel.stdout:
            if line.startswith("life"):
                lives.append(line.split()[1])
            elif line.startswith("{"):
                told = json.loads(line)
            elif not killed and line.startswith("frames") and int(line.split()[1]) >= KILLED_AT:
                killed = True
                daemon.kill()
                daemon.start_again()
    assert panel.returncode == 0
    assert (told["state"], told["done"], told["jobs"]) == ("delivered", FRAMES, MANY + 2)
    assert killed
    assert lives[-1] == "alive", lives
    assert told["worst"][0][0] < HELD_SECONDS, told["worst"]
