"""Waivers from a panel: asked for, decided, listed by the key's roles. Real daemons and sockets; refusals first."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from following_rig import Studio
from terminal_rig import Terminal

from understudy.bridge.client import Client
from understudy.bridge.errors import ComplianceError, DaemonUnreachable, KeyRefused, RequestError
from understudy.bridge.exit_codes import UNREACHABLE
from understudy.bridge.keys import write_connection
from understudy.bridge.papers_client import ask_waivers, decide_waiver, request_waiver
from understudy.bridge.papers_messages import RequestWaiver, Waivers
from understudy.inference.authority.ledger import read_ledger

from .conftest import DaemonProcess, guest, job_on_record, until
from .test_waivers import MINE, RULE, WHY, day

ROLES = {"art": "artist", "abe": "artist", "pia": "producer", "lea": "legal", "leo": "legal"}


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonProcess]:
    folder = tmp_path_factory.mktemp("waivers")
    (folder / "packs").mkdir()
    (folder / "packs" / "our-show.toml").write_text(MINE)
    process = DaemonProcess(folder / "home", real_gate=True, packs_folder=str(folder / "packs")).start()
    yield process
    process.stop()


class People:
    """One client a person; `dune` in a name's place of projects where it is bound."""

    def __init__(self, daemon: DaemonProcess) -> None:
        self._daemon = daemon
        self._open: dict[tuple[str, ...], Client] = {}

    def __call__(self, name: str, *projects: str) -> Client:
        found = self._open.get((name, *projects))
        if found is None:
            key = guest(self._daemon, "-".join((name, *projects)), *projects, roles=(ROLES[name],))
            found = self._open[(name, *projects)] = Client.connect(key)
        return found

    def close(self) -> None:
        for client in self._open.values():
            client.close()


@pytest.fixture(scope="module")
def people(daemon: DaemonProcess) -> Iterator[People]:
    made = People(daemon)
    yield made
    made.close()


def refused_job(client: Client, folder: Path, record_id: str, **said: Any) -> str:
    """Submit what the show's pack refuses; return the job's id."""
    job = job_on_record(folder, record_id=record_id, **said)
    with pytest.raises(ComplianceError):
        client.submit(job.request, job.token)
    return client.list_jobs(limit=1)[0].job_id


def test_an_artist_grants_nothing(people: People, tmp_path: Path) -> None:
    job_id = refused_job(people("art"), tmp_path, "r-artist")
    waiver = request_waiver(people("art"), job_id, RULE, WHY)
    for name in ("art", "abe"):
        for decision in ("grant", "deny"):
            with pytest.raises(KeyRefused, match=f"waiver.{decision}"):
                decide_waiver(people(name), waiver.waiver_id, decision, until=day(9))  # type: ignore[arg-type]
    assert not waiver.may_decide
    assert "waiver.grant" in waiver.why_not


def test_whoever_asked_does_not_decide_and_neither_does_a_role_that_the_rule_does_not_name(
    people: People, tmp_path: Path
) -> None:
    job_id = refused_job(people("lea"), tmp_path, "r-own")
    waiver = request_waiver(people("lea"), job_id, RULE, WHY)
    with pytest.raises(KeyRefused, match="lea asked for waiver"):
        decide_waiver(people("lea"), waiver.waiver_id, "grant", until=day(9))
    with pytest.raises(KeyRefused, match=r"may not decide on our-show\.context"):
        decide_waiver(people("pia"), waiver.waiver_id, "grant", until=day(9))
    with pytest.raises(RequestError, match="`expires_on`"):
        decide_waiver(people("leo"), waiver.waiver_id, "grant")
    (seen,) = ask_waivers(people("leo"), job_id)
    assert (seen.state, seen.may_decide, seen.why_not) == ("requested", True, "")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"reason": "please"}, "`reason`"),
        ({"rule": "likeness_is_stated"}, "blocks nothing of"),
        ({"rule": "our-show.nothing"}, "blocks nothing of"),
        ({"job_id": "nojobhere"}, "there is no job"),
        ({"until": "2026-13-45"}, "`expires_on`"),
        ({"shots": ("a/b",)}, "`shots`"),
    ],
    ids=["an excuse", "a rule that passed", "no rule", "no job", "no day", "no name of a shot"],
)
def test_what_cannot_be_asked_for_is_refused_by_its_field(
    people: People, tmp_path: Path, said: dict[str, Any], why: str
) -> None:
    job_id = refused_job(people("art"), tmp_path, "r-wrong")
    asked = RequestWaiver(**{"job_id": job_id, "rule": RULE, "reason": WHY, **said})
    with pytest.raises(RequestError, match=why):
        people("art").ask(asked, Waivers)
    assert ask_waivers(people("lea"), job_id) == ()


