"""Which hosts are on this machine, and which Python each of them runs on. Reads the disk and asks programs."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable
from glob import glob
from pathlib import Path
from typing import NamedTuple

from understudy.host_plugins.places import Machine, host_patterns

ASK_SECONDS = 30
NUKE_PYTHONS = {13: "3.7", 14: "3.9", 15: "3.10", 16: "3.11", 17: "3.11"}
BLENDER_OLDEST = (4, 2)
"""The first with extensions."""
BLENDER_NEW_PYTHON = (5, 1)
"""From here on Blender runs Python 3.13, before it 3.11."""


class FoundHost(NamedTuple):
    program: str
    version: str
    python: str
    """Empty where that version's Python is not known to us."""
    supported: bool


def find_hosts(machine: Machine, host: str) -> tuple[FoundHost, ...]:
    """Return what is installed here by default, sorted by path; for Blender also the one on the path."""
    paths = {path for pattern in host_patterns(machine, host) for path in glob(pattern)}  # noqa: PTH207 - absolute ones
    if host == "blender" and (on_path := shutil.which("blender")):
        paths.add(on_path)
    real = {str(Path(path).resolve()): path for path in sorted(paths)}
    found = (describe_host(host, path) for path in real.values())
    return tuple(one for one in found if one is not None)


def describe_host(host: str, path: str) -> FoundHost | None:
    """Return which version lies at `path` and what it runs on; None for what is no such host."""
    if host == "nuke":
        return nuke_of(path)
    if host == "blender":
        return blender_of(path, _ask(path, "--version"))
    return FoundHost(path, "", "", True)


def nuke_of(path: str) -> FoundHost | None:
    """Read the version off the folder's name, as in Nuke15.1v3. Pure."""
    said = re.search(r"Nuke(\d+)\.(\d+)v\d+", path)
    if said is None:
        return None
    python = NUKE_PYTHONS.get(int(said[1]), "")
    return FoundHost(path, said[0].removeprefix("Nuke"), python, python not in ("3.7", "3.9"))


def blender_of(path: str, said: str) -> FoundHost | None:
    """Read the version off what `blender --version` said, as in `Blender 4.5.3 LTS`. Pure."""
    found = re.search(r"Blender (\d+)\.(\d+)(?:\.\d+)?", said)
    if found is None:
        return None
    version = int(found[1]), int(found[2])
    python = "3.13" if version >= BLENDER_NEW_PYTHON else "3.11"
    return FoundHost(path, found[0].removeprefix("Blender "), python, version >= BLENDER_OLDEST)


def pythons_here(versions: Iterable[str]) -> dict[str, str]:
    """Return the interpreters of these versions that are on the path: version to program."""
    found = {version: shutil.which(f"python{version}") for version in versions}
    return {version: program for version, program in found.items() if program and _ask(program, "--version")}


def _ask(program: str, question: str) -> str:
    try:
        done = subprocess.run([program, question], capture_output=True, text=True, check=False, timeout=ASK_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
