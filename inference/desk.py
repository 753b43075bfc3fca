"""The registry with whoever sits before it: what the commands of papers, waivers and users share on a terminal.

Whoever types acts as the user of a connection file: HOME's own, or one named by --as.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from understudy.bridge.errors import RequestError
from understudy.bridge.keys import User
from understudy.bridge.settings import load_settings
from understudy.inference.authority.acting import acting_user, check_may
from understudy.inference.authority.followed import open_registry
from understudy.inference.authority.ledger import Ledger
from understudy.inference.authority.papers import Paper
from understudy.inference.authority.registry import Change, Registry

Json = Annotated[bool, typer.Option("--json", help="Print what a script reads, nothing else, on standard output.")]
As = Annotated[
    Path | None,
    typer.Option("--as", envvar="UNDERSTUDY_ACT_AS", help="Act as the user of this connection file. Default: HOME's."),
]
PaperId = Annotated[str, typer.Argument(metavar="ID", help="What records name it by.")]
Fields = Annotated[list[str] | None, typer.Argument(metavar="FIELD=VALUE", help="Members of a list apart by `;`.")]
SET_BY_US = frozenset(
    {"id", "revoked_on", "revoked_why", "withdrawn_on", "state", "approved_by", "approved_on"}
    | {"requested_by", "requested_on", "decided_by", "decided_on"}
)
"""Fields that follow from who says what and when; nobody types them."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The registry with whoever sits before it."""

    registry: Registry
    user: User
    today: str

    def write(self, *changes: Change) -> None:
        self.registry.write(self.user.name, changes)


def open_desk(what: str, connection_file: Path | None) -> Desk:
    """Return the registry of this machine for somebody who may do `what`. Raises KeyRefused."""
    settings = load_settings()
    user = acting_user(settings.home, connection_file)
    check_may(user, what)
    return Desk(open_registry(settings, Ledger(settings.home)), user, today())


def today() -> str:
    return datetime.now(timezone.utc).date().isoformat()


def pairs(fields: list[str] | None) -> dict[str, str]:
    """Return FIELD=VALUE words as a mapping. Raises RequestError for a field that nobody types."""
    found = {}
    for field in fields or ():
        name, equals, value = field.partition("=")
        if not equals or name in SET_BY_US:
            why = "is set by the registry itself" if equals else "has no value"
            raise RequestError(f"`{name}` {why}", remedy="Write FIELD=VALUE, such as expires_on=2027-06-30.")
        found[name] = value
    return found


def paper_line(paper: Paper) -> str:
    """Return a paper in one line: its id and what it states."""
    rest = {name: value for name, value in msgspec.to_builtins(paper).items() if name != "id" and value not in ("", [])}
    return f"{paper.id:16} " + " ".join(f"{name}={text_of(value)[:24]}" for name, value in rest.items())


def text_of(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "; ".join(value) if isinstance(value, list) else str(value)


def say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def counted(number: int, noun: str) -> str:
    """Return `1 job`, `2 jobs`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def print_json(value: object) -> None:
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n")
    sys.stdout.buffer.flush()
