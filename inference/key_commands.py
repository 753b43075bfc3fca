"""Commands that say who may speak to this machine's daemon: `understudy key issue`, `list` and `revoke`.

They write the allow-list itself; a running daemon reads it again at the next message, so nothing is restarted.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from understudy.bridge.errors import RequestError
from understudy.bridge.keys import USERS_FILE, AllowList, issue_key, load_connection, write_connection
from understudy.bridge.settings import UserSettings, load_settings
from understudy.inference.authority.entries import NewEntry
from understudy.inference.authority.ledger import Ledger

LOOPBACK = ("127.0.0.1", "::1", "localhost")
SHOWN_LETTERS = 8
"""Of a public key: enough to tell two keys of one user apart."""

keys = typer.Typer(help="Who may speak to this machine's daemon.", no_args_is_help=True)
Json = Annotated[bool, typer.Option("--json", help="Print what a script reads, nothing else, on standard output.")]


@keys.command()
def issue(
    name: Annotated[str, typer.Argument(help="Who it is for; stands in every record of their jobs.")],
    host: Annotated[str, typer.Option(help="The name or address under which their machine reaches this one.")],
    role: Annotated[
        list[str] | None,
        typer.Option(help="As `user list` says; follower for a daemon. May be repeated."),
    ] = None,
    project: Annotated[list[str] | None, typer.Option(help="Only these shows; may be repeated. Default: all.")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Default: where the daemon listens now.")] = None,
    out: Annotated[Path | None, typer.Option(help="The connection file to write. Default: NAME.json here.")] = None,
    as_json: Json = False,
) -> None:
    """Make a key and a connection file: copy it to ~/.understudy/daemon.json of the user's machine, by a safe way."""
    settings = load_settings()
    path = out or Path(f"{name}.json")
    if path.exists() or not path.absolute().parent.is_dir():
        why = "exists" if path.exists() else "lies in a folder that is not there"
        raise RequestError(f"{path} {why}", remedy="Name another file with --out.")
    roles: Any = tuple(role or ("artist",))  # issue_key refuses what is no role
    connection = issue_key(settings.home, name, roles=roles, projects=tuple(project or ()), host=host, port=port)
    _record("key.issued", settings.home, name, " ".join(roles))  # without its file nobody has the key yet
    write_connection(path, connection)
    notes = _notes(settings, host)
    if as_json:
        _print_json(
            {"user": name, "roles": roles, "file": str(path), "host": host, "port": connection.port, "notes": notes}
        )
        return
    sys.stdout.write(f"{name} ({', '.join(roles)}): {path}, for {host}:{connection.port}\n")
    sys.stdout.write("It holds a secret: carry it over by a safe way and keep it readable for its owner alone.\n")
    for note in notes:
        sys.stderr.write(f"warning: {note}\n")


@keys.command("list")
def list_keys(as_json: Json = False) -> None:
    """List who may speak to this machine's daemon."""
    users = AllowList(load_settings().home / USERS_FILE).users()
    if as_json:
        _print_json([{"key": key, **msgspec.to_builtins(user)} for key, user in users.items()])
        return
    for key, user in sorted(users.items(), key=lambda item: item[1].name):
        projects = ", ".join(user.projects) or "every project"
        sys.stdout.write(f"{user.name:20} {key[:SHOWN_LETTERS]}  {', '.join(user.roles)}; {projects}\n")


@keys.command()
def revoke(name: str, as_json: Json = False) -> None:
    """Shut out every key of NAME, at once; their jobs stay."""
    removed = AllowList(load_settings().home / USERS_FILE).remove_user(name)
    if removed == 0:
        raise RequestError(f"no key of '{name}' is known here", remedy="`understudy key list` shows who is.")
    _record("key.revoked", load_settings().home, name, str(removed))
    if as_json:
        _print_json({"user": name, "removed": removed})
    else:
        sys.stdout.write(f"{removed} key{'s' if removed > 1 else ''} of {name} removed\n")


def _record(event: str, home: Path, name: str, outcome: str) -> None:
    """Tell the ledger of keys that came or went, before anybody is told."""
    ledger = Ledger(home)
    actor = load_connection(home).user
    ledger.append(NewEntry(event=event, actor=actor, subjects={"user": ledger.hashed(name)}, outcome=outcome))


def _notes(settings: UserSettings, host: str) -> list[str]:
    """Return what keeps the key from working as the settings stand."""
    notes = []
    if settings.host in LOOPBACK and host not in LOOPBACK:
        notes.append(f"the daemon listens on {settings.host} alone: set `host` to an address that others reach")
    if settings.port == 0:
        notes.append("the daemon takes another port at every start: set `port` so that this file stays true")
    return notes


def _print_json(value: object) -> None:
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n")
    sys.stdout.buffer.flush()
