"""Commands that follow a person's pictures: `understudy audit`, `revoke`, and `sent` for what left the house.

For the daemon's machine. A running daemon sees a revocation within a second: it refuses new jobs, parks what waits, and
stops or quarantines what runs, as its setting `when_revoked` says.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from understudy.bridge.errors import RequestError
from understudy.bridge.private_files import write_private
from understudy.bridge.settings import load_settings
from understudy.inference.authority.ledger import Ledger, read_ledger, utc_now
from understudy.inference.authority.papers import Recipient, RegisteredConsent, Talent
from understudy.inference.authority.registry import Change, Handed
from understudy.inference.daemon.audit import Subject, Use, audit, open_store
from understudy.inference.desk import As, Desk, Json, counted, open_desk, print_json

RECALLS = "recalls"
"""The folder under HOME that holds the notices, a file for each party; owner-only, as they name people."""

audits = typer.Typer(help="Where a person's pictures went.", no_args_is_help=True)


class Recalled(msgspec.Struct, frozen=True, kw_only=True):
    """One version in a notice: what its party has to remove."""

    job: str
    version: int
    shot: str
    sent_at: str
    files: dict[str, str]
    """Path in the version to SHA-256; empty where the list was erased."""
    manifest_list: str


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What a party is told. Written for the studio to send; nothing is sent by us."""

    recipient: str
    name: str
    contact: str
    subject: str
    reason: str
    written_at: str
    versions: tuple[Recalled, ...]
    asked: str = "Remove these files and everything made from them, and answer in writing when it is done."


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command()(revoke)
    app.command()(sent)
    app.add_typer(audits, name="audit")


@audits.command("talent")
def audit_talent(name: str, as_json: Json = False, who: As = None) -> None:
    """Show every job, layer, delivery and recipient of a talent, and everything made from those."""
    _show_audit("talent", name, as_json, who)


@audits.command("consent")
def audit_consent(name: str, as_json: Json = False, who: As = None) -> None:
    """The same for one consent."""
    _show_audit("consent", name, as_json, who)


def revoke(
    name: Annotated[str, typer.Argument(help="A consent, or a talent: then every consent that they gave.")],
    reason: Annotated[str, typer.Option(help="Why; stays in the registry and in the notices, not in the ledger.")],
    as_json: Json = False,
    who: As = None,
) -> None:
    """Revoke, from today on; write a notice for each party that was given what was made on it."""
    desk = open_desk("revoke", who)
    kind, consents = _meant(desk, name)
    fields = {"revoked_on": desk.today, "revoked_why": reason}
    ended = [msgspec.structs.replace(one, **fields) for one in consents if not one.revoked_on]
    desk.write(*(Change("consent", one, "revoked") for one in ended))
    home = load_settings().home
    uses = audit(open_store(home), desk.registry, kind, name) if (home / "store.sqlite").is_file() else ()
    notices = _recall(desk, home, name, reason, uses)
    said = {
        "revoked": [one.id for one in ended],
        "uses": len(uses),
        "notices": [str(path) for path in notices],
    }
    if as_json:
        print_json(said)
        return
    sys.stdout.write(
        f"{counted(len(ended), 'consent')} revoked, from {desk.today} on; {counted(len(uses), 'job')} concerned\n"
    )
    for path in notices:
        sys.stdout.write(f"to be sent: {path}\n")


def sent(
    job: Annotated[str, typer.Argument(help="A delivered job.")],
    recipient: Annotated[str, typer.Argument(help="Whom its version was given to; `understudy recipient list`.")],
    who: As = None,
) -> None:
    """Note that a delivered version was given to a party: a revocation then writes them a notice."""
    desk = open_desk("send", who)
    home = load_settings().home
    row = open_store(home).job(job)
    if row.state != "delivered":
        raise RequestError(f"job {job} is {row.state}; only what is delivered may leave", remedy="Wait until it is.")
    sealed = [
        entry.subjects["files"]
        for entry in read_ledger(home)
        if entry.event == "delivery.sealed" and entry.subjects["job"] == job
    ]
    handed = Handed(job=job, version=row.version, recipient=recipient, at=utc_now(), list=sealed[-1] if sealed else "")
    desk.registry.hand(desk.user.name, handed)
    sys.stdout.write(f"v{row.version:03} of {job} was given to {recipient}\n")


def _meant(desk: Desk, name: str) -> tuple[Subject, list[RegisteredConsent]]:
    """Return what a name stands for and the consents that go with it. Raises RequestError for neither, or for both."""
    consent = desk.registry.find(RegisteredConsent, name)
    talent = desk.registry.find(Talent, name)
    if consent is not None and talent is not None:
        raise RequestError(
            f"'{name}' is a consent and a talent", remedy=f"`understudy consent revoke {name}` ends the consent alone."
        )
    if consent is not None:
        return "consent", [consent]
    if talent is None:
        raise RequestError(f"there is no talent or consent '{name}'", remedy="`understudy consent list` shows them.")
    return "talent", [one for one in desk.registry.all(RegisteredConsent) if one.talent == name]


def _recall(desk: Desk, home: Path, name: str, reason: str, uses: Iterable[Use]) -> list[Path]:
    """Write a notice for every party that has something, and note it; return the files."""
    theirs: dict[str, list[tuple[Use, Handed]]] = {}
    for use in uses:
        for handed in use.recipients:
            theirs.setdefault(handed.recipient, []).append((use, handed))
    written = []
    for recipient, given in sorted(theirs.items()):
        party = desk.registry.find(Recipient, recipient) or Recipient(id=recipient)
        notice = Notice(
            recipient=recipient, name=party.name, contact=party.contact, subject=name, reason=reason,
            written_at=utc_now(), versions=tuple(_recalled(home, use, handed) for use, handed in given),
        )  # fmt: skip
        path = home / RECALLS / f"{desk.today}-{recipient}-{name}.json"
        write_private(path, msgspec.json.format(msgspec.json.encode(notice), indent=1) + b"\n")
        for _, handed in given:
            desk.registry.recall(desk.user.name, handed)
        written.append(path)
    return written


def _recalled(home: Path, use: Use, handed: Handed) -> Recalled:
    path = Ledger(home).list_path(handed.list)
    files = msgspec.json.decode(path.read_bytes(), type=dict[str, str]) if handed.list and path.is_file() else {}
    return Recalled(
        job=use.job, version=handed.version, shot=use.shot, sent_at=handed.at, files=files, manifest_list=handed.list
    )


def _show_audit(kind: Subject, name: str, as_json: bool, who: Path | None) -> None:
    desk = open_desk("audit", who)
    uses = audit(open_store(load_settings().home), desk.registry, kind, name)
    if as_json:
        print_json(uses)
        return
    sys.stdout.write(f"{'job':10} {'version':8} {'state':12} {'shot':16} {'files':>6}  why; where; to whom\n")
    for use in uses:
        parties = ", ".join(f"{one.recipient}{' (recalled)' if one.recalled_at else ''}" for one in use.recipients)
        rest = "; ".join(filter(None, (use.because, ", ".join(use.layers), use.folder, parties)))
        sys.stdout.write(f"{use.job:10} v{use.version:03}     {use.state:12} {use.shot:16} {use.files:6}  {rest}\n")
    sys.stdout.write(f"{counted(len(uses), 'job')}\n")
