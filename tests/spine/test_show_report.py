"""`understudy report`: a show's delivered versions as its client is told of them, from real jobs of a real daemon."""

from __future__ import annotations

import csv
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from daemon_rig import RunningDaemon
from terminal_rig import Ended, Terminal
from typed_rig import HERE, Submit

from understudy.bridge.exit_codes import REFUSED, USAGE
from understudy.bridge.keys import issue_key, write_connection

from .test_packs import RECORD

Say = Callable[..., Ended]


@pytest.fixture
def say(terminal: Terminal, submit: Submit, shared_daemon: RunningDaemon, tmp_path: Path) -> Say:
    """Return a function that runs a command as one of the house."""
    for name, role in (("lea", "legal"), ("pia", "producer"), ("art", "artist")):
        key = issue_key(shared_daemon.home, name, roles=(role,), projects=(), host="127.0.0.1", port=1)  # type: ignore[arg-type]
        write_connection(tmp_path / f"{name}.json", key)
    return lambda who, *words: terminal(*words, "--as", tmp_path / f"{who}.json")


def on_a_record(terminal: Terminal, say: Say, shot: Path, out: Path, project: str) -> None:
    """Deliver one version on papers that the registry bears out."""
    if say("lea", "talent", "show", "Velez").code != 0:
        assert say("lea", "talent", "add", "Velez", "name=Ada Velez").code == 0
        grant = (f"document={'a' * 64}", "signed_on=2020-01-05", "talent=Velez")
        assert say("lea", "consent", "add", "c-1", *grant).code == 0
    (shot / "papers.toml").write_text(RECORD)
    words = ("--record", "papers.toml", "--project", project, "--shot", "sh010")
    ended = terminal("submit", *HERE, *words, "--wait", "--out", out)
    assert ended.code == 0, ended.err


def lines(folder: Path, show: str) -> list[dict[str, str]]:
    with (folder / f"{show}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_show_is_told_by_shot_with_papers_packs_proof_and_recipients_and_names_nobody(
    terminal: Terminal, submit: Submit, say: Say, shot: Path, tmp_path: Path
) -> None:
    on_a_record(terminal, say, shot, tmp_path / "a", "falcon")
    assert submit("--project", "falcon", "--shot", "sh020", "--out", tmp_path / "b").code == 0
    assert say("pia", "recipient", "add", "bbc", "name=The broadcaster").code == 0
    job = terminal("jobs", "--json").json[-1]["job_id"]
    assert say("pia", "sent", job, "bbc").code == 0
    ended = say("pia", "report", "falcon", "--out", tmp_path)
    assert (ended.code, "2 versions; 2 unchanged since signed" in ended.out) == (0, True), ended
    first, second = lines(tmp_path, "falcon")
    assert (first["shot"], first["clearance"], second["shot"], second["clearance"]) == (
        "sh010", "cleared", "sh020", "uncleared",
    )  # fmt: skip
    assert first["packs"].startswith("base@1.0.0: ")
    assert re.search(r"consent c-1: salted SHA-256 of the document [0-9a-f]{64}; in force today", first["consents"])
    assert "Self-attested: " in second["consents"]
    text = (tmp_path / "falcon.html").read_text()
    for wanted in (
        "signer not trusted",
        "The broadcaster",
        "read by a lawyer",
        "of this machine&#x27;s ledger lists",
        "data:image/jpeg",
    ):
        assert wanted in text
    pdf = (tmp_path / "falcon.pdf").read_bytes()
    assert pdf.startswith(b"%PDF-")
    assert "all packs together" in text
    assert "packs@" not in text
    for content in (text.encode(), (tmp_path / "falcon.csv").read_bytes(), pdf):
        assert b"Velez" not in content
        assert not re.search(rb"\bcompliant\b|\blegally\b|\blegal\b", content, re.IGNORECASE)


def test_names_are_for_legal_alone_and_make_files_that_only_their_owner_reads(
    terminal: Terminal, submit: Submit, say: Say, shot: Path, tmp_path: Path
) -> None:
    on_a_record(terminal, say, shot, tmp_path / "a", "condor")
    refused = say("pia", "report", "condor", "--names", "--out", tmp_path)
    assert (refused.code, (tmp_path / "condor.html").exists()) == (REFUSED, False)
    assert say("art", "report", "condor", "--out", tmp_path).code == REFUSED
    assert say("lea", "report", "condor", "--names", "--out", tmp_path).code == 0
    assert "Ada Velez (Velez)" in (tmp_path / "condor.html").read_text()
    assert stat.S_IMODE((tmp_path / "condor.pdf").stat().st_mode) == 0o600


def test_a_version_that_was_touched_is_said_to_be_and_its_pictures_are_not_shown(
    terminal: Terminal, submit: Submit, say: Say, shot: Path, shared_daemon: RunningDaemon, tmp_path: Path
) -> None:
    assert submit("--project", "heron", "--shot", "sh010", "--out", tmp_path / "a").code == 0
    (frame, *_) = sorted(path for path in shared_daemon.home.rglob("*.exr") if "heron" in str(path))
    frame.chmod(0o644)
    frame.write_bytes(frame.read_bytes()[:-1] + b"\x01")
    assert "0 unchanged" in say("pia", "report", "heron", "--out", tmp_path).out
    text = (tmp_path / "heron.html").read_text()
    assert "NOT INTACT" in text
    assert "data:image/jpeg" not in text
    assert frame.name in text


def test_when_nothing_of_a_show_was_delivered_then_that_is_said_and_no_file_is_written(
    say: Say, tmp_path: Path
) -> None:
    ended = say("pia", "report", "nothing", "--out", tmp_path)
    assert (ended.code, "no version of project" in ended.err) == (USAGE, True)
    assert not list(tmp_path.glob("nothing.*"))
