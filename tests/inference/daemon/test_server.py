"""The process: one daemon a home, drained or stopped, deaf to nothing."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from processes import listening_on

from understudy.bridge.client import Client
from understudy.bridge.errors import DaemonError, DaemonUnreachable, KeyRefused
from understudy.bridge.keys import issue_key, load_connection

from .conftest import DaemonProcess, finished, let, make_job, send, state_of, until


def test_a_second_daemon_on_the_same_home_is_refused_and_names_the_first(daemon: DaemonProcess) -> None:
    second = DaemonProcess(daemon.home)
    with pytest.raises(AssertionError, match="already serves"):
        second.start()
    assert daemon.process is not None
    with daemon.client() as client:
        assert client.ping() < 5


def test_the_home_and_its_secrets_are_for_their_owner_only(daemon: DaemonProcess) -> None:
    assert stat.S_IMODE(daemon.home.stat().st_mode) == 0o700
    for name in ("daemon.json", "users.json", "daemon.log", "store.sqlite", "challenge", "daemon.lock"):
        assert stat.S_IMODE((daemon.home / name).stat().st_mode) == 0o600, name


def test_the_daemon_listens_on_loopback_only_unless_told_otherwise(daemon: DaemonProcess) -> None:
    assert daemon.process is not None
    assert listening_on(daemon.process.pid) == ["127.0.0.1", "127.0.0.1"]


def test_the_daemons_own_process_loads_no_picture_library() -> None:
    heavy = "{'numpy', 'cv2', 'OpenEXR', 'OpenImageIO', 'PyOpenColorIO', 'av', 'torch', 'pyblish'}"
    code = (
        "import sys, understudy.inference.daemon.__main__; "
        f"print(sorted({heavy} & {{name.partition('.')[0] for name in sys.modules}}))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_nonce_changes_with_every_start(tmp_path: Path) -> None:
    nonces = set()
    for _ in range(2):
        daemon = DaemonProcess(tmp_path / "home").start()
        nonces.add((tmp_path / "home" / "challenge").read_text())
        daemon.stop()
    assert len(nonces) == 2


def test_a_drained_daemon_finishes_what_runs_starts_nothing_new_and_exits(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path / "home").start()
    with daemon.client() as client:
        gate = tmp_path / "gate"
        running = send(client, make_job(tmp_path / "a", prompt=f"hold={gate}", frames=8))
        waiting = send(client, make_job(tmp_path / "b"))
        until(lambda: state_of(client, running) == "running")
        client.drain()
        job = make_job(tmp_path / "c")
        with pytest.raises(DaemonError, match="draining"):
            client.submit(job.request, job.token)
        assert state_of(client, running) == "running"
        let(gate)
    assert daemon.finish() == (0, "")
    daemon.start()
    with daemon.client() as client:
        assert state_of(client, running) == "delivered"
        assert finished(client, waiting).state == "delivered"
    daemon.stop()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_daemon_queues_what_ran_and_goes_on_with_it_at_the_next_start(
    tmp_path: Path, number: signal.Signals
) -> None:
    daemon = DaemonProcess(tmp_path / "home").start()
    with daemon.client() as client:
        job_id = send(client, make_job(tmp_path / "a", prompt="slow=0.05", frames=14))
        until(lambda: client.show_job(job_id).summary.frames_done > 2)
    assert daemon.process is not None
    daemon.process.send_signal(number)
    assert daemon.finish() == (0, "")
    daemon.start()
    with daemon.client() as client:
        assert client.show_job(job_id).summary.frames_done > 2
        assert finished(client, job_id).state == "delivered"
        assert client.show_job(job_id).summary.error is None
    daemon.stop()


def test_only_an_admin_may_drain(daemon: DaemonProcess) -> None:
    key = issue_key(daemon.home, "ada", roles=("artist",), projects=(), host="127.0.0.1")
    with Client(key) as ada, pytest.raises(KeyRefused, match="may not stop"):
        ada.drain()


def test_a_port_that_is_taken_is_named(daemon: DaemonProcess, tmp_path: Path) -> None:
    port = load_connection(daemon.home).port
    with pytest.raises(AssertionError, match=f"{port} cannot be listened on"):
        DaemonProcess(tmp_path / "other", port=port).start()


def test_an_output_root_that_is_not_here_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="output root"):
        DaemonProcess(tmp_path / "home", output_root="nowhere").start()


def test_where_no_daemon_is_the_client_says_so(tmp_path: Path) -> None:
    daemon = DaemonProcess(tmp_path / "home").start()
    connection = load_connection(daemon.home)
    daemon.stop()
    with pytest.raises(DaemonUnreachable):
        Client(connection, timeout_seconds=2).hello()


def test_the_daemon_starts_as_a_module_with_its_memory_settings_in_place(tmp_path: Path) -> None:
    home = tmp_path / "home"
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("UNDERSTUDY_", "MALLOC_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "understudy.inference.daemon"],
        env={**environment, "UNDERSTUDY_HOME": str(home)},
        stderr=subprocess.PIPE,
    )

    def answers() -> bool:
        try:
            with Client.connect(home, timeout_seconds=2) as client:
                return client.ping() < 5
        except (DaemonUnreachable, KeyRefused):
            time.sleep(0.05)
            return False

    until(answers)
    assert b"MALLOC_MMAP_THRESHOLD_=4294967296" in Path(f"/proc/{process.pid}/environ").read_bytes().split(b"\0")
    process.send_signal(signal.SIGTERM)
    _, words = process.communicate(timeout=20)
    assert (process.returncode, words) == (0, b"")
