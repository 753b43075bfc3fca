from __future__ import annotations

import sys
from pathlib import Path

import pytest

from understudy.bridge.client import Client
from understudy.bridge.errors import DaemonUnreachable, KeyRefused
from understudy.bridge.host_daemon import COMMAND_FILE, COMMAND_VARIABLE, find_daemon, read_command, write_command

UNDERSTUDY = Path(sys.executable).with_name("understudy")


def test_when_no_daemon_answers_and_no_command_was_written_down_then_it_is_said_how_to_start_one(home: Path) -> None:
    with pytest.raises(DaemonUnreachable) as caught:
        find_daemon()
    assert str(home) in caught.value.message
    assert "understudy serve" in caught.value.remedy


# The daemon is meant to outlive whoever started it; Python would rather have it waited for.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_when_the_installer_wrote_the_command_down_then_a_daemon_is_started_by_it(home: Path) -> None:
    write_command(home, str(UNDERSTUDY))
    with Client.connect(find_daemon()) as client:
        assert client.status().slots
        client.drain(now=True)


def test_when_the_variable_names_a_command_then_it_wins_over_what_was_written_down(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_command(home, str(UNDERSTUDY))
    monkeypatch.setenv(COMMAND_VARIABLE, "/nowhere/understudy")
    with pytest.raises(DaemonUnreachable, match="/nowhere/understudy"):
        find_daemon()


def test_when_others_could_have_written_the_command_then_it_is_not_run(home: Path) -> None:
    write_command(home, str(UNDERSTUDY))
    (home / COMMAND_FILE).chmod(0o666)
    with pytest.raises(KeyRefused, match="command"):
        read_command(home)
