"""A real worker and the registry: it asks before its gate judges; a consent that fell meanwhile delivers nothing."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from spine_rig import Told, gathered, order_of

from understudy.bridge.errors import JobCancelled
from understudy.bridge.options import JobOptions
from understudy.bridge.record import Consent, Record
from understudy.inference.authority.head import LedgerHead
from understudy.inference.authority.papers import RegisteredConsent, Snapshot, TalentState
from understudy.inference.compliance.manifest import read_manifest
from understudy.inference.work_order import AskPapers, FreshPapers, FromWorker, WorkerEnd, WorkOrder
from understudy.inference.worker import Reporter, perform

HEAD = LedgerHead(seq=7, digest="e" * 64)


def registry(**changes: str) -> Snapshot:
    fields = {"id": "c-1", "talent": "ana", "document": "a" * 64, "signed_on": "2026-01-05"}
    return Snapshot(consents_known=1, consents=(RegisteredConsent(**{**fields, **changes}),), digest="d" * 64)


@pytest.fixture
def order(options: JobOptions, tmp_path: Path) -> WorkOrder:
    consent = Consent(consent_id="c-1", talent="ana", document="a" * 64, signed_on="2026-01-05")
    record = Record(likeness="digital_replica", on_screen=("ana",), replaced=("ana",), consents=(consent,))
    order = order_of(gathered(options, frames="1001-1003"), tmp_path / "job")
    job = msgspec.structs.replace(order.job, record=record)
    return msgspec.structs.replace(
        order, job=job, registry=registry(), vouched_by="registry", snapshot="d" * 64, ledger_head=HEAD
    )


def run(order: WorkOrder, answer: Snapshot | None) -> tuple[WorkerEnd, Told]:
    """Run a job with a daemon that answers so; None = a farm's node, where nobody does."""
    told = Told()

    def tell(message: FromWorker) -> None:
        told.append(message)
        if isinstance(message, AskPapers) and answer is not None:
            reporter.take_papers(FreshPapers(registry=answer))

    reporter = Reporter(tell, answered=answer is not None)
    return perform(order, reporter), told


def test_when_the_consent_still_stands_then_the_version_is_delivered_and_its_manifest_says_who_vouches(
    order: WorkOrder, tmp_path: Path
) -> None:
    end, told = run(order, registry())
    assert end.state == "delivered", end.error
    assert sum(isinstance(message, AskPapers) for message in told) == 1
    manifest = read_manifest((tmp_path / "job/v001/manifest.json").read_bytes())
    assert (manifest.vouched_by, manifest.snapshot, manifest.ledger_head) == ("registry", "d" * 64, HEAD)


def test_when_it_was_revoked_while_the_job_was_made_then_nothing_gets_the_versions_name(
    order: WorkOrder, tmp_path: Path
) -> None:
    end, _ = run(order, registry(revoked_on="2026-01-06"))
    assert end.state == "quarantined"
    assert end.error is not None
    assert "consent c-1 was revoked on 2026-01-06" in end.error.message
    assert not (tmp_path / "job/v001").exists()


def test_when_the_registry_learns_of_a_minor_while_the_job_is_made_then_delivery_judges_by_that(
    order: WorkOrder, tmp_path: Path
) -> None:
    minor = TalentState(id="ana", living=True, minor=True, union="")
    end, _ = run(order, msgspec.structs.replace(registry(), talents=(minor,)))
    assert end.state == "quarantined"
    assert end.error is not None
    assert "the person is a minor: only a guardian may grant" in end.error.message
    assert not (tmp_path / "job/v001").exists()


def test_when_legal_extends_what_the_registry_filled_in_then_only_what_the_record_said_is_held_against_it(
    order: WorkOrder,
) -> None:
    record = order.job.record
    bare = msgspec.structs.replace(record, consents=(Consent(consent_id="c-1"),))
    consent = msgspec.structs.replace(record.consents[0], expires_on="2036-01-05")
    job = msgspec.structs.replace(order.job, record=msgspec.structs.replace(record, consents=(consent,)))
    said, filled = (msgspec.structs.replace(order, job=job, sent=sent) for sent in (None, bare))
    assert run(said, registry(expires_on="2037-01-05"))[0].state == "quarantined"
    assert run(filled, registry(expires_on="2037-01-05"))[0].state == "delivered"


def test_a_farm_s_node_judges_by_what_its_order_holds(order: WorkOrder, tmp_path: Path) -> None:
    fallen = msgspec.structs.replace(order, registry=registry(revoked_on="2026-01-06"))
    assert run(fallen, None)[0].state == "quarantined"
    assert run(order, None)[0].state == "delivered"


def test_a_worker_that_waits_for_an_answer_can_still_be_cancelled() -> None:
    reporter = Reporter(lambda message: None, answered=True)
    reporter.stop(JobCancelled("enough"))
    with pytest.raises(JobCancelled):
        reporter.papers(Snapshot())