def test_a_job_of_another_project_is_one_that_is_not_there_and_so_are_its_waivers(
    people: People, tmp_path: Path
) -> None:
    job_id = refused_job(people("art", "falcon"), tmp_path, "r-falcon", project="falcon")
    waiver = request_waiver(people("art", "falcon"), job_id, RULE, WHY)
    for stranger in (people("art", "dune"), people("lea", "dune")):
        for subject in (job_id, "r-falcon"):
            with pytest.raises(RequestError, match="there is no job"):
                request_waiver(stranger, subject, RULE, WHY)
        with pytest.raises(RequestError, match="there is no job"):
            ask_waivers(stranger, job_id)
        with pytest.raises(RequestError, match="there is no waiver"):
            ask_waivers(stranger, waiver_id=waiver.waiver_id)
        assert waiver.waiver_id not in {one.waiver_id for one in ask_waivers(stranger)}
    with pytest.raises(RequestError, match="there is no waiver"):
        decide_waiver(people("lea", "dune"), waiver.waiver_id, "grant", until=day(9))
    assert [one.waiver_id for one in ask_waivers(people("lea", "falcon"))] == [waiver.waiver_id]
    assert decide_waiver(people("lea", "falcon"), waiver.waiver_id, "grant", until=day(9)).state == "granted"


def test_when_another_project_has_a_record_of_the_same_id_then_its_waivers_are_still_not_there(
    people: People, tmp_path: Path
) -> None:
    theirs = refused_job(people("art", "falcon"), tmp_path / "a", "r-twin", project="falcon")
    own = refused_job(people("art", "dune"), tmp_path / "b", "r-twin", project="dune")
    waiver = request_waiver(people("art", "falcon"), theirs, RULE, WHY)
    lea = people("lea", "dune")
    assert ask_waivers(lea, own) == ()
    assert waiver.waiver_id not in {one.waiver_id for one in ask_waivers(lea)}
    with pytest.raises(RequestError, match="there is no waiver"):
        decide_waiver(lea, waiver.waiver_id, "grant", until=day(9))
    of_dune = request_waiver(people("art", "dune"), own, RULE, WHY)
    assert [one.waiver_id for one in ask_waivers(lea, own)] == [of_dune.waiver_id]
    assert decide_waiver(lea, of_dune.waiver_id, "grant", until=day(9)).state == "granted"


def test_a_waiver_granted_over_the_wire_lets_the_record_in_and_each_step_is_in_the_ledger(
    daemon: DaemonProcess, people: People, tmp_path: Path
) -> None:
    job_id = refused_job(people("art"), tmp_path / "a", "r-good")
    asked = request_waiver(people("art"), job_id, RULE, WHY, until=day(3), shots=("sh0*",), waiver_id="w-good")
    assert (asked.waiver_id, asked.state, asked.requested_by, asked.shots) == ("w-good", "requested", "art", ("sh0*",))
    with pytest.raises(RequestError, match="there is a waiver 'w-good' already"):
        request_waiver(people("art"), "r-good", RULE, WHY, waiver_id="w-good")
    granted = decide_waiver(people("lea"), "w-good", "grant", condition="Write the next one down.")
    assert (granted.decided_by, granted.decided_as, granted.expires_on) == ("lea", "legal", day(3))
    with pytest.raises(RequestError, match="is granted already"):
        decide_waiver(people("leo"), "w-good", "deny")
    job = job_on_record(tmp_path / "b", record_id="r-good")
    accepted = people("art").submit(job.request, job.token)
    (found,) = (one for one in accepted.findings if one.rule == RULE)
    assert (found.outcome, found.fields) == ("waived", ("context.camera_move",))
    events = [entry.event for entry in read_ledger(daemon.home) if entry.subjects.get("waiver") == "w-good"]
    assert events == ["waiver.requested", "waiver.granted", "waiver.used"]


