"""Where hosts look for plugins and where ours are kept, by operating system and user. Pure: nothing here reads a disk.

Only the Linux paths were ever used on a machine of their kind; those of Windows and macOS follow the vendors' pages.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import NamedTuple

from understudy.bridge.errors import RequestError
from understudy.bridge.settings import System, this_system

HOSTS = ("nuke", "blender", "resolve")
PYTHONS = {"nuke": ("3.10", "3.11"), "blender": ("3.11", "3.13"), "resolve": ("3.10", "3.11", "3.12", "3.13")}
"""What each host runs on: Nuke 15 and 16 to 17; Blender 4.2 to 5.0 and from 5.1; Resolve takes the user's own."""
BLACKMAGIC = "Blackmagic Design"


class Machine(NamedTuple):
    """The computer and the user that an installation is for."""

    system: System
    processor: str
    """x64 or arm64."""
    environment: Mapping[str, str]

    @property
    def platform(self) -> str:
        """Return the name under which libraries for this machine are kept, such as linux-x64."""
        return f"{self.system}-{self.processor}"

    def path(self, first: str, *others: str) -> PurePath:
        flavour = PureWindowsPath if self.system == "windows" else PurePosixPath
        return flavour(first, *others)

    @property
    def home(self) -> PurePath:
        """Raises RequestError where the environment names none."""
        return self.path(self.stated("USERPROFILE" if self.system == "windows" else "HOME"))

    def stated(self, variable: str) -> str:
        if not self.environment.get(variable):
            raise RequestError(f"the variable {variable} is not set", remedy="Run this as the user who runs the host.")
        return self.environment[variable]


def this_machine() -> Machine:
    processor = "arm64" if platform.machine().lower() in ("arm64", "aarch64") else "x64"
    return Machine(this_system(), processor, os.environ)


def kept_folder(machine: Machine, host: str) -> PurePath:
    """Return where our trees for `host` and the record of what was written lie: the user's own data folder."""
    if machine.system == "windows":
        base = machine.path(machine.stated("LOCALAPPDATA"), "Understudy")
    elif machine.system == "macos":
        base = machine.home / "Library" / "Application Support" / "Understudy"
    else:
        base = machine.path(
            machine.environment.get("XDG_DATA_HOME") or str(machine.home / ".local/share"), "understudy"
        )
    return base / "hosts" / host


def nuke_folder(machine: Machine) -> PurePath:
    """Return the folder whose init.py every Nuke of this user runs; NUKE_PATH only adds to it."""
    if machine.system == "windows" and machine.environment.get("HOME"):
        return machine.path(machine.environment["HOME"], ".nuke")
    return machine.home / ".nuke"


def nuke_path(machine: Machine) -> tuple[PurePath, ...]:
    """Return the folders that NUKE_PATH names, in its order."""
    separator = ";" if machine.system == "windows" else ":"
    return tuple(machine.path(part) for part in machine.environment.get("NUKE_PATH", "").split(separator) if part)


def resolve_scripts(machine: Machine) -> PurePath:
    """Return the user's folder of scripts that Resolve lists on every page under Workspace > Scripts."""
    if machine.system == "windows":
        fusion = machine.path(machine.stated("APPDATA"), BLACKMAGIC, "DaVinci Resolve", "Support", "Fusion")
    elif machine.system == "macos":
        fusion = machine.home / "Library" / "Application Support" / BLACKMAGIC / "DaVinci Resolve" / "Fusion"
    else:
        fusion = machine.home / ".local/share/DaVinciResolve/Fusion"
    return fusion / "Scripts" / "Utility"


def host_patterns(machine: Machine, host: str) -> tuple[str, ...]:
    """Return where an application is installed by default, as patterns for `glob`, the newest version not first."""
    return tuple(
        pattern.format(home=machine.home, programs=_programs(machine)) for pattern in _PATTERNS[host][machine.system]
    )


def _programs(machine: Machine) -> str:
    return machine.environment.get("PROGRAMFILES", "C:\\Program Files")


_PATTERNS: Mapping[str, Mapping[System, tuple[str, ...]]] = {
    "nuke": {
        "linux": ("/usr/local/Nuke[0-9]*", "/opt/Nuke[0-9]*", "{home}/Nuke[0-9]*"),
        "macos": ("/Applications/Nuke[0-9]*",),
        "windows": ("{programs}\\Nuke[0-9]*",),
    },
    "blender": {
        "linux": (
            "/usr/bin/blender", "/usr/local/bin/blender", "/snap/bin/blender", "/opt/blender*/blender",
            "{home}/blender*/blender",
        ),
        "macos": ("/Applications/Blender*.app/Contents/MacOS/Blender",),
        "windows": ("{programs}\\Blender Foundation\\Blender *\\blender.exe",),
    },
    "resolve": {
        "linux": ("/opt/resolve/bin/resolve", "/home/resolve/bin/resolve"),
        "macos": ("/Applications/DaVinci Resolve/DaVinci Resolve.app",),
        "windows": ("{programs}\\Blackmagic Design\\DaVinci Resolve\\Resolve.exe",),
    },
}  # fmt: skip


def running_python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"
