"""Commands of waivers: asked for by one, decided by another. `understudy waiver request`, `grant`, `deny`, `list`."""

from __future__ import annotations

from pathlib import Path

import msgspec
import typer

from understudy.bridge.errors import KeyRefused, RequestError
from understudy.inference.authority.papers import Waiver
from understudy.inference.authority.registry import Change
from understudy.inference.authority.sheets import read_fields
from understudy.inference.desk import As, Fields, Json, PaperId, open_desk, pairs, paper_line, print_json, say

waivers = typer.Typer(help="Rules that do not block this once.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(waivers, name="waiver")


@waivers.command("request")
def request_waiver(paper_id: PaperId, fields: Fields = None, who: As = None) -> None:
    """Ask for one: rule=... reason=... and, if it is for one alone, project=... shot=... expires_on=..."""
    desk = open_desk("waiver.request", who)
    if desk.registry.find(Waiver, paper_id) is not None:
        raise RequestError(f"there is a waiver '{paper_id}' already", remedy="Take another id.")
    asked = {"id": paper_id, "requested_by": desk.user.name, "requested_on": desk.today}
    desk.write(Change("waiver", read_fields(Waiver, pairs(fields), asked), "requested"))
    say(f"waiver {paper_id} requested; somebody else decides")


@waivers.command("grant")
def grant_waiver(paper_id: PaperId, who: As = None) -> None:
    """Grant one that somebody else asked for."""
    _decide("grant", paper_id, "granted", who)


@waivers.command("deny")
def deny_waiver(paper_id: PaperId, who: As = None) -> None:
    """Deny one that somebody else asked for."""
    _decide("deny", paper_id, "denied", who)


@waivers.command("list")
def list_waivers(as_json: Json = False, who: As = None) -> None:
    """List all of them."""
    papers = open_desk("read", who).registry.all(Waiver)
    print_json(papers) if as_json else say(*map(paper_line, papers))


def _decide(action: str, paper_id: str, state: str, who: Path | None) -> None:
    desk = open_desk(f"waiver.{action}", who)
    waiver = desk.registry.get(Waiver, paper_id)
    if waiver.state != "requested":
        raise RequestError(f"waiver {paper_id} is {waiver.state} already", remedy="Ask for another one.")
    if waiver.requested_by == desk.user.name:
        raise KeyRefused(
            f"{desk.user.name} asked for waiver {paper_id} and does not decide on it", remedy="Ask a colleague to."
        )
    decided = {"state": state, "decided_by": desk.user.name, "decided_on": desk.today}
    desk.write(Change("waiver", msgspec.structs.replace(waiver, **decided), state))
    say(f"waiver {paper_id} {state}")
