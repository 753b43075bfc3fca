"""Ledgers of followers at their authority, and what is still to be posted: kills, gaps, lines that come twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from understudy.bridge.errors import DaemonError, RequestError
from understudy.bridge.follower_messages import Posted
from understudy.inference.authority.chains import KEPT_FILE, Chains, Kept, kept_chains
from understudy.inference.authority.entries import NewEntry
from understudy.inference.authority.ledger import ENTRIES_FILE, Ledger, judge_ledger, read_ledger
from understudy.inference.authority.outbox import LINES_AT_ONCE, Outbox


class Pair:
    """A follower's ledger and outbox, and its authority's."""

    def __init__(self, folder: Path) -> None:
        self.here, self.there = folder / "follower", folder / "authority"
        self.ledger, self.own = Ledger(self.here), Ledger(self.there)
        self.outbox, self.chains = Outbox(self.here), Chains(self.there, self.own)

    def work(self, entries: int) -> None:
        for _ in range(entries):
            self.ledger.append(NewEntry(event="job.accepted", actor="art"))

    def post(self) -> Kept:
        lines = self.outbox.next()
        kept = self.chains.take("box", self.outbox.after, lines)
        assert kept.head is not None
        assert kept.anchored is not None
        self.outbox.note(
            Posted(
                seq=kept.head.seq, digest=kept.head.digest,
                head_seq=kept.anchored.seq, head_digest=kept.anchored.digest,
            ),
            lines,
        )  # fmt: skip
        return kept

    @property
    def path(self) -> Path:
        return self.chains.folder_of("box") / ENTRIES_FILE

    def same(self) -> bool:
        return self.path.read_bytes() == self.ledger.path.read_bytes()

    def anchors(self) -> list[str]:
        return [entry.subjects["seq"] for entry in read_ledger(self.there) if entry.event == "follower.posted"]


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def test_what_is_posted_stands_there_line_for_line_and_is_anchored_in_the_authoritys_ledger(pair: Pair) -> None:
    pair.work(3)
    kept = pair.post()
    assert pair.same()
    assert (kept.head, pair.anchors()) == (pair.ledger.head, ["4"])
    assert pair.outbox.next() == ()
    assert judge_ledger(pair.path).damage is None


def test_more_than_fits_at_once_goes_in_order_and_a_new_outbox_goes_on_where_the_old_one_stood(pair: Pair) -> None:
    pair.work(LINES_AT_ONCE + 5)
    pair.post()
    pair.outbox = Outbox(pair.here)
    assert len(pair.outbox.next()) == 6
    pair.post()
    assert pair.same()


def test_what_comes_twice_is_taken_once(pair: Pair) -> None:
    pair.work(2)
    lines = pair.outbox.next()
    pair.post()
    assert pair.chains.take("box", 0, lines).head == pair.ledger.head
    pair.work(1)
    whole = tuple(line.decode() for line in pair.ledger.path.read_bytes().splitlines())
    assert pair.chains.take("box", 0, whole).head == pair.ledger.head
    assert pair.same()
    assert pair.anchors() == ["3", "4"]


def test_when_the_follower_forgot_what_it_posted_then_it_is_told_and_goes_on(pair: Pair) -> None:
    pair.work(2)
    pair.post()
    (pair.here / "authority" / "posted.json").unlink()
    pair.work(1)
    pair.outbox = Outbox(pair.here)
    pair.post()
    assert pair.same()


def test_when_the_authority_lost_the_end_then_the_follower_sends_it_again(pair: Pair) -> None:
    pair.work(1)
    pair.post()
    old = (pair.path.read_bytes(), (pair.path.parent / KEPT_FILE).read_bytes())
    pair.work(2)
    pair.post()
    pair.path.write_bytes(old[0])
    (pair.path.parent / KEPT_FILE).write_bytes(old[1])
    pair.chains = Chains(pair.there, pair.own)
    pair.work(1)
    pair.post()  # is told that a gap would be left
    assert pair.outbox.after == 2
    pair.post()
    assert pair.same()


@pytest.mark.parametrize("cut", [1, 40])
def test_when_the_authority_dies_while_it_writes_then_the_next_post_mends_it(pair: Pair, cut: int) -> None:
    pair.work(1)
    pair.post()
    kept = (pair.path.parent / KEPT_FILE).read_bytes()
    pair.work(3)
    lines = pair.outbox.next()
    pair.chains.take("box", 2, lines)
    (pair.path.parent / KEPT_FILE).write_bytes(kept)  # it died before it could say how far it is
    pair.path.write_bytes(pair.path.read_bytes()[:-cut])
    pair.chains = Chains(pair.there, pair.own)
    pair.post()
    assert pair.same()
    ((_, found),) = kept_chains(pair.there)
    assert found.head == pair.ledger.head


def test_lines_that_do_not_follow_or_are_not_those_that_were_held_are_not_taken(pair: Pair, tmp_path: Path) -> None:
    pair.work(2)
    pair.post()
    before = pair.path.read_bytes()
    other = Ledger(tmp_path / "other")
    other.append(*[NewEntry(event="job.accepted", actor="eve")] * 4)
    theirs = tuple(line.decode() for line in other.path.read_bytes().splitlines())
    with pytest.raises(RequestError, match="its entry 1 is not the one that was posted before"):
        pair.chains.take("box", 0, theirs)
    with pytest.raises(RequestError, match="its signature is not by the ledger's key"):
        pair.chains.take("box", 3, theirs[3:])
    assert pair.path.read_bytes() == before
    pair.work(1)
    pair.post()
    assert pair.same()


def test_a_follower_that_changes_its_key_is_followed(pair: Pair) -> None:
    pair.work(1)
    pair.post()
    pair.ledger.rotate("ada")
    pair.work(1)
    pair.post()
    pair.chains = Chains(pair.there, pair.own)
    pair.work(1)
    pair.post()
    assert pair.same()


def test_when_the_followers_own_ledger_was_cut_then_nothing_is_posted_and_it_is_said(pair: Pair) -> None:
    pair.work(3)
    pair.post()
    lines = pair.ledger.path.read_bytes().splitlines(keepends=True)
    pair.ledger.path.write_bytes(b"".join(lines[:2]))
    with pytest.raises(DaemonError, match="entry 4 of this daemon's ledger is not the one that its authority holds"):
        Outbox(pair.here).next()


def test_a_torn_last_line_is_not_posted(pair: Pair) -> None:
    with pair.ledger.path.open("ab") as file:
        file.write(b'{"schema":1,"seq"')
    assert len(pair.outbox.next()) == 1
