"""What an authority signs and a follower makes of it: contents by project, signatures, keys, clocks, serials."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from understudy.bridge.errors import DaemonError
from understudy.bridge.follower_messages import SignedSnapshot
from understudy.bridge.keys import Connection, write_connection
from understudy.inference.authority.entries import NewEntry
from understudy.inference.authority.head import LedgerHead
from understudy.inference.authority.held import Holding
from understudy.inference.authority.ledger import Ledger
from understudy.inference.authority.papers import Approval, Clip, Paper, RegisteredConsent, Talent, Waiver
from understudy.inference.authority.signing import Signer, new_secret
from understudy.inference.authority.studio import (
    CLOCK_TOLERANCE,
    OTHERS,
    approval_mark,
    contents_digest,
    contents_for,
    issue,
    papers_in,
    read_signed,
    rotations_after,
    signed_bytes,
    trusted_after,
)

NOON = datetime(2026, 11, 28, 12, tzinfo=timezone.utc)
HOLDS = timedelta(hours=4)
SIGNER = Signer(new_secret())
PROJECTS = ("dune", "falcon", "heron")


class Shelf:
    """A registry's papers without a disk."""

    def __init__(self, *papers: Paper) -> None:
        self._papers = papers

    def all(self, kind: type[Any]) -> list[Any]:
        return [paper for paper in self._papers if isinstance(paper, kind)]


def consent(paper_id: str, talent: str = "ana", **fields: Any) -> RegisteredConsent:
    return RegisteredConsent(id=paper_id, talent=talent, document="a" * 64, signed_on="2026-01-05", **fields)


def signed(
    *papers: Paper, signer: Signer = SIGNER, serial: int = 5, at: datetime = NOON, **said: Any
) -> SignedSnapshot:
    contents = contents_for((), Shelf(*papers), {})
    head = LedgerHead(seq=serial, digest="d" * 64)
    snapshot = issue(contents, follower="box", head=head, issued_at=NOON, holds=HOLDS)
    body = msgspec.json.encode(msgspec.structs.replace(snapshot, **said)).decode()
    return SignedSnapshot(body=body, signature=signer.sign(signed_bytes(body)), key=signer.public)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def holding(tmp_path: Path, clock: Clock) -> Holding:
    file = tmp_path / "authority.json"
    connect(file)
    return Holding(tmp_path / "home", file, clock)


def connect(file: Path, server: str = "s") -> None:
    keys = {"server_public": server * 40, "public": "p" * 40, "secret": "k" * 40}
    write_connection(file, Connection(host="10.0.0.5", port=5570, user="box", **keys))


def test_before_the_first_snapshot_nothing_is_vouched_for(holding: Holding) -> None:
    assert holding.now().stale == "none has come yet"
    assert holding.wanted() == ("", "")


def test_the_first_key_is_pinned_and_another_is_not_taken_afterwards(holding: Holding) -> None:
    holding.take(signed())
    pinned = holding.pinned()
    assert pinned is not None
    assert pinned.key == SIGNER.public
    with pytest.raises(DaemonError, match="is pinned") as refusal:
        holding.take(signed(signer=Signer(new_secret()), serial=6))
    assert "pinned.json" in refusal.value.remedy
    assert holding.now().stale == ""


def test_another_authority_in_the_connection_file_is_not_followed_in_silence(holding: Holding) -> None:
    holding.take(signed())
    connect(holding.connection_file, server="t")
    assert "names another authority" in holding.now().stale
    with pytest.raises(DaemonError, match="names another authority"):
        holding.take(signed(serial=6))


def test_when_the_connection_file_is_gone_then_it_is_named(holding: Holding) -> None:
    holding.take(signed())
    holding.connection_file.unlink()
    held = holding.now()
    assert f"the setting `authority` names {holding.connection_file}" in held.stale
    assert "--role follower" in held.remedy


def test_it_holds_to_its_last_moment_and_is_asked_for_anew_at_half_its_life(holding: Holding, clock: Clock) -> None:
    taken = holding.take(signed())
    assert holding.wanted() == (taken.digest, SIGNER.public)
    clock.now = NOON + HOLDS / 2
    assert holding.wanted() == ("", SIGNER.public)
    clock.now = NOON + HOLDS - timedelta(milliseconds=1)
    assert holding.now().stale == ""
    clock.now = NOON + HOLDS
    assert holding.now().stale == "it ran out at 2026-11-28T16:00:00.000Z"
    assert holding.now().snapshot is not None  # a withdrawal that was known stays known


def test_when_the_clock_is_turned_back_then_it_does_not_hold_the_longer(holding: Holding, clock: Clock) -> None:
    holding.take(signed())
    clock.now = NOON - CLOCK_TOLERANCE - timedelta(seconds=1)
    assert "but the clock here says" in holding.now().stale


def test_a_snapshot_that_comes_from_the_future_is_not_taken_and_the_clocks_are_named(
    holding: Holding, clock: Clock
) -> None:
    clock.now = NOON - CLOCK_TOLERANCE - timedelta(seconds=1)
    with pytest.raises(DaemonError, match="but the clock here says") as refusal:
        holding.take(signed())
    assert "Set the clocks" in refusal.value.remedy
    assert holding.now().stale == "none has come yet"


def test_an_older_serial_and_another_snapshot_of_the_same_are_not_taken(holding: Holding) -> None:
    holding.take(signed(serial=7))
    with pytest.raises(DaemonError, match="its serial 6 is older than 7"):
        holding.take(signed(serial=6))
    with pytest.raises(DaemonError, match="another than the one that had its serial 7"):
        holding.take(signed(Talent(id="bo"), serial=7))


