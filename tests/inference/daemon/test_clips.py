"""Clips and approvals of the registry before the real gate of a real daemon."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from understudy.bridge.circumstances import Approval, Use
from understudy.bridge.client import Client
from understudy.bridge.errors import ComplianceError
from understudy.bridge.record import Record
from understudy.inference.authority.ledger import Ledger
from understudy.inference.authority.papers import Approval as RegisteredApproval
from understudy.inference.authority.papers import Clip, Paper, Talent
from understudy.inference.authority.registry import Change, Registry

from .conftest import DaemonProcess, Job, finished, job_on_record, send, state_of, until
from .test_own_packs import MINE

ASKS_BRAND = MINE.replace('{ set = "context.camera_move" }', '{ eq = ["approved.brand", true] }')


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[DaemonProcess]:
    (tmp_path / "packs").mkdir()
    process = DaemonProcess(tmp_path / "home", real_gate=True, packs_folder=str(tmp_path / "packs")).start()
    yield process
    process.stop()


def write(daemon: DaemonProcess, *changes: Change) -> None:
    registry = Registry(daemon.home, Ledger(daemon.home))
    registry.write("pia", changes)
    registry.close()


def as_clip(daemon: DaemonProcess, job: Job, event: str = "added", **fields: Any) -> None:
    """Put the job's plate into the library."""
    assert job.request.shot.plate is not None
    file = job.request.shot.plate.pictures.files[0].file
    clip = Clip(**{"id": "walk-07", "files": (file,), "performers": ("ana",), **fields})
    write(daemon, Change("talent", Talent(id="ana"), "added"), Change("clip", clip, event))


def admit(client: Client, job: Job) -> str:
    return client.submit(job.request, job.token).job_id


def test_an_input_that_is_an_approved_clip_is_taken_and_the_finding_names_it(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    job = job_on_record(tmp_path / "in", project="dune", use=Use(media=("online",)))
    as_clip(daemon, job, uses=("online", "broadcast"), projects=("du*",), shots=("sh0*",), expires_on="2099-01-01")
    with daemon.client() as client:
        (found,) = (f for f in client.show_job(admit(client, job)).findings if f.rule == "clips_are_approved")
    assert (found.outcome, found.facts["clips"]) == ("pass", "walk-07")


@pytest.mark.parametrize(
    ("clip", "record", "words"),
    [
        ({"withdrawn_on": "2026-01-01"}, {}, "clip walk-07, the plate, was withdrawn on 2026-01-01"),
        ({"expires_on": "2026-01-01"}, {}, "clip walk-07, the plate, expired on 2026-01-01"),
        ({"shots": ("sh9*",)}, {}, r"clip walk-07 is for the shots sh9\*, not sh010"),
        ({"projects": ("dune",)}, {}, "is for the projects dune, not a job without a project"),
        ({"uses": ("online",)}, {}, "is for online, and the record's `use.media` states none"),
        ({"uses": ("online",)}, {"use": Use(media=("cinema", "online"))}, "is for online, not cinema"),
        ({"uses": ("online",)}, {"use": Use(media=("online",), is_advertising=True)}, "is for online, not advertising"),
        ({}, {"performed_by": ("bo",)}, "ana performs in clip walk-07, and `performed_by` does not name them"),
    ],
    ids=["withdrawn", "expired", "shot", "project", "use not stated", "medium", "advertising", "performer"],
)
def test_when_a_clip_is_not_for_this_then_the_job_is_refused_and_says_why(
    daemon: DaemonProcess, tmp_path: Path, clip: dict[str, Any], record: dict[str, Any], words: str
) -> None:
    job = job_on_record(tmp_path / "in", **record)
    as_clip(daemon, job, **clip)
    with daemon.client() as client, pytest.raises(ComplianceError, match=words):
        admit(client, job)


def test_a_withdrawn_clip_is_refused_on_every_ground(daemon: DaemonProcess, tmp_path: Path) -> None:
    job = job_on_record(tmp_path / "in")
    attested = Record(ground="self_attested", attestation="a test")
    job.request = msgspec.structs.replace(job.request, record=attested)
    as_clip(daemon, job, withdrawn_on="2026-01-01")
    with daemon.client() as client, pytest.raises(ComplianceError, match="was withdrawn"):
        admit(client, job)


def test_when_a_clip_is_withdrawn_while_its_job_runs_then_the_job_stops_and_waits(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    job = job_on_record(tmp_path / "in")
    settings = msgspec.structs.replace(job.request.settings, prompt="slow=1")
    job.request = msgspec.structs.replace(job.request, settings=settings)
    as_clip(daemon, job)
    with daemon.client() as client:
        running = send(client, job)
        until(lambda: state_of(client, running) == "running")
        as_clip(daemon, job, "withdrawn", withdrawn_on="2026-01-01")
        until(lambda: state_of(client, running) == "parked")
        error = client.show_job(running).summary.error
    assert error is not None
    assert "clip walk-07, the plate, was withdrawn on 2026-01-01" in error.message


APPROVED = RegisteredApproval(
    id="a-1", kind="brand", reference="letter 12", project="dune", approved_by="pia", approved_on="2026-01-05"
)


def approve(daemon: DaemonProcess, tmp_path: Path, *papers: Paper) -> None:
    (tmp_path / "packs" / "our-show.toml").write_text(ASKS_BRAND)
    write(daemon, *(Change("approval", paper, "added") for paper in papers))


def test_a_pack_that_asks_for_an_approval_finds_it_in_the_registry(daemon: DaemonProcess, tmp_path: Path) -> None:
    approve(daemon, tmp_path, APPROVED)
    with daemon.client() as client:
        assert finished(client, send(client, job_on_record(tmp_path / "a", project="dune"))).state == "delivered"
        with pytest.raises(ComplianceError, match=r"Does not hold here: approved\.brand is yes"):
            admit(client, job_on_record(tmp_path / "b", project="falcon"))


@pytest.mark.parametrize(
    "changes",
    [
        {"revoked_on": "2026-01-06"}, {"expires_on": "2026-01-06"}, {"approved_on": "2099-01-01"}, {"shot": "sh9*"},
    ],
    ids=["revoked", "expired", "not yet", "another shot"],
)  # fmt: skip
def test_when_the_registry_says_otherwise_of_an_approval_then_it_wins_over_the_record(
    daemon: DaemonProcess, tmp_path: Path, changes: dict[str, str]
) -> None:
    approve(daemon, tmp_path, msgspec.structs.replace(APPROVED, **changes))
    said = (Approval(kind="brand", reference="letter 12"),)
    with daemon.client() as client:
        with pytest.raises(ComplianceError, match=r"Does not hold here: approved\.brand is yes"):
            admit(client, job_on_record(tmp_path / "a", project="dune", approvals=said))
        for project in ("falcon", None):  # nor for any other project, or for none
            with pytest.raises(ComplianceError, match=r"Does not hold here: approved\.brand is yes"):
                admit(client, job_on_record(tmp_path / f"c {project}", project=project, approvals=said))
        other = (Approval(kind="brand", reference="letter 13"),)
        admit(client, job_on_record(tmp_path / "b", project="dune", approvals=other))
