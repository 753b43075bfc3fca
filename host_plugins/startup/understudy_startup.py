"""The first lines of Understudy that a host runs: find our libraries beside this file, behind the host's own.

Lies at the top of an installed tree, alone of its kind: it may import nothing but the standard library until the paths
are there. Everything is appended to sys.path, nothing is put before what the host brings.
"""

from __future__ import annotations

import importlib
import os
import sys
from importlib.machinery import PathFinder

TREE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib would be read for nothing
NEEDED = {
    "zmq": ("pyzmq", (26,)),
    "msgspec": ("msgspec", (0, 19)),
    "blake3": ("blake3", (1, 0)),
    "xxhash": ("xxhash", (3, 4)),
}
"""Import name to the distribution and the oldest version that the bridge works with."""


def libraries() -> str:
    """Return the folder of compiled libraries for this interpreter, whether it is there or not."""
    system = {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")
    machine = os.uname().machine if hasattr(os, "uname") else os.environ.get("PROCESSOR_ARCHITECTURE", "")
    processor = "arm64" if machine.lower() in ("arm64", "aarch64") else "x64"
    return os.path.join(TREE, "libraries", f"cp{sys.version_info[0]}{sys.version_info[1]}-{system}-{processor}")  # noqa: PTH118


def append_paths() -> None:
    """Make our code and its libraries importable, after everything that is importable already."""
    for folder in (TREE, libraries()):
        if folder not in sys.path:
            sys.path.append(folder)


def complaints() -> list[str]:
    """Return, in words for the artist, what stands in the way; empty when Understudy can run here."""
    append_paths()
    found = []
    for name, (distribution, oldest) in NEEDED.items():
        spec = PathFinder.find_spec(name)
        if spec is None or spec.origin is None:
            version = ".".join(map(str, sys.version_info[:2]))
            found.append(
                f"Understudy has no {distribution} for Python {version} in {libraries()}. "
                "Run `understudy install` for this host again: it brings what is missing."
            )
        elif not spec.origin.startswith(TREE + os.sep):
            found += _complaint_of_another(distribution, oldest, spec.origin)
    return found


def _complaint_of_another(distribution: str, oldest: tuple[int, ...], origin: str) -> list[str]:
    """The host's own, or another tool's, comes first: it serves us when it is new enough."""
    from importlib import metadata

    place = os.path.dirname(os.path.dirname(origin))  # noqa: PTH120
    version = next((found.version for found in metadata.distributions(name=distribution, path=[place])), "")
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if not numbers or numbers >= oldest:  # unknown: let it be tried rather than refused
        return []
    return [
        f"This host already has {distribution} {version} in {place}; Understudy needs "
        f"{'.'.join(map(str, oldest))} or newer and does not replace what others brought. "
        f"Have that copy updated, or taken off the path (PYTHONPATH, NUKE_PATH)."
    ]


def start(module: str, function: str, *arguments: object) -> bool:
    """Call `understudy.<module>.<function>(*arguments)` unless something stands in the way; say so and return False.

    For hosts' startup files, where an exception would keep the host from starting: all of them are caught and told.
    """
    try:
        found = complaints()
        if not found:
            getattr(importlib.import_module(f"understudy.{module}"), function)(*arguments)
            return True
    except Exception:  # noqa: BLE001 - the host's edge: Nuke does not start when an init.py raises
        import traceback

        found = [f"Understudy could not start: {traceback.format_exc()}"]
    for complaint in found:
        sys.stderr.write(f"{complaint}\n")
    return False
