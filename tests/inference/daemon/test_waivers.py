"""A waiver from the refusal to the manifest's word: asked for, granted, used, dead. A real daemon and its real gate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from pack_rig import CAMERA, pack_text
from terminal_rig import Ended, Terminal

from understudy.bridge.circumstances import Content, Context, Use
from understudy.bridge.client import Client
from understudy.bridge.errors import ComplianceError, Finding
from understudy.bridge.exit_codes import REFUSED, USAGE
from understudy.bridge.keys import write_connection
from understudy.inference.authority.ledger import read_ledger

from .conftest import DaemonProcess, finished, guest, job_on_record, send

RULE = "our-show.context"
MINE = (
    pack_text(
        "our-show.context", "admission", "legal", CAMERA,
        when='{ any = [{ not = { set = "use.media" } }, { set = "use.media" }] }',
    )
    + """
[[rule]]
id = "our-show.violence"
gate = "admission"
when = { eq = ["content.violence", true] }
require = { set = "content.political" }
severity = "block"
waivable_by = []
explain = "Violence of this show is looked at twice."
remedy = "State `content.political`."
"""
)  # fmt: skip
WHY = "The camera log of that day was lost in the flood."
Say = Callable[..., Ended]


@pytest.fixture
def daemon(home: Path, tmp_path: Path) -> Iterator[DaemonProcess]:
    (tmp_path / "packs").mkdir()
    (tmp_path / "packs" / "our-show.toml").write_text(MINE)
    process = DaemonProcess(home, real_gate=True, packs_folder=str(tmp_path / "packs")).start()
    yield process
    process.stop()


@pytest.fixture
def say(daemon: DaemonProcess, terminal: Terminal, tmp_path: Path) -> Say:
    """Return a function that says a command as one of the house: art, pia, lea, leo."""
    for name, role in (("art", "artist"), ("pia", "producer"), ("lea", "legal"), ("leo", "legal")):
        write_connection(tmp_path / f"{name}.json", guest(daemon, name, roles=(role,)))
    return lambda who, *words: terminal(*words, "--as", tmp_path / f"{who}.json")


def submit(client: Client, folder: Path, **changes: Any) -> str:
    """Send what the artist would send each time: a record without a salt."""
    return send(client, job_on_record(folder, **changes))


def refused(client: Client, folder: Path, rule: str = RULE, **changes: Any) -> Finding:
    with pytest.raises(ComplianceError) as caught:
        submit(client, folder, **changes)
    return next(one for one in caught.value.findings if one.rule == rule)


def events(daemon: DaemonProcess) -> list[tuple[str, str]]:
    told = [entry for entry in read_ledger(daemon.home) if entry.event.startswith(("waiver.", "job."))]
    return [(entry.event, entry.subjects.get("waiver", entry.outcome)) for entry in told]


def day(offset: int) -> str:
    return (datetime.now(timezone.utc).date() + timedelta(days=offset)).isoformat()


def ask(say: Say, who: str = "pia", *words: str) -> None:
    ended = say(who, "waiver", "request", "r-1", RULE, "--reason", WHY, "--id", "w-1", *words)
    assert ended.code == 0, ended.err


def grant(say: Say) -> None:
    ended = say("lea", "waiver", "grant", "w-1", "--until", day(9), "--condition", "Write the next one down.")
    assert ended.code == 0, ended.err


def test_a_waiver_that_was_asked_for_and_granted_lets_the_same_record_in_as_waived_and_the_ledger_has_each_step(
    daemon: DaemonProcess, say: Say, tmp_path: Path
) -> None:
    with daemon.client() as client:
        refused(client, tmp_path / "a")
        ask(say)
        assert refused(client, tmp_path / "b").message.count("does not count") == 0  # asked for is not granted
        grant(say)
        job_id = submit(client, tmp_path / "c")
        assert finished(client, job_id).state == "delivered"
        (found,) = (one for one in client.show_job(job_id).findings if one.rule == RULE)
    assert (found.outcome, found.remedy) == ("waived", "Write the next one down.")
    assert f"Waived by legal, w-1, until {day(9)}." in found.message
    assert events(daemon) == [
        ("job.refused", "refused"), ("waiver.requested", "w-1"), ("job.refused", "refused"), ("waiver.granted", "w-1"),
        ("waiver.used", "w-1"), ("job.accepted", "accepted"), ("job.finished", "delivered"),
    ]  # fmt: skip


def test_the_ledger_names_the_packs_that_were_asked_with_their_versions(
    daemon: DaemonProcess, say: Say, tmp_path: Path
) -> None:
    with daemon.client() as client:
        refused(client, tmp_path)
    (entry,) = (one for one in read_ledger(daemon.home) if one.event == "job.refused")
    assert entry.packs == {"base": "1.0.0", "our-show": "1.0.0", "sag-tv-2026": "1.0.0"}


def test_an_artist_asks_by_the_job_and_only_a_role_that_the_rule_allows_grants_it(
    daemon: DaemonProcess, say: Say, tmp_path: Path
) -> None:
    with daemon.client() as client:
        refused(client, tmp_path)
        (job,) = client.list_jobs()
    asked = ("waiver", "request", job.job_id, RULE, "--reason", WHY, "--id", "w-1")
    assert say("art", *asked).code == 0
    assert say("art", *asked).code == USAGE  # the id is taken
    own = say("pia", "waiver", "grant", "w-1", "--until", day(9))
    assert (own.code, "It takes legal" in own.err) == (REFUSED, True)
    assert say("art", "waiver", "grant", "w-1", "--until", day(9)).code == REFUSED
    endless = say("lea", "waiver", "grant", "w-1")
    assert (endless.code, "`expires_on`" in endless.err) == (USAGE, True)
    assert say("lea", "waiver", "deny", "w-1").code == 0
    assert say("leo", "waiver", "grant", "w-1", "--until", day(9)).code == USAGE
    (waiver,) = say("pia", "waiver", "list", "--json").json
    assert (waiver["requested_by"], waiver["decided_by"], waiver["state"]) == ("art", "lea", "denied")
    with daemon.client() as client:
        refused(client, tmp_path / "again")


def test_whoever_asked_for_a_waiver_does_not_grant_it(daemon: DaemonProcess, say: Say, tmp_path: Path) -> None:
    with daemon.client() as client:
        refused(client, tmp_path)
    ask(say, "lea")
    own = say("lea", "waiver", "grant", "w-1", "--until", day(9))
    assert (own.code, "lea asked for waiver w-1" in own.err) == (REFUSED, True)


def test_what_nobody_may_waive_cannot_be_asked_for_and_neither_can_the_gates_own_rules(
    daemon: DaemonProcess, say: Say, tmp_path: Path
) -> None:
    with daemon.client() as client:
        refused(client, tmp_path, "our-show.violence", content=Content(violence=True), likeness=None)
    for rule in ("our-show.violence", "likeness_is_stated"):
        ended = say("lea", "waiver", "request", "r-1", rule, "--reason", WHY)
        assert (ended.code, f"nobody can waive {rule}" in ended.err) == (USAGE, True), ended.err
    for subject, rule in (("r-1", "base.use-stated"), ("r-9", RULE)):
        assert say("lea", "waiver", "request", subject, rule, "--reason", WHY).code == USAGE
    short = say("lea", "waiver", "request", "r-1", RULE, "--reason", "please")
    assert (short.code, "`reason`" in short.err) == (USAGE, True)
    assert say("lea", "waiver", "list", "--json").json == []


@pytest.mark.parametrize(
    ("changes", "admitted"),
    [
        ({"use": Use(media=("online",))}, False),
        ({"content": Content(political=False)}, True),
        ({"context": Context(lighting="dusk")}, True),
        ({"record_id": "r-2"}, False),
    ],
    ids=["what the rule read changed", "another field changed", "another field of its struct", "another record"],
)
def test_a_waiver_dies_with_what_its_rule_read_and_lives_on_where_anything_else_changed(
    daemon: DaemonProcess, say: Say, tmp_path: Path, changes: dict[str, Any], admitted: bool
) -> None:
    with daemon.client() as client:
        refused(client, tmp_path / "a")
        ask(say)
        grant(say)
        if admitted:
            submit(client, tmp_path / "b", **changes)
        else:
            refused(client, tmp_path / "b", **changes)


def test_a_record_gets_the_same_salt_each_time_and_another_record_another(
    daemon: DaemonProcess, tmp_path: Path, say: Say
) -> None:
    salts = []
    with daemon.client() as client:
        for number, changes in enumerate(({}, {}, {"record_id": "r-2"})):
            moved = {"context": Context(camera_move="pan"), **changes}
            salts.append(client.show_job(submit(client, tmp_path / str(number), **moved)).job.record.salt)
    assert salts[0] == salts[1]
    assert len(set(salts)) == 2
    assert {len(salt) for salt in salts} == {64}


def test_a_user_of_another_project_does_not_learn_a_records_salt_by_its_id(
    daemon: DaemonProcess, tmp_path: Path, say: Say
) -> None:
    stated = {"context": Context(camera_move="pan")}
    with daemon.client() as client, Client.connect(tmp_path / "art.json") as other:
        mine = client.show_job(submit(client, tmp_path / "a", **stated)).job.record.salt
        theirs = other.show_job(submit(other, tmp_path / "b", **stated)).job.record.salt
    assert mine != theirs
