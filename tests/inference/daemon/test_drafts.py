"""A draft of papers judged over the wire: real daemons, their real gate and registry. Unhappy paths first."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest

from understudy.bridge.circumstances import Content, Use
from understudy.bridge.client import Client
from understudy.bridge.consent import Consent
from understudy.bridge.errors import ComplianceError, Finding, KeyRefused, ProtocolError, RequestError
from understudy.bridge.line import Line
from understudy.bridge.papers_client import judge_draft
from understudy.bridge.papers_messages import DraftInput, Judged, JudgeDraft
from understudy.bridge.record import Record
from understudy.bridge.wire import decode_reply, encode_request, expect
from understudy.inference.authority.ledger import Ledger, read_ledger
from understudy.inference.authority.papers import Clip, RegisteredConsent, Talent
from understudy.inference.authority.registry import Change, Registry

from .conftest import DaemonProcess, guest, job_on_record, make_job, send, state_of, until

FIRST_HUNDRED = 0.1
"""So long a question to the loop may take on a busy machine while drafts are judged; a stall would be seconds."""
ANA = Consent(consent_id="c-1", talent="ana", document="a" * 64, signed_on="2026-01-05")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonProcess]:
    folder = tmp_path_factory.mktemp("drafts")
    (folder / "packs").mkdir()
    process = DaemonProcess(folder / "home", real_gate=True, packs_folder=str(folder / "packs")).start()
    register(
        process,
        Talent(id="ana", name="Ana Lopez"), Talent(id="bofalk", name="Bo Falk", union="sag-aftra", living=False),
        Talent(id="kid", name="Kit", minor=True), Talent(id="cy", name="Cy"),
        grant("c-1", "ana", projects=("dune", "falcon")), grant("c-2", "bofalk", projects=("falcon",)),
        grant("c-3", "kid", projects=("falcon",)), grant("c-4", "cy", projects=("falcon",), revoked_on="2026-02-01"),
        Talent(id="dot"), grant("c-5", "dot", projects=("falcon",), revoked_on="2026-02-01"),
        grant("c-6", "dot", projects=("falcon",)),
        Clip(id="walk-07", files=("c" * 64,), performers=("ana",), projects=("falcon",)),
    )  # fmt: skip
    yield process
    process.stop()


def grant(paper_id: str, talent: str, **said: Any) -> RegisteredConsent:
    return RegisteredConsent(id=paper_id, talent=talent, document="a" * 64, signed_on="2026-01-05", **said)


def register(daemon: DaemonProcess, *papers: Any) -> None:
    words = {Talent: "talent", RegisteredConsent: "consent", Clip: "clip"}
    registry = Registry(daemon.home, Ledger(daemon.home))
    registry.write("lea", [Change(words[type(paper)], paper, "added") for paper in papers])  # type: ignore[arg-type]
    registry.close()


@pytest.fixture
def art(daemon: DaemonProcess) -> Iterator[Client]:
    """An artist of the project dune."""
    with Client.connect(guest(daemon, f"art{secrets.token_hex(3)}", "dune")) as client:
        yield client


@pytest.fixture
def anyone(daemon: DaemonProcess) -> Iterator[Client]:
    with daemon.client() as client:
        yield client


def record(*consents: Consent, **said: Any) -> Record:
    return Record(
        **{"record_id": "r-1", "likeness": "non_human", "performed_by": ("ana",), "consents": consents, **said}
    )


def bare(consent_id: str) -> Consent:
    return Consent(consent_id=consent_id)


def found(judged: Judged, rule: str) -> Finding:
    return next(one for one in judged.findings if one.rule == rule)


def words(judged: Judged) -> str:
    return msgspec.json.encode(judged).decode()


# ---- refused before anything is looked up ---------------------------------------------------------------------------


def test_a_draft_for_a_project_that_is_not_the_keys_is_refused(art: Client) -> None:
    with pytest.raises(KeyRefused, match="does not belong to the project 'falcon'"):
        judge_draft(art, record(bare("c-1")), shot="SH010", project="falcon")


def test_a_key_that_only_follows_judges_no_drafts(daemon: DaemonProcess) -> None:
    with (
        Client.connect(guest(daemon, "box", roles=("follower",))) as box,
        pytest.raises(KeyRefused, match="has no jobs here"),
    ):
        judge_draft(box, record(), shot="SH010")


@pytest.mark.parametrize(
    "changes",
    [{"likeness": "ghost"}, {"consents": "c-1"}, {"use": {"territories": [7]}}],
    ids=["a word that is none", "a list that is none", "a territory that is no text"],
)
def test_a_record_that_is_none_is_refused_by_its_field_and_the_next_draft_is_judged(
    art: Client, changes: dict[str, Any]
) -> None:
    said = msgspec.json.decode(encode_request(JudgeDraft(record=record(ANA), shot="SH010")))
    said["record"] |= changes
    line = Line(art.connection)
    line.send(msgspec.json.encode(said))
    answer = line.receive(10)
    line.close()
    assert answer is not None
    with pytest.raises((RequestError, ProtocolError), match=rf"record\.{next(iter(changes))}"):
        expect(decode_reply(answer[1]), Judged, JudgeDraft(record=Record(), shot="SH010"))
    assert judge_draft(art, record(bare("c-1")), shot="SH010", project="dune").findings


def test_a_record_that_is_not_sound_is_judged_and_its_fields_are_named(art: Client) -> None:
    unsound = record(msgspec.structs.replace(ANA, signed_on="soon"), use=Use(territories=("Germany",)))
    said = found(judge_draft(art, unsound, shot="SH010", project="dune"), "record_is_sound")
    assert said.outcome == "refuse"
    assert set(said.fields) == {"consents[0].signed_on", "use.territories"}


# ---- it is no oracle for other projects' papers ---------------------------------------------------------------------


def test_a_guessed_id_of_another_projects_consent_is_told_apart_from_one_that_is_not_there_by_nothing(
    art: Client,
) -> None:
    """c-2 is bofalk's for falcon; c-9 does not exist. Both answers are the same but for the id that was asked."""

    snapshots: set[str] = set()

    def asked(consent_id: str, talent: str, **said: Any) -> str:
        given = record(bare(consent_id), on_screen=(talent,), performed_by=(talent,), **said)
        judged = judge_draft(art, given, shot="SH010", project="dune")
        snapshots.add(found(judged, "registry_bears_it_out").facts["snapshot"])
        return words(judged).replace(consent_id, "C").replace(talent, "T")

    for said in ({}, {"ground": "self_attested", "attestation": "a test"}):
        hidden, nobody = asked("c-2", "bofalk", **said), asked("c-9", "zednox", **said)
        for secret in ("falcon", "sag-aftra", "aaaaaaaaaaaa", "2026-01-05"):
            assert secret not in hidden
        assert without_hashes(hidden) == without_hashes(nobody)
    assert len(snapshots) == 1  # what is not told does not show in a digest either


