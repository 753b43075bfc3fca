"""The hosts of the tests, lent to the benchmarks: stand-ins of Nuke and Resolve, a real Blender where it is here."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("tests/rigs", "tests/hosts/nuke", "tests/hosts/resolve")
BLENDER = "4.5.15"


def lend_rigs() -> None:
    """Make the tests' rigs importable, as pytest does by pyproject.toml."""
    sys.path[:0] = [str(ROOT / folder) for folder in FOLDERS]


def blender_python() -> str:
    """Return the interpreter of Blender as a module; empty where `make blender-environments` has not made it."""
    known = runpy.run_path(str(ROOT / "tests" / "hosts" / "blender" / "environments.py"), run_name="environments")
    found = known["blender_python"](BLENDER)
    return str(found) if found is not None else ""
