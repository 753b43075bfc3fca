"""Two daemons that follow a third: real processes on loopback, stub workers. What they know, refuse and tell it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from following_rig import Studio, holding, known, settings_of

from understudy.bridge.client import Client
from understudy.bridge.errors import ComplianceError, KeyRefused, RequestError
from understudy.bridge.keys import issue_key, load_connection, write_connection
from understudy.bridge.settings import load_settings
from understudy.inference.authority.followed import open_registry
from understudy.inference.authority.ledger import Ledger, read_ledger
from understudy.inference.authority.papers import Approval, RegisteredConsent, Waiver
from understudy.inference.authority.registry import Change, Registry
from understudy.inference.authority.studio import OTHERS
from understudy.inference.compliance.manifest import read_manifest

from .conftest import DaemonProcess, finished, job_on_record, make_job, naming_ana, refused, send, state_of, until
from .test_waivers import MINE


@pytest.mark.long
def test_a_consent_added_at_the_authority_clears_on_both_and_one_revoked_there_is_refused_on_both(
    studio: Studio, tmp_path: Path
) -> None:
    one, two = studio.follower("one"), studio.follower("two")
    refused(one, tmp_path, "consent c-1 is not in it")
    studio.consent()
    for daemon in (one, two):
        until(lambda daemon=daemon: "c-1" in known(daemon, RegisteredConsent))
        with daemon.client() as client:
            job_id = send(client, naming_ana(tmp_path / daemon.home.name, prompt="float8_from=1001"))
            assert finished(client, job_id).state == "delivered"
            manifest = read_manifest((Path(client.outputs(job_id).folder) / "manifest.json").read_bytes())
        assert (manifest.vouched_by, manifest.authority is not None) == ("authority", True)
        assert manifest.authority == holding(daemon).now().authority
        assert manifest.authority is not None
        assert manifest.authority.key == Ledger(studio.authority.home).public_key
        assert manifest.ledger_head is not None  # of the follower's own ledger
    studio.did(studio.authority, "revoke", "c-1", "--reason", "she withdrew")
    for daemon in (one, two):
        until(lambda daemon=daemon: known(daemon, RegisteredConsent)["c-1"].revoked_on)
        refused(daemon, tmp_path, "consent c-1 was revoked")


@pytest.mark.long
def test_a_revocation_at_the_authority_parks_what_waits_and_what_runs_at_a_follower(
    studio: Studio, tmp_path: Path
) -> None:
    studio.consent()
    one = studio.follower("one")
    with one.client() as client:
        running = send(client, naming_ana(tmp_path / "a", prompt="slow=0.2", frames=200))
        waiting = send(client, naming_ana(tmp_path / "b"))
        until(lambda: state_of(client, running) == "running")
        studio.did(studio.authority, "revoke", "ana", "--reason", "she withdrew")
        until(lambda: {state_of(client, job) for job in (running, waiting)} == {"parked"})
        reason = client.show_job(running).summary.error
    assert reason is not None
    assert "consent c-1 was revoked" in reason.message


def test_a_follower_cannot_change_the_registry_and_is_told_where_that_is_done(studio: Studio) -> None:
    studio.consent()
    one = studio.follower("one")
    address = f"127.0.0.1:{studio.authority.settings['port']}"
    for words in (
        ("talent", "add", "bo"),
        ("consent", "change", "c-1", "expires_on=2027-01-01"),
        ("consent", "revoke", "c-1"),
        ("revoke", "ana", "--reason", "x"),
        ("approve", "add", "a-1", "kind=legal", "reference=x"),
    ):
        ended = studio.say(one, *words)
        assert (ended.code != 0, address in ended.err) == (True, True), ended
    assert studio.say(one, "consent", "list", "--json").json[0]["id"] == "c-1"
    assert studio.say(one, "talent", "show", "ana", "--json").json["name"] == ""  # the name stays at the authority
    studio.did(one, "recipient", "add", "client", "name=The Client")  # whom this daemon's pictures are given to
    assert studio.say(one, "recipient", "list", "--json").json[0]["id"] == "client"


def waiver(paper_id: str, by: str, **fields: Any) -> Waiver:
    return Waiver(
        id=paper_id, rule="us-ny-ads.disclose", pack="us-ny-ads@1.0.0", record_id="r-1", facts="f" * 64,
        waivable_by=("legal",), reason="the client places the disclosure itself", requested_by=by,
        requested_on="2026-11-28", **fields,
    )  # fmt: skip


def test_a_waiver_asked_for_at_a_follower_is_decided_at_the_authority_and_known_at_the_follower(
    studio: Studio,
) -> None:
    one = studio.follower("one")
    me = load_connection(studio.authority.home).user
    registry = open_registry(settings_of(one), Ledger(one.home))
    registry.write(me, [Change("waiver", waiver("w-1", me), "requested")])
    registry.write(me, [Change("waiver", waiver("w-1", me), "requested")])  # said twice by who did not hear the answer
    with pytest.raises(RequestError, match="there is a waiver 'w-1' already"):
        registry.write(me, [Change("waiver", waiver("w-1", "art"), "requested")])
    with pytest.raises(RequestError, match="w-1 is not changed here"):
        registry.write(me, [Change("waiver", waiver("w-1", me), "granted")])
    registry.close()
    until(lambda: known(one, Waiver).get("w-1"))
    file = studio.authority.home.parent / "lea.json"
    write_connection(file, issue_key(studio.authority.home, "lea", roles=("legal",), projects=(), host="127.0.0.1"))
    words = ("waiver", "grant", "w-1", "--until", "2099-12-31")
    ended = studio.say(studio.authority, *words)
    assert f"{me} asked for waiver w-1 and does not decide on it" in ended.err  # whoever runs both machines
    studio.did(studio.authority, *words, "--as", file)
    until(lambda: known(one, Waiver)["w-1"].state == "granted")
    asked = open_registry(settings_of(one), Ledger(one.home)).snapshot((), (), "r-1")
    assert [found.id for found in asked.waivers] == ["w-1"]


def test_a_pack_of_the_studio_refuses_at_a_follower_and_a_waiver_of_the_studio_lets_the_record_in_there(
    studio: Studio, tmp_path: Path
) -> None:
    packs = tmp_path / "packs"
    packs.mkdir()
    (packs / "our-show.toml").write_text(MINE)
    studio.authority.stop()
    studio.authority.settings["packs_folder"] = str(packs)
    studio.authority.start()
    studio.consent()
    one = studio.follower("one", real_gate=True)
    file = studio.authority.home.parent / "lea.json"
    write_connection(file, issue_key(studio.authority.home, "lea", roles=("legal",), projects=(), host="127.0.0.1"))
    with one.client() as client:
        with pytest.raises(ComplianceError, match="logged with its camera move"):
            client.submit(job_on_record(tmp_path / "a").request, "a" * 32)
        why = "The camera log of that day was lost in the flood."
        studio.did(one, "waiver", "request", "r-1", "our-show.context", "--reason", why, "--id", "w-1")
        until(lambda: known(one, Waiver).get("w-1"))
        studio.did(studio.authority, "waiver", "grant", "w-1", "--until", "2099-12-31", "--as", file)
        until(lambda: known(one, Waiver)["w-1"].state == "granted")
        job_id = client.submit(job_on_record(tmp_path / "b").request, "b" * 32).job_id
        (found,) = (each for each in client.show_job(job_id).findings if each.rule == "our-show.context")
    assert found.outcome == "waived"
    asked = [entry for entry in read_ledger(studio.authority.home) if entry.event.startswith("waiver.")]
    assert [entry.event for entry in asked] == ["waiver.requested", "waiver.granted"]
    assert asked[0].actor == Ledger(studio.authority.home).hashed("one")  # who posted it; who asked stands in the paper


def test_a_project_sees_only_its_own_papers(studio: Studio) -> None:
    studio.consent("c-dune", "ana", projects="dune; falcon")
    studio.consent("c-falcon", "bo", projects="falcon")
    studio.consent("c-all", "cy")
    for paper_id, reference, project in (("a-d", "letter", "dune"), ("a-f", "memo", "falcon")):
        words = ("kind=brand", f"reference={reference}", f"project={project}")
        studio.did(studio.authority, "approve", "add", paper_id, *words)
    dune = studio.follower("dune-box", "dune")
    everything = studio.follower("box")
    assert set(known(everything, RegisteredConsent)) == {"c-dune", "c-falcon", "c-all"}
    assert set(known(dune, RegisteredConsent)) == {"c-dune", "c-all"}
    assert known(dune, RegisteredConsent)["c-dune"].projects == ("dune",)
    assert set(known(dune, Approval)) == {"a-d"}
    registry = open_registry(settings_of(dune), Ledger(dune.home))
    named = {one: registry.snapshot((), (), project="dune", approvals=(one,)).approvals for one in ("memo", "minute")}
    registry.close()
    assert [(one.reference, one.project) for one in named["memo"]] == [("letter", "dune"), ("memo", OTHERS)]
    assert [one.reference for one in named["minute"]] == ["letter"]
    content = (dune.home / "authority" / "snapshot.json").read_text()
    assert [word for word in ("falcon", "memo", '"bo"', "Ana Lopez") if word in content.replace("\\", "")] == []


def test_who_withdrew_everything_may_be_named_in_no_project_though_its_follower_never_saw_a_consent(
    studio: Studio, tmp_path: Path
) -> None:
    studio.consent("c-falcon", "ana", projects="falcon")
    dune = studio.follower("dune-box", "dune")
    studio.did(studio.authority, "revoke", "ana", "--reason", "she withdrew")
    until(lambda: holding(dune).now().snapshot.contents.withdrawn)  # type: ignore[union-attr]
    job = make_job(tmp_path, project="dune")
    record = msgspec.structs.replace(job.request.record, on_screen=("ana",))
    job.request = msgspec.structs.replace(job.request, record=record)
    with dune.client() as client, pytest.raises(ComplianceError, match="ana has withdrawn every consent"):
        client.submit(job.request, job.token)
    assert '"ana' not in (dune.home / "authority" / "snapshot.json").read_text().replace("\\", "")


def test_a_daemon_that_follows_nobody_asks_its_own_registry_and_keeps_nothing_of_an_authority(
    daemon: DaemonProcess,
) -> None:
    settings = load_settings({"home": str(daemon.home)}, environment={})
    registry = open_registry(settings, Ledger(daemon.home))
    assert type(registry) is Registry
    registry.close()
    assert not (daemon.home / "authority").exists()


def test_only_a_key_of_role_follower_is_told_the_papers_and_it_has_no_jobs(studio: Studio, tmp_path: Path) -> None:
    for role, refusal in (("artist", KeyRefused), ("admin", KeyRefused)):
        key = issue_key(studio.authority.home, role, roles=(role,), projects=(), host="127.0.0.1")  # type: ignore[arg-type]
        with Client(key) as client, pytest.raises(refusal, match="may not do this"):
            client.snapshot()
    key = issue_key(studio.authority.home, "box", roles=("follower",), projects=(), host="127.0.0.1")
    with Client(key) as client:
        job = make_job(tmp_path)
        with pytest.raises(KeyRefused, match="has no jobs here"):
            client.submit(job.request, job.token)
        assert client.snapshot().body
        decided = waiver("w", "a", state="granted", decided_by="b", expires_on="2099-12-31")
        with pytest.raises(RequestError, match="comes decided"):
            client.post_waiver(msgspec.json.encode(decided))
        with pytest.raises(RequestError, match="is not the one that is held here"):
            client.post_entries(0, ('{"schema":1}',))


def test_a_follower_vouches_for_nobody(studio: Studio) -> None:
    one = studio.follower("one", wait=False)
    key = issue_key(one.home, "box", roles=("follower",), projects=(), host="127.0.0.1")
    with Client(key) as client, pytest.raises(RequestError, match="follows an authority itself"):
        client.snapshot()
