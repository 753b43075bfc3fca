"""`understudy install HOST --to DIR`: read-only trees for a whole facility, one a host and Python, that may be moved.

DIR/understudy_nuke/0.1.0/package.py and python-3.10/, python-3.11/: what rez calls a package with variants, and what
any other pipeline may point a variable at. Nothing on the artist's machine is touched.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from understudy.bridge.errors import HostError
from understudy.host_plugins.plan import (
    RESOLVE_DOORS,
    Extension,
    Part,
    Text,
    Wanted,
    in_words,
    startup_text,
    tree_parts,
)
from understudy.host_plugins.tree import PARTIAL, Makers, make_read_only, remove_all, tree_faults, write_tree

ROOT = "{root}"
"""Stands for the tree's own folder, wherever it is moved to; rez reads it so too."""
PACKAGE_NAME = "package.py"
VARIABLES: Mapping[str, Mapping[str, str]] = {
    "nuke": {"NUKE_PATH": ROOT},
    "resolve": {"UNDERSTUDY_RESOLVE_TREE": ROOT},
    "blender": {"BLENDER_SYSTEM_EXTENSIONS": f"{ROOT}/extensions"},
}
ADDED = frozenset({"NUKE_PATH"})
"""Search paths: ours goes behind what is there. The others are set."""


def release(wanted: Wanted, target: Path, makers: Makers, version: str) -> list[str]:
    """Write the release and return what to do with it. One that is there and whole stays; a broken one is set aside.

    Raises HostError when the disk refuses; then nothing new is there.
    """
    folder = target.absolute() / f"understudy_{wanted.host}" / version
    words = []
    if folder.exists():
        faults = release_faults(folder, wanted, version)
        if not faults:
            return [f"{folder} is there already and is whole", *instructions(folder, wanted)]
        words = [f"{faults[0]}: the broken release is kept as {_set_aside(folder)}"]
    partial = folder.with_name(f"{PARTIAL}{version}-{os.getpid()}")
    try:
        _write(wanted, partial, makers, version)
        partial.rename(folder)
    except OSError as problem:
        raise HostError(
            f"{problem.filename or folder}: {problem.strerror}", remedy="Check the rights and the room there."
        ) from None
    finally:
        if partial.exists():
            remove_all(partial)
    return [*words, f"{folder} is written", *instructions(folder, wanted)]


def _write(wanted: Wanted, folder: Path, makers: Makers, version: str) -> None:
    folder.mkdir(parents=True)
    for python in wanted.pythons:
        parts = variant_parts(wanted, python)
        write_tree(parts, folder / variant(python), makers, host=wanted.host, version=version)
    (folder / PACKAGE_NAME).write_bytes(rez_package(wanted, version).encode())
    make_read_only(folder)


def variant(python: str) -> str:
    return f"python-{python}"


def variant_parts(wanted: Wanted, python: str) -> tuple[Part, ...]:
    """Return what one Python's tree holds: what a user's own holds, and what the pipeline has to know. Pure."""
    parts = tree_parts(wanted._replace(pythons=(python,)))
    if wanted.host == "blender":
        parts = (Extension(python, wanted.platforms, unpacked=True),)
    if wanted.host == "resolve":
        for door in RESOLVE_DOORS:
            script = startup_text(f"resolve/{door}").replace('"@TREE@"', '"the variable UNDERSTUDY_RESOLVE_TREE"')
            parts = (*parts, Text(door, script))
    said = variables(wanted.host)
    return (*parts, Text("variables.json", json.dumps(said, indent=1) + "\n"))


def variables(host: str) -> dict[str, dict[str, str]]:
    """Return what a launcher has to do, by kind: `append` to a search path, `set`."""
    said: dict[str, dict[str, str]] = {"append": {}, "set": {}}
    for name, value in VARIABLES[host].items():
        said["append" if name in ADDED else "set"][name] = value
    return said


def rez_package(wanted: Wanted, version: str) -> str:
    """Return a rez package of this host, with a variant a Python. Pure."""
    said = variables(wanted.host)
    lines = [f"    env.{name}.append({value!r})" for name, value in said["append"].items()]
    lines += [f"    env.{name}.set({value!r})" for name, value in said["set"].items()]
    variants = ", ".join(f"[{variant(python)!r}]" for python in wanted.pythons)
    return (
        f"name = 'understudy_{wanted.host}'\n\n"
        f"version = {version!r}\n\n"
        f"description = 'Understudy in {wanted.host.capitalize()}: recast a performance without leaving the comp.'\n\n"
        f"variants = [{variants}]\n\n\n"
        "def commands():\n" + "\n".join(lines) + "\n"
    )


def instructions(folder: Path, wanted: Wanted) -> list[str]:
    """Return, in words, what a launcher has to set. Pure."""
    lines = []
    for python in wanted.pythons:
        tree = folder / variant(python)
        for kind, named in variables(wanted.host).items():
            verb = "add to" if kind == "append" else "set"
            lines += [
                f"{variant(python)}: {verb} {name}: {value.replace(ROOT, str(tree))}" for name, value in named.items()
            ]
    lines.append("UNDERSTUDY_COMMAND: where `understudy` lies, on machines whose users did not install it themselves")
    return lines


def release_faults(folder: Path, wanted: Wanted, version: str) -> list[str]:
    """Return, in words, what is missing from a release or changed in it."""
    package = folder / PACKAGE_NAME
    faults = [fault for python in wanted.pythons for fault in tree_faults(folder / variant(python))]
    if not package.is_file() or package.read_text("utf-8") != rez_package(wanted, version):
        faults.append(f"{package} is missing, or names other Pythons")
    return faults


def _set_aside(folder: Path) -> Path:
    number = 1
    while (aside := folder.with_name(f".broken-{folder.name}-{number}")).exists():
        number += 1
    folder.rename(aside)
    return aside


def show_release(wanted: Wanted, target: Path, version: str) -> list[str]:
    """Return, in words, what `release` would write. Pure."""
    folder = target.absolute() / f"understudy_{wanted.host}" / version
    lines = [f"write {folder / PACKAGE_NAME}"]
    for python in wanted.pythons:
        lines.append(f"write the folder {folder / variant(python)}, holding")
        lines += [f"  {in_words(part)}" for part in variant_parts(wanted, python)]
    return [*lines, *instructions(folder, wanted)]
