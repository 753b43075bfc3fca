"""`understudy install nuke|blender|resolve`, registered through the entry-point group `understudy.commands`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from understudy.bridge.errors import RequestError
from understudy.host_plugins.found_hosts import FoundHost, describe_host, find_hosts
from understudy.host_plugins.places import HOSTS, PYTHONS, Machine, this_machine
from understudy.host_plugins.plan import Wanted

FAULTY = 4
"""The exit code of `--check` where something is wrong, as of `doctor`."""


def register(app: typer.Typer) -> None:
    """Add this package's commands to the command line."""
    app.command()(install)


def install(
    host: Annotated[str, typer.Argument(help="nuke, blender or resolve.")],
    to: Annotated[Path | None, typer.Option(help="Write a read-only tree for a facility into this folder.")] = None,
    into: Annotated[Path | None, typer.Option(help="A folder of the host's instead of the user's own.")] = None,
    python: Annotated[list[str] | None, typer.Option(help="Only this Python, as 3.11; may be repeated.")] = None,
    platform: Annotated[list[str] | None, typer.Option(help="With --to: as linux-x64; may be repeated.")] = None,
    program: Annotated[list[Path] | None, typer.Option(help="A Blender to tell; may be repeated.")] = None,
    wheels: Annotated[Path | None, typer.Option(help="Take the libraries from this folder, not the network.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be written, write nothing.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Say what is wrong with what is installed.")] = False,
    uninstall: Annotated[bool, typer.Option("--uninstall", help="Remove exactly what was written.")] = False,
) -> None:
    """Put Understudy into a host, or say what keeps it from working there. Running it again repairs."""
    if host not in HOSTS:
        raise RequestError(f"there is no plugin for {host}", remedy=f"There is one for {', '.join(HOSTS)}.")
    machine = this_machine()
    if check:
        _check(host, machine)
    elif uninstall:
        from understudy.host_plugins.install import uninstall as remove

        _say(remove(host, machine) or [f"Understudy is removed from {host}"])
    else:
        found = tuple(_described(host, path) for path in program or ()) or (() if to else find_hosts(machine, host))
        wanted = Wanted(
            host, tuple(python or _pythons(host, found)), tuple(platform or [machine.platform]),
            into=into.absolute() if into else None,
            programs=tuple((one.program, one.python) for one in found if host == "blender" and one.supported),
        )  # fmt: skip
        if to is None:
            _say(found_words(host, found))
        _write(wanted, machine, to, wheels, dry_run)


def _check(host: str, machine: Machine) -> None:
    from understudy.host_plugins.install_check import check

    faults = check(host, machine)
    _say(faults or [f"Understudy is whole in {host}"])
    if faults:
        _say([f"what to do: understudy install {host}"])
        raise typer.Exit(FAULTY)


def _described(host: str, path: Path) -> FoundHost:
    found = describe_host(host, str(path))
    if found is None:
        raise RequestError(f"{path} is no {host} that answers", remedy="Name the program itself.")
    return found


def _pythons(host: str, found: tuple[FoundHost, ...]) -> tuple[str, ...]:
    """Return what the known versions of the host run on; a version that comes later finds its libraries there."""
    return tuple(dict.fromkeys((*PYTHONS[host], *(one.python for one in found if one.supported and one.python))))


def found_words(host: str, found: tuple[FoundHost, ...]) -> list[str]:
    """Return, in words, which hosts are here and which of them are too old. Pure."""
    if not found:
        return [f"no {host} was found on this machine; what is written is for the one that comes"]
    return [
        f"found {host} {one.version} ({one.program})"
        + ("" if one.supported else f": too old, it runs Python {one.python}")
        for one in found
    ]


def _write(wanted: Wanted, machine: Machine, to: Path | None, wheels: Path | None, dry_run: bool) -> None:
    from understudy.host_plugins.install import carry_out, find_command, make_plan, version
    from understudy.host_plugins.makers import payload_makers
    from understudy.host_plugins.plan import show_plan
    from understudy.host_plugins.release import release, show_release

    makers = payload_makers(wheels)
    if to is not None:
        _say(show_release(wanted, to, version()) if dry_run else release(wanted, to, makers, version()))
        return
    plan = make_plan(wanted, machine)
    _say(show_plan(plan) if dry_run else carry_out(plan, makers, find_command()))


def _say(lines: list[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
