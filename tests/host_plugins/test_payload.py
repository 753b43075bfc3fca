"""What a host is given: our thin tree, and the wheels that it runs on."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from understudy.bridge.errors import HostError, RequestError
from understudy.host_plugins.payload import PINNED, WHEELS_VARIABLE, fetch_wheels, known_hosts, write_payload

ROOT = Path(__file__).resolve().parents[2]


def make_wheel(folder: Path, name: str, version: str, tag: str) -> None:
    """Write the smallest file that pip takes for a wheel."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-{version}-{tag}.whl", "w") as wheel:
        wheel.writestr(
            f"{name}-{version}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        wheel.writestr(f"{name}-{version}.dist-info/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: {tag}\n")
        wheel.writestr(f"{name}-{version}.dist-info/RECORD", "")


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """Return a folder of stand-in wheels: two Pythons, two systems, and one of the older kind that serves many."""
    folder = tmp_path / "shelf"
    for name, version in PINNED.items():
        for tag in ("cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64", "cp313-cp313-win_amd64"):
            make_wheel(folder, name, version, tag)
    make_wheel(folder, "pyzmq", PINNED["pyzmq"], "cp312-abi3-macosx_10_15_universal2")
    return folder


def test_when_a_version_is_pinned_for_hosts_then_it_is_the_one_that_is_tested_together() -> None:
    pinned = dict(re.findall(r"^([\w-]+)==(\S+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    assert {name: pinned[name] for name in PINNED} == PINNED


def test_when_the_thin_tree_is_written_then_it_imports_without_the_checkout_and_without_the_command_line(
    tmp_path: Path,
) -> None:
    write_payload(tmp_path, ())
    bridge = tmp_path / "understudy" / "bridge"
    assert (bridge / "host_jobs.py").is_file()
    assert (bridge / "py.typed").is_file()
    assert not (bridge / "cli.py").exists()
    assert not (bridge / "protocol_document.py").exists()
    assert list(tmp_path.rglob("__pycache__")) == []
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]);"
        "sys.meta_path = [finder for finder in sys.meta_path if 'editable' not in repr(finder).lower()];"
        "import understudy.bridge.host_jobs as jobs; print(jobs.__file__)"
    )
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        cwd=tmp_path,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == str(bridge / "host_jobs.py"), done.stderr


def test_when_the_tree_is_written_again_then_nothing_of_the_older_one_lives_on(tmp_path: Path) -> None:
    write_payload(tmp_path, ())
    left_over = tmp_path / "understudy" / "bridge" / "gone_since.py"
    left_over.write_text("")
    (tmp_path / "theirs.txt").write_text("not ours")
    write_payload(tmp_path, ())
    assert not left_over.exists()
    assert (tmp_path / "theirs.txt").is_file()


@pytest.mark.parametrize("host", known_hosts())
def test_when_a_host_is_named_then_its_plugin_and_no_other_is_in_the_tree(tmp_path: Path, host: str) -> None:
    write_payload(tmp_path, (host,))
    plugins = tmp_path / "understudy" / "host_plugins"
    assert sorted(path.name for path in plugins.iterdir()) == sorted(["__init__.py", "py.typed", host])


def test_when_a_host_docks_the_job_list_then_it_gets_just_what_that_imports_and_the_pane_opens_from_there(
    tmp_path: Path,
) -> None:
    pytest.importorskip("PySide6.QtWidgets", reason="the pane needs Qt's libraries", exc_type=ImportError)
    write_payload(tmp_path, ("nuke",))
    there = {path.stem for path in (tmp_path / "understudy" / "ui").iterdir()}
    script = (
        "import sys, types; sys.path.insert(0, sys.argv[1]);"
        "sys.meta_path = [finder for finder in sys.meta_path if 'editable' not in repr(finder).lower()];"
        "nuke = sys.modules['nuke'] = types.ModuleType('nuke'); nuke.__getattr__ = lambda name: type(name, (), {});"
        "from PySide6.QtWidgets import QApplication; app = QApplication([]);"
        "from understudy.host_plugins.nuke.dock import JobsDock; dock = JobsDock(); dock.grab();"
        "mine = [name for name in sys.modules if name.startswith('understudy.ui')];"
        "assert all(sys.modules[name].__file__.startswith(sys.argv[1]) for name in mine if name != 'understudy.ui');"
        "print(*(name.rpartition('.')[2] for name in mine))"
    )
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], cwd=tmp_path, env={**clean, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) - {"ui"} == there - {"__init__"}


def test_when_no_host_docks_anything_then_nothing_of_the_panel_is_in_the_tree(tmp_path: Path) -> None:
    write_payload(tmp_path, ("blender", "resolve"))
    assert not (tmp_path / "understudy" / "ui").exists()


def test_when_there_is_no_plugin_for_a_host_then_the_tree_is_refused_before_it_is_begun(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no plugin for softimage"):
        write_payload(tmp_path, ("softimage",))
    assert list(tmp_path.iterdir()) == []


def test_when_a_folder_of_wheels_is_named_then_the_ones_for_that_python_and_system_are_taken(
    shelf: Path, tmp_path: Path
) -> None:
    found = fetch_wheels("3.11", "linux-x64", tmp_path / "linux", shelf)
    assert [path.name.split("-")[0] for path in found] == sorted(PINNED)
    assert all("cp311-cp311-manylinux" in path.name and path.is_file() for path in found)


def test_when_the_environment_names_the_folder_then_no_index_is_asked(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WHEELS_VARIABLE, str(shelf))
    found = fetch_wheels("3.13", "windows-x64", tmp_path / "windows")
    assert all("win_amd64" in path.name for path in found)


def test_when_a_wheel_is_not_to_be_had_then_pip_s_own_words_and_the_remedy_are_told(
    shelf: Path, tmp_path: Path
) -> None:
    with pytest.raises(HostError, match=r"Python 3\.13 on macos-arm64") as told:
        fetch_wheels("3.13", "macos-arm64", tmp_path / "mac", shelf)
    assert WHEELS_VARIABLE in told.value.remedy


def test_when_a_platform_is_unknown_then_the_known_ones_are_named(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="solaris-sparc") as told:
        fetch_wheels("3.11", "solaris-sparc", tmp_path)
    assert "linux-x64" in told.value.remedy
