from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from install_rig import SMALL, machine, wanted

from understudy.bridge.errors import HostError
from understudy.bridge.host_daemon import read_command
from understudy.bridge.settings import load_settings
from understudy.host_plugins.install import carry_out, make_plan, uninstall
from understudy.host_plugins.install_check import check
from understudy.host_plugins.installed import read_installed
from understudy.host_plugins.places import kept_folder
from understudy.host_plugins.plan import END_MARK, START_MARK, show_plan
from understudy.host_plugins.tree import tree_faults

pytestmark = pytest.mark.usefixtures("home")
OWN_LINES = b"import nuke\r\nnuke.pluginAddPath('./gizmos')  # \xe9"


def install(folder: Path, host: str = "nuke", **chosen: Path) -> list[str]:
    return carry_out(make_plan(wanted(host, **chosen), machine(folder)), SMALL, "/opt/bin/understudy")


def tree(folder: Path, host: str = "nuke") -> Path:
    record = read_installed(Path(kept_folder(machine(folder), host)))
    assert record is not None
    return Path(record.tree)


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_when_nothing_is_to_be_written_then_the_plan_names_every_place_and_nothing_is(tmp_path: Path) -> None:
    said = "\n".join(show_plan(make_plan(wanted("nuke"), machine(tmp_path))))
    assert str(tmp_path / ".nuke" / "init.py") in said
    assert "cp310-linux-x64" in said
    assert "cp311-linux-x64" in said
    assert everything(tmp_path) == {}


def test_when_installed_then_nuke_finds_a_whole_tree_and_the_check_is_content(tmp_path: Path) -> None:
    install(tmp_path)
    assert str(tree(tmp_path)) in (tmp_path / ".nuke" / "init.py").read_text()
    assert (tree(tmp_path) / "init.py").is_file()
    assert tree_faults(tree(tmp_path)) == []
    assert read_command(load_settings().home) == "/opt/bin/understudy"


def test_when_the_user_has_an_init_file_then_its_own_bytes_stay_and_come_back_alone(tmp_path: Path) -> None:
    own = tmp_path / ".nuke" / "init.py"
    own.parent.mkdir()
    own.write_bytes(OWN_LINES)
    own.chmod(0o640)
    install(tmp_path)
    assert own.read_bytes().startswith(OWN_LINES + b"\n" + START_MARK.encode())
    install(tmp_path)
    assert own.read_bytes().count(START_MARK.encode()) == 1
    assert uninstall("nuke", machine(tmp_path)) == []
    assert own.read_bytes() == OWN_LINES
    assert own.stat().st_mode & 0o777 == 0o640


