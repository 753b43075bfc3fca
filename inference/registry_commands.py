"""Commands that keep the registry: `understudy talent`, `consent`, `clip`, `approve`, `recipient`.

For the daemon's machine. Whoever says them acts as the user of a connection file: HOME's own, or one named by --as;
what each role may is in authority/acting.py. A running daemon asks the registry at its next decision: nothing is
restarted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from understudy.bridge.errors import RequestError
from understudy.bridge.exr_file import file_digest, picture_digest
from understudy.bridge.private_files import write_private
from understudy.inference.authority.expiry import expiring
from understudy.inference.authority.papers import (
    ENDED_BY,
    Approval,
    Clip,
    Kind,
    Paper,
    Recipient,
    RegisteredConsent,
    Talent,
    word_for,
)
from understudy.inference.authority.registry import ERASED, Change
from understudy.inference.authority.sheets import read_fields, read_sheet, write_sheet
from understudy.inference.desk import (
    As,
    Fields,
    Json,
    PaperId,
    counted,
    open_desk,
    pairs,
    paper_line,
    print_json,
    say,
    text_of,
    today,
)

Documents = Annotated[
    list[Path] | None, typer.Option("--file", help="A document or clip: its digest is kept. May be repeated.")
]
Reason = Annotated[str, typer.Option(help="Why; stays in the registry, not in the ledger.")]


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
        paper = read_fields(kind, {**pairs(fields), **_digests(kind, file)}, {"id": paper_id, **given})
        desk.write(Change(word, paper, "added"))
        say(f"{word} {paper_id} added")

    @group.command()
    def change(paper_id: PaperId, fields: Fields = None, file: Documents = None, who: As = None) -> None:
        """Change fields of one; what it was stays in the ledger as a digest."""
        desk = open_desk(word, who)
        before = msgspec.structs.asdict(desk.registry.get(kind, paper_id))
        paper = read_fields(kind, {**pairs(fields), **_digests(kind, file)}, before)
        desk.write(Change(word, paper, "changed"))
        say(f"{word} {paper_id} changed")


def _add_reading(group: typer.Typer, kind: type[Paper]) -> None:

    @group.command("list")
    def list_all(as_json: Json = False, who: As = None) -> None:
        """List all of them."""
        papers = open_desk("read", who).registry.all(kind)
        print_json(papers) if as_json else say(*map(paper_line, papers))

    @group.command()
    def show(paper_id: PaperId, as_json: Json = False, who: As = None) -> None:
        """Show one with every field."""
        paper = open_desk("read", who).registry.get(kind, paper_id)
        shown = msgspec.to_builtins(paper)
        print_json(paper) if as_json else say(*(f"{name:16} {text_of(value)}" for name, value in shown.items()))

    @group.command("export")
    def export_all(file: Path, who: As = None) -> None:
        """Write all of them as CSV, readable for you alone."""
        papers = open_desk("read", who).registry.all(kind)
        write_private(file.absolute(), write_sheet(kind, papers).encode())
        say(f"{len(papers)} in {file}")


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
        say(f"{len(papers)} read: {len(changes)} added or changed, {len(papers) - len(changes)} as they were")

    return import_all


def _ender(word: Kind, kind: type[Paper]) -> Callable[..., None]:
    def end(paper_id: PaperId, reason: Reason = "", who: As = None) -> None:
        """End it, from today on. That is not taken back."""
        desk = open_desk("revoke" if word == "consent" else word, who)
        paper = desk.registry.get(kind, paper_id)
        fields = {ENDED_BY[word]: desk.today} | ({"revoked_why": reason} if word == "consent" else {})
        event = "withdrawn" if word == "clip" else "revoked"
        desk.write(Change(word, msgspec.structs.replace(paper, **fields), event))
        say(f"{word} {paper_id} {event}")

    return end


def erase(paper_id: PaperId, who: As = None) -> None:
    """Forget who a talent is; the id stays, as papers and jobs name it. The ledger never knew more."""
    desk = open_desk("talent", who)
    talent = desk.registry.get(Talent, paper_id)
    bare = Talent(id=talent.id, living=talent.living, minor=talent.minor)
    theirs = [one for one in desk.registry.all(RegisteredConsent) if one.talent == talent.id and one.revoked_why]
    wordless = [Change("consent", msgspec.structs.replace(one, revoked_why=""), "changed") for one in theirs]
    desk.write(Change("talent", bare, ERASED), *wordless)
    say(f"talent {paper_id} erased: no name, no notes, no reasons")


def show_expiring(
    days: Annotated[int, typer.Option(min=0, help="Look so far ahead.")] = 30, as_json: Json = False, who: As = None
) -> None:
    """List consents, clips and approvals that run out, the most urgent first: within 1, 7 and 30 days."""
    registry = open_desk("read", who).registry
    papers: list[Paper] = [*registry.all(RegisteredConsent), *registry.all(Clip), *registry.all(Approval)]
    found = expiring(papers, today(), days)
    if as_json:
        print_json(
            [{"id": one.paper.id, "expires_on": one.expires_on, "days_left": one.days_left, "warning": one.warning}
             for one in found]
        )  # fmt: skip
        return
    for one in found:
        left = f"in {counted(one.days_left, 'day')}" if one.days_left >= 0 else f"{counted(-one.days_left, 'day')} ago"
        say(f"{one.expires_on}  {left:14} {word_for(type(one.paper))} {one.paper.id}")


def _digests(kind: type[Paper], files: list[Path] | None) -> dict[str, str]:
    """Return the field that holds the digests of the files that were named: of a document the SHA-256, of a clip's
    files those by which a job names its inputs."""
    if not files:
        return {}
    if kind not in (RegisteredConsent, Clip) or (kind is RegisteredConsent and len(files) > 1):
        raise RequestError("--file is for the document of a consent, or the files of a clip", remedy="Leave it out.")
    try:
        if kind is Clip:
            digests = [digest for file in files for digest in dict.fromkeys((file_digest(file), picture_digest(file)))]
        else:
            digests = [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]
    except OSError as problem:
        raise RequestError(f"{problem.filename} cannot be read: {problem.strerror}", remedy="Name a file.") from None
    return {"document" if kind is RegisteredConsent else "files": "; ".join(digests)}
