"""Fixes from the refusal to the record's file: offered by the real gate, applied by the command, told to the ledger."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from terminal_rig import Terminal

from understudy.bridge.client import Client
from understudy.bridge.errors import ComplianceError, Finding, RequestError
from understudy.bridge.exit_codes import USAGE
from understudy.bridge.record_file import load_record_file
from understudy.inference.authority.ledger import read_ledger
from understudy.inference.authority.papers import Talent
from understudy.inference.authority.registry import Change

from .conftest import DaemonProcess, job_on_record
from .test_clips import ASKS_BRAND, as_clip
from .test_clips import write as write_papers

CONSENT = {"consent_id": "c-1", "talent": "ana", "document": "a" * 64, "signed_on": "2026-01-05"}


@pytest.fixture
def daemon(home: Path, tmp_path: Path) -> Iterator[DaemonProcess]:
    (tmp_path / "packs").mkdir()
    process = DaemonProcess(home, real_gate=True, packs_folder=str(tmp_path / "packs")).start()
    yield process
    process.stop()


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    return tmp_path / "papers.json"


def write(papers: Path, **fields: Any) -> None:
    said = {"schema": 2, "record_id": "r-1", "likeness": "non_human", "performed_by": ["ana"], "consents": [CONSENT]}
    papers.write_text(json.dumps({**said, **fields}))


def submit(client: Client, papers: Path) -> None:
    job = job_on_record(papers.parent / "in")
    job.request = msgspec.structs.replace(job.request, record=load_record_file(papers))
    client.submit(job.request, job.token)


def refused(client: Client, papers: Path, rule: str) -> Finding:
    with pytest.raises(ComplianceError) as caught:
        submit(client, papers)
    return next(finding for finding in caught.value.findings if finding.rule == rule)


def applied(daemon: DaemonProcess) -> list[dict[str, str]]:
    return [dict(entry.subjects) for entry in read_ledger(daemon.home) if entry.event == "fix.applied"]


def test_territories_that_no_consent_covers_are_taken_out_of_the_use_and_the_ledger_says_so(
    daemon: DaemonProcess, papers: Path, terminal: Terminal
) -> None:
    scope = {"territories": ["DE", "AT"]}
    eu = {"role": "both", "deepfake": "no", "reason": "A puppet that nobody takes for a person, in any shot of it."}
    write(papers, consents=[{**CONSENT, "scope": scope}], use={"territories": ["DE", "BR", "AT"]}, eu=eu)
    before = papers.read_text()
    rule = "consents_reach_this_use"
    with daemon.client() as client:
        found = refused(client, papers, rule)
        assert [(fix.kind, fix.values["territories"]) for fix in found.fixes] == [("narrow_territories", "DE AT")]
        ended = terminal("fix", papers, "--finding", rule)
        assert ended.code == 0, ended.err
        assert "narrow `use.territories` to DE, AT" in ended.err
        (entry,) = applied(daemon)
        assert (entry["rule"], entry["fix"]) == (rule, "narrow_territories")
        submit(client, papers)
    after = json.loads(papers.read_text())
    assert after["use"]["territories"] == ["DE", "AT"]
    assert after == {**json.loads(before), "use": {"territories": ["DE", "AT"]}}


def test_who_performs_in_a_clip_is_named_and_their_consent_is_still_for_them_to_give(
    daemon: DaemonProcess, papers: Path, terminal: Terminal
) -> None:
    write(papers)
    with daemon.client() as client:
        from_clip = job_on_record(papers.parent / "in")
        from_clip.request = msgspec.structs.replace(from_clip.request, record=load_record_file(papers))
        assert from_clip.request.shot.plate is not None
        write_papers(daemon, Change("talent", Talent(id="bo"), "added"))
        as_clip(daemon, from_clip, performers=("ana", "bo"))
        with pytest.raises(ComplianceError, match="bo performs in clip walk-07"):
            client.submit(from_clip.request, from_clip.token)
        assert terminal("fix", papers, "--finding", "clips_are_approved").code == 0
        assert json.loads(papers.read_text())["performed_by"] == ["ana", "bo"]
        found = refused(client, papers, "consents_cover_everyone")
    assert "bo: no consent in the record" in found.message
    assert json.loads(papers.read_text())["consents"] == [CONSENT]


def test_an_empty_disclosure_is_replaced_by_the_usual_one(
    daemon: DaemonProcess, papers: Path, terminal: Terminal
) -> None:
    write(papers, disclosure={"text": ""})
    with daemon.client() as client:
        refused(client, papers, "disclosure_is_stated")
        assert terminal("fix", papers, "--finding", "disclosure_is_stated").code == 0
        submit(client, papers)


def test_what_somebody_else_decides_is_said_and_the_record_stays_as_it_is(
    daemon: DaemonProcess, papers: Path, tmp_path: Path, terminal: Terminal
) -> None:
    (tmp_path / "packs" / "our-show.toml").write_text(ASKS_BRAND)
    write(papers, consents=[{**CONSENT, "scope": {"projects": ["dune"]}}])
    before = papers.read_bytes()
    with daemon.client() as client:
        refused(client, papers, "our-show.context")
    asked = terminal("fix", papers, "--finding", "our-show.context")
    assert asked.code == USAGE
    for words in ("approve add ID kind=brand", "waiver request JOB our-show.context", "producer may grant it"):
        assert words in asked.err
    assert "--project dune" in terminal("fix", papers, "--finding", "consents_cover_everyone").err
    assert "refused no job" in terminal("fix", papers, "--finding", "rates_agree").err
    assert (papers.read_bytes(), applied(daemon)) == (before, [])


def test_a_record_with_comments_is_left_for_its_writer(
    daemon: DaemonProcess, papers: Path, tmp_path: Path, terminal: Terminal
) -> None:
    write(papers, disclosure={"text": ""})
    with daemon.client() as client:
        refused(client, papers, "disclosure_is_stated")
    toml = tmp_path / "papers.toml"
    toml.write_text('schema = 2  # ours\nrecord_id = "r-1"\n')
    ended = terminal("fix", toml, "--finding", "disclosure_is_stated")
    assert (ended.code, "Change it by hand: take the usual text" in ended.err) == (USAGE, True)


def test_a_fix_that_nobody_offered_is_not_told_to_the_ledger(daemon: DaemonProcess, papers: Path) -> None:
    write(papers, disclosure={"text": ""})
    with daemon.client() as client:
        refused(client, papers, "disclosure_is_stated")
        (job,) = client.list_jobs()
        with pytest.raises(RequestError, match="offered no such fix"):
            client.note_fix(job.job_id, "disclosure_is_stated", "name_performer")
    assert applied(daemon) == []
