"""The panel's process as a host starts it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from understudy.bridge.errors import HostError
from understudy.bridge.host_daemon import COMMAND_VARIABLE
from understudy.bridge.panel_process import panel_environment, start_panel


def command_that(folder: Path, line: str) -> str:
    script = folder / "understudy"
    script.write_text(f"#!/bin/sh\n{line}\n")
    script.chmod(0o755)
    return str(script)


def test_when_a_host_has_its_own_python_and_qt_then_none_of_it_reaches_the_panel() -> None:
    theirs = {
        "PYTHONPATH": "/nuke", "PYTHONHOME": "/nuke", "QT_PLUGIN_PATH": "/nuke/plugins", "QT_API": "PySide2",
        "QT_QPA_PLATFORM_PLUGIN_PATH": "/nuke", "QML2_IMPORT_PATH": "/nuke", "LD_LIBRARY_PATH": "/nuke/lib",
        "LD_PRELOAD": "/nuke/malloc.so", "DYLD_LIBRARY_PATH": "/nuke/lib",
    }  # fmt: skip
    artist_s = {"HOME": "/home/ada", "DISPLAY": ":0", "QT_QPA_PLATFORM": "wayland", "QT_SCALE_FACTOR": "1.5"}
    assert panel_environment({**theirs, **artist_s}) == artist_s


def test_when_the_panel_is_started_then_it_is_told_its_daemon_and_no_one_waits_longer_than_it_listens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QT_PLUGIN_PATH", "/nuke/plugins")
    said = f'echo "$@ [$QT_PLUGIN_PATH] $UNDERSTUDY_HOME" > "{tmp_path}/part"; mv "{tmp_path}/part" "{tmp_path}/said"'
    command = command_that(tmp_path, f"{said}; exec sleep 5")
    start_panel("/keys/ada.json", tmp_path / "home", command, lambda: (tmp_path / "said").exists())
    assert (tmp_path / "said").read_text() == f"panel --key /keys/ada.json [] {tmp_path / 'home'}\n"


def test_when_qt_is_missing_then_the_panel_s_own_words_are_told(tmp_path: Path) -> None:
    command = command_that(tmp_path, "echo PySide6 is not installed >&2; exit 2")
    with pytest.raises(HostError, match="PySide6 is not installed") as told:
        start_panel("", tmp_path / "home", command, lambda: False)
    assert "pip install" in told.value.remedy


def test_when_the_command_is_not_there_then_it_is_named(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="nowhere"):
        start_panel("", tmp_path / "home", str(tmp_path / "nowhere"), lambda: False)


def test_when_no_command_is_known_then_the_remedy_is_the_installer(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(COMMAND_VARIABLE, raising=False)
    with pytest.raises(HostError, match="not known") as told:
        start_panel("", tmp_path / "home", "", lambda: False)
    assert "understudy install" in told.value.remedy


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands in for the command")
def test_when_the_panel_finds_another_and_ends_well_then_the_other_is_waited_for(tmp_path: Path) -> None:
    looks = iter((False, False, False, True))
    start_panel("", tmp_path / "home", command_that(tmp_path, "exit 0"), lambda: next(looks))
