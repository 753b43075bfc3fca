"""The snapshot that a follower holds: how long it holds, whose it is, and what is done without one."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import msgspec
import pytest
from following_rig import Studio, holding, known, settings_of

from understudy.bridge.errors import ComplianceError
from understudy.bridge.follower_messages import SignedSnapshot
from understudy.inference.authority.followed import open_registry
from understudy.inference.authority.ledger import Ledger, read_ledger
from understudy.inference.authority.outbox import read_posted
from understudy.inference.authority.papers import RegisteredConsent
from understudy.inference.authority.signing import Signer, new_secret
from understudy.inference.authority.studio import signed_bytes

from .conftest import finished, let, make_job, naming_ana, refused, send, state_of, until


def test_when_the_authority_is_down_then_a_follower_goes_on_by_the_snapshot_that_it_holds(
    studio: Studio, tmp_path: Path
) -> None:
    studio.consent()
    one = studio.follower("one")
    studio.authority.kill()
    one.kill()
    one.start()  # what it holds is on its disk
    with one.client() as client:
        assert finished(client, send(client, naming_ana(tmp_path / "a"))).state == "delivered"
    assert "the studio authority" in one.log


@pytest.mark.long
def test_when_the_snapshot_runs_out_then_jobs_are_refused_what_runs_waits_and_it_goes_on_when_the_authority_is_back(
    studio: Studio, tmp_path: Path
) -> None:
    studio.authority.stop()
    studio.authority.settings["snapshot_hours"] = 6 / 3600
    studio.authority.start()
    studio.consent()
    one = studio.follower("one")
    until(lambda: "c-1" in known(one, RegisteredConsent))
    with one.client() as client:

        def taken() -> str | None:
            try:
                return send(client, naming_ana(tmp_path / secrets.token_hex(4), prompt="slow=0.2", frames=400))
            except ComplianceError:  # the next snapshot is late
                return None

        running = until(taken)
        until(lambda: state_of(client, running) == "running")
        studio.authority.kill()
        until(lambda: holding(one).now().stale)
        problem = refused(one, tmp_path, "does not hold: it ran out at ")
        assert "understudy authority refresh" in problem.remedy
        until(lambda: state_of(client, running) == "parked")
        attested = send(client, make_job(tmp_path / "c"))  # self-attested stays possible, and says so
        assert finished(client, attested).state == "delivered"
        said = [one.message for one in client.show_job(attested).findings if one.rule == "registry_bears_it_out"]
        assert "the job is not held to it: it is self-attested" in said[0]
        studio.authority.start()
        until(lambda: state_of(client, running) == "running", 120)
        client.control(running, "cancel")
    assert "job.refused" in [entry.event for entry in read_ledger(one.home)]


def test_at_delivery_a_snapshot_that_has_run_out_meanwhile_keeps_the_version_from_its_name(
    studio: Studio, tmp_path: Path
) -> None:
    studio.consent()
    one = studio.follower("one")
    with one.client() as client:
        let(gate := tmp_path / "gate", 1004)
        job_id = send(client, naming_ana(tmp_path / "a", prompt=f"hold={gate}"))
        until((one.home / "jobs" / job_id / "v001").is_dir)
        studio.authority.kill()
        (one.home / "authority" / "snapshot.json").unlink()
        let(gate)
        summary = finished(client, job_id)
    assert summary.state == "quarantined"
    assert summary.error is not None
    assert "does not hold: none has come yet" in summary.error.message
    assert not (one.home / "jobs" / job_id / "v001").exists()


def forged(signed: SignedSnapshot, **changes: Any) -> SignedSnapshot:
    body = msgspec.json.decode(signed.body) | changes
    return msgspec.structs.replace(signed, body=msgspec.json.encode(body).decode())


def resigned(signed: SignedSnapshot) -> SignedSnapshot:
    """Sign the same with another key, as somebody who is not the authority would."""
    signer = Signer(new_secret())
    return msgspec.structs.replace(signed, key=signer.public, signature=signer.sign(signed_bytes(signed.body)))


def test_a_snapshot_that_is_forged_older_or_of_another_key_refuses_and_says_which(
    studio: Studio, tmp_path: Path
) -> None:
    studio.consent()
    one = studio.follower("one")
    path = one.home / "authority" / "snapshot.json"
    first = msgspec.json.decode(path.read_bytes(), type=SignedSnapshot)
    studio.did(one, "authority", "refresh")
    newest = msgspec.json.decode(path.read_bytes(), type=SignedSnapshot)
    studio.authority.kill()  # so that nothing better comes

    def held(signed: SignedSnapshot | bytes) -> None:
        path.write_bytes(signed if isinstance(signed, bytes) else msgspec.json.encode(signed))

    held(forged(newest, expires_at="2099-01-01T00:00:00.000Z"))
    refused(one, tmp_path, "its signature is not by the authority's key")
    held(resigned(newest))
    refused(one, tmp_path, r"it is signed by the key \w{16}..., but \w{16}... is pinned")
    held(first)
    refused(one, tmp_path, r"its serial \d+ is older than \d+, which was held already")
    held(b"{")
    refused(one, tmp_path, "does not hold")
    held(newest)
    with one.client() as client:
        job = naming_ana(tmp_path / "good")
        assert client.submit(job.request, job.token).state == "uploading"


def test_a_snapshot_for_another_follower_is_not_taken(studio: Studio) -> None:
    one, two = studio.follower("one"), studio.follower("two")
    theirs = msgspec.json.decode((two.home / "authority" / "snapshot.json").read_bytes(), type=SignedSnapshot)
    with pytest.raises(Exception, match="it was signed for two, not for one"):
        holding(one).take(theirs)


def test_when_the_authority_changes_its_ledgers_key_then_its_followers_go_along(studio: Studio) -> None:
    one = studio.follower("one")
    before = holding(one).pinned()
    studio.did(studio.authority, "ledger", "rotate")
    studio.did(studio.authority, "ledger", "rotate")
    studio.consent()
    until(lambda: "c-1" in known(one, RegisteredConsent))
    after = holding(one).pinned()
    assert before is not None
    assert after is not None
    assert after.key == Ledger(studio.authority.home).public_key != before.key


def test_the_studios_packs_come_with_the_snapshot(studio: Studio, tmp_path: Path) -> None:
    folder = tmp_path / "packs"
    folder.mkdir()
    studio.authority.stop()
    studio.authority.settings["packs_folder"] = str(folder)
    studio.authority.start()
    one = studio.follower("one")
    (folder / "house.toml").write_text("# a pack of the house\n")
    until(lambda: open_registry(settings_of(one), Ledger(one.home)).packs() == {"house": "# a pack of the house\n"})


def test_status_says_what_is_held_and_who_follows(studio: Studio) -> None:
    studio.consent()
    one = studio.follower("one")
    until(lambda: read_posted(one.home) is not None)
    said = studio.say(one, "authority", "status", "--json").json
    assert (said["vouches"], said["consents"], said["reached"]) == ("yes", 1, "yes, as one")
    assert said["key"] == studio.say(studio.authority, "authority", "status", "--json").json["key"]
    refreshed = studio.say(one, "authority", "refresh", "--json").json
    assert refreshed["serial"] > said["serial"]
    assert "followed by one" in studio.say(studio.authority, "authority", "status").out
    studio.authority.kill()
    assert studio.say(one, "authority", "status", "--json").json["reached"].startswith("no: ")
    assert studio.say(studio.authority, "authority", "refresh").code != 0
