"""Commands that keep the registry: `understudy talent`, `consent`, `clip`, `approve`, `waiver`, `recipient`, `user`.

For the daemon's machine. Whoever says them acts as the user of a connection file: HOME's own, or one named by --as;
what each role may is in authority/acting.py. A running daemon asks the registry at its next decision: nothing is
restarted.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from understudy.bridge.errors import KeyRefused, RequestError
from understudy.bridge.keys import ROLES, USERS_FILE, AllowList, User
from understudy.bridge.private_files import write_private
from understudy.bridge.settings import load_settings
from understudy.inference.authority.acting import acting_user, check_may
from understudy.inference.authority.entries import NewEntry
from understudy.inference.authority.expiry import expiring
from understudy.inference.authority.ledger import Ledger
from understudy.inference.authority.papers import (
    ENDED_BY,
    Approval,
    Clip,
    Kind,
    Paper,
    Recipient,
    RegisteredConsent,
    Talent,
    Waiver,
)
from understudy.inference.authority.registry import ERASED, Change, Registry
from understudy.inference.authority.sheets import read_fields, read_sheet, write_sheet

Json = Annotated[bool, typer.Option("--json", help="Print what a script reads, nothing else, on standard output.")]
As = Annotated[
    Path | None,
    typer.Option("--as", envvar="UNDERSTUDY_ACT_AS", help="Act as the user of this connection file. Default: HOME's."),
]
PaperId = Annotated[str, typer.Argument(metavar="ID", help="What records name it by.")]
Fields = Annotated[list[str] | None, typer.Argument(metavar="FIELD=VALUE", help="Members of a list apart by `;`.")]
Documents = Annotated[
    list[Path] | None, typer.Option("--file", help="A document or clip: its SHA-256 is kept. May be repeated.")
]
Reason = Annotated[str, typer.Option(help="Why; stays in the registry, not in the ledger.")]
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
    home = load_settings().home
    user = acting_user(home, connection_file)
    check_may(user, what)
    return Desk(Registry(home, Ledger(home)), user, today())


def today() -> str:
    return datetime.now(timezone.utc).date().isoformat()


def register(app: typer.Typer) -> None:
    """Add the groups to the command line."""
    groups: dict[str, typer.Typer] = {
        "talent": _group("talent", Talent, "People and rights holders."),
        "consent": _group("consent", RegisteredConsent, "Signed grants."),
        "clip": _group("clip", Clip, "Driving performances, plates and references that may be used."),
        "approve": _group("approval", Approval, "A yes of legal, a brand, a client or a talent."),
        "recipient": _group("recipient", Recipient, "Parties to which pictures are delivered."),
    }
    groups["talent"].command("erase")(erase)
    groups["consent"].command("revoke")(_ender("consent", RegisteredConsent))
    groups["consent"].command("expiring")(show_expiring)
    groups["clip"].command("withdraw")(_ender("clip", Clip))
    groups["approve"].command("revoke")(_ender("approval", Approval))
    for name, group in groups.items():
        app.add_typer(group, name=name)
    app.add_typer(waivers, name="waiver")
    app.add_typer(users, name="user")


def _group(word: Kind, kind: type[Paper], words: str) -> typer.Typer:
    """Return the commands that every kind of paper has."""
    group = typer.Typer(help=words, no_args_is_help=True)
    _add_writing(group, word, kind)
    _add_reading(group, kind)
    if kind is not Approval:
        group.command("import")(_importer(word, kind))
    return group


def _add_writing(group: typer.Typer, word: Kind, kind: type[Paper]) -> None:

    @group.command()
    def add(paper_id: PaperId, fields: Fields = None, file: Documents = None, who: As = None) -> None:
        """Add one. Its fields are those of docs/registry.md."""
        desk = open_desk(word, who)
        if desk.registry.find(kind, paper_id) is not None:
            raise RequestError(f"there is a {word} '{paper_id}' already", remedy="`change` it, or take another id.")
        given = {"approved_by": desk.user.name, "approved_on": desk.today} if kind is Approval else {}
        paper = read_fields(kind, {**_pairs(fields), **_digests(kind, file)}, {"id": paper_id, **given})
        desk.write(Change(word, paper, "added"))
        _say(f"{word} {paper_id} added")

    @group.command()
    def change(paper_id: PaperId, fields: Fields = None, file: Documents = None, who: As = None) -> None:
        """Change fields of one; what it was stays in the ledger as a digest."""
        desk = open_desk(word, who)
        before = msgspec.structs.asdict(desk.registry.get(kind, paper_id))
        paper = read_fields(kind, {**_pairs(fields), **_digests(kind, file)}, before)
        desk.write(Change(word, paper, "changed"))
        _say(f"{word} {paper_id} changed")


def _add_reading(group: typer.Typer, kind: type[Paper]) -> None:

    @group.command("list")
    def list_all(as_json: Json = False, who: As = None) -> None:
        """List all of them."""
        papers = open_desk("read", who).registry.all(kind)
        _print_json(papers) if as_json else _say(*map(_line, papers))

    @group.command()
    def show(paper_id: PaperId, as_json: Json = False, who: As = None) -> None:
        """Show one with every field."""
        paper = open_desk("read", who).registry.get(kind, paper_id)
        shown = msgspec.to_builtins(paper)
        _print_json(paper) if as_json else _say(*(f"{name:16} {_text(value)}" for name, value in shown.items()))

    @group.command("export")
    def export_all(file: Path, who: As = None) -> None:
        """Write all of them as CSV, readable for you alone."""
        papers = open_desk("read", who).registry.all(kind)
        write_private(file.absolute(), write_sheet(kind, papers).encode())
        _say(f"{len(papers)} in {file}")


def _importer(word: Kind, kind: type[Paper]) -> Callable[..., None]:
    def import_all(file: Path, who: As = None) -> None:
        """Take in a CSV: new ones are added, others changed; with one bad cell, nothing is."""
        desk = open_desk(word, who)
        try:
            papers = read_sheet(kind, file.read_bytes().decode("utf-8"))
        except (OSError, UnicodeDecodeError) as problem:
            raise RequestError(f"{file} cannot be read: {problem}", remedy="Save it as CSV in UTF-8.") from None
        known = {paper.id: paper for paper in desk.registry.all(kind)}
        changes = [
            Change(word, paper, "changed" if paper.id in known else "added")
            for paper in papers
            if known.get(paper.id) != paper
        ]
        desk.write(*changes)
        _say(f"{len(papers)} read: {len(changes)} added or changed, {len(papers) - len(changes)} as they were")

    return import_all


def _ender(word: Kind, kind: type[Paper]) -> Callable[..., None]:
    def end(paper_id: PaperId, reason: Reason = "", who: As = None) -> None:
        """End it, from today on. That is not taken back."""
        desk = open_desk("revoke" if word == "consent" else word, who)
        paper = desk.registry.get(kind, paper_id)
        fields = {ENDED_BY[word]: desk.today} | ({"revoked_why": reason} if word == "consent" else {})
        event = "withdrawn" if word == "clip" else "revoked"
        desk.write(Change(word, msgspec.structs.replace(paper, **fields), event))
        _say(f"{word} {paper_id} {event}")

    return end


def erase(paper_id: PaperId, who: As = None) -> None:
    """Forget who a talent is; the id stays, as papers and jobs name it. The ledger never knew more."""
    desk = open_desk("talent", who)
    talent = desk.registry.get(Talent, paper_id)
    bare = Talent(id=talent.id, living=talent.living, minor=talent.minor)
    theirs = [one for one in desk.registry.all(RegisteredConsent) if one.talent == talent.id and one.revoked_why]
    wordless = [Change("consent", msgspec.structs.replace(one, revoked_why=""), "changed") for one in theirs]
    desk.write(Change("talent", bare, ERASED), *wordless)
    _say(f"talent {paper_id} erased: no name, no notes, no reasons")


def show_expiring(
    days: Annotated[int, typer.Option(min=0, help="Look so far ahead.")] = 30, as_json: Json = False, who: As = None
) -> None:
    """List consents, clips and approvals that run out, the most urgent first: within 1, 7 and 30 days."""
    registry = open_desk("read", who).registry
    papers: list[Paper] = [*registry.all(RegisteredConsent), *registry.all(Clip), *registry.all(Approval)]
    found = expiring(papers, today(), days)
    if as_json:
        _print_json(
            [{"id": one.paper.id, "expires_on": one.expires_on, "days_left": one.days_left, "warning": one.warning}
             for one in found]
        )  # fmt: skip
        return
    for one in found:
        left = f"in {one.days_left} days" if one.days_left >= 0 else f"{-one.days_left} days ago"
        _say(f"{one.expires_on}  {left:14} {type(one.paper).__name__} {one.paper.id}")


waivers = typer.Typer(help="Rules that do not block this once.", no_args_is_help=True)


@waivers.command("request")
def request_waiver(paper_id: PaperId, fields: Fields = None, who: As = None) -> None:
    """Ask for one: rule=... reason=... and, if it is for one alone, project=... shot=... expires_on=..."""
    desk = open_desk("waiver.request", who)
    if desk.registry.find(Waiver, paper_id) is not None:
        raise RequestError(f"there is a waiver '{paper_id}' already", remedy="Take another id.")
    asked = {"id": paper_id, "requested_by": desk.user.name, "requested_on": desk.today}
    desk.write(Change("waiver", read_fields(Waiver, _pairs(fields), asked), "requested"))
    _say(f"waiver {paper_id} requested; somebody else decides")


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
    _print_json(papers) if as_json else _say(*map(_line, papers))


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
    _say(f"waiver {paper_id} {state}")


users = typer.Typer(help="Who may do what here.", no_args_is_help=True)


@users.command("list")
def list_users(as_json: Json = False) -> None:
    """List every user with roles and projects; `understudy key issue` adds one."""
    known = {user.name: user for user in AllowList(load_settings().home / USERS_FILE).users().values()}
    if as_json:
        _print_json(list(known.values()))
        return
    for name, user in sorted(known.items()):
        _say(f"{name:20} {', '.join(user.roles)}; {', '.join(user.projects) or 'every project'}")


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
    _say(f"{name} changed")


def _pairs(fields: list[str] | None) -> dict[str, str]:
    pairs = {}
    for field in fields or ():
        name, equals, value = field.partition("=")
        if not equals or name in SET_BY_US:
            why = "is set by the registry itself" if equals else "has no value"
            raise RequestError(f"`{name}` {why}", remedy="Write FIELD=VALUE, such as expires_on=2027-06-30.")
        pairs[name] = value
    return pairs


def _digests(kind: type[Paper], files: list[Path] | None) -> dict[str, str]:
    """Return the field that holds the digests of the files that were named."""
    if not files:
        return {}
    if kind not in (RegisteredConsent, Clip) or (kind is RegisteredConsent and len(files) > 1):
        raise RequestError("--file is for the document of a consent, or the files of a clip", remedy="Leave it out.")
    try:
        digests = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    except OSError as problem:
        raise RequestError(f"{problem.filename} cannot be read: {problem.strerror}", remedy="Name a file.") from None
    return {"document" if kind is RegisteredConsent else "files": "; ".join(digests)}


def _line(paper: Paper) -> str:
    rest = {name: value for name, value in msgspec.to_builtins(paper).items() if name != "id" and value not in ("", [])}
    return f"{paper.id:16} " + " ".join(f"{name}={_text(value)[:24]}" for name, value in rest.items())


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "; ".join(value) if isinstance(value, list) else str(value)


def _say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def _print_json(value: object) -> None:
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=1) + b"\n")
    sys.stdout.buffer.flush()
