"""Commands of the ledger, on the daemon's machine: `understudy ledger verify`, `show`, `export` and `rotate`.

They read the files themselves, so they work beside a running daemon and without one.
"""

from __future__ import annotations

import shutil
import sys
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from understudy.bridge.errors import ComplianceError, Finding, RequestError
from understudy.bridge.keys import USERS_FILE, AllowList
from understudy.bridge.private_files import write_private
from understudy.bridge.settings import load_settings
from understudy.inference.authority.acting import acting_user, check_may
from understudy.inference.authority.chains import POSTED, kept_chains
from understudy.inference.authority.entries import Entry, Judgement
from understudy.inference.authority.head import LedgerHead
from understudy.inference.authority.ledger import (
    ENTRIES_FILE,
    Ledger,
    entries_file,
    judge_ledger,
    known_hashes,
    read_ledger,
)
from understudy.inference.desk import Json, print_json

ledger = typer.Typer(help="What was decided, by whom, in an order that nobody can change.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group to the command line."""
    app.add_typer(ledger, name="ledger")


@ledger.command()
def verify(
    file: Annotated[Path | None, typer.Option(help="A copy of a ledger. Default: this machine's own.")] = None,
    anchor: Annotated[list[str] | None, typer.Option(help="SEQ:DIGEST, a head that was kept; may be repeated.")] = None,
    manifest: Annotated[
        list[Path] | None, typer.Option(help="A manifest.json that holds one; may be repeated.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="The public key that must have opened it, as `export` wrote.")] = None,
    as_json: Json = False,
) -> None:
    """Check every line, and every head that jobs, manifests or you have kept: edits, gaps and cuts are found."""
    from understudy.inference.daemon.papers import heads_in_store

    home = load_settings().home
    anchors = [*map(_anchor, anchor or ()), *_heads_of(manifest or ())]
    if file is None:
        anchors += heads_in_store(home / "store.sqlite")
    followers = _judged_followers(home) if file is None else []
    found = judge_ledger(file or home, anchors, first_key=key)
    if found.damage is not None:
        raise _damage(entries_file(file or home), found)
    assert found.head is not None or found.entries == 0  # noqa: S101
    said = {"entries": found.entries, "head": found.head, "anchors": len(anchors), "torn_bytes": found.torn_bytes}
    if as_json:
        counts = [{"follower": name, "entries": judged.entries, "head": judged.head} for name, judged in followers]
        print_json({**said, "followers": counts})
        return
    head = f"{found.head.seq}:{found.head.digest}" if found.head is not None else "none"
    sys.stdout.write(f"{found.entries} entries are as they were written; {len(anchors)} kept heads are among them\n")
    sys.stdout.write(f"head {head}\n")
    for name, judged in followers:
        sys.stdout.write(f"{judged.entries} entries of the follower {name} are as it posted them\n")
    if found.torn_bytes:
        sys.stdout.write(
            f"{found.torn_bytes} bytes of an append that a crash cut short follow; the next one mends it\n"
        )


@ledger.command()
def show(
    last: Annotated[int, typer.Option(min=1, help="So many of the newest.")] = 50,
    event: Annotated[str, typer.Option(help="Only events that begin so: `job.`, `consent.revoked`.")] = "",
    subject: Annotated[str, typer.Option(help="Only what concerns this id: a job, a consent, a clip.")] = "",
    as_json: Json = False,
) -> None:
    """Show the newest entries; users and talents that this machine still knows by name are named."""
    home = load_settings().home
    wanted: deque[Entry] = deque(maxlen=last)
    names = _names(home)
    subjects = {subject, *known_hashes(home, (subject,))}
    for entry in read_ledger(home):
        if entry.event.startswith(event) and (not subject or subjects.intersection(entry.subjects.values())):
            wanted.append(entry)
    if as_json:
        print_json([{**msgspec.to_builtins(entry), "actor_name": names.get(entry.actor, "")} for entry in wanted])
        return
    for entry in wanted:
        who = names.get(entry.actor, entry.actor[:8] or "-")
        what = " ".join(f"{name}={names.get(value, value)[:20]}" for name, value in entry.subjects.items())
        sys.stdout.write(f"{entry.seq:6} {entry.time} {who:12} {entry.event:20} {entry.outcome:10} {what}\n")


@ledger.command()
def export(
    file: Annotated[Path, typer.Argument(help="Where to write the copy; FILE.head.json is written beside it.")],
    as_json: Json = False,
) -> None:
    """Copy the ledger for somebody else to keep and verify; no name of a person is in it."""
    home = load_settings().home
    if file.exists():
        raise RequestError(f"{file} exists", remedy="Name another file.")
    found = judge_ledger(home)
    if found.damage is not None:
        raise _damage(entries_file(home), found)
    shutil.copyfile(entries_file(home), file)
    opened = next(iter(read_ledger(home)))
    said = {"head": found.head, "public_key": opened.subjects["key"]}
    write_private(file.with_name(f"{file.name}.head.json"), msgspec.json.encode(said) + b"\n")
    if as_json:
        print_json({"file": str(file), **said})
    else:
        sys.stdout.write(f"{found.entries} entries in {file}; opened with key {opened.subjects['key']}\n")


@ledger.command()
def rotate(as_json: Json = False) -> None:
    """Have the ledger sign with a new key from now on; the old one vouches for it. For an admin."""
    home = load_settings().home
    user = acting_user(home)
    check_may(user, "key")
    book = Ledger(home)
    head = book.rotate(user.name)
    if as_json:
        print_json({"public_key": book.public_key, "head": head})
    else:
        sys.stdout.write(f"entry {head.seq}: signed with {book.public_key} from now on\n")


def _anchor(text: str) -> LedgerHead:
    seq, _, digest = text.partition(":")
    try:
        return msgspec.convert({"seq": int(seq), "digest": digest}, LedgerHead)
    except (ValueError, msgspec.ValidationError):
        raise RequestError(
            f"'{text}' is no head of a ledger", remedy="Write it as `ledger verify` prints it: SEQ:DIGEST."
        ) from None


class _Anchored(msgspec.Struct):
    """As much of a manifest as names a head."""

    ledger_head: LedgerHead | None = None


def _heads_of(manifests: Iterable[Path]) -> list[LedgerHead]:
    heads = []
    for path in manifests:
        try:
            head = msgspec.json.decode(path.read_bytes(), type=_Anchored).ledger_head
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as problem:
            raise RequestError(f"{path} is no manifest: {problem}", remedy="Name a version's manifest.json.") from None
        if head is None:
            raise RequestError(
                f"{path} names no head of a ledger", remedy="It was made by a job older than the ledger."
            )
        heads.append(head)
    return heads


def _judged_followers(home: Path) -> list[tuple[str, Judgement]]:
    """Judge the chain of every daemon that follows this one, by the heads that our own ledger anchors.

    Raises ComplianceError saying whose is damaged, and where.
    """
    chains = list(kept_chains(home))
    if not chains:
        return []
    book = Ledger(home)
    anchored: dict[str, list[LedgerHead]] = {}
    for entry in read_ledger(home):
        if entry.event == POSTED:
            head = LedgerHead(seq=int(entry.subjects["seq"]), digest=entry.subjects["head"])
            anchored.setdefault(entry.subjects["follower"], []).append(head)
    judged = []
    for folder, kept in chains:
        found = judge_ledger(folder / ENTRIES_FILE, anchored.get(book.hashed(kept.follower), ()))
        if found.damage is not None:
            raise _damage(folder / ENTRIES_FILE, found, f"the ledger of the follower {kept.follower}: ")
        judged.append((kept.follower, found))
    return judged


def _damage(path: Path, found: Judgement, whose: str = "") -> ComplianceError:
    damage = found.damage
    assert damage is not None  # noqa: S101 - asked by the callers
    words = f"{whose}{path}, line {damage.line}: {damage.what}"
    finding = Finding(rule="ledger", outcome="refuse", message=words, facts={"line": str(damage.line)})
    return ComplianceError(
        f"{words}; the {found.entries} entries before it are as they were written",
        remedy="Keep the damaged file as evidence, put a copy of the folder back, and ask who was at the disk.",
        facts={"line": str(damage.line)},
        findings=(finding,),
    )


def _names(home: Path) -> dict[str, str]:
    """Return the names that this machine can still tell, by their hashes."""
    users = {user.name for user in AllowList(home / USERS_FILE).users().values()}
    return known_hashes(home, users)