def test_what_others_could_read_or_is_damaged_vouches_for_nothing(holding: Holding) -> None:
    holding.take(signed())
    (holding.folder / "snapshot.json").chmod(0o644)
    assert "others can read" in holding.now().stale
    (holding.folder / "snapshot.json").chmod(0o600)
    (holding.folder / "pinned.json").write_bytes(b"[]")
    assert "does not read" in holding.now().stale


def test_a_crash_between_snapshot_and_pin_leaves_a_newer_snapshot_that_holds(holding: Holding) -> None:
    holding.take(signed(serial=5))
    (holding.folder / "snapshot.json").write_bytes(msgspec.json.encode(signed(serial=6)))
    assert holding.now().stale == ""


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"schema": 2}, "it is of schema 2"),
        ({"follower": "other"}, "it was signed for other, not for box"),
        ({"expires_at": "soon"}, "it does not read"),
        ({"expires_at": "2026-11-28T16:00:00"}, "names no zone"),
    ],
)
def test_what_is_signed_and_makes_no_sense_is_refused_by_name(said: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_signed(signed(**said), key=SIGNER.public, follower="box")


@given(at=some.integers(min_value=0), change=some.integers(1, 255))
def test_no_byte_of_a_snapshot_can_be_changed(at: int, change: int) -> None:
    sound = signed(consent("c-1"))
    content = bytearray(sound.body.encode())
    content[at % len(content)] ^= change
    forged = msgspec.structs.replace(sound, body=content.decode("latin-1"))
    with pytest.raises(ValueError, match="its signature is not by"):
        read_signed(forged, key=SIGNER.public, follower="box")


def test_an_entry_of_the_ledger_is_no_snapshot_though_one_key_signs_both() -> None:
    entry = '{"schema":1}'
    posed = SignedSnapshot(body=entry, signature=SIGNER.sign(entry.encode()), key=SIGNER.public)
    with pytest.raises(ValueError, match="its signature is not by"):
        read_signed(posed, key=SIGNER.public, follower="box")


projects = some.lists(some.sampled_from(PROJECTS), unique=True).map(tuple)


@given(wanted=projects, of=some.lists(projects, max_size=6))
def test_no_follower_is_told_of_a_project_that_is_not_its_own(
    wanted: tuple[str, ...], of: list[tuple[str, ...]]
) -> None:
    consents = [consent(f"c-{n}", f"t-{n}", projects=theirs, revoked_why="secret") for n, theirs in enumerate(of)]
    papers: list[Paper] = [*consents, *(Talent(id=f"t-{n}", name="secret", notes="secret") for n in range(len(of)))]
    papers += [Clip(id=f"{name} clip", files=("a" * 64,), projects=(name,)) for name in PROJECTS]
    papers += [
        Approval(
            id=f"a-{name}",
            kind="brand",
            reference=f"letter {name}",
            project=name,
            approved_by="x",
            approved_on="2026-01-01",
        )
        for name in PROJECTS
    ]
    contents = contents_for(wanted, Shelf(*papers), {})
    told = msgspec.json.encode(contents)
    shown = papers_in(contents)
    assert b"secret" not in told
    others = set(PROJECTS) - set(wanted) if wanted else set()
    assert [name for name in others if name.encode() in told] == []
    ids = {paper.id for paper in shown}
    assert {f"c-{n}" for n, theirs in enumerate(of) if not wanted or not theirs or set(theirs) & set(wanted)} == {
        one for one in ids if one.startswith("c-")
    }
    assert contents.consents_known == len(of)
    clips = [paper for paper in shown if isinstance(paper, Clip)]
    assert [bool(clip.files) for clip in clips] == [True] * len(PROJECTS)  # one that is not told would pass the gate
    assert {paper.project for paper in shown if isinstance(paper, Approval)} == set(wanted or PROJECTS)
    elsewhere = {
        name for name in PROJECTS if approval_mark(contents.salt, "brand", f"letter {name}") in contents.elsewhere
    }
    assert elsewhere == others  # whoever names one of these is told that it counts nowhere here
    own = {(name,) for name in wanted or PROJECTS}
    assert {clip.projects for clip in clips} == (own | {(OTHERS,)} if others else own)


def test_the_same_papers_have_the_same_digest_and_a_changed_one_another() -> None:
    def digest(*papers: Paper, packs: dict[str, str] | None = None) -> str:
        return contents_digest(contents_for((), Shelf(*papers), packs or {}))

    assert digest(consent("c-1"), Talent(id="ana")) == digest(consent("c-1"), Talent(id="ana"))
    waiver = Waiver(
        id="w", rule="r", pack="p@1.0.0", record_id="r-1", facts="f" * 64, waivable_by=("legal",),
        reason="a good reason, and told at length", requested_by="a", requested_on="2026-01-01",
    )  # fmt: skip
    different = [
        digest(), digest(consent("c-1")), digest(consent("c-1", revoked_on="2026-01-06")), digest(waiver),
        digest(packs={"house": "x"}),
    ]  # fmt: skip
    assert len(set(different)) == len(different)


def test_a_changed_key_is_followed_over_every_step_and_a_forged_step_is_not(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    first = ledger.public_key
    for _ in range(2):
        ledger.append(NewEntry(event="job.accepted", actor="art"))
        ledger.rotate("ada")
    with ledger.path.open("rb") as lines:
        steps = rotations_after(first, lines)
    assert len(steps) == 2
    assert trusted_after(first, steps) == ledger.public_key
    with pytest.raises(ValueError, match="is not signed by the one before"):
        trusted_after(first, steps[1:])
    with ledger.path.open("rb") as lines:
        assert rotations_after(Signer(new_secret()).public, lines) == ()
