from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from install_rig import SMALL, wanted
from terminal_rig import Terminal

from understudy.host_plugins.release import release, release_faults, rez_package, show_release
from understudy.host_plugins.tree import make_writable

VERSION = "0.1.0"


def released(target: Path, host: str = "nuke") -> Path:
    release(wanted(host), target, SMALL, VERSION)
    return target / f"understudy_{host}" / VERSION


def test_when_released_then_there_is_a_whole_tree_a_python_and_the_words_say_what_to_set(tmp_path: Path) -> None:
    words = "\n".join(release(wanted(), tmp_path, SMALL, VERSION))
    folder = tmp_path / "understudy_nuke" / VERSION
    assert release_faults(folder, wanted(), VERSION) == []
    for python in ("3.10", "3.11"):
        assert f"add to NUKE_PATH: {folder / f'python-{python}'}" in words
        libraries = [path.name for path in (folder / f"python-{python}" / "libraries").iterdir()]
        assert libraries == [f"cp{python.replace('.', '')}-linux-x64"]


def test_when_released_then_nobody_may_write_into_it(tmp_path: Path) -> None:
    folder = released(tmp_path)
    writable = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
    assert not [path for path in (folder, *folder.rglob("*")) if path.stat().st_mode & writable]
    make_writable(folder)


def test_when_a_release_is_moved_then_nothing_in_it_names_where_it_was(tmp_path: Path) -> None:
    folder = released(tmp_path / "here", "resolve")
    assert not [path for path in folder.rglob("*") if path.is_file() and str(tmp_path).encode() in path.read_bytes()]
    make_writable(folder)


def test_when_a_release_is_there_and_whole_then_not_one_byte_changes(tmp_path: Path) -> None:
    folder = released(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert "already" in release(wanted(), tmp_path, SMALL, VERSION)[0]
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    make_writable(folder)


def test_when_a_release_is_broken_then_it_is_kept_aside_and_a_whole_one_takes_its_place(tmp_path: Path) -> None:
    folder = released(tmp_path)
    make_writable(folder)
    (folder / "python-3.10" / "init.py").write_text("broken")
    words = release(wanted(), tmp_path, SMALL, VERSION)
    aside = folder.with_name(f".broken-{VERSION}-1")
    assert str(aside) in words[0]
    assert (aside / "python-3.10" / "init.py").read_text() == "broken"
    assert release_faults(folder, wanted(), VERSION) == []
    make_writable(folder)


def test_when_a_rez_package_is_read_then_each_python_is_a_variant_and_nuke_path_is_added_to() -> None:
    said: dict[str, Any] = {}
    exec(rez_package(wanted(), VERSION), said)  # noqa: S102 - a rez package is Python
    assert (said["name"], said["version"]) == ("understudy_nuke", VERSION)
    assert said["variants"] == [["python-3.10"], ["python-3.11"]]

    class Variable:
        def append(self, value: str) -> None:
            added.append(value)

    class Environment:
        NUKE_PATH = Variable()

    added: list[str] = []
    said["env"] = Environment()
    said["commands"]()
    assert added == ["{root}"]


@pytest.mark.skipif(shutil.which("rez-env") is None, reason="rez is not installed here")
def test_when_rez_resolves_the_package_then_nuke_path_holds_its_root(tmp_path: Path) -> None:
    folder = released(tmp_path)
    python = tmp_path / "python" / "3.10"
    python.mkdir(parents=True)
    (python / "package.py").write_text("name = 'python'\nversion = '3.10'\n")
    done = subprocess.run(
        ["rez-env", "understudy_nuke", "python-3.10", "--", "printenv", "NUKE_PATH"],
        env={**os.environ, "REZ_PACKAGES_PATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1:] == [str(folder / "python-3.10")], done.stderr
    make_writable(folder)


def test_when_only_asked_then_the_release_is_described_and_nothing_is_written(tmp_path: Path) -> None:
    assert "NUKE_PATH" in "\n".join(show_release(wanted(), tmp_path, VERSION))
    assert list(tmp_path.iterdir()) == []


def test_the_variables_are_there_for_launchers_that_do_not_speak_rez(tmp_path: Path) -> None:
    folder = released(tmp_path)
    said = json.loads((folder / "python-3.11" / "variables.json").read_bytes())
    assert said == {"append": {"NUKE_PATH": "{root}"}, "set": {}}
    make_writable(folder)


def test_when_the_command_is_asked_for_a_dry_run_then_it_writes_nothing(
    home: Path, terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    done = terminal("install", "nuke", "--dry-run")
    assert done.code == 0, done.err
    assert str(tmp_path / "user" / ".nuke" / "init.py") in done.out
    assert not (tmp_path / "user").exists()


def test_when_a_host_is_unknown_then_the_command_says_which_there_are(terminal: Terminal) -> None:
    done = terminal("install", "flame")
    assert done.code != 0
    assert "nuke, blender, resolve" in done.err


def test_when_nothing_is_installed_then_the_check_ends_with_a_code_of_its_own(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    done = terminal("install", "nuke", "--check")
    assert done.code == 4
    assert "not installed" in done.out
    assert "understudy install nuke" in done.out
