"""`understudy revoke`, `audit` and `sent` beside a real daemon: what is found, who is told, what is refused after."""

from __future__ import annotations

import secrets
from pathlib import Path

import msgspec
import pytest
from terminal_rig import Terminal

from understudy.bridge.client import Client
from understudy.bridge.errors import ComplianceError
from understudy.bridge.exit_codes import REFUSED, USAGE
from understudy.bridge.keys import write_connection
from understudy.bridge.messages import RedoSegment
from understudy.bridge.record import Consent, Record
from understudy.bridge.roundtrip import redo_segment
from understudy.inference.authority.ledger import Ledger, judge_ledger, read_ledger

from .conftest import DaemonProcess, Job, finished, guest, make_job, send

ANA = Consent(consent_id="c-1", talent="ana", document="a" * 64, signed_on="2026-01-05")


@pytest.fixture
def house(daemon: DaemonProcess, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Return the terminal of the daemon's machine, with ana and her consent in the registry."""
    monkeypatch.setenv("UNDERSTUDY_HOME", str(daemon.home))
    assert terminal("talent", "add", "ana").code == 0
    fields = ("talent=ana", f"document={'a' * 64}", "signed_on=2026-01-05")
    assert terminal("consent", "add", "c-1", *fields).code == 0
    assert terminal("recipient", "add", "client", "name=The Client", "contact=post@example.com").code == 0
    return terminal


def naming_ana(job: Job) -> Job:
    record = Record(likeness="digital_replica", on_screen=("ana",), consents=(ANA,))
    job.request = msgspec.structs.replace(job.request, record=record)
    return job


def made_from(client: Client, source: str, folder: Path) -> Job:
    """Return a job of another artist, naming nobody, whose plate begins with a layer of `source`."""
    outputs = client.outputs(source)
    layer = next(file for file in outputs.files if file.layer == "comp")
    job = make_job(folder, frames=60, seed=len(folder.name) + ord(folder.name[0]))
    plate = job.request.shot.plate
    assert plate is not None
    path = Path(outputs.folder) / layer.path
    first = msgspec.structs.replace(
        plate.pictures.files[0], file=layer.file, picture=layer.file, size=layer.size, typed=str(path)
    )
    pictures = msgspec.structs.replace(plate.pictures, files=(first, *plate.pictures.files[1:]))
    shot = msgspec.structs.replace(job.request.shot, plate=msgspec.structs.replace(plate, pictures=pictures))
    job.request = msgspec.structs.replace(job.request, shot=shot)
    job.paths[layer.file] = path
    return job


def delivered(client: Client, job: Job) -> str:
    job_id = send(client, job)
    assert finished(client, job_id).state == "delivered"
    return job_id


def test_an_audit_finds_what_names_a_talent_and_all_that_was_made_from_it_however_far(
    daemon: DaemonProcess, house: Terminal, tmp_path: Path
) -> None:
    with daemon.client() as client:
        first = delivered(client, naming_ana(make_job(tmp_path / "a", frames=60)))
        stranger = delivered(client, make_job(tmp_path / "x"))
        second = delivered(client, made_from(client, first, tmp_path / "b"))
        third = delivered(client, made_from(client, second, tmp_path / "c"))
        redo = redo_segment(client, RedoSegment(token=secrets.token_hex(16), job_id=second, segment=2, seed=9)).job_id
        finished(client, redo)
    uses = {use["job"]: use for use in house("audit", "talent", "ana", "--json").json}
    assert {job: use["because"] for job, use in uses.items()} == {
        first: "names ana",
        second: f"made from v001 of {first}",
        third: f"made from v001 of {second}",
        redo: f"made from v001 of {first}",  # it has the inputs of the one that it redoes
    }
    assert stranger not in uses
    assert (uses[first]["layers"], uses[first]["files"], uses[first]["state"]) == (["comp"], 60, "delivered")
    assert [use["job"] for use in house("audit", "consent", "c-1", "--json").json] == list(uses)
    assert house("audit", "talent", "nobody", "--json").json == []
    assert house("audit", "talent", "ana").out.endswith("4 jobs\n")


def test_a_revocation_writes_a_notice_for_each_party_and_the_next_job_is_refused(
    daemon: DaemonProcess, house: Terminal, tmp_path: Path
) -> None:
    with daemon.client() as client:
        job_id = delivered(client, naming_ana(make_job(tmp_path / "a")))
        assert house("sent", job_id, "client").code == 0
        said = house("revoke", "ana", "--reason", "she withdrew", "--json").json
        assert (said["revoked"], said["uses"], len(said["notices"])) == (["c-1"], 1, 1)
        again = naming_ana(make_job(tmp_path / "b"))
        with pytest.raises(ComplianceError, match="consent c-1 was revoked"):
            client.submit(again.request, again.token)
    path = Path(said["notices"][0])
    notice = msgspec.json.decode(path.read_bytes())
    assert path.stat().st_mode & 0o077 == 0
    assert (notice["contact"], notice["reason"]) == ("post@example.com", "she withdrew")
    assert len(notice["versions"][0]["files"]) == 4
    (use,) = house("audit", "talent", "ana", "--json").json
    assert [bool(one["recalled_at"]) for one in use["recipients"]] == [True]
    entries = list(read_ledger(daemon.home))
    assert [entry.event for entry in entries][-4:] == [
        "delivery.sent", "consent.revoked", "delivery.recalled", "job.refused",
    ]  # fmt: skip
    assert entries[-2].subjects["recipient"] == Ledger(daemon.home).hashed("client")
    assert judge_ledger(daemon.home).damage is None


def test_a_second_revocation_revokes_nothing_more_and_says_so(house: Terminal) -> None:
    assert house("revoke", "c-1", "--reason", "the contract ended", "--json").json["revoked"] == ["c-1"]
    assert house("revoke", "ana", "--reason", "again", "--json").json["revoked"] == []


def test_what_cannot_be_revoked_or_sent_is_refused_by_name(
    daemon: DaemonProcess, house: Terminal, tmp_path: Path
) -> None:
    assert house("revoke", "bo", "--reason", "x").code == USAGE
    with daemon.client() as client:
        waiting = client.submit(make_job(tmp_path / "a").request, "t" * 32).job_id
        done = delivered(client, make_job(tmp_path / "b"))
    assert "only what is delivered may leave" in house("sent", waiting, "client").err
    assert "which is not in the registry" in house("sent", done, "nobody").err


def test_an_artist_neither_revokes_nor_audits(daemon: DaemonProcess, house: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "art.json"
    write_connection(file, guest(daemon, "art"))
    for words in (("revoke", "ana", "--reason", "x"), ("audit", "talent", "ana"), ("sent", "a", "client")):
        assert house(*words, "--as", file).code == REFUSED


def test_pixels_of_a_job_whose_papers_fell_are_lent_to_nobody_and_who_had_them_before_is_found(
    daemon: DaemonProcess, house: Terminal, tmp_path: Path
) -> None:
    def reused(client: Client) -> tuple[str, str]:
        job_id = delivered(client, make_job(tmp_path / "same", content="same"))
        (note,) = [finding for finding in client.show_job(job_id).findings if finding.rule == "stub"]
        return job_id, note.message

    with daemon.client() as client:
        first = delivered(client, naming_ana(make_job(tmp_path / "same", content="same")))
        second, before = reused(client)
        folder = Path(client.outputs(second).folder)
        folder.rename(folder.with_name("away"))  # so that the one with papers is the only one there
        assert house("revoke", "ana", "--reason", "she withdrew").code == 0
        third, after = reused(client)
        uses = house("audit", "talent", "ana", "--json").json
    assert (first in before, after) == (True, "reuse None")
    assert [use["because"] for use in uses] == ["names ana", *[f"has the pictures of {first}"] * 2]
    assert [use["job"] for use in uses] == [first, second, third]
