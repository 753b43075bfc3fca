"""Commands of waivers: asked for by one, decided by another. `understudy waiver request`, `grant`, `deny`, `list`."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from understudy.bridge.errors import KeyRefused, RequestError
from understudy.bridge.keys import User
from understudy.bridge.settings import load_settings
from understudy.inference.authority.papers import Waiver
from understudy.inference.authority.registry import Change
from understudy.inference.authority.sheets import read_fields
from understudy.inference.daemon.audit import open_store
from understudy.inference.daemon.refusals import Refusal, find_refusal
from understudy.inference.desk import As, Json, PaperId, open_desk, paper_line, print_json, say

Until = Annotated[str, typer.Option(help="The last day on which it counts, such as 2026-12-01.")]
ID_BYTES = 3  # sixteen million; one that comes twice is refused

waivers = typer.Typer(help="Rules that do not block this once.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(waivers, name="waiver")


@waivers.command("request")
def request_waiver(
    subject: Annotated[str, typer.Argument(metavar="JOB|RECORD", help="What the rule blocked: a job or a record id.")],
    rule: Annotated[str, typer.Argument(help="The rule, as the refusal names it.")],
    reason: Annotated[str, typer.Option(help="Why it should not block, in at least 20 characters.")],
    shot: Annotated[
        list[str] | None, typer.Option(help="Only for this shot, or SH0*; may be repeated. Default: all of the record.")
    ] = None,
    until: Until = "",
    waiver_id: Annotated[str, typer.Option("--id", help="An id of your own.")] = "",
    as_json: Json = False,
    who: As = None,
) -> None:
    """Ask that a rule which blocked a job or a record does not, this once. Somebody else decides."""
    desk = open_desk("waiver.request", who)
    store = open_store(load_settings().home)
    try:
        refusal = find_refusal(store, desk.user, subject, rule)
    finally:
        store.close()
    paper_id = waiver_id or f"w-{secrets.token_hex(ID_BYTES)}"
    if desk.registry.find(Waiver, paper_id) is not None:
        raise RequestError(f"there is a waiver '{paper_id}' already", remedy="Take another id.")
    asked = {**_bound_to(refusal), "id": paper_id, "requested_by": desk.user.name, "requested_on": desk.today}
    waiver = read_fields(Waiver, {"reason": reason.strip(), "expires_on": until, "shots": "; ".join(shot or ())}, asked)
    desk.write(Change("waiver", waiver, "requested"))
    if as_json:
        print_json(waiver)
    else:
        say(f"waiver {paper_id} of {rule} requested; {' or '.join(waiver.waivable_by)} may grant it")


@waivers.command("grant")
def grant_waiver(
    paper_id: PaperId,
    until: Until = "",
    condition: Annotated[str, typer.Option(help="What must be kept to; reports show it.")] = "",
    who: As = None,
) -> None:
    """Grant one that somebody else asked for, in a role that its rule allows."""
    _decide("grant", paper_id, "granted", who, expires_on=until, condition=condition)


@waivers.command("deny")
def deny_waiver(paper_id: PaperId, who: As = None) -> None:
    """Deny one that somebody else asked for."""
    _decide("deny", paper_id, "denied", who)


@waivers.command("list")
def list_waivers(as_json: Json = False, who: As = None) -> None:
    """List all of them."""
    papers = open_desk("read", who).registry.all(Waiver)
    print_json(papers) if as_json else say(*map(paper_line, papers))


@waivers.command("show")
def show_waiver(paper_id: PaperId, as_json: Json = False, who: As = None) -> None:
    """Show one with every field."""
    waiver = open_desk("waiver.request", who).registry.get(Waiver, paper_id)
    print_json(waiver) if as_json else say(paper_line(waiver))


def _bound_to(refusal: Refusal) -> dict[str, Any]:
    return {
        "rule": refusal.rule,
        "pack": refusal.pack,
        "record_id": refusal.record_id,
        "facts": refusal.facts,
        "waivable_by": refusal.waivable_by,
    }


def _decide(action: str, paper_id: str, state: str, who: Path | None, **said: str) -> None:
    desk = open_desk(f"waiver.{action}", who)
    waiver = desk.registry.get(Waiver, paper_id)
    if waiver.state != "requested":
        raise RequestError(f"waiver {paper_id} is {waiver.state} already", remedy="Ask for another one.")
    if waiver.requested_by == desk.user.name:
        raise KeyRefused(
            f"{desk.user.name} asked for waiver {paper_id} and does not decide on it", remedy="Ask a colleague to."
        )
    decided: dict[str, Any] = {"state": state, "decided_by": desk.user.name, "decided_on": desk.today}
    decided |= {"decided_as": _role(desk.user, waiver), **{name: value for name, value in said.items() if value}}
    desk.write(Change("waiver", msgspec.structs.replace(waiver, **decided), state))
    say(f"waiver {paper_id} {state}")


def _role(user: User, waiver: Waiver) -> str:
    """Return the role in which a user may decide. Raises KeyRefused where the rule allows none of theirs."""
    roles = [role for role in waiver.waivable_by if role in user.roles]
    if not roles:
        raise KeyRefused(
            f"{user.name} ({', '.join(user.roles) or 'no role'}) may not decide on {waiver.rule}",
            remedy=f"It takes {' or '.join(waiver.waivable_by)}: the rule says so.",
        )
    return roles[0]
