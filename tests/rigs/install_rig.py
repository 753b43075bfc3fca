"""What tests of the installer share: a machine of their own, small parts, and the real wheels kept once a computer."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from understudy.bridge.errors import HostError
from understudy.host_plugins.payload import fetch_wheels, known_hosts, write_payload
from understudy.host_plugins.places import Machine
from understudy.host_plugins.plan import Wanted
from understudy.host_plugins.tree import Makers

PLATFORM = "linux-x64"
WHEELS_VARIABLE = "UNDERSTUDY_TEST_WHEELS"


def machine(home: Path, **environment: str) -> Machine:
    return Machine("linux", "x64", {"HOME": str(home), **environment})


def wanted(host: str = "nuke", *pythons: str, into: Path | None = None) -> Wanted:
    return Wanted(host, pythons or ("3.10", "3.11"), (PLATFORM,), into=into)


def small_code(folder: Path, hosts: tuple[str, ...]) -> None:
    """Write as little as a tree may hold, in the places where the real payload lies."""
    for host in hosts:
        (folder / "understudy" / "host_plugins" / host).mkdir(parents=True)
        (folder / "understudy" / "host_plugins" / host / "__init__.py").write_text(f'"""The plugin of {host}."""\n')


def small_wheels(python: str, platform: str, folder: Path) -> None:
    """Write one real wheel file that holds one module."""
    with zipfile.ZipFile(folder / f"zmq-27-cp{python.replace('.', '')}-none-{platform}.whl", "w") as wheel:
        wheel.writestr("zmq/__init__.py", f"PYTHON = {python!r}\n")
        wheel.writestr("zmq-27.dist-info/METADATA", "Name: zmq\n")


def small_extension(zip_file: Path, python: str, platforms: tuple[str, ...]) -> None:
    with zipfile.ZipFile(zip_file, "w") as packed:
        packed.writestr("blender_manifest.toml", f'platforms = "{platforms}"\n')
        packed.writestr("__init__.py", f"PYTHON = {python!r}\n")


SMALL = Makers(write_code=small_code, fetch_wheels=small_wheels, write_extension=small_extension)


def real_wheels(python: str) -> Path:
    """Return a folder of the real wheels for this Python, fetched once a computer; skip where they cannot be had."""
    kept = Path(os.environ.get(WHEELS_VARIABLE, Path.home() / ".cache" / "understudy-tests" / "wheels"))
    folder = kept / f"{python}-{PLATFORM}"
    if len(list(folder.glob("*.whl"))) < 4:
        try:
            fetch_wheels(python, PLATFORM, folder)
        except HostError as problem:
            pytest.skip(f"real wheels: set {WHEELS_VARIABLE} to a folder of them ({problem.message[:200]})")
    return folder


def interpreter(version: str) -> str:
    """Return a Python of this version; skip where there is none."""
    kept = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    for found in [str(path) for path in kept] + [shutil.which(f"python{version}") or ""]:
        if found and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0:
            return found
    pytest.skip(f"no Python {version} on this machine")


def real_makers() -> Makers:
    """Return makers of the real payload, and of the real wheels kept here."""

    def fetch(python: str, platform: str, folder: Path) -> None:
        for wheel in real_wheels(python).glob("*.whl"):
            (folder / wheel.name).write_bytes(wheel.read_bytes())

    def code(folder: Path, hosts: tuple[str, ...]) -> None:
        write_payload(folder, tuple(host for host in hosts if host in known_hosts()))

    return Makers(write_code=code, fetch_wheels=fetch, write_extension=small_extension)