def test_the_newest_job_of_a_record_stands_for_it_and_an_artist_sees_their_own_and_their_jobs(
    people: People, tmp_path: Path
) -> None:
    refused_job(people("art"), tmp_path / "a", "r-twice")
    refused_job(people("art"), tmp_path / "b", "r-twice")
    waiver = request_waiver(people("art"), "r-twice", RULE, WHY)
    assert waiver.record_id == "r-twice"
    assert waiver in ask_waivers(people("art"))
    assert decide_waiver(people("leo"), waiver.waiver_id, "deny").state == "denied"


@pytest.mark.parametrize("record_id", ["r'); --", 'r"1', "\u00e9t\u00e9", "%", "r-1\\"])
def test_a_record_is_found_by_any_id_that_json_can_hold(people: People, tmp_path: Path, record_id: str) -> None:
    refused_job(people("art"), tmp_path, record_id)
    assert request_waiver(people("art"), record_id, RULE, WHY).record_id == record_id


# ---- the commands, from any machine ---------------------------------------------------------------------------------


def test_the_commands_speak_to_the_daemon_of_the_key_whatever_home_is_set(
    daemon: DaemonProcess, people: People, tmp_path: Path, home: Path, terminal: Terminal
) -> None:
    refused_job(people("art"), tmp_path / "job", "r-far")
    for name in ("art", "lea"):
        write_connection(tmp_path / f"{name}.json", people(name).connection)
    art, lea = ("--key", tmp_path / "art.json"), ("--key", tmp_path / "lea.json")
    asked = terminal("waiver", "request", "r-far", RULE, "--reason", WHY, "--id", "w-far", "--json", *art)
    assert (asked.code, asked.json["id"]) == (0, "w-far"), asked.err
    assert "w-far" in terminal("waiver", "list", *lea).out
    assert terminal("waiver", "grant", "w-far", "--until", day(5), *lea).out == "waiver w-far granted\n"
    assert terminal("waiver", "show", "w-far", "--json", *art).json["decided_by"] == "lea"
    assert not (home / "registry.sqlite").exists()


def test_without_a_daemon_a_command_says_so(people: People, tmp_path: Path, terminal: Terminal) -> None:
    nowhere = msgspec.structs.replace(people("art").connection, port=1)
    write_connection(tmp_path / "nowhere.json", nowhere)
    assert terminal("waiver", "list", "--key", tmp_path / "nowhere.json").code == UNREACHABLE


# ---- a follower -----------------------------------------------------------------------------------------------------


def test_a_follower_passes_a_request_on_decides_nothing_and_keeps_its_loop_while_the_authority_is_away(
    studio: Studio, tmp_path: Path
) -> None:
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs" / "our-show.toml").write_text(MINE)
    studio.consent()
    one = studio.follower("one", real_gate=True, packs_folder=str(tmp_path / "packs"))
    with one.client() as client:
        job_id = refused_job(client, tmp_path / "a", "r-1")
        asked = request_waiver(client, job_id, RULE, WHY, waiver_id="w-1")
        assert (asked.may_decide, "the studio authority decides" in asked.why_not) == (False, True)
        until(lambda: ask_waivers(client, job_id))  # with the next snapshot
        lea = guest(one, "lea", roles=("legal",))
        with Client.connect(lea) as legal, pytest.raises(RequestError, match="w-1 is not changed here"):
            decide_waiver(legal, "w-1", "grant", until=day(9))
        studio.authority.stop()
        start = time.monotonic()
        with pytest.raises(DaemonUnreachable):
            request_waiver(client, job_id, RULE, WHY, waiver_id="w-2")
        assert time.monotonic() - start < 30
        client.ping()  # it answers
    assert [entry.event for entry in read_ledger(studio.authority.home) if entry.event.startswith("waiver.")] == [
        "waiver.requested"
    ]
