"""`understudy ledger` beside a ledger of its own: what it finds, shows and hands out."""

from __future__ import annotations

import stat
from pathlib import Path

import msgspec
import pytest
from terminal_rig import Terminal

from understudy.bridge.exit_codes import FAILED, REFUSED, USAGE
from understudy.bridge.keys import ensure_local_keys, issue_key, write_connection
from understudy.inference.authority.entries import NewEntry
from understudy.inference.authority.ledger import Ledger


@pytest.fixture
def ledger(home: Path) -> Ledger:
    user = ensure_local_keys(home).connection.user
    ledger = Ledger(home)
    for number in range(4):
        ledger.append(NewEntry(event="job.accepted", actor=user, subjects={"job": f"job{number}"}, outcome="accepted"))
    return ledger


def cut(ledger: Ledger) -> None:
    ledger.path.write_bytes(b"".join(ledger.path.read_bytes().splitlines(keepends=True)[:-1]))


def test_without_a_ledger_verify_says_how_one_is_made(terminal: Terminal, home: Path) -> None:
    ended = terminal("ledger", "verify")
    assert (ended.code, "understudy serve" in ended.err) == (FAILED, True)


def test_when_a_line_was_edited_then_verify_refuses_and_names_the_line(terminal: Terminal, ledger: Ledger) -> None:
    ledger.path.write_bytes(ledger.path.read_bytes().replace(b"job2", b"job9"))
    ended = terminal("ledger", "verify")
    assert (ended.code, "line 4: its signature" in ended.err) == (REFUSED, True)


def test_when_the_end_was_cut_then_a_head_in_a_manifest_or_said_tells(
    terminal: Terminal, ledger: Ledger, tmp_path: Path
) -> None:
    head = ledger.head
    manifest = tmp_path / "manifest.json"
    manifest.write_bytes(msgspec.json.encode({"job": "job3", "ledger_head": head}))
    cut(ledger)
    assert terminal("ledger", "verify").code == 0
    said = terminal("ledger", "verify", "--anchor", f"{head.seq}:{head.digest}")
    assert (said.code, "ends after entry 4" in said.err) == (REFUSED, True)
    assert terminal("ledger", "verify", "--manifest", manifest).code == REFUSED


@pytest.mark.parametrize("anchor", ["5", "x:y", "0:" + "0" * 64, "5:abc"])
def test_what_is_no_head_is_refused_by_name(terminal: Terminal, ledger: Ledger, anchor: str) -> None:
    assert terminal("ledger", "verify", "--anchor", anchor).code == USAGE


def test_show_names_the_users_that_are_known_and_only_what_was_asked_for(terminal: Terminal, ledger: Ledger) -> None:
    user = ensure_local_keys(ledger.folder.parent).connection.user
    shown = terminal("ledger", "show", "--subject", "job2", "--json").json
    assert [(entry["seq"], entry["actor_name"]) for entry in shown] == [(4, user)]
    assert user in terminal("ledger", "show", "--event", "job.").out
    assert user.encode() not in ledger.path.read_bytes()


def test_an_export_is_verified_elsewhere_by_its_key_and_head(
    terminal: Terminal, ledger: Ledger, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.jsonl"
    said = terminal("ledger", "export", copy, "--json").json
    assert said["public_key"] == ledger.public_key
    assert stat.S_IMODE(copy.with_name("copy.jsonl.head.json").stat().st_mode) == 0o600
    head = f"{said['head']['seq']}:{said['head']['digest']}"
    assert terminal("ledger", "verify", "--file", copy, "--key", said["public_key"], "--anchor", head).code == 0
    assert terminal("ledger", "verify", "--file", copy, "--key", "ab" * 32).code == REFUSED
    assert terminal("ledger", "export", copy).code == USAGE


def test_only_an_admin_rotates_the_key(terminal: Terminal, ledger: Ledger) -> None:
    first, home = ledger.public_key, ledger.folder.parent
    assert terminal("ledger", "rotate").code == 0
    assert terminal("ledger", "verify", "--key", first).code == 0
    artist = issue_key(home, "ann", roles=("artist",), projects=(), host="127.0.0.1", port=1)
    write_connection(home / "daemon.json", artist)
    ended = terminal("ledger", "rotate")
    assert (ended.code, "ann (artist) may not" in ended.err) == (REFUSED, True)


def test_keys_that_come_and_go_are_told(terminal: Terminal, ledger: Ledger, tmp_path: Path) -> None:
    out = tmp_path / "ben.json"
    assert terminal("key", "issue", "ben", "--host", "box", "--port", "5", "--role", "legal", "--out", out).code == 0
    assert terminal("key", "revoke", "ben").code == 0
    issued, revoked = terminal("ledger", "show", "--event", "key.", "--json").json
    assert (issued["event"], issued["outcome"], revoked["event"]) == ("key.issued", "legal", "key.revoked")
    assert issued["subjects"] == revoked["subjects"] == {"user": ledger.hashed("ben")}
