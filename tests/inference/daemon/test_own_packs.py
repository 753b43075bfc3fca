"""A studio's own policy packs, from the folder that the daemon's settings name to the refusal that an artist reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from pack_rig import CAMERA, pack_text

from understudy.bridge.client import Client
from understudy.bridge.consent import Consent
from understudy.bridge.errors import ComplianceError, RequestError
from understudy.bridge.record import Record
from understudy.bridge.shot import Settings

from .conftest import DaemonProcess, make_job

MINE = pack_text("our-show.context", "admission", "producer", CAMERA)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs" / "our-show.toml").write_text(MINE)
    return tmp_path / "packs"


@pytest.fixture
def client(tmp_path: Path, folder: Path) -> Iterator[Client]:
    daemon = DaemonProcess(tmp_path / "home", real_gate=True, packs_folder=str(folder)).start()
    try:
        with daemon.client() as client:
            yield client
    finally:
        daemon.stop()


def submit(client: Client, folder: Path) -> None:
    job = make_job(folder / "in")
    consent = Consent(consent_id="c-1", talent="ana", document="a" * 64, signed_on="2026-01-05")
    record = Record(record_id="r-1", likeness="non_human", performed_by=("ana",), consents=(consent,))
    settings = Settings(engine="identity")
    client.submit(msgspec.structs.replace(job.request, record=record, settings=settings), job.token)


def test_a_rule_of_the_studios_own_pack_refuses_a_job_and_its_finding_says_whose_it_is(
    client: Client, tmp_path: Path
) -> None:
    with pytest.raises(ComplianceError, match="Every shot of this show is logged") as caught:
        submit(client, tmp_path)
    (found,) = (one for one in caught.value.findings if one.rule == "our-show.context")
    assert found.facts["pack"] == "our-show@1.0.0"
    assert "State `context.camera_move`." in caught.value.remedy


def test_when_the_studios_pack_is_spoilt_while_the_daemon_runs_then_the_next_job_is_refused_by_its_line(
    client: Client, tmp_path: Path, folder: Path
) -> None:
    (folder / "our-show.toml").write_text(MINE.replace("set =", "exists ="))
    with pytest.raises(ComplianceError, match=r"policy pack our-show: .*line 14: there is no operator `exists`"):
        submit(client, tmp_path)


def test_when_the_studios_folder_is_gone_then_nothing_is_taken_in(client: Client, tmp_path: Path, folder: Path) -> None:
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(RequestError, match="`packs_folder` names"):
        submit(client, tmp_path)
