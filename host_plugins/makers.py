"""Where an installation gets its parts from: our own code, the wheels that pip brings, Blender's own zip."""

from __future__ import annotations

import subprocess
from pathlib import Path

from understudy.host_plugins.blender_extension import zip_extension
from understudy.host_plugins.found_hosts import pythons_here
from understudy.host_plugins.payload import fetch_wheels, write_payload
from understudy.host_plugins.tree import Makers


def payload_makers(wheels: Path | None) -> Makers:
    """Return the makers of the real parts. wheels: a folder to take libraries from instead of pip's index."""

    def fetch(python: str, platform: str, folder: Path) -> object:
        return fetch_wheels(python, platform, folder, wheels)

    def extension(zip_file: Path, python: str, platforms: tuple[str, ...]) -> object:
        zip_extension(python, platforms, zip_file, wheels)
        return None

    return Makers(
        write_code=write_payload, fetch_wheels=fetch, write_extension=extension, compile_code=compile_code
    )  # fmt: skip


def compile_code(folder: Path, pythons: tuple[str, ...]) -> tuple[str, ...]:
    """Compile a tree for those Pythons that are on this machine and return them; others compile when they import.

    By the content of the source, not its date: whoever changes a file runs what he wrote. A tree that nobody may write
    into would otherwise be compiled anew by every start of a host.
    """
    found = pythons_here(pythons)
    for python, program in found.items():
        parts = [folder / "understudy", *folder.glob("*.py"), *folder.glob(f"libraries/cp{python.replace('.', '')}-*")]
        options = ("-q", "--invalidation-mode", "checked-hash", "-s", str(folder))
        subprocess.run(
            [program, "-I", "-m", "compileall", *options, *map(str, parts)], capture_output=True, check=False
        )
    return tuple(found)
