"""A record that names consents by id alone, before the real gate of a real daemon: the registry says the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from understudy.bridge.circumstances import CastMember, Content, Use
from understudy.bridge.errors import ComplianceError
from understudy.bridge.record_file import load_record
from understudy.inference.authority.ledger import Ledger
from understudy.inference.authority.papers import RegisteredConsent, Talent
from understudy.inference.authority.registry import Change, Registry

from .conftest import DaemonProcess, finished, job_on_record, send

BARE = load_record(json.dumps({"schema": 2, "consents": [{"consent_id": "c-1"}]}).encode()).consents


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[DaemonProcess]:
    process = DaemonProcess(tmp_path / "home", real_gate=True).start()
    yield process
    process.stop()


def register(daemon: DaemonProcess, minor: bool = False, **changes: Any) -> None:
    fields = {"id": "c-1", "talent": "ana", "document": "a" * 64, "signed_on": "2026-01-05", **changes}
    registry = Registry(daemon.home, Ledger(daemon.home))
    papers = [
        Change("talent", Talent(id="ana", minor=minor), "added"),
        Change("consent", RegisteredConsent(**fields), "added"),
    ]
    registry.write("lea", papers)
    registry.close()


def test_a_record_with_an_id_alone_is_judged_by_the_scope_that_the_registry_holds(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    register(daemon, media=("streaming",), projects=("dune",), capacity="self")
    with daemon.client() as client:
        job = job_on_record(tmp_path / "a", consents=BARE, project="dune", use=Use(media=("streaming",)))
        job_id = send(client, job)
        assert finished(client, job_id).state == "delivered"
        (stored,) = client.show_job(job_id).job.record.consents
        assert (stored.scope.media, stored.grantor_capacity) == (("streaming",), "self")
        wider = job_on_record(tmp_path / "b", consents=BARE, project="dune", use=Use(media=("streaming", "online")))
        with pytest.raises(ComplianceError, match="consent c-1 is for the media streaming, not online"):
            client.submit(wider.request, wider.token)


def test_when_the_registry_knows_of_a_minor_then_an_adults_own_signature_is_refused(
    daemon: DaemonProcess, tmp_path: Path
) -> None:
    register(daemon, minor=True, capacity="self")
    job = job_on_record(tmp_path, consents=BARE)
    with (
        daemon.client() as client,
        pytest.raises(ComplianceError, match="the person is a minor: only a guardian may grant"),
    ):
        client.submit(job.request, job.token)


def test_a_record_that_calls_a_minor_of_age_passes_no_hard_stop(daemon: DaemonProcess, tmp_path: Path) -> None:
    register(daemon, minor=True, capacity="guardian", nudity="yes")
    false = {"cast": (CastMember(talent="ana", living="yes", minor=False),), "content": Content(intimate=True)}
    job = job_on_record(tmp_path, consents=BARE, **false)
    with daemon.client() as client, pytest.raises(ComplianceError) as refusal:
        client.submit(job.request, job.token)
    against = {found.rule for found in refusal.value.findings if found.refuses}
    assert {"content_is_allowed", "registry_bears_it_out"} <= against
    assert "the registry says that ana is a minor" in refusal.value.message


def test_an_id_that_the_registry_does_not_have_is_refused_by_its_name(daemon: DaemonProcess, tmp_path: Path) -> None:
    job = job_on_record(tmp_path, consents=BARE)
    with daemon.client() as client, pytest.raises(ComplianceError, match="names c-1 by its id alone"):
        client.submit(job.request, job.token)
