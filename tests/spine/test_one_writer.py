"""One version is written by one process, whoever sent the other: a farm, a daemon, an operator at a second terminal."""

from __future__ import annotations

import os
import signal
import socket
import time
from pathlib import Path

import msgspec
import pytest
from spine_rig import RunningDaemon, gathered, order_of
from terminal_rig import Terminal, started

from understudy.bridge.options import JobOptions
from understudy.bridge.roundtrip import send_job
from understudy.inference.drawn_shot import DrawnShot
from understudy.inference.version import Version
from understudy.inference.version_lock import writer_of
from understudy.inference.work_order import WorkOrder

PATIENCE_SECONDS = 30.0
ME = f"process {os.getpid()} on {socket.gethostname()}"


@pytest.fixture
def order(options: JobOptions, tmp_path: Path) -> WorkOrder:
    return order_of(gathered(options, frames="1001-1003"), tmp_path / "job")


@pytest.fixture
def file(order: WorkOrder, tmp_path: Path) -> Path:
    path = tmp_path / "order.json"
    path.write_bytes(msgspec.json.encode(order))
    return path


def test_when_another_process_writes_the_version_then_a_farms_run_is_told_who_and_tries_again_later(
    terminal: Terminal, order: WorkOrder, file: Path, tmp_path: Path
) -> None:
    with Version(order) as held:
        held.open()
        ended = terminal("run", file, "--once")
        assert ended.code == 75
        error = msgspec.json.decode(ended.out.splitlines()[-1])["error"]
        assert error["message"].startswith(f"{ME} is writing this version")
        assert "end it there" in error["remedy"]
        assert not any(path.is_file() for path in held.folder.rglob("*"))
    assert terminal("run", file, "--once").code == 0
    assert (tmp_path / "job" / "v001" / "manifest.json").is_file()
    assert not (tmp_path / "job" / ".provisional").exists()


def test_when_the_writer_is_killed_then_its_lock_went_with_it_and_the_next_one_goes_on(
    terminal: Terminal, drawn: DrawnShot, options: JobOptions, file: Path, tmp_path: Path
) -> None:
    order = order_of(gathered(options, engine="preview"), tmp_path / "job")
    file.write_bytes(msgspec.json.encode(order))
    folder = Version(order).folder
    first = started("run", file, "--once")
    end = time.monotonic() + PATIENCE_SECONDS
    while not any(folder.rglob("*.exr")):
        assert time.monotonic() < end
        time.sleep(0.01)
    assert writer_of(folder) == f"process {first.pid} on {socket.gethostname()}"
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert writer_of(folder) == ""
    assert folder.with_name(".v001.lock").exists()
    assert terminal("run", file, "--once").code == 0
    assert (tmp_path / "job" / "v001" / "manifest.json").is_file()
    assert not (tmp_path / "job" / ".provisional").exists()


def test_when_a_job_is_resumed_while_its_order_still_runs_elsewhere_then_it_waits_and_takes_what_was_made(
    terminal: Terminal, daemon: RunningDaemon, options: JobOptions, drawn: DrawnShot, tmp_path: Path
) -> None:
    with daemon.holding_its_slot():
        before = send_job(daemon.connection, gathered(options, engine="preview", seed=7)).job_id  # keeps the slot busy
        job = send_job(daemon.connection, gathered(options, frames="1001-1003")).job_id
        assert terminal("pause", job, "--json").json["state"] == "paused"
        assert terminal("order", job, tmp_path / "order.json").code == 0
        assert terminal("cancel", before).code == 0
    order = msgspec.json.decode((tmp_path / "order.json").read_bytes(), type=WorkOrder)
    with Version(order):
        assert terminal("resume", job).code == 0
        end = time.monotonic() + PATIENCE_SECONDS
        while (summary := terminal("show", job, "--json").json["detail"]["summary"])["state"] != "parked":
            assert time.monotonic() < end
            time.sleep(0.05)
        assert ME in summary["error"]["message"]
        time.sleep(3.0)  # longer than a parked job waits before it is looked at
        assert terminal("show", job, "--json").json["detail"]["summary"]["state"] == "parked"
    assert terminal("watch", job).code == 0
