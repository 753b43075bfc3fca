"""Commands of users: who may do what on this daemon. `understudy user list` and `change`; keys come by `key issue`."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from understudy.bridge.errors import RequestError
from understudy.bridge.keys import ROLES, USERS_FILE, AllowList, User
from understudy.bridge.settings import load_settings
from understudy.inference.authority.acting import acting_user, check_may
from understudy.inference.authority.entries import NewEntry
from understudy.inference.authority.ledger import Ledger
from understudy.inference.desk import As, Json, print_json, say

users = typer.Typer(help="Who may do what here.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(users, name="user")


@users.command("list")
def list_users(as_json: Json = False) -> None:
    """List every user with roles and projects; `understudy key issue` adds one."""
    known = {user.name: user for user in AllowList(load_settings().home / USERS_FILE).users().values()}
    if as_json:
        print_json(list(known.values()))
        return
    for name, user in sorted(known.items()):
        say(f"{name:20} {', '.join(user.roles)}; {', '.join(user.projects) or 'every project'}")


@users.command("change")
def change_user(
    name: str,
    role: Annotated[list[str] | None, typer.Option(help=f"{', '.join(ROLES)}; may be repeated.")] = None,
    project: Annotated[list[str] | None, typer.Option(help="Only these shows. Default: as it was.")] = None,
    who: As = None,
) -> None:
    """Give every key of a user other roles or projects, from the next message on. For an admin."""
    home = load_settings().home
    actor = acting_user(home, who)
    check_may(actor, "user")
    known = AllowList(home / USERS_FILE)
    keys = {key: user for key, user in known.users().items() if user.name == name}
    if not keys:
        raise RequestError(f"no user '{name}' is known here", remedy="`understudy user list` shows who is.")
    book = Ledger(home)
    for key, user in keys.items():
        fields = {"name": name, "roles": role or user.roles, "projects": project or user.projects}
        try:
            changed = msgspec.convert(fields, User)
        except msgspec.ValidationError as problem:
            raise RequestError(f"this is not a user: {problem}", remedy=f"Roles are {', '.join(ROLES)}.") from None
        facts = book.digest_of(msgspec.json.encode(changed))
        book.append(NewEntry(event="user.changed", actor=actor.name, subjects={"user": book.hashed(name)}, facts=facts))
        known.add_user(key, changed)
    say(f"{name} changed")
