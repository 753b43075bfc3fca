"""Two daemons that follow a third: real processes on loopback, stub workers. What they know, refuse and tell it."""

from __future__ import annotations

import json
import random
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from studio_rig import free_port
from terminal_rig import Terminal

from understudy.bridge.client import Client
from understudy.bridge.errors import ComplianceError, KeyRefused, RequestError
from understudy.bridge.exit_codes import REFUSED
from understudy.bridge.follower_messages import SignedSnapshot
from understudy.bridge.keys import issue_key, load_connection, write_connection
from understudy.bridge.record import Consent, Record
from understudy.bridge.settings import UserSettings, load_settings
from understudy.inference.authority.chains import kept_chains
from understudy.inference.authority.followed import open_registry
from understudy.inference.authority.held import Holding
from understudy.inference.authority.ledger import Ledger, judge_ledger, read_ledger
from understudy.inference.authority.outbox import read_posted
from understudy.inference.authority.papers import Approval, RegisteredConsent, Waiver
from understudy.inference.authority.registry import Change, Registry
from understudy.inference.authority.signing import Signer, new_secret
from understudy.inference.authority.studio import signed_bytes
from understudy.inference.compliance.manifest import read_manifest

from .conftest import DaemonProcess, Job, finished, job_on_record, let, make_job, send, state_of, until
from .test_waivers import MINE

SIGNED = {"document": "a" * 64, "signed_on": "2026-01-05"}
BARE = Consent(consent_id="c-1", talent="", document="", signed_on="")


