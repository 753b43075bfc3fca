"""The registry's commands as legal, producers and artists say them, each with a key of their own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from terminal_rig import Ended, Terminal

from understudy.bridge.exit_codes import REFUSED, USAGE
from understudy.bridge.keys import ensure_local_keys, issue_key, write_connection
from understudy.inference.authority.ledger import read_ledger

CONSENT = ("talent=ana", f"document={'a' * 64}", "signed_on=2026-01-05")
Say = Callable[..., Ended]


@pytest.fixture
def say(terminal: Terminal, home: Path, tmp_path: Path) -> Say:
    """Return a function that runs a command as one of the house."""
    ensure_local_keys(home)
    for name, role in (("lea", "legal"), ("pia", "producer"), ("art", "artist"), ("leo", "legal")):
        connection = issue_key(home, name, roles=(role,), projects=(), host="127.0.0.1", port=1)  # type: ignore[arg-type]
        write_connection(tmp_path / f"{name}.json", connection)

    def run(who: str, *words: object) -> Ended:
        return terminal(*words, "--as", tmp_path / f"{who}.json")

    return run


def day(offset: int) -> str:
    return (datetime.now(timezone.utc).date() + timedelta(days=offset)).isoformat()


def with_ana(say: Say, *fields: str) -> None:
    assert say("lea", "talent", "add", "ana", "name=Ana").code == 0
    assert say("lea", "consent", "add", "c-1", *CONSENT, *fields).code == 0


def test_legal_keeps_consents_and_the_ledger_says_whose_key_it_was(say: Say, terminal: Terminal, home: Path) -> None:
    with_ana(say, "projects=dune;falcon")
    shown = say("lea", "consent", "show", "c-1", "--json").json
    assert (shown["talent"], shown["projects"]) == ("ana", ["dune", "falcon"])
    entries = terminal("ledger", "show", "--json").json
    assert [(entry["event"], entry["actor_name"]) for entry in entries[-2:]] == [
        ("talent.added", "lea"), ("consent.added", "lea"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("art", ("talent", "add", "bo")),
        ("pia", ("consent", "add", "c-2", *CONSENT)),
        ("pia", ("consent", "revoke", "c-1")),
        ("lea", ("clip", "add", "walk")),
        ("art", ("consent", "list")),
        ("lea", ("user", "change", "art", "--role", "admin")),
    ],
)
def test_who_lacks_the_role_is_refused_and_nothing_is_written(
    say: Say, home: Path, who: str, words: tuple[str, ...]
) -> None:
    with_ana(say)
    before = len(list(read_ledger(home)))
    ended = say(who, *words)
    assert (ended.code, "may not do this to the registry" in ended.err) == (REFUSED, True)
    assert len(list(read_ledger(home))) == before


def test_a_key_of_another_daemon_acts_for_nobody(say: Say, terminal: Terminal, tmp_path: Path) -> None:
    other = ensure_local_keys(tmp_path / "elsewhere").connection
    write_connection(tmp_path / "eve.json", other)
    assert say("eve", "talent", "add", "bo").code == REFUSED


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        (("talent=bo",), "names the talent 'bo', which is not in the registry"),
        (("talent=ana", "expires_on=soon"), "`expires_on`"),
        (("talent=ana", "colour=red"), "`colour`: there is no such field"),
        (("talent=ana", "revoked_on=2026-01-01"), "is set by the registry itself"),
        (("talent",), "has no value"),
        ((), "`talent`"),
    ],
)
def test_a_wrong_field_is_refused_by_its_name(say: Say, fields: tuple[str, ...], words: str) -> None:
    say("lea", "talent", "add", "ana")
    ended = say("lea", "consent", "add", "c-2", f"document={'a' * 64}", "signed_on=2026-01-05", *fields)
    assert (ended.code, words in ended.err) == (USAGE, True), ended.err


def test_a_document_is_named_by_its_file(say: Say, tmp_path: Path) -> None:
    say("lea", "talent", "add", "ana")
    document = tmp_path / "signed.pdf"
    document.write_bytes(b"I agree")
    assert say("lea", "consent", "add", "c-1", "talent=ana", "signed_on=2026-01-05", "--file", document).code == 0
    assert say("lea", "consent", "show", "c-1", "--json").json["document"] == hashlib.sha256(b"I agree").hexdigest()
    assert say("pia", "clip", "add", "walk", "performers=ana", "--file", document, "--file", document).code == 0
    assert len(say("pia", "clip", "show", "walk", "--json").json["files"]) == 2
    assert say("lea", "talent", "add", "bo", "--file", document).code == USAGE


def test_a_revoked_consent_never_comes_back_by_change_or_import(say: Say, tmp_path: Path) -> None:
    with_ana(say)
    sheet = tmp_path / "consents.csv"
    assert say("lea", "consent", "export", sheet).code == 0
    assert say("lea", "consent", "revoke", "c-1", "--reason", "she asked for it").code == 0
    assert say("lea", "consent", "show", "c-1", "--json").json["revoked_on"] == day(0)
    ended = say("lea", "consent", "import", sheet)
    assert (ended.code, "that is not taken back" in ended.err) == (USAGE, True)
    assert say("lea", "consent", "add", "c-1", *CONSENT).code == USAGE


def test_what_is_exported_is_imported_elsewhere_the_same_and_again_changes_nothing(
    say: Say, tmp_path: Path, home: Path
) -> None:
    with_ana(say, "use=Walks; through = a door", f"expires_on={day(5)}")
    sheets = [tmp_path / "talents.csv", tmp_path / "consents.csv"]
    for word, sheet in zip(("talent", "consent"), sheets, strict=True):
        assert say("lea", word, "export", sheet).code == 0
    before = say("lea", "consent", "list", "--json").out
    (home / "registry.sqlite").unlink()
    (home / "registry.sqlite-wal").unlink(missing_ok=True)
    for word, sheet in zip(("talent", "consent"), sheets, strict=True):
        assert say("lea", word, "import", sheet).code == 0
    assert say("lea", "consent", "list", "--json").out == before
    assert "0 added or changed, 1 as they were" in say("lea", "consent", "import", sheets[1]).out


def test_one_bad_row_and_nothing_of_the_sheet_is_taken(say: Say, tmp_path: Path) -> None:
    sheet = tmp_path / "talents.csv"
    sheet.write_text("id,living\nana,yes\nbo,perhaps\n")
    ended = say("lea", "talent", "import", sheet)
    assert (ended.code, "line 3, column `living`: 'perhaps'" in ended.err) == (USAGE, True)
    assert say("lea", "talent", "list", "--json").json == []
    sheet.write_bytes(b"\xff\xfe")
    assert say("lea", "talent", "import", sheet).code == USAGE


def test_what_runs_out_is_told_a_month_a_week_and_a_day_before(say: Say) -> None:
    say("lea", "talent", "add", "ana")
    for number, offset in enumerate((-2, 0, 1, 5, 20, 31)):
        say("lea", "consent", "add", f"c-{number}", *CONSENT, f"expires_on={day(offset)}")
    say("lea", "consent", "revoke", "c-3")
    found = say("pia", "consent", "expiring", "--json").json
    assert [(one["id"], one["days_left"], one["warning"]) for one in found] == [
        ("c-0", -2, 0), ("c-1", 0, 1), ("c-2", 1, 1), ("c-4", 20, 30),
    ]  # fmt: skip
    assert len(say("pia", "consent", "expiring", "--days", "60", "--json").json) == 5
    lines = say("pia", "consent", "expiring").out.splitlines()
    assert [line.split("  ")[1].strip() for line in lines] == ["2 days ago", "in 0 days", "in 1 day", "in 20 days"]
    assert lines[0].endswith("consent c-0")


def test_an_approval_says_by_whom(say: Say) -> None:
    assert say("pia", "approve", "add", "a-1", "kind=brand", "reference=letter 12", "project=dune").code == 0
    shown = say("pia", "approve", "show", "a-1", "--json").json
    assert (shown["approved_by"], shown["approved_on"]) == ("pia", day(0))
    assert say("pia", "approve", "add", "a-2", "kind=boss", "reference=x").code == USAGE
    assert say("pia", "approve", "revoke", "a-1").code == 0


def test_an_admin_gives_a_user_another_role_at_once(say: Say, terminal: Terminal, home: Path) -> None:
    assert terminal("user", "change", "art", "--role", "producer").code == 0
    assert say("art", "clip", "add", "walk").code == 0
    assert terminal("user", "change", "art", "--role", "emperor").code == USAGE
    assert terminal("user", "change", "nobody", "--role", "legal").code == USAGE
    assert [entry.event for entry in read_ledger(home)][-2:] == ["user.changed", "clip.added"]
    assert {user["name"] for user in terminal("user", "list", "--json").json} >= {"lea", "art"}


def test_a_talent_that_is_erased_is_an_id_and_nothing_else(say: Say, home: Path) -> None:
    say("lea", "talent", "add", "t-17", "name=Ana Lopez", "notes=agent: Kim", "union=SAG")
    say("lea", "consent", "add", "c-1", "talent=t-17", *CONSENT[1:])
    say("lea", "consent", "revoke", "c-1", "--reason", "Ana wrote to us")
    assert say("lea", "talent", "erase", "t-17").code == 0
    shown = say("lea", "talent", "show", "t-17", "--json").json
    assert (shown["name"], shown["notes"], shown["union"]) == ("", "", "")
    consent = say("lea", "consent", "show", "c-1", "--json").json
    assert (consent["revoked_why"], consent["revoked_on"]) == ("", day(0))
    assert "talent.erased" in [entry.event for entry in read_ledger(home)]
    for path in (home / "ledger/entries.jsonl", *home.glob("registry.sqlite*")):
        assert b"Ana" not in path.read_bytes(), path
