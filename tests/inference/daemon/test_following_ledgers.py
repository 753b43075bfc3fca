"""A follower's ledger, kept at its authority too: every entry once and in order, through kills of both."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from following_rig import Studio

from understudy.bridge.exit_codes import REFUSED
from understudy.inference.authority.chains import kept_chains
from understudy.inference.authority.ledger import judge_ledger, read_ledger
from understudy.inference.authority.outbox import read_posted

from .conftest import make_job, until


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


def test_two_daemons_with_one_key_are_found_out(studio: Studio) -> None:
    one = studio.follower("one")
    until(lambda: read_posted(one.home) is not None)
    studio.start("double", authority=one.settings["authority"])
    double = studio.running[-1]
    until(lambda: "is not the one that is held here" in double.log)
    assert judge_ledger(studio.authority.home).damage is None
