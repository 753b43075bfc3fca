"""A host finds its daemon, or starts one by the command that the installer wrote down."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from understudy.bridge.client import Client
from understudy.bridge.errors import DaemonUnreachable, KeyRefused
from understudy.bridge.host_daemon import COMMAND_FILE, COMMAND_VARIABLE, find_daemon, read_command, write_command


def command_that(folder: Path, line: str) -> str:
    script = folder / "understudy"
    script.write_text(f"#!/bin/sh\n{line}\n")
    script.chmod(0o755)
    return str(script)


def test_when_none_answers_and_no_command_is_known_then_the_remedy_says_how_to_start_one(home: Path) -> None:
    with pytest.raises(DaemonUnreachable) as refused:
        find_daemon()
    assert "understudy serve" in refused.value.remedy


def test_when_the_command_is_not_there_then_it_is_named(home: Path, tmp_path: Path) -> None:
    with pytest.raises(DaemonUnreachable, match="nowhere"):
        find_daemon(str(tmp_path / "nowhere"))


def test_when_the_daemon_ends_at_once_then_its_own_words_are_told(home: Path, tmp_path: Path) -> None:
    with pytest.raises(DaemonUnreachable, match="the disk is upside down"):
        find_daemon(command_that(tmp_path, "echo the disk is upside down >&2; exit 4"))


def test_when_two_jobs_look_for_a_daemon_at_once_then_one_is_started_and_both_have_it(
    home: Path, tmp_path: Path
) -> None:
    command = command_that(
        tmp_path, f'echo $$ >> "{tmp_path}/process"; exec "{sys.executable}" -m understudy.inference.daemon'
    )
    with ThreadPoolExecutor(2) as pool:
        found = [pool.submit(find_daemon, command) for _ in range(2)]
    started = (tmp_path / "process").read_text().split()
    try:
        assert found[0].result() == found[1].result()
        assert len(started) == 1
    finally:
        for process in started:
            with suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGTERM)


def test_when_two_hosts_open_together_then_one_daemon_is_started_and_both_have_it(home: Path, tmp_path: Path) -> None:
    command = command_that(
        tmp_path, f'echo $$ >> "{tmp_path}/process"; exec "{sys.executable}" -m understudy.inference.daemon'
    )
    look = "import sys; from understudy.bridge.host_daemon import find_daemon; print(find_daemon(sys.argv[1]).port)"
    hosts = [
        subprocess.Popen([sys.executable, "-c", look, command], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    ports = {host.communicate(timeout=60)[0] for host in hosts}
    started = (tmp_path / "process").read_text().split()
    try:
        assert [host.returncode for host in hosts] == [0, 0, 0]
        assert (len(ports), len(started)) == (1, 1)
    finally:
        for process in started:
            with suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGTERM)


def test_when_a_command_is_known_then_a_daemon_is_started_and_found_the_next_time(home: Path, tmp_path: Path) -> None:
    command = command_that(
        tmp_path, f'echo $$ > "{tmp_path}/process"; exec "{sys.executable}" -m understudy.inference.daemon'
    )
    write_command(home, command)
    connection = find_daemon()
    try:
        assert find_daemon() == connection
        with Client.connect(connection) as client:
            assert client.status().home == str(home)
    finally:
        os.kill(int((tmp_path / "process").read_text()), signal.SIGTERM)


def test_when_the_variable_names_a_command_then_it_wins_over_what_was_written_down(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_command(home, "/opt/bin/understudy")
    monkeypatch.setenv(COMMAND_VARIABLE, "/nowhere/understudy")
    with pytest.raises(DaemonUnreachable, match="/nowhere/understudy"):
        find_daemon()


def test_when_others_could_have_written_the_command_then_it_is_not_run(home: Path) -> None:
    write_command(home, "/opt/bin/understudy")
    (home / COMMAND_FILE).chmod(0o666)
    with pytest.raises(KeyRefused, match="command"):
        read_command(home)
