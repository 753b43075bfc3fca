"""Whom a form may offer, and whose consents: over the wire, by the key's roles and projects. Real daemons."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest
from following_rig import Studio, known

from understudy.bridge.circumstances import Use
from understudy.bridge.client import Client
from understudy.bridge.errors import KeyRefused
from understudy.bridge.papers_client import ask_consents, judge_draft
from understudy.bridge.papers_messages import AskConsents, ConsentCard, Consents
from understudy.bridge.record import Record
from understudy.inference.authority.papers import RegisteredConsent, Talent

from .conftest import DaemonProcess, guest, until
from .test_drafts import bare, grant, register


def day(offset: int) -> str:
    return (datetime.now(timezone.utc).date() + timedelta(days=offset)).isoformat()


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonProcess]:
    process = DaemonProcess(tmp_path_factory.mktemp("picking") / "home").start()
    register(
        process,
        Talent(id="ana", name="Ana Lopez", notes="calls on Sundays"), Talent(id="bo", name="Bo Falk", minor=True),
        Talent(id="dee", name="Dee Rahman"),
        grant("c-all", "ana"), grant("c-dune", "ana", projects=("dune", "falcon"), shots=("SH0*",), media=("online",)),
        grant("c-gone", "ana", revoked_on="2026-02-01", revoked_why="illness"),
        grant("c-old", "ana", expires_on=day(-1)), grant("c-last-day", "ana", expires_on=day(0)),
        grant("c-falcon", "bo", projects=("falcon",)),
    )  # fmt: skip
    yield process
    process.stop()


def told(daemon: DaemonProcess, *projects: str, roles: tuple[str, ...] = ("artist",), **asked: Any) -> Consents:
    with Client.connect(guest(daemon, f"key-{'-'.join((*roles, *projects))}", *projects, roles=roles)) as client:
        return ask_consents(client, **asked)


def by_id(consents: Consents) -> dict[str, ConsentCard]:
    return {card.consent_id: card for card in consents.consents}


def test_a_key_asks_for_no_project_but_its_own(daemon: DaemonProcess) -> None:
    with pytest.raises(KeyRefused, match="does not belong to the project 'falcon'"):
        told(daemon, "dune", project="falcon")


def test_a_key_without_a_role_picks_nothing(daemon: DaemonProcess) -> None:
    with pytest.raises(KeyRefused, match="no role"):
        told(daemon, roles=())
    with pytest.raises(KeyRefused, match="has no jobs here"):
        told(daemon, roles=("follower",))


def test_what_does_not_reach_the_keys_projects_is_not_there_for_whatever_role(daemon: DaemonProcess) -> None:
    for roles in (("artist",), ("producer",), ("legal",), ("admin",)):
        found = told(daemon, "dune", roles=roles, project="dune")
        assert "c-falcon" not in by_id(found)
        assert [person.talent for person in found.people] == ["ana"]
        assert by_id(found)["c-dune"].scope.projects == ("dune",)
        assert "falcon" not in msgspec.json.encode(found).decode()


def test_asking_for_somebody_by_name_tells_no_more(daemon: DaemonProcess) -> None:
    hidden = told(daemon, "dune", talents=("bo",))
    assert (hidden.people, hidden.consents, hidden.left_out) == ((), (), 0)
    assert told(daemon, "dune", talents=("nobody",)) == hidden


def test_an_artist_is_told_ids_and_whoever_may_look_names(daemon: DaemonProcess) -> None:
    artist = told(daemon)
    assert [(one.talent, one.name, one.minor) for one in artist.people] == [
        ("ana", "", None), ("bo", "", None), ("dee", "", None),
    ]  # fmt: skip
    said = msgspec.json.encode(artist).decode()
    for secret in ("Lopez", "Falk", "Sundays", "illness", "aaaaaaaa"):
        assert secret not in said
    for role in ("producer", "legal", "admin"):
        people = {one.talent: one for one in told(daemon, roles=(role,)).people}
        assert (people["ana"].name, people["bo"].minor) == ("Ana Lopez", True)


def test_each_consent_says_whether_it_holds_for_this_project_and_shot_today(daemon: DaemonProcess) -> None:
    found = by_id(told(daemon, project="dune", shot="SH010"))
    assert {name for name, card in found.items() if card.covers} == {"c-all", "c-dune", "c-last-day"}
    assert found["c-gone"].revoked
    assert "was revoked on 2026-02-01" in found["c-gone"].why_not
    assert f"expired on {day(-1)}" in found["c-old"].why_not
    assert "is for falcon, not dune" in found["c-falcon"].why_not
    elsewhere = by_id(told(daemon, project="dune", shot="XX010"))
    assert "is for the shots SH0*, not XX010" in elsewhere["c-dune"].why_not
    assert by_id(told(daemon, project="dune"))["c-dune"].covers  # no shot in particular
    assert "this job names no project" in by_id(told(daemon))["c-dune"].why_not


def test_what_covers_here_is_what_a_draft_takes(daemon: DaemonProcess) -> None:
    """Of every consent of ana: the card and the rule of the gate say the same of project and day."""
    with daemon.client() as client:
        for card in ask_consents(client, project="dune", shot="SH010", talents=("ana",)).consents:
            record = Record(
                record_id="r", likeness="non_human", performed_by=("ana",), consents=(bare(card.consent_id),),
                use=Use(media=("online",)),
            )  # fmt: skip
            judged = judge_draft(client, record, shot="SH010", project="dune")
            rules = ("consents_cover_everyone", "consents_reach_this_use", "registry_bears_it_out")
            refused = [one.rule for one in judged.findings if one.rule in rules and one.refuses]
            assert (not refused) == card.covers, (card, refused)


def test_more_than_asked_for_is_counted(daemon: DaemonProcess) -> None:
    with daemon.client() as client:
        found = client.ask(AskConsents(limit=2), Consents)
    assert (len(found.consents), found.left_out) == (2, 4)
    assert [card.consent_id for card in found.consents] == ["c-all", "c-dune"]


def test_an_empty_registry_says_that_it_is_not_in_use(tmp_path: Path) -> None:
    process = DaemonProcess(tmp_path / "home").start()
    try:
        with process.client() as client:
            assert ask_consents(client) == Consents(people=(), consents=(), in_use=False, today=day(0))
    finally:
        process.stop()


# ---- on a follower --------------------------------------------------------------------------------------------------


def test_a_follower_tells_of_the_authoritys_papers_and_of_a_stale_snapshot_that_none_of_them_counts(
    studio: Studio,
) -> None:
    studio.consent("c-dune", "ana", projects="dune; falcon")
    studio.consent("c-falcon", "bo", projects="falcon")
    one = studio.follower("one", "dune", real_gate=True)
    until(lambda: "c-dune" in known(one, RegisteredConsent))
    with one.client() as client:
        fresh = ask_consents(client, project="dune")
        assert (fresh.stale, [card.consent_id for card in fresh.consents]) == ("", ["c-dune"])
        assert fresh.consents[0].covers
        assert fresh.people[0].name == ""  # names stay at the authority, whatever the role here
        studio.authority.kill()  # it would send another

        def asked_of_what_is_spoilt() -> Consents | None:
            (one.home / "authority" / "snapshot.json").write_bytes(b"{}")  # again, where one was on its way
            found = ask_consents(client, project="dune")
            return found if found.stale else None

        stale = until(asked_of_what_is_spoilt)
        assert "does not hold" in stale.stale
        assert "understudy authority" in stale.remedy
        assert not any(card.covers for card in stale.consents)
        record = Record(record_id="r", likeness="non_human", performed_by=("ana",), consents=(bare("c-dune"),))
        judged = judge_draft(client, record, shot="SH010", project="dune")
        (said,) = (each for each in judged.findings if each.rule == "registry_bears_it_out")
        assert (said.outcome, said.message) == ("refuse", stale.stale)
