"""A whole job of a daemon that follows a studio authority: real daemons, real workers, the real gate."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from spine_rig import RunningDaemon, gathered
from studio_rig import free_port, wait_for

from understudy.bridge.errors import ComplianceError
from understudy.bridge.gather import Gathered
from understudy.bridge.keys import issue_key, write_connection
from understudy.bridge.options import JobOptions
from understudy.bridge.record import Consent, Record
from understudy.bridge.roundtrip import follow_job, send_job
from understudy.inference.authority.held import Holding
from understudy.inference.authority.ledger import Ledger
from understudy.inference.authority.papers import RegisteredConsent, Talent
from understudy.inference.authority.registry import Change, Registry
from understudy.inference.compliance.manifest import read_manifest


class Pair:
    """An authority, and one daemon that follows it."""

    def __init__(self, folder: Path) -> None:
        self.authority = started(folder / "authority", port=free_port())
        self.file = folder / "box.json"
        key = issue_key(self.authority.home, "box", roles=("follower",), projects=(), host="127.0.0.1")
        write_connection(self.file, key)
        self.follower = started(folder / "follower", authority=str(self.file))
        self.holding = Holding(self.follower.home, self.file)

    def write(self, event: str = "added", **fields: str) -> None:
        """Write ana's consent at the authority, as its commands do, and wait until the follower holds it."""
        paper = {"id": "c-1", "talent": "ana", "document": "a" * 64, "signed_on": "2026-01-05", **fields}
        consent = RegisteredConsent(**paper)
        registry = Registry(self.authority.home, Ledger(self.authority.home))
        registry.write("lea", [Change("talent", Talent(id="ana"), "added"), Change("consent", consent, event)])
        registry.close()
        wait_for(lambda: msgspec.structs.replace(consent, revoked_why="") in self.holding.now().papers)


def started(home: Path, **settings: object) -> RunningDaemon:
    home.mkdir(mode=0o700, parents=True)
    (home / "settings.json").write_text(json.dumps(settings))
    return RunningDaemon(home)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = Pair(tmp_path / "studio")
    yield made
    made.follower.stop()
    made.authority.stop()


@pytest.fixture
def job(options: JobOptions) -> Gathered:
    bare = Consent(consent_id="c-1", talent="", document="", signed_on="")
    record = Record(
        record_id="r-1", likeness="digital_replica", on_screen=("ana",), replaced=("ana",), consents=(bare,)
    )
    found = gathered(options, frames="1001-1003")
    return msgspec.structs.replace(found, job=msgspec.structs.replace(found.job, record=record))


def test_the_authoritys_consent_carries_a_job_to_its_manifest_and_its_revocation_ends_that(
    pair: Pair, job: Gathered, tmp_path: Path
) -> None:
    with pytest.raises(ComplianceError, match="consent c-1 is not in it"):
        send_job(pair.follower.connection, job)
    pair.write()
    accepted = send_job(pair.follower.connection, job)
    detail = follow_job(pair.follower.connection, accepted.job_id, tmp_path / "out")
    assert detail.summary.state == "delivered", detail.summary.error
    manifest = read_manifest((tmp_path / "out" / "manifest.json").read_bytes())
    assert manifest.vouched_by == "authority"
    assert manifest.authority == pair.holding.now().authority
    assert "127.0.0.1" not in (tmp_path / "out" / "manifest.json").read_text()  # manifests leave the house
    pair.write("revoked", revoked_on="2026-01-06")
    with pytest.raises(ComplianceError, match="consent c-1 was revoked on 2026-01-06"):
        send_job(pair.follower.connection, job)


def test_a_snapshot_that_cannot_be_verified_refuses_by_the_rules_name(pair: Pair, job: Gathered) -> None:
    pair.write()
    pair.authority.kill()
    path = pair.follower.home / "authority" / "snapshot.json"
    path.write_bytes(path.read_bytes().replace(b"2026-01-05", b"2026-01-04"))
    with pytest.raises(ComplianceError, match="its signature is not by the authority's key") as refusal:
        send_job(pair.follower.connection, job)
    against = [finding for finding in refusal.value.findings if finding.rule == "registry_bears_it_out"]
    assert [finding.outcome for finding in against] == ["refuse"]
    assert "understudy authority refresh" in against[0].remedy
    pair.authority.start_again()
