"""Install, repair, check and remove our plugin in a host, for one user on one machine.

The plan is computed first (`plan.py`), then carried out in an order in which being killed at any point leaves the
install that was there before in use: new tree beside, record, the host's own files by rename, record again. Running
again repairs.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import msgspec

from understudy.bridge.errors import HostError
from understudy.bridge.host_daemon import COMMAND_FILE, write_command
from understudy.bridge.settings import load_settings
from understudy.host_plugins.edits import Written, make_edit, plan_edit, take_back
from understudy.host_plugins.installed import RECORD_NAME, Installed, read_installed, write_installed
from understudy.host_plugins.places import Machine, kept_folder
from understudy.host_plugins.plan import Extension, Libraries, Plan, Wanted, plan_install
from understudy.host_plugins.tree import Makers, remove_all, remove_empty_folders, remove_tree, write_tree

PROGRAM_SECONDS = 120
"""Blender needs about a second for an extension; a minute on a cold network disk."""


def version() -> str:
    return metadata.version("understudy")


def make_plan(wanted: Wanted, machine: Machine) -> Plan:
    """Return what an installation would do now. Reads the disk only for names that are taken."""
    keep = Path(kept_folder(machine, wanted.host))
    number = 1
    while (keep / f"{version()}-{number}").exists():
        number += 1
    return plan_install(wanted, machine, f"{version()}-{number}")


def carry_out(plan: Plan, makers: Makers, command: str) -> list[str]:
    """Do what the plan says; return what the user should know. Raises HostError: what was there before still works.

    command: the path of `understudy`, written down for hosts that find no daemon; empty = none was found.
    """
    keep, tree = Path(plan.keep), Path(plan.tree)
    before = read_installed(keep)
    keep.mkdir(parents=True, exist_ok=True)
    _remove_half_written(keep)
    record = _begun(plan, before)
    write_tree(plan.parts, tree, makers, host=plan.host, version=version())
    write_installed(keep, record)
    places = {str(edit.path) for edit in plan.edits}
    planned = [written for written in record.written if written.path in places]
    for written in planned:
        make_edit(written)
    words = [kept for written in record.written if written.path not in places and (kept := take_back(written))]
    words += [word for line in plan.commands for word in _run(line)]
    if command:
        write_command(load_settings().home, command)
    keeping = record.trees[-2:]
    words += [f"{path} was changed by hand; it is kept" for old in record.trees[:-2] for path in remove_tree(Path(old))]
    done = msgspec.structs.replace(
        record, state="whole", tree=str(tree), trees=keeping, written=_sure(planned), command=command
    )
    write_installed(keep, done)
    return words + list(plan.words)


def _trees(keep: Path) -> list[str]:
    """Return every tree on the disk: one may be there that a killed installation had not yet written down."""
    return sorted(str(path) for path in keep.iterdir() if path.is_dir() and not path.name.startswith("."))


def _remove_half_written(keep: Path) -> None:
    for left in keep.glob(".*"):
        if left.is_dir():
            remove_all(left)
        else:
            left.unlink()


def _begun(plan: Plan, before: Installed | None) -> Installed:
    """Return the record for the time in which old and new may both be there."""
    in_use = before.tree if before else str(plan.tree)
    older = [path for path in _trees(Path(plan.keep)) if path not in (in_use, str(plan.tree))]
    trees = tuple(dict.fromkeys((*older, in_use, str(plan.tree))))
    pythons = tuple(part.python for part in plan.parts if isinstance(part, Libraries | Extension))
    return Installed(
        host=plan.host, version=version(), state="writing", tree=in_use, trees=trees,
        written=_planned_edits(plan, before), pythons=pythons,
        programs=tuple(dict.fromkeys((*(before.programs if before else ()), *(line[0] for line in plan.commands)))),
    )  # fmt: skip


def _planned_edits(plan: Plan, before: Installed | None) -> tuple[Written, ...]:
    """Return every edit with what of ours is there now, and those of earlier places, which are to be taken back."""
    known = {written.path: written for written in (before.written if before else ())}
    planned = {str(edit.path): plan_edit(edit, known.get(str(edit.path))) for edit in plan.edits}
    return tuple({**known, **planned}.values())


def _sure(written: list[Written]) -> tuple[Written, ...]:
    return tuple(msgspec.structs.replace(one, before="") for one in written)


def _run(line: tuple[str, ...]) -> list[str]:
    """Let a host's own program do its part. Raises HostError with that program's words."""
    try:
        done = subprocess.run(line, capture_output=True, text=True, check=False, timeout=PROGRAM_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise HostError(f"{line[0]} did not run: {problem}", remedy="Name another with --program.") from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()[-500:]
        raise HostError(f"{line[0]} refused: {said}", remedy=f"Install {line[-1]} in its preferences instead.")
    return [f"{line[0]} has it"]


def uninstall(host: str, machine: Machine) -> list[str]:
    """Remove exactly what was written; return what is kept because somebody changed it. Raises HostError."""
    keep = Path(kept_folder(machine, host))
    record = read_installed(keep)
    if record is None:
        raise HostError(f"Understudy is not installed for {host} by this user", remedy="There is nothing to remove.")
    words = [kept for written in record.written if (kept := take_back(written))]
    for program in record.programs:
        words += _told_to_remove(program)
    for tree in _trees(keep):
        words += [f"{path} is not as it was written; it is kept" for path in remove_tree(Path(tree))]
    _remove_half_written(keep)
    (keep / RECORD_NAME).unlink()
    remove_empty_folders(keep)
    if not list(keep.parent.glob(f"*/{RECORD_NAME}")):
        _forget_command(record.command)
    for folder in (keep.parent, keep.parent.parent):
        with contextlib.suppress(OSError):  # another host's things, or none there
            folder.rmdir()
    return words


def _forget_command(command: str) -> None:
    """Take back what the last host needed, unless somebody wrote another path there."""
    path = load_settings().home / COMMAND_FILE
    if command and path.is_file() and path.read_text("utf-8") == command:
        path.unlink()


def _told_to_remove(program: str) -> list[str]:
    try:
        _run((program, "--command", "extension", "remove", "understudy"))
    except HostError as problem:
        return [f"{problem.message}: remove Understudy in its preferences"]
    return []


def find_command() -> str:
    """Return the path of `understudy` beside the Python that runs this; empty where there is none."""
    beside = Path(sys.executable).with_name("understudy.exe" if os.name == "nt" else "understudy")
    return str(beside) if beside.is_file() else (shutil.which("understudy") or "")
