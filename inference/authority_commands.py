"""Commands of a studio authority and of those that follow it: `understudy authority status` and `refresh`.

On the follower's machine they say what it holds and ask for another; on the authority's, who follows and what they have
posted. They read the files themselves, so they work beside a running daemon and without one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from understudy.bridge.client import Client
from understudy.bridge.errors import RequestError, UnderstudyError
from understudy.bridge.settings import UserSettings, load_settings
from understudy.inference.authority.chains import kept_chains
from understudy.inference.authority.followed import holding_of
from understudy.inference.authority.held import Holding
from understudy.inference.authority.ledger import Ledger, judge_ledger
from understudy.inference.authority.outbox import read_posted
from understudy.inference.authority.studio import StudioSnapshot
from understudy.inference.daemon.following import ANSWER_SECONDS, renew
from understudy.inference.desk import Json, print_json, say

authority = typer.Typer(help="The studio authority that this daemon follows, or is.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(authority, name="authority")


@authority.command()
def status(as_json: Json = False) -> None:
    """Say whose papers count here, how long they hold, and what of the ledger the authority has."""
    settings = load_settings()
    said = _follower(settings) if settings.authority else _own(settings.home)
    if as_json:
        print_json(said)
        return
    followers = said.pop("followers", [])
    say(*(f"{name.replace('_', ' '):16} {value}" for name, value in said.items() if value not in ("", None)))
    for one in followers:
        say(f"followed by {one['follower']:12} {one['entries']} entries, held as of {one['anchored'] or 'nothing yet'}")


@authority.command()
def refresh(as_json: Json = False) -> None:
    """Ask the authority for a snapshot now, signed anew; a running daemon goes by it at its next decision."""
    settings = load_settings()
    if not settings.authority:
        raise RequestError(
            "this daemon is its own authority", remedy="The setting `authority` names the connection file of another."
        )
    holding = holding_of(settings)
    with Client.connect(holding.connection(), ANSWER_SECONDS) as client:
        snapshot = renew(client, holding, at_once=True)
    assert snapshot is not None  # noqa: S101 - asked for anew, it has a body
    said = {"serial": snapshot.serial, "expires_at": snapshot.expires_at, "consents": _count(snapshot)}
    print_json(said) if as_json else say(f"snapshot {snapshot.serial} holds until {snapshot.expires_at}")


def _follower(settings: UserSettings) -> dict[str, Any]:
    holding = holding_of(settings)
    held, posted = holding.now(), read_posted(settings.home)
    own = judge_ledger(settings.home).entries if (settings.home / "ledger").is_dir() else 0
    snapshot = held.snapshot
    return {
        "authority": holding.address,
        "reached": _reached(holding),
        "key": held.authority.key if held.authority is not None else "",
        "serial": snapshot.serial if snapshot is not None else None,
        "issued_at": snapshot.issued_at if snapshot is not None else "",
        "expires_at": snapshot.expires_at if snapshot is not None else "",
        "projects": ", ".join(snapshot.contents.projects) or "every project" if snapshot is not None else "",
        "consents": _count(snapshot) if snapshot is not None else None,
        "vouches": "no: " + held.stale if held.stale else "yes",
        "remedy": held.remedy,
        "entries": own,
        "posted": posted.seq if posted is not None else 0,
        "acknowledged": f"{posted.head_seq}:{posted.head_digest}" if posted is not None else "",
    }


def _count(snapshot: StudioSnapshot) -> int:
    return len(snapshot.contents.papers.get("consent", ()))


def _reached(holding: Holding) -> str:
    try:
        with Client(holding.connection(), ANSWER_SECONDS) as client:
            welcome = client.hello()
    except UnderstudyError as problem:
        return f"no: {problem.message}"
    return f"yes, as {welcome.user}"


def _own(home: Path) -> dict[str, Any]:
    followers = [
        {
            "follower": kept.follower,
            "entries": kept.head.seq if kept.head is not None else 0,
            "anchored": f"entry {kept.anchored.seq}" if kept.anchored is not None else "",
        }
        for _, kept in kept_chains(home)
    ]
    key = Ledger(home).public_key if (home / "ledger").is_dir() else ""
    return {"authority": "this daemon itself", "key": key, "followers": followers}
