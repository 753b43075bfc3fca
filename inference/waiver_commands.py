"""Commands of waivers: asked for by one, decided by another. `understudy waiver request`, `grant`, `deny`, `list`.

They go over the wire, from any machine, as the user of a connection file: the daemon decides by that key's roles.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from understudy.bridge.client import Client
from understudy.bridge.keys import CONNECTION_FILE, load_connection
from understudy.bridge.papers_client import ask_waivers, decide_waiver, request_waiver
from understudy.bridge.papers_messages import WaiverCard
from understudy.bridge.settings import load_settings
from understudy.inference.desk import Json, PaperId, print_json, say, text_of

Key = Annotated[
    Path | None,
    typer.Option(
        "--key",
        "--as",
        envvar="UNDERSTUDY_ACT_AS",
        help="Say it as the user of this connection file, to its daemon. Default: HOME's.",
    ),
]
Until = Annotated[str, typer.Option(help="The last day on which it counts, such as 2026-12-01.")]

waivers = typer.Typer(help="Rules that do not block this once.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(waivers, name="waiver")


@waivers.command("request")
def request(
    subject: Annotated[str, typer.Argument(metavar="JOB|RECORD", help="What the rule blocked: a job or a record id.")],
    rule: Annotated[str, typer.Argument(help="The rule, as the refusal names it.")],
    reason: Annotated[str, typer.Option(help="Why it should not block, in at least 20 characters.")],
    shot: Annotated[
        list[str] | None, typer.Option(help="Only for this shot, or SH0*; may be repeated. Default: all of the record.")
    ] = None,
    until: Until = "",
    waiver_id: Annotated[str, typer.Option("--id", help="An id of your own.")] = "",
    as_json: Json = False,
    key: Key = None,
) -> None:
    """Ask that a rule which blocked a job or a record does not, this once. Somebody else decides."""
    with _client(key) as client:
        waiver = request_waiver(
            client, subject, rule, reason, until=until, shots=tuple(shot or ()), waiver_id=waiver_id
        )
    if as_json:
        print_json(_as_paper(waiver))
    else:
        say(f"waiver {waiver.waiver_id} of {rule} requested; {' or '.join(waiver.waivable_by)} may grant it")


@waivers.command("grant")
def grant(
    paper_id: PaperId,
    until: Until = "",
    condition: Annotated[str, typer.Option(help="What must be kept to; reports show it.")] = "",
    key: Key = None,
) -> None:
    """Grant one that somebody else asked for, in a role that its rule allows."""
    with _client(key) as client:
        waiver = decide_waiver(client, paper_id, "grant", until=until, condition=condition)
    say(f"waiver {paper_id} {waiver.state}")


@waivers.command("deny")
def deny(paper_id: PaperId, key: Key = None) -> None:
    """Deny one that somebody else asked for."""
    with _client(key) as client:
        waiver = decide_waiver(client, paper_id, "deny")
    say(f"waiver {paper_id} {waiver.state}")


@waivers.command("list")
def show_all(
    job: Annotated[str, typer.Option(help="Only those of this job's record.")] = "",
    as_json: Json = False,
    key: Key = None,
) -> None:
    """List those that you may see: your own, those of your jobs' records; all, in a role that may look."""
    with _client(key) as client:
        found = ask_waivers(client, job_id=job)
    print_json([_as_paper(one) for one in found]) if as_json else say(*map(waiver_line, found))


@waivers.command("show")
def show_one(paper_id: PaperId, as_json: Json = False, key: Key = None) -> None:
    """Show one with every field."""
    with _client(key) as client:
        (waiver,) = ask_waivers(client, waiver_id=paper_id)
    print_json(_as_paper(waiver)) if as_json else say(waiver_line(waiver))


def waiver_line(waiver: WaiverCard) -> str:
    """Return a waiver in one line: its id and what it states, without what only a form needs."""
    left_out = ("waiver_id", "may_decide", "why_not")
    told = {name: getattr(waiver, name) for name in waiver.__struct_fields__ if name not in left_out}
    rest = (
        f"{name}={text_of(list(value) if isinstance(value, tuple) else value)[:24]}"
        for name, value in told.items()
        if value not in ("", ())
    )
    return f"{waiver.waiver_id:16} " + " ".join(rest)


def _as_paper(waiver: WaiverCard) -> dict[str, Any]:
    """Return a waiver under the names that the registry's papers have: `id`, as in its sheets."""
    told: dict[str, Any] = msgspec.to_builtins(waiver)
    return {"id": told.pop("waiver_id"), **told}


def _client(key: Path | None) -> Client:
    settings = load_settings()
    return Client.connect(load_connection(key or settings.home / CONNECTION_FILE), settings.timeout_seconds)