class Studio:
    """An authority and those that follow it, each with a terminal of its machine."""

    def __init__(self, folder: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder, self._terminal, self._patch = folder, terminal, monkeypatch
        self.running: list[DaemonProcess] = []
        self.authority = self.start("authority", port=free_port())

    def start(self, name: str, **settings: Any) -> DaemonProcess:
        home = self._folder / name
        home.mkdir(mode=0o700, parents=True)
        told = {name: value for name, value in settings.items() if name != "real_gate"}
        (home / "settings.json").write_text(json.dumps(told))
        daemon = DaemonProcess(home, **settings).start()
        self.running.append(daemon)
        return daemon

    def follower(self, name: str, *projects: str, wait: bool = True, **settings: Any) -> DaemonProcess:
        file = self._folder / f"{name}.json"
        key = issue_key(self.authority.home, name, roles=("follower",), projects=projects, host="127.0.0.1")
        write_connection(file, key)
        daemon = self.start(name, authority=str(file), **settings)
        if wait:
            until(lambda: not holding(daemon).now().stale)
        return daemon

    def say(self, daemon: DaemonProcess, *words: object) -> Any:
        self._patch.setenv("UNDERSTUDY_HOME", str(daemon.home))
        return self._terminal(*words)

    def did(self, daemon: DaemonProcess, *words: object) -> None:
        ended = self.say(daemon, *words)
        assert ended.code == 0, ended.err

    def consent(self, paper_id: str = "c-1", talent: str = "ana", **fields: str) -> None:
        """Add one at the authority, with its talent."""
        self.say(self.authority, "talent", "add", talent, "name=Ana Lopez")
        said = {"talent": talent, **SIGNED, **fields}
        self.did(self.authority, "consent", "add", paper_id, *(f"{name}={value}" for name, value in said.items()))


def settings_of(daemon: DaemonProcess) -> UserSettings:
    return load_settings({"home": str(daemon.home)}, environment={})


def holding(daemon: DaemonProcess) -> Holding:
    return Holding(daemon.home, Path(daemon.settings["authority"]))


def known(daemon: DaemonProcess, kind: type[Any]) -> dict[str, Any]:
    registry = open_registry(settings_of(daemon), Ledger(daemon.home))
    papers = {paper.id: paper for paper in registry.all(kind)}
    registry.close()
    return papers


def naming_ana(folder: Path, **changes: Any) -> Job:
    job = make_job(folder, **changes)
    record = Record(likeness="digital_replica", on_screen=("ana",), consents=(BARE,))
    job.request = msgspec.structs.replace(job.request, record=record)
    return job


def refused(daemon: DaemonProcess, folder: Path, why: str, **changes: Any) -> ComplianceError:
    job = naming_ana(folder / secrets.token_hex(4), **changes)
    with daemon.client() as client, pytest.raises(ComplianceError, match=why) as refusal:
        client.submit(job.request, job.token)
    return refusal.value


@pytest.fixture
def studio(tmp_path: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    made = Studio(tmp_path / "studio", terminal, monkeypatch)
    yield made
    for daemon in reversed(made.running):
        daemon.stop()


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


def test_the_followers_entries_reach_the_authority_once_and_in_order_through_kills_of_both(
    studio: Studio, tmp_path: Path
) -> None:
    one, two = studio.follower("one"), studio.follower("two")

    def accepted(number: int) -> None:
        with one.client() as client:
            client.submit(make_job(tmp_path / str(number)).request, f"{number:032}")

    def posted() -> bool:
        mark = read_posted(one.home)
        return mark is not None and mark.seq == judge_ledger(one.home).entries

    accepted(1)
    until(posted)
    studio.authority.kill()
    accepted(2)
    one.kill()
    one.start()
    accepted(3)
    one.kill()
    studio.authority.start()
    one.start()
    accepted(4)
    until(posted)
    (folder,) = [folder for folder, kept in kept_chains(studio.authority.home) if kept.follower == "one"]
    own = (one.home / "ledger" / "entries.jsonl").read_bytes()
    assert (folder / "entries.jsonl").read_bytes() == own
    mark = read_posted(one.home)
    assert mark is not None
    anchor = list(read_ledger(studio.authority.home))[mark.head_seq - 1]
    assert (anchor.event, anchor.subjects["seq"]) == ("follower.posted", str(mark.seq))
    until(lambda: read_posted(two.home) is not None)
    said = studio.say(studio.authority, "ledger", "verify", "--json").json
    assert [each["follower"] for each in said["followers"]] == ["one", "two"]
    assert said["followers"][0]["entries"] == mark.seq


@pytest.mark.long
def test_whenever_either_side_is_killed_every_entry_stands_there_once(studio: Studio, tmp_path: Path) -> None:
    one = studio.follower("one")
    dice = random.Random(20261128)
    for round_ in range(6):
        with one.client() as client:
            for number in range(4):
                client.submit(make_job(tmp_path / f"{round_}.{number}").request, f"{round_:016}{number:016}")
        time.sleep(dice.random() * 1.2)  # a turn is one second: the kill falls before, into and behind a post
        struck = dice.choice((one, studio.authority))
        struck.kill()
        struck.start()
    until(lambda: (mark := read_posted(one.home)) is not None and mark.seq == judge_ledger(one.home).entries, 60)
    ((folder, _),) = kept_chains(studio.authority.home)
    assert (folder / "entries.jsonl").read_bytes() == (one.home / "ledger" / "entries.jsonl").read_bytes()
    assert sum(entry.event == "job.accepted" for entry in read_ledger(folder / "entries.jsonl")) == 24
    assert studio.say(studio.authority, "ledger", "verify").code == 0
    assert studio.say(one, "ledger", "verify").code == 0


def test_a_followers_chain_that_somebody_changed_at_the_authority_is_told_by_name(studio: Studio) -> None:
    one = studio.follower("one")
    until(lambda: read_posted(one.home) is not None)
    (folder, _), *_ = list(kept_chains(studio.authority.home))
    path = folder / "entries.jsonl"
    path.write_bytes(path.read_bytes().replace(b"ledger.opened", b"ledger.openet"))
    ended = studio.say(studio.authority, "ledger", "verify")
    assert ended.code == REFUSED
    assert "the ledger of the follower one" in ended.err


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
    for paper_id, project in (("a-d", "dune"), ("a-f", "falcon")):
        words = ("kind=brand", "reference=letter", f"project={project}")
        studio.did(studio.authority, "approve", "add", paper_id, *words)
    dune = studio.follower("dune-box", "dune")
    everything = studio.follower("box")
    assert set(known(everything, RegisteredConsent)) == {"c-dune", "c-falcon", "c-all"}
    assert set(known(dune, RegisteredConsent)) == {"c-dune", "c-all"}
    assert known(dune, RegisteredConsent)["c-dune"].projects == ("dune",)
    assert set(known(dune, Approval)) == {"a-d"}
    content = (dune.home / "authority" / "snapshot.json").read_text()
    assert [word for word in ("falcon", '"bo"', "Ana Lopez") if word in content.replace("\\", "")] == []


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


def test_two_daemons_with_one_key_are_found_out(studio: Studio) -> None:
    one = studio.follower("one")
    until(lambda: read_posted(one.home) is not None)
    studio.start("double", authority=one.settings["authority"])
    double = studio.running[-1]
    until(lambda: "is not the one that is held here" in double.log)
    assert judge_ledger(studio.authority.home).damage is None


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
