"""Where an installation gets its parts from: our own code, the wheels that pip brings, Blender's own zip."""

from __future__ import annotations

from pathlib import Path

from understudy.host_plugins.blender_extension import zip_extension
from understudy.host_plugins.payload import fetch_wheels, write_payload
from understudy.host_plugins.tree import Makers


def payload_makers(wheels: Path | None) -> Makers:
    """Return the makers of the real parts. wheels: a folder to take libraries from instead of pip's index."""

    def fetch(python: str, platform: str, folder: Path) -> object:
        return fetch_wheels(python, platform, folder, wheels)

    def extension(zip_file: Path, python: str, platforms: tuple[str, ...]) -> object:
        zip_extension(python, platforms, zip_file, wheels)
        return None

    return Makers(write_code=write_payload, fetch_wheels=fetch, write_extension=extension)
