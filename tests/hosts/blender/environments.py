"""Blender as a Python module, one environment a version, kept outside the tree: made by this script, found by tests.

`python tests/hosts/blender/environments.py 4.5.15 5.2.3` makes what is not there yet (800 MB and a minute each);
`--tool 4.5.15` tells where that Blender's own tool for extensions lies. Uses the standard library alone.
UNDERSTUDY_BPY_CACHE says where they lie.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

CACHE_VARIABLE = "UNDERSTUDY_BPY_CACHE"
PYTHONS = {"4.2.23": "3.11", "4.5.15": "3.11", "5.0.1": "3.11", "5.2.3": "3.13"}
"""Version of bpy to the one Python that it is built for."""
TESTED_VARIABLE = "UNDERSTUDY_TEST_BLENDERS"
TESTED = ("4.5.15", "5.2.3")
"""In which the tests run unless the variable names others, or `all`: one of each Python, the two newest LTS lines."""
BESIDE_BLENDER = ("pytest", "pytest-timeout", "pyzmq", "msgspec", "blake3", "xxhash", "OpenEXR")
"""What our code and its tests need there, in the versions of constraints.txt."""
READY = ".ready"
ROOT = Path(__file__).resolve().parents[3]


def cache() -> Path:
    return Path(os.environ.get(CACHE_VARIABLE, "~/.cache/understudy/bpy")).expanduser()


def blender_python(version: str) -> Path | None:
    """Return the interpreter of a finished environment; None where there is none."""
    folder = cache() / version
    return folder / "bin" / "python" if (folder / READY).is_file() else None


def why_not(version: str) -> str:
    """Return why the tests do not run in this version; empty = they do."""
    wanted = os.environ.get(TESTED_VARIABLE, " ".join(TESTED)).split()
    if version not in wanted and "all" not in wanted:
        return f"bpy {version} is not among those asked for: {TESTED_VARIABLE}=all asks for every one"
    if blender_python(version) is None:
        return f"no bpy {version}: `make blender-environments BLENDERS={version}` makes it"
    return ""


def extension_tool(version: str) -> Path:
    """Return Blender's own script that builds and judges extensions. Raises FileNotFoundError without one."""
    found = sorted((cache() / version).glob("lib/*/site-packages/bpy/*/scripts/addons_core/bl_pkg/cli/blender_ext.py"))
    if not found:
        raise FileNotFoundError(f"no bpy {version} under {cache()}: make it with this script")
    return found[0]


def find_python(version: str) -> str | None:
    """Return a Python of this version: on the path, or one that pyenv keeps."""
    kept = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    for found in [shutil.which(f"python{version}") or "", *map(str, kept)]:
        if found and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0:
            return found
    return None


def make(version: str) -> str:
    """Make one environment; return a line that says what came of it. A half-made one is made anew."""
    if blender_python(version) is not None:
        return f"{version}: here"
    python = find_python(PYTHONS[version])
    if python is None:
        return f"{version}: left out, there is no Python {PYTHONS[version]}"
    folder = cache() / version
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([python, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run([*pip, f"bpy=={version}", *_pinned()], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return f"{version}: left out, {done.stderr.strip()[-300:]}"
    (folder / READY).touch()
    return f"{version}: made"


def _pinned() -> list[str]:
    # constraints.txt itself would not do: its numpy is newer than some Blenders allow.
    pinned = dict(re.findall(r"^([\w-]+)==(\S+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE))
    return [f"{name}=={pinned[name]}" for name in BESIDE_BLENDER]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--tool"]:
        print(extension_tool(sys.argv[2]))
        sys.exit()
    for wanted in sys.argv[1:] or PYTHONS:
        print(make(wanted), flush=True)
