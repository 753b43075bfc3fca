"""A command that needs a daemon finds the living one, or starts one and stops what it started."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from understudy.bridge.client import Client
from understudy.bridge.errors import DaemonUnreachable
from understudy.bridge.keys import CONNECTION_FILE, load_connection

COMMAND = """
import sys
from pathlib import Path
sys.executable = sys.argv[2]  # what starts a daemon: it is counted
from understudy.bridge.local_daemon import running_daemon
with running_daemon(Path(sys.argv[1])) as connection:
    print(connection.port, flush=True)
    sys.stdin.read()
"""


def test_when_commands_start_together_then_they_share_one_daemon_and_it_ends_with_them(
    home: Path, tmp_path: Path
) -> None:
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\necho $$ >> "{tmp_path}/started"\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    commands = [
        subprocess.Popen(
            [sys.executable, "-c", COMMAND, str(home), str(python)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    ports = {command.stdout.readline() for command in commands if command.stdout is not None}
    connection = load_connection(home / CONNECTION_FILE)
    assert ports == {f"{connection.port}\n"}
    with Client.connect(connection) as client:
        assert client.status().home == str(home)
    for command in commands:
        command.communicate(timeout=60)
    assert [command.returncode for command in commands] == [0, 0, 0]
    assert len((tmp_path / "started").read_text().split()) == 1
    with pytest.raises(DaemonUnreachable):
        Client.connect(connection)
