"""A take on the artist's disk: provisional, then whole and in place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from take_rig import JOB, STATE, Version, detail, tree

from understudy.bridge.client import Client
from understudy.bridge.exr_file import read_attribute
from understudy.bridge.take import Take


def test_when_a_frame_lands_before_the_gate_then_it_is_provisional_in_place_and_in_its_header(
    version: Version, client: Client, tmp_path: Path
) -> None:
    take = Take(tmp_path / "out", JOB)
    take.open()
    take.add(client, version.daemon.connection, version.files(frame=1001))
    landed = tmp_path / "out" / ".provisional" / JOB / "comp" / "comp.1001.exr"
    assert (read_attribute(landed, STATE) or "").strip() == "provisional"
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".provisional"]


def test_when_the_job_is_delivered_then_the_take_is_the_daemons_bit_for_bit_and_nothing_is_left(
    version: Version, follow: Callable[..., Take], tmp_path: Path
) -> None:
    take = follow()
    assert take.settled
    assert tree(tmp_path / "out") == tree(version.folder)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "comp",
        "manifest.json",
        "patch",
        "review.mp4",
    ]


def test_when_frames_have_landed_then_they_are_sealed_here_and_not_sent_again(
    version: Version, client: Client, tmp_path: Path
) -> None:
    take = Take(tmp_path / "out", JOB)
    take.open()
    take.add(client, version.daemon.connection, version.files())
    landed = tmp_path / "out" / ".provisional" / JOB / "comp" / "comp.1001.exr"
    before = landed.stat().st_ino
    take.settle(client, version.daemon.connection, version.settle())
    assert (tmp_path / "out" / "comp" / "comp.1001.exr").stat().st_ino == before


def test_when_a_landed_frame_was_damaged_then_it_is_brought_again(
    version: Version, client: Client, tmp_path: Path
) -> None:
    take = Take(tmp_path / "out", JOB)
    take.open()
    take.add(client, version.daemon.connection, version.files())
    landed = tmp_path / "out" / ".provisional" / JOB / "comp" / "comp.1002.exr"
    data = bytearray(landed.read_bytes())
    data[-1] ^= 0xFF
    landed.write_bytes(data)
    take.settle(client, version.daemon.connection, version.settle())
    assert tree(tmp_path / "out") == tree(version.folder)


def test_when_the_daemon_settles_between_event_and_fetch_then_the_frame_waits_for_the_end(
    version: Version, client: Client, tmp_path: Path
) -> None:
    take = Take(tmp_path / "out", JOB)
    take.open()
    told = version.files(frame=1001)
    finished = version.settle()
    take.add(client, version.daemon.connection, told)
    take.settle(client, version.daemon.connection, finished)
    assert tree(tmp_path / "out") == tree(version.folder)


def test_when_the_last_event_was_missed_then_closing_settles(version: Version, client: Client, tmp_path: Path) -> None:
    version.settle()
    take = Take(tmp_path / "out", JOB)
    take.open()
    take.close(client, version.daemon.connection, detail("delivered"))
    assert take.settled
    assert tree(tmp_path / "out") == tree(version.folder)


def test_when_the_take_is_here_already_then_nothing_moves(
    version: Version, follow: Callable[..., Take], client: Client, tmp_path: Path
) -> None:
    follow()
    (tmp_path / "out" / ".provisional" / JOB).mkdir(parents=True)  # killed before the last tidying
    before = tree(tmp_path / "out")
    again = Take(tmp_path / "out", JOB)
    again.open()
    again.add(client, version.daemon.connection, version.files())
    again.close(client, version.daemon.connection, detail("delivered"))
    assert again.settled
    assert tree(tmp_path / "out") == before
    assert not (tmp_path / "out" / ".provisional").exists()


def test_when_a_file_of_the_take_was_deleted_then_it_is_brought_again(
    version: Version, follow: Callable[..., Take], client: Client, tmp_path: Path
) -> None:
    follow()
    (tmp_path / "out" / "comp" / "comp.1001.exr").unlink()
    again = Take(tmp_path / "out", JOB)
    again.open()
    assert not again.settled
    again.close(client, version.daemon.connection, detail("delivered"))
    assert (tmp_path / "out" / "comp" / "comp.1001.exr").is_file()


@pytest.mark.parametrize("state", ["refused", "quarantined", "cancelled"])
def test_when_the_job_ends_without_delivery_then_its_frames_are_withdrawn_and_an_earlier_take_stays(
    version: Version, follow: Callable[..., Take], client: Client, tmp_path: Path, state: str
) -> None:
    follow()
    before = tree(tmp_path / "out")
    other = Version(version.daemon, tmp_path / "daemons2", job_id="job1take")
    take = Take(tmp_path / "out", other.job_id)
    take.open()
    take.add(client, version.daemon.connection, other.files())
    assert (tmp_path / "out" / ".provisional").is_dir()
    take.close(client, version.daemon.connection, detail(state))
    assert (take.withdrawn, take.settled) == (True, False)
    assert tree(tmp_path / "out") == before
    assert not (tmp_path / "out" / ".provisional").exists()


@pytest.mark.parametrize("state", ["failed", "parked", "running"])
def test_when_the_job_may_go_on_then_what_has_landed_stays(
    version: Version, client: Client, tmp_path: Path, state: str
) -> None:
    take = Take(tmp_path / "out", JOB)
    take.open()
    take.add(client, version.daemon.connection, version.files())
    take.close(client, version.daemon.connection, detail(state))
    assert len(tree(tmp_path / "out")) == 4
