"""What an installation will write, and where: computed before a byte is written, so that it can be shown and judged.

Pure: nothing here reads or writes a disk. `install.py` carries a plan out.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import PurePath
from typing import Literal, NamedTuple

from understudy.bridge.errors import RequestError
from understudy.host_plugins.places import Machine, kept_folder, nuke_folder, resolve_scripts


class Code(NamedTuple):
    """The bridge and the plugins of these hosts, as Python files."""

    hosts: tuple[str, ...]


class Libraries(NamedTuple):
    """The compiled libraries of one Python on one platform, unpacked."""

    python: str
    platform: str

    @property
    def folder(self) -> str:
        return f"libraries/cp{self.python.replace('.', '')}-{self.platform}"


class Text(NamedTuple):
    """A small file: what a host runs itself, or what a pipeline reads."""

    name: str
    text: str


class Extension(NamedTuple):
    """What Blender installs, for the Blenders of one Python: its own kind of zip, or that unpacked for a facility."""

    python: str
    platforms: tuple[str, ...]
    unpacked: bool = False

    @property
    def name(self) -> str:
        return SYSTEM_EXTENSION if self.unpacked else f"understudy-python{self.python}.zip"


SYSTEM_EXTENSION = "extensions/system/understudy"
"""Where Blender looks below the folder that BLENDER_SYSTEM_EXTENSIONS names."""
Part = Code | Libraries | Text | Extension


class Edit(NamedTuple):
    """A change outside our own folder: a file that is ours, or a block of lines in one that is the user's."""

    path: PurePath
    kind: Literal["file", "block"]
    text: str


class Plan(NamedTuple):
    """Everything that one installation does, in the order in which it is done."""

    host: str
    keep: PurePath
    """Our own folder; the new tree gets a name in it that was never used."""
    tree: PurePath
    parts: tuple[Part, ...]
    edits: tuple[Edit, ...]
    commands: tuple[tuple[str, ...], ...] = ()
    """Programs of the host to be run once the tree stands."""
    words: tuple[str, ...] = ()
    """What is left for the user to do or to know."""


class Wanted(NamedTuple):
    """What was asked for on the command line."""

    host: str
    pythons: tuple[str, ...]
    platforms: tuple[str, ...]
    into: PurePath | None = None
    """A folder of the host's to write into instead of the user's own: one that NUKE_PATH names, or a Scripts folder."""
    programs: tuple[tuple[str, str], ...] = ()
    """Found Blenders: the path of each and its Python."""


RESOLVE_DOORS = ("Understudy.py", "Understudy_Panel.py")
"""What Resolve lists in its menu of scripts."""
START_MARK = (
    "# >>> understudy: written by `understudy install nuke`, taken out by `understudy install nuke --uninstall`"
)
END_MARK = "# <<< understudy"


def plan_install(wanted: Wanted, machine: Machine, tree_name: str) -> Plan:
    """Return the plan for this user on this machine. Raises RequestError for a host that we do not know."""
    planner = {"nuke": _plan_nuke, "blender": _plan_blender, "resolve": _plan_resolve}.get(wanted.host)
    if planner is None:
        raise RequestError(
            f"there is no plugin for {wanted.host}", remedy="There is one for nuke, blender and resolve."
        )
    keep = kept_folder(machine, wanted.host)
    return planner(wanted, machine, keep, keep / tree_name)


def _libraries(wanted: Wanted) -> tuple[Libraries, ...]:
    return tuple(Libraries(python, platform) for python in wanted.pythons for platform in wanted.platforms)


def tree_parts(wanted: Wanted) -> tuple[Part, ...]:
    """Return what lies in a tree, wherever it lies."""
    if wanted.host == "blender":
        return tuple(Extension(python, wanted.platforms) for python in wanted.pythons)
    own = ("nuke/init.py", "nuke/menu.py") if wanted.host == "nuke" else ()
    startup = (Text(name.rpartition("/")[2], startup_text(name)) for name in ("understudy_startup.py", *own))
    return (Code((wanted.host, "pyblish")), *_libraries(wanted), *startup)


