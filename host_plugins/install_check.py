"""Whether a host finds and can run what was installed for it; if not, in words, why not. Changes nothing."""

from __future__ import annotations

import subprocess
from pathlib import Path

from understudy.bridge.host_daemon import read_command
from understudy.bridge.settings import load_settings
from understudy.host_plugins.edits import edit_faults
from understudy.host_plugins.found_hosts import pythons_here
from understudy.host_plugins.installed import Installed, read_installed
from understudy.host_plugins.places import Machine, kept_folder, nuke_folder, nuke_path
from understudy.host_plugins.plan import START_MARK
from understudy.host_plugins.tree import LIST_NAME, tree_faults

TRY_LIBRARIES = """
import sys
sys.path.append(sys.argv[1])
import understudy_startup
found = understudy_startup.complaints()
if not found:
    import zmq, msgspec, blake3, xxhash
print("\\n".join(found))
"""


def check(host: str, machine: Machine) -> list[str]:
    """Return, in words, everything that keeps this host from finding or running Understudy; empty when all is well."""
    keep = Path(kept_folder(machine, host))
    record = read_installed(keep)
    if record is None:
        return [f"Understudy is not installed for {host} by this user"]
    faults = []
    if record.state != "whole":
        faults.append("the last installation was interrupted: what was installed before it is in use")
    faults += tree_faults(Path(record.tree))
    faults += [fault for written in record.written for fault in edit_faults(written)]
    command = read_command(load_settings().home)
    if command and not Path(command).is_file():
        faults.append(f"{command} is no longer there: hosts cannot start the daemon with it")
    if host == "nuke":
        faults += _nuke_twice(machine, record)
    return faults or _library_faults(record)


def _nuke_twice(machine: Machine, record: Installed) -> list[str]:
    """Two copies on Nuke's path: the first one found wins, whichever is newer."""
    ours = {written.path for written in record.written}
    folders = (*nuke_path(machine), nuke_folder(machine))
    found = [Path(folder) / "init.py" for folder in folders]
    twice = [path for path in found if str(path) not in ours and _mentions_us(path)]
    twice += [path.parent for path in found if (path.parent / LIST_NAME).is_file()]
    return [f"Nuke finds another Understudy by {path}: take one of the two out" for path in twice]


def _mentions_us(path: Path) -> bool:
    try:
        return START_MARK.encode() in path.read_bytes()
    except OSError:
        return False


def _library_faults(record: Installed) -> list[str]:
    """Load the libraries in each Python of this machine that the host may be running on."""
    if record.host == "blender":  # Blender unpacks its own zip
        return []
    faults = []
    for python, program in pythons_here(record.pythons).items():
        done = subprocess.run(
            [program, "-I", "-S", "-c", TRY_LIBRARIES, record.tree], capture_output=True, text=True, check=False
        )
        said = done.stdout.strip() or (done.stderr.strip().splitlines()[-1] if done.returncode else "")
        faults += [f"Python {python}: {line}" for line in said.splitlines()]
    return faults
