"""What a host is given, gathered by us: the thin tree of our own code, and the pinned wheels that it runs on.

Runs in our own environment, never in a host. Uses the standard library and pip, whose own index and options hold.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from understudy.bridge.errors import HostError, RequestError

PINNED = {"blake3": "1.0.9", "msgspec": "0.22.0", "pyzmq": "27.3.0", "xxhash": "4.1.0"}
"""All that our code needs inside a host; a test holds the versions against constraints.txt."""

WHEELS_VARIABLE = "UNDERSTUDY_WHEELS"
"""A folder of wheels for machines that reach no index."""

PIP_PLATFORMS = {
    # Each name is a promise of its own to pip: a wheel for an older system must be named as well.
    "linux-x64": ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64"),
    "windows-x64": ("win_amd64",),
    "macos-arm64": ("macosx_11_0_arm64",),
    "macos-x64": ("macosx_11_0_x86_64",),
}
"""By the names that Blender gives them: the VFX Reference Platform's oldest systems (glibc 2.28, macOS 11)."""

NOT_FOR_HOSTS = ("cli.py", "cli_*.py", "protocol_document.py", "__pycache__")
"""The command line needs typer and rich, which no host has."""

DOCKS = {
    "nuke": (
        "__init__", "badges", "daemon_words", "empty_jobs", "errands", "job_cells", "job_list", "job_rows", "jobs_pane",
        "plain", "session", "theme", "words",
    ),
}  # fmt: skip
"""Modules of the panel that a host shows on its own Qt: the job list, and all that it imports."""

_ROOT = Path(__file__).resolve().parents[1]


def write_payload(target: Path, hosts: tuple[str, ...]) -> None:
    """Write the thin tree: `target`/understudy/bridge, and understudy/host_plugins/<host> for each of `hosts`.

    A host that docks the job list gets those modules of understudy/ui.

    What an earlier version left there is replaced as a whole, so that no module of it lives on.
    Raises RequestError for a host that there is no plugin for.
    """
    for host in hosts:
        if not (_ROOT / "host_plugins" / host / "__init__.py").is_file():
            raise RequestError(f"there is no plugin for {host}", remedy=f"There are: {', '.join(known_hosts())}.")
    shutil.rmtree(target / "understudy", ignore_errors=True)
    _copy(_ROOT / "bridge", target / "understudy" / "bridge")
    plugins = target / "understudy" / "host_plugins"
    plugins.mkdir(parents=True)
    for name in ("__init__.py", "py.typed"):
        shutil.copyfile(_ROOT / "host_plugins" / name, plugins / name)
    for host in hosts:
        _copy(_ROOT / "host_plugins" / host, plugins / host)
    docked = sorted({name for host in hosts for name in DOCKS.get(host, ())})
    if docked:
        (target / "understudy" / "ui").mkdir()
    for name in docked:
        shutil.copyfile(_ROOT / "ui" / f"{name}.py", target / "understudy" / "ui" / f"{name}.py")


def known_hosts() -> tuple[str, ...]:
    """Return the hosts that a plugin lies here for."""
    return tuple(sorted(path.parent.name for path in (_ROOT / "host_plugins").glob("*/__init__.py")))


def fetch_wheels(python: str, platform: str, target: Path, wheels: Path | None = None) -> tuple[Path, ...]:
    """Bring the pinned wheels for `python` ("3.11") on `platform` ("linux-x64") into `target`, by name.

    wheels: a folder to take them from instead of pip's index; else $UNDERSTUDY_WHEELS. Blocks as long as pip does.
    Raises RequestError for an unknown platform, HostError with pip's own words when one cannot be had.
    """
    if platform not in PIP_PLATFORMS:
        raise RequestError(f"{platform} is not a platform", remedy=f"There are: {', '.join(PIP_PLATFORMS)}.")
    target.mkdir(parents=True, exist_ok=True)
    command = _download_command(python, platform, target, wheels or _offline_wheels())
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise HostError(
            f"the wheels for Python {python} on {platform} cannot be had: {done.stderr.strip()[-600:]}",
            remedy=f"Look at the network, or put them into a folder and name it in {WHEELS_VARIABLE}.",
        )
    return tuple(_wheel(target, name, version) for name, version in PINNED.items())


def _download_command(python: str, platform: str, target: Path, offline: Path | None) -> list[str]:
    source = ["--no-index", "--find-links", str(offline)] if offline is not None else []
    platforms = [option for tag in PIP_PLATFORMS[platform] for option in ("--platform", tag)]
    return [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
        "--only-binary", ":all:", "--implementation", "cp", "--python-version", python, *platforms,
        "--dest", str(target), *source, *(f"{name}=={version}" for name, version in PINNED.items()),
    ]  # fmt: skip


def _offline_wheels() -> Path | None:
    named = os.environ.get(WHEELS_VARIABLE)
    return Path(named) if named else None


def _wheel(folder: Path, name: str, version: str) -> Path:
    found = sorted(folder.glob(f"{name}-{version}-*.whl"))
    if len(found) != 1:
        # Of two wheels a host would get the wrong one half of the time.
        raise HostError(
            f"{folder} holds {len(found)} wheels of {name} {version}, not one", remedy="Give an empty folder."
        )
    return found[0]


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(*NOT_FOR_HOSTS))
