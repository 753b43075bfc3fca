"""Where hosts look and where ours are kept, on the three systems. Only the logic: tried on Linux alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from understudy.bridge.errors import RequestError
from understudy.host_plugins.found_hosts import blender_of, find_hosts, nuke_of
from understudy.host_plugins.places import (
    HOSTS,
    Machine,
    host_patterns,
    kept_folder,
    nuke_folder,
    nuke_path,
    resolve_scripts,
)

LINUX = Machine("linux", "x64", {"HOME": "/home/ada"})
MACOS = Machine("macos", "arm64", {"HOME": "/Users/ada"})
ROAMING = "C:\\Users\\ada\\AppData\\Roaming"
WINDOWS = Machine("windows", "x64", {"USERPROFILE": "C:\\Users\\ada", "APPDATA": ROAMING, "LOCALAPPDATA": "D:\\Local"})


@pytest.mark.parametrize(
    ("machine", "folder"),
    [
        (LINUX, "/home/ada/.local/share/DaVinciResolve/Fusion/Scripts/Utility"),
        (MACOS, "/Users/ada/Library/Application Support/Blackmagic Design/DaVinci Resolve/Fusion/Scripts/Utility"),
        (WINDOWS, f"{ROAMING}\\Blackmagic Design\\DaVinci Resolve\\Support\\Fusion\\Scripts\\Utility"),
    ],
)  # fmt: skip
def test_resolve_lists_scripts_of_the_user_from_here(machine: Machine, folder: str) -> None:
    assert str(resolve_scripts(machine)) == folder


@pytest.mark.parametrize(
    ("machine", "folder"),
    [(LINUX, "/home/ada/.nuke"), (MACOS, "/Users/ada/.nuke"), (WINDOWS, "C:\\Users\\ada\\.nuke")],
)
def test_nuke_runs_the_init_file_of_this_folder(machine: Machine, folder: str) -> None:
    assert str(nuke_folder(machine)) == folder


def test_when_windows_has_a_home_variable_then_nuke_takes_it_before_the_profile() -> None:
    machine = WINDOWS._replace(environment={**WINDOWS.environment, "HOME": "H:\\ada"})
    assert str(nuke_folder(machine)) == "H:\\ada\\.nuke"


@pytest.mark.parametrize(
    ("machine", "folder"),
    [
        (LINUX, "/home/ada/.local/share/understudy/hosts/nuke"),
        (LINUX._replace(environment={"HOME": "/home/ada", "XDG_DATA_HOME": "/data"}), "/data/understudy/hosts/nuke"),
        (MACOS, "/Users/ada/Library/Application Support/Understudy/hosts/nuke"),
        (WINDOWS, "D:\\Local\\Understudy\\hosts\\nuke"),
    ],
)
def test_our_own_trees_are_kept_in_the_users_data_folder(machine: Machine, folder: str) -> None:
    assert str(kept_folder(machine, "nuke")) == folder


def test_when_nuke_path_names_drives_then_windows_separates_by_semicolon() -> None:
    windows = WINDOWS._replace(environment={"NUKE_PATH": "S:\\nuke;;T:\\more"})
    assert [str(path) for path in nuke_path(windows)] == ["S:\\nuke", "T:\\more"]
    linux = LINUX._replace(environment={"NUKE_PATH": "/studio/nuke:/show/nuke"})
    assert [str(path) for path in nuke_path(linux)] == ["/studio/nuke", "/show/nuke"]


def test_when_the_user_cannot_be_told_then_the_variable_is_named() -> None:
    with pytest.raises(RequestError, match="USERPROFILE"):
        nuke_folder(Machine("windows", "x64", {}))


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("machine", [LINUX, MACOS, WINDOWS])
def test_every_host_is_looked_for_on_every_system_by_absolute_paths(machine: Machine, host: str) -> None:
    patterns = host_patterns(machine, host)
    assert patterns
    assert all(machine.path(pattern).is_absolute() for pattern in patterns)


@pytest.mark.parametrize(
    ("path", "version", "python", "supported"),
    [
        ("/usr/local/Nuke15.1v3", "15.1v3", "3.10", True),
        ("/Applications/Nuke16.0v4", "16.0v4", "3.11", True),
        ("C:\\Program Files\\Nuke17.0v3", "17.0v3", "3.11", True),
        ("/opt/Nuke14.0v8", "14.0v8", "3.9", False),
        ("/opt/Nuke21.0v1", "21.0v1", "", True),
    ],
)
def test_a_nukes_folder_says_which_python_it_runs(path: str, version: str, python: str, supported: bool) -> None:
    found = nuke_of(path)
    assert found is not None
    assert (found.version, found.python, found.supported) == (version, python, supported)


def test_when_a_folder_only_begins_like_a_nukes_then_it_is_none() -> None:
    assert nuke_of("/opt/Nuke_plugins") is None


@pytest.mark.parametrize(
    ("said", "python", "supported"),
    [
        ("Blender 4.2.23 LTS\n\tbuild date: 2026", "3.11", True),
        ("Blender 5.0.1", "3.11", True),
        ("Blender 5.1.0", "3.13", True),
        ("Blender 5.2.3 LTS", "3.13", True),
        ("Blender 4.1.1", "3.11", False),
    ],
)
def test_a_blender_says_which_python_it_runs(said: str, python: str, supported: bool) -> None:
    found = blender_of("/opt/blender/blender", said)
    assert found is not None
    assert (found.python, found.supported) == (python, supported)


def test_when_a_program_does_not_answer_as_blender_does_then_it_is_none() -> None:
    assert blender_of("/usr/bin/blender", "command not found") is None


def test_when_nukes_lie_in_the_users_folder_then_each_is_found_with_its_python(tmp_path: Path) -> None:
    for name in ("Nuke15.1v3", "Nuke16.0v4", "Nuke_plugins"):
        (tmp_path / name).mkdir()
    found = find_hosts(Machine("linux", "x64", {"HOME": str(tmp_path)}), "nuke")
    here = {one.version: one.python for one in found if str(tmp_path) in one.program}
    assert here == {"15.1v3": "3.10", "16.0v4": "3.11"}