def without_hashes(told: str) -> str:
    """Leave out hashes of the ids that were asked: people as reports call them, what a waiver is bound to."""
    return re.sub(r"person [0-9a-f]{12}|[0-9a-f]{64}", "H", told)


def test_the_same_goes_for_a_submit(art: Client, tmp_path: Path) -> None:
    job = job_on_record(tmp_path, project="dune", consents=(bare("c-2"),), performed_by=("bofalk",))
    with pytest.raises(ComplianceError) as caught:
        art.submit(job.request, job.token)
    assert "falcon" not in msgspec.json.encode(caught.value.report()).decode()
    assert "consent c-2 is not in it" in caught.value.message


def test_a_consent_for_several_projects_is_told_as_one_for_the_keys(art: Client) -> None:
    judged = judge_draft(art, record(bare("c-1")), shot="SH010")  # no project: the refusal names what it is for
    assert "consent c-1 is for dune, and this job names no project" in found(judged, "consents_cover_everyone").message
    assert "falcon" not in words(judged)


def test_a_clip_of_another_project_is_refused_and_not_named(art: Client) -> None:
    inputs = (DraftInput(role="plate", file="c" * 64),)
    judged = judge_draft(art, record(bare("c-1")), shot="SH010", project="dune", inputs=inputs)
    assert found(judged, "clips_are_approved").outcome == "refuse"
    assert "walk-07" not in words(judged)
    assert "falcon" not in words(judged)


def test_a_hard_stop_is_not_weakened_by_what_a_key_may_see(art: Client) -> None:
    for said in ({}, {"ground": "self_attested", "attestation": "a test"}):
        child = record(performed_by=("kid",), content=Content(intimate=True), **said)
        assert found(judge_draft(art, child, shot="SH010", project="dune"), "content_is_allowed").outcome == "refuse"
        gone = record(performed_by=("cy",), **said)
        told = found(judge_draft(art, gone, shot="SH010", project="dune"), "registry_bears_it_out")
        assert (told.outcome, "cy has withdrawn every consent" in told.message) == ("refuse", True)


def test_a_self_attested_job_that_lists_a_revoked_consent_it_may_not_see_waits_for_ever(
    art: Client, tmp_path: Path
) -> None:
    revoked = msgspec.structs.replace(ANA, consent_id="c-5", talent="dot")
    said = {"ground": "self_attested", "attestation": "a test", "performed_by": ("dot",), "consents": (revoked,)}
    job_id = send(art, job_on_record(tmp_path, project="dune", **said))
    until(lambda: state_of(art, job_id) == "parked")