def test_when_the_init_file_is_a_link_then_what_it_stands_for_is_changed_and_the_link_stays(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "init.py"
    real.parent.mkdir()
    real.write_text("# mine\n")
    (tmp_path / ".nuke").mkdir()
    (tmp_path / ".nuke" / "init.py").symlink_to(real)
    install(tmp_path)
    assert START_MARK in real.read_text()
    uninstall("nuke", machine(tmp_path))
    assert real.read_text() == "# mine\n"
    assert (tmp_path / ".nuke" / "init.py").is_symlink()


@pytest.mark.parametrize("host", ["nuke", "blender", "resolve"])
def test_when_uninstalled_then_exactly_what_was_written_is_gone(tmp_path: Path, host: str) -> None:
    others = tmp_path / "notes.txt"
    others.write_text("mine")
    install(tmp_path, host)
    assert len(everything(tmp_path)) > 1
    compiled = tree(tmp_path, host) / "__pycache__" / f"understudy_startup.cpython-3{sys.version_info[1]}.pyc"
    if host != "blender":
        compiled.parent.mkdir()
        compiled.write_bytes(b"what Python keeps of it")
    assert uninstall(host, machine(tmp_path)) == []
    assert set(everything(tmp_path)) == {"notes.txt"}


def test_when_one_of_two_hosts_is_uninstalled_then_the_other_still_finds_the_daemon(tmp_path: Path) -> None:
    install(tmp_path, "nuke")
    install(tmp_path, "resolve")
    uninstall("nuke", machine(tmp_path))
    assert read_command(load_settings().home) == "/opt/bin/understudy"
    uninstall("resolve", machine(tmp_path))
    assert read_command(load_settings().home) == ""


def test_when_a_file_of_ours_was_changed_then_it_is_kept_and_named(tmp_path: Path) -> None:
    install(tmp_path)
    changed = tree(tmp_path) / "menu.py"
    changed.write_text("# a shortcut of my own\n")
    stranger = tree(tmp_path) / "mine.py"
    stranger.write_text("")
    words = "\n".join(uninstall("nuke", machine(tmp_path)))
    assert str(changed) in words
    assert str(stranger) in words
    assert changed.read_text() == "# a shortcut of my own\n"
    assert not (changed.parent / "init.py").exists()


def test_when_our_lines_were_changed_then_they_are_kept_and_named(tmp_path: Path) -> None:
    install(tmp_path)
    own = tmp_path / ".nuke" / "init.py"
    own.write_text(own.read_text().replace("import sys", "import sys  # mine"))
    assert str(own) in uninstall("nuke", machine(tmp_path))[0]
    assert "# mine" in own.read_text()


def test_when_a_file_is_missing_then_the_check_names_it_and_installing_again_repairs(tmp_path: Path) -> None:
    install(tmp_path)
    lost = tree(tmp_path) / "understudy_startup.py"
    lost.unlink()
    assert f"{lost} is missing" in check("nuke", machine(tmp_path))
    install(tmp_path)
    assert tree_faults(tree(tmp_path)) == []
    assert not any(str(lost) in fault for fault in check("nuke", machine(tmp_path)))


def test_when_our_lines_were_taken_out_then_the_check_says_so_and_installing_again_repairs(tmp_path: Path) -> None:
    install(tmp_path)
    own = tmp_path / ".nuke" / "init.py"
    own.write_text("# nothing\n")
    assert any(str(own) in fault for fault in check("nuke", machine(tmp_path)))
    install(tmp_path)
    assert own.read_text().startswith("# nothing\n" + START_MARK)


def test_when_the_command_was_moved_away_then_the_check_names_it(tmp_path: Path) -> None:
    install(tmp_path)
    assert any("/opt/bin/understudy is no longer there" in fault for fault in check("nuke", machine(tmp_path)))


def test_when_the_record_was_lost_then_our_lines_are_replaced_where_they_stand(tmp_path: Path) -> None:
    own = tmp_path / ".nuke" / "init.py"
    own.parent.mkdir()
    own.write_text("# above\n")
    install(tmp_path)
    own.write_text(own.read_text() + "# below\n")
    (Path(kept_folder(machine(tmp_path), "nuke")) / "installed.json").unlink()
    install(tmp_path)
    assert own.read_text().count(START_MARK) == 1
    assert uninstall("nuke", machine(tmp_path)) == []
    assert own.read_text() == "# above\n# below\n"


def test_when_another_understudy_lies_on_nukes_path_then_the_check_names_it(tmp_path: Path) -> None:
    install(tmp_path)
    other = tmp_path / "show"
    other.mkdir()
    (other / "init.py").write_text(f"{START_MARK}\n{END_MARK}\n")
    assert any(str(other) in fault for fault in check("nuke", machine(tmp_path, NUKE_PATH=str(other))))


def test_when_a_newer_one_is_installed_then_only_the_one_before_stays_for_running_hosts(tmp_path: Path) -> None:
    for _ in range(4):
        install(tmp_path)
    keep = Path(kept_folder(machine(tmp_path), "nuke"))
    assert len([path for path in keep.iterdir() if path.is_dir()]) == 2


def test_when_a_script_of_that_name_is_somebody_elses_then_it_is_refused_and_left(tmp_path: Path) -> None:
    theirs = tmp_path / "scripts" / "Understudy.py"
    theirs.parent.mkdir()
    theirs.write_text("# theirs\n")
    with pytest.raises(HostError, match="not Understudy's"):
        install(tmp_path, "resolve", into=theirs.parent)
    assert theirs.read_text() == "# theirs\n"
    assert everything(tmp_path) == {"scripts/Understudy.py": b"# theirs\n"}


def test_when_the_artist_changed_our_script_then_an_update_keeps_that_version_beside(tmp_path: Path) -> None:
    scripts = tmp_path / "scripts"
    install(tmp_path, "resolve", into=scripts)
    (scripts / "Understudy.py").write_text("# mine now\n")
    install(tmp_path, "resolve", into=scripts)
    assert (scripts / "Understudy.py.yours-1").read_text() == "# mine now\n"
    assert repr(str(tree(tmp_path, "resolve"))) in (scripts / "Understudy.py").read_text()


def test_when_installed_into_another_folder_then_nothing_is_left_in_the_first(tmp_path: Path) -> None:
    install(tmp_path, into=tmp_path / "show")
    install(tmp_path)
    assert not (tmp_path / "show" / "init.py").exists()
    assert (tmp_path / ".nuke" / "init.py").is_file()


def test_when_no_blender_is_here_then_it_says_where_the_zips_lie(tmp_path: Path) -> None:
    words = "\n".join(install(tmp_path, "blender"))
    zips = sorted(tree(tmp_path, "blender").glob("*.zip"))
    assert len(zips) == 2
    assert all(str(path) in words for path in zips)


def test_when_blender_refuses_then_its_words_come_and_the_zip_to_install_by_hand(tmp_path: Path) -> None:
    blender = tmp_path / "blender"
    blender.write_text("#!/bin/sh\necho 'Error: no such repository' >&2\nexit 1\n")
    blender.chmod(0o755)
    plan = make_plan(wanted("blender")._replace(programs=((str(blender), "3.11"),)), machine(tmp_path))
    with pytest.raises(HostError, match="no such repository"):
        carry_out(plan, SMALL, "")


def test_when_the_folder_cannot_be_written_then_it_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    keep = Path(kept_folder(machine(tmp_path), "nuke"))
    keep.parent.mkdir(parents=True)
    keep.write_text("a file where our folder belongs")
    with pytest.raises((HostError, OSError), match="hosts/nuke"):
        install(tmp_path)
    assert not (tmp_path / ".nuke").exists()


KILLED = """
import os, signal, sys
from pathlib import Path
from install_rig import SMALL, machine, wanted
from understudy.host_plugins.install import carry_out, make_plan
plan, left = make_plan(wanted("nuke"), machine(Path(sys.argv[1]))), int(sys.argv[2])

def count(event, arguments):
    global left
    if event in ("os.rename", "os.remove", "os.mkdir", "os.rmdir") or event == "open" and arguments[2] & os.O_ACCMODE:
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
carry_out(plan, SMALL, "/opt/bin/understudy")
"""


@pytest.mark.parametrize("at", [1, 12, 25, *range(33, 41), 43, 44, 45])
def test_when_killed_at_any_point_then_nuke_still_finds_a_whole_tree_and_running_again_repairs(
    tmp_path: Path, at: int
) -> None:
    install(tmp_path)
    rigs = str(Path(__file__).resolve().parents[1] / "rigs")
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), str(at)], env={**os.environ, "PYTHONPATH": rigs}, check=False
    )
    assert done.returncode in (-signal.SIGKILL, 0)
    named = (tmp_path / ".nuke" / "init.py").read_text().split("sys.path.append('")[1].split("'")[0]
    assert tree_faults(Path(named)) == []
    install(tmp_path)
    assert not list(Path(kept_folder(machine(tmp_path), "nuke")).glob(".*"))
    assert uninstall("nuke", machine(tmp_path)) == []
    assert not list((tmp_path / ".nuke").iterdir())
    assert not Path(kept_folder(machine(tmp_path), "nuke")).exists()
