"""The bridge runs inside hosts: its source must be good Python from 3.10 to 3.13, on whichever of them are here."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMPILE_ALL = "import sys; [compile(open(name, encoding='utf-8').read(), name, 'exec') for name in sys.argv[1:]]"


def interpreter(version: str) -> str | None:
    """Return a Python of this version: on the path, or one that pyenv keeps."""
    kept = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    for found in [str(path) for path in kept] + [shutil.which(f"python{version}") or ""]:
        if found and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0:
            return found
    return None


@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13"])
def test_when_a_host_brings_this_python_then_every_file_of_the_bridge_compiles(version: str) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} on this machine")
    files = [str(path) for folder in ("bridge", "host_plugins") for path in sorted((ROOT / folder).rglob("*.py"))]
    done = subprocess.run([python, "-c", COMPILE_ALL, *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