# ---- it says what a submit says, and leaves nothing behind ----------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        {"consents": (bare("c-1"),)},
        {"consents": (ANA,), "use": Use(territories=("US-NY",), is_advertising=True)},
        {"consents": (bare("c-2"),), "performed_by": ("bofalk",)},
        {"consents": (), "likeness": "digital_replica"},
        {"record_id": ""},
    ],
    ids=["a consent by its id", "written out, with packs", "another's consent", "nothing", "no id"],
)
def test_what_a_draft_is_told_is_what_the_submit_is_told(art: Client, tmp_path: Path, said: dict[str, Any]) -> None:
    job = job_on_record(tmp_path, project="dune", **said)
    drafted = judge_draft(art, job.request.record, shot=job.request.shot.name, project="dune", engine="identity")
    try:
        findings = art.submit(job.request, job.token).findings
    except ComplianceError as refused:
        findings = refused.findings
    assert drafted.findings
    names = {one.rule for one in drafted.findings}
    submitted = tuple(one for one in findings if one.rule in names)
    if not job.request.record.record_id:  # without one it gets another salt each time
        assert [one.rule for one in drafted.findings] == [one.rule for one in submitted]
        return
    assert drafted.findings == submitted
    assert {one.rule for one in findings} - names == set(drafted.not_judged)


def test_a_draft_leaves_no_job_no_entry_and_no_file(daemon: DaemonProcess, art: Client, anyone: Client) -> None:
    before = (len(list(read_ledger(daemon.home))), len(anyone.list_jobs()), sorted(daemon.home.glob("jobs/*")))
    judged = judge_draft(art, record(bare("c-1")), shot="SH010", project="dune")
    assert judged.vouched_by == "registry"
    assert before == (len(list(read_ledger(daemon.home))), len(anyone.list_jobs()), sorted(daemon.home.glob("jobs/*")))


def test_rules_that_need_files_are_named_as_not_judged_and_clips_are_judged_where_a_digest_is_told(
    art: Client,
) -> None:
    without = judge_draft(art, record(bare("c-1")), shot="SH010", project="dune")
    assert {"files_are_sane", "ranges_agree", "clips_are_approved"} <= set(without.not_judged)
    with_one = judge_draft(
        art, record(bare("c-1")), shot="SH010", project="dune", inputs=(DraftInput(role="plate", file="d" * 64),)
    )
    assert "clips_are_approved" not in with_one.not_judged
    assert found(with_one, "clips_are_approved").outcome == "not_applicable"


def test_the_fields_and_packs_come_with_it(art: Client) -> None:
    judged = judge_draft(art, record(bare("c-1"), use=Use(territories=("DE",))), shot="SH010", project="dune")
    packs = {pack.id: pack for pack in judged.packs}
    assert packs["eu-art50"].asked
    assert packs["us-ny-ads"].why == "for US-NY, and this is for DE"
    fields = {field.path: field for field in judged.fields}
    assert fields["eu.deepfake"].choices == ("yes", "no", "undetermined")
    assert fields["consents[].consent_id"].stated


def test_a_pack_that_does_not_read_refuses_in_the_draft_too_and_no_field_is_guessed(
    daemon: DaemonProcess, art: Client
) -> None:
    torn = Path(daemon.settings["packs_folder"]) / "our-show.toml"
    torn.write_text("id = ")
    try:
        judged = judge_draft(art, record(bare("c-1")), shot="SH010", project="dune")
    finally:
        torn.unlink()
    assert found(judged, "pack_rules_hold").outcome == "broken"
    assert (judged.packs, judged.fields) == ((), ())


def test_while_drafts_are_judged_the_loop_answers_and_a_submit_finds_a_gate(
    daemon: DaemonProcess, anyone: Client, tmp_path: Path
) -> None:
    job = make_job(tmp_path, project="dune")
    anyone.ping()

    def draft(_: int) -> int:
        with daemon.client() as client:
            return len(judge_draft(client, record(bare("c-1")), shot="SH010", project="dune").findings)

    with ThreadPoolExecutor(6) as pool:
        judged = pool.map(draft, range(12))
        waits = [anyone.ping() for _ in range(50)]
        start = time.monotonic()
        assert anyone.submit(job.request, job.token).job_id
        submitted = time.monotonic() - start
        assert all(judged)
    assert sorted(waits)[len(waits) // 2] < FIRST_HUNDRED
    assert submitted < 20
