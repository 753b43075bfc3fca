"""What hosts run themselves, run as they do: the installed files, in clean interpreters of the hosts' Pythons."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from install_rig import interpreter, machine, real_makers, wanted

from understudy.host_plugins.install import carry_out, make_plan
from understudy.host_plugins.install_check import check
from understudy.host_plugins.places import Machine

NUKE = '''
"""As much of Nuke as a startup file may ask for; anything else is an AttributeError."""
import os, runpy, sys
GUI, NUKE_VERSION_MAJOR, called = True, 15, []
def pluginAddPath(path, addToSysPath=True):
    assert not addToSysPath
    folders.append(path)
    runpy.run_path(os.path.join(path, "init.py"))
folders = []
class Menu:
    def addMenu(self, name): called.append(name); return self
    def addCommand(self, name, command): called.append(command)
def menu(name): called.append(name); return Menu()
def addOnScriptLoad(call, *more, **named): called.append("load")
def addOnScriptClose(call, *more, **named): called.append("close")
def addKnobChanged(call, *more, **named): called.append("knob")
def addOnCreate(call, *more, **named): called.append("create")
def start():
    runpy.run_path(os.path.join(os.environ["HOME"], ".nuke", "init.py"))
    for folder in folders:
        runpy.run_path(os.path.join(folder, "menu.py"))
    print(*called)
'''


def run(python: str, *arguments: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, "-S", "-s", *arguments], capture_output=True, text=True, check=False, cwd=home,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "UNDERSTUDY_HOME": str(home / "understudy"), **environment},
    )  # fmt: skip


def installed(folder: Path, host: str, *pythons: str) -> Machine:
    here = machine(folder)
    carry_out(make_plan(wanted(host, *pythons), here), real_makers(), "")
    return here


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("version", ["3.10", "3.11"])
def test_when_nuke_starts_then_our_menu_and_callbacks_are_there_and_nothing_is_complained_of(
    tmp_path: Path, version: str
) -> None:
    python = interpreter(version)
    here = installed(tmp_path, "nuke", version)
    (tmp_path / "nuke.py").write_text(NUKE)
    done = run(python, "-c", "import nuke; nuke.start()", home=tmp_path, PYTHONPATH=str(tmp_path))
    assert done.stderr == ""
    assert {"load", "close", "Nuke", "Nodes", "Understudy"} <= set(done.stdout.split())
    assert check("nuke", here) == []


@pytest.mark.usefixtures("home")
def test_when_the_tree_is_gone_then_nuke_starts_all_the_same_and_reads_what_to_do(tmp_path: Path) -> None:
    import shutil

    python = interpreter("3.11")
    installed(tmp_path, "nuke", "3.11")
    shutil.rmtree(tmp_path / ".local")
    (tmp_path / "nuke.py").write_text(NUKE)
    done = run(python, "-c", "import nuke; nuke.start()", home=tmp_path, PYTHONPATH=str(tmp_path))
    assert "understudy install nuke" in done.stdout


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("version", ["3.10", "3.13"])
def test_when_resolves_script_runs_without_a_resolve_then_our_own_words_say_so(tmp_path: Path, version: str) -> None:
    python = interpreter(version)
    installed(tmp_path, "resolve", version)
    script = tmp_path / ".local/share/DaVinciResolve/Fusion/Scripts/Utility/Understudy.py"
    done = run(python, str(script), home=tmp_path)
    assert done.stderr == ""
    assert "Understudy: " in done.stdout
    assert "Resolve" in done.stdout


@pytest.mark.usefixtures("home")
def test_when_resolves_tree_is_gone_then_its_script_says_what_to_do(tmp_path: Path) -> None:
    import shutil

    python = interpreter("3.11")
    installed(tmp_path, "resolve", "3.11")
    script = tmp_path / ".local/share/DaVinciResolve/Fusion/Scripts/Utility/Understudy.py"
    shutil.rmtree(tmp_path / ".local/share/understudy")
    done = run(python, str(script), home=tmp_path)
    assert "understudy install resolve" in done.stderr