def nuke_block(tree: PurePath) -> str:
    """Return the lines that let Nuke find our tree: behind everything else, and nothing breaks when it is gone."""
    lines = (
        START_MARK,
        "try:",
        "    import sys",
        "    import nuke",
        f"    sys.path.append({str(tree)!r})",
        f"    nuke.pluginAddPath({tree.as_posix()!r}, addToSysPath=False)",
        "except Exception as problem:",
        "    print(f'Understudy: {problem}. Run `understudy install nuke --check`.')",
        END_MARK,
    )
    return "\n".join(lines) + "\n"


def _plan_nuke(wanted: Wanted, machine: Machine, keep: PurePath, tree: PurePath) -> Plan:
    folder = wanted.into or nuke_folder(machine)
    return Plan(
        "nuke", keep, tree, tree_parts(wanted), (Edit(folder / "init.py", "block", nuke_block(tree)),),
        words=("Start Nuke again: the menu Understudy is in the menu bar and in the node toolbar.",),
    )  # fmt: skip


def _plan_resolve(wanted: Wanted, machine: Machine, keep: PurePath, tree: PurePath) -> Plan:
    folder = wanted.into or resolve_scripts(machine)
    scripts = tuple(
        Edit(folder / door, "file", startup_text(f"resolve/{door}").replace('"@TREE@"', repr(str(tree))))
        for door in RESOLVE_DOORS
    )
    canary = startup_text("resolve/Understudy_needs_Python.lua")
    return Plan(
        "resolve", keep, tree, tree_parts(wanted),
        (*scripts, Edit(folder / "Understudy_needs_Python.lua", "file", canary)),
        words=("In Resolve: Workspace > Scripts > Understudy. It runs on the Python that Resolve finds here.",),
    )  # fmt: skip


def _plan_blender(wanted: Wanted, machine: Machine, keep: PurePath, tree: PurePath) -> Plan:
    del machine
    zips = {part.python: tree / part.name for part in tree_parts(wanted) if isinstance(part, Extension)}
    commands = tuple(
        (program, "--command", "extension", "install-file", "-r", "user_default", "-e", str(zips[python]))
        for program, python in wanted.programs
        if python in zips
    )
    return Plan(
        "blender", keep, tree, tree_parts(wanted), (), commands, tuple(_blender_words(wanted, tuple(zips.values())))
    )


def _blender_words(wanted: Wanted, zips: tuple[PurePath, ...]) -> Iterator[str]:
    if wanted.programs:
        yield "The panel is in the sequencer's sidebar (N), tab Understudy."
        return
    yield "No Blender was found here. In Blender: Preferences > Get Extensions > Install from Disk, and choose"
    for path in zips:
        yield f"  {path}"
    yield "or name a Blender: `understudy install blender --program PATH`."


def startup_text(name: str) -> str:
    """Return a file of host_plugins/startup: our own package is all that planning reads."""
    return resources.files("understudy.host_plugins").joinpath("startup", *name.split("/")).read_text("utf-8")


def show_plan(plan: Plan) -> list[str]:
    """Return the plan in words, one line a step."""
    lines = [f"write the folder {plan.tree}, holding", *(f"  {in_words(part)}" for part in plan.parts)]
    for edit in plan.edits:
        lines.append(f"write the file {edit.path}" if edit.kind == "file" else f"add to {edit.path}")
        lines += [f"  {line}" for line in edit.text.splitlines()] if edit.kind == "block" else []
    return lines + [f"run {' '.join(line)}" for line in plan.commands]


def in_words(part: Part) -> str:
    if isinstance(part, Code):
        return f"understudy/: the bridge and the plugin of {', '.join(part.hosts)}"
    if isinstance(part, Libraries):
        return f"{part.folder}/: pyzmq, msgspec, blake3, xxhash for Python {part.python}"
    return part.name
