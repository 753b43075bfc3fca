"""A take where something is in the way: other takes, the user's files, a kill, a daemon that lies."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from take_rig import JOB, Version, detail, tree

from understudy.bridge.client import Client
from understudy.bridge.errors import KeyRefused, PlateError, ProtocolError, RequestError
from understudy.bridge.messages import AskOutputs, Finished
from understudy.bridge.shot import OutputFile
from understudy.bridge.take import Take


def test_when_takes_follow_each_other_then_each_is_kept_whole_with_layers_that_the_next_one_lacks(
    version: Version, follow: Callable[..., Take], tmp_path: Path
) -> None:
    first = Version(version.daemon, tmp_path / "d1", job_id="job1take", layers=("comp", "patch", "clean"))
    second = Version(version.daemon, tmp_path / "d2", job_id="job2take")
    for made in (first, second, version):
        follow(made)
    out = tmp_path / "out"
    assert tree(out / "earlier" / "take_001") == tree(first.folder)
    assert tree(out / "earlier" / "take_002") == tree(second.folder)
    assert sorted(path.name for path in out.iterdir()) == ["comp", "earlier", "manifest.json", "patch", "review.mp4"]


def test_when_the_users_own_files_lie_in_the_way_then_they_are_set_aside_and_others_stay(
    version: Version, follow: Callable[..., Take], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (out / "comp").mkdir(parents=True)
    (out / "comp" / "mine.nk").write_text("mine")
    (out / "notes.txt").write_text("mine too")
    follow()
    assert (out / "earlier" / "take_001" / "comp" / "mine.nk").read_text() == "mine"
    assert (out / "notes.txt").read_text() == "mine too"
    assert not (out / "comp" / "mine.nk").exists()


def test_when_an_earlier_take_was_deleted_then_its_number_is_not_given_over_another(
    version: Version, follow: Callable[..., Take], tmp_path: Path
) -> None:
    kept = tmp_path / "out" / "earlier" / "take_002"
    kept.mkdir(parents=True)
    (tmp_path / "out" / "comp").mkdir()
    follow()
    assert sorted(path.name for path in kept.parent.iterdir()) == ["take_002", "take_003"]


# ---- killed

KILLED = """
import os, sys
from pathlib import Path
from understudy.bridge.client import Client
from understudy.bridge.keys import load_connection
from understudy.bridge.messages import Finished
from understudy.bridge.take import Take

connection, out, job, steps = load_connection(Path(sys.argv[1])), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
renamed = 0
replace = Path.replace

def replace_until_the_end(self, target):
    global renamed
    renamed += 1
    if renamed > steps:
        os._exit(9)
    return replace(self, target)

with Client.connect(connection) as client:
    outputs = client.outputs(job)
    take = Take(out, job)
    take.open()
    Path.replace = replace_until_the_end
    take.settle(client, connection, Finished(version=1, folder=outputs.folder, files=outputs.files))
"""
RENAMES = 6 + 5 + 4
"""Six files land, five names of the earlier take go to the shelf, four come into OUT."""


@pytest.mark.parametrize("steps", [0, 3, 6, 7, 8, 10, 11, 12, 14, RENAMES])
def test_when_the_client_is_killed_between_any_two_moves_then_the_next_one_ends_with_both_takes_whole(
    version: Version, follow: Callable[..., Take], client: Client, home: Path, tmp_path: Path, steps: int
) -> None:
    earlier = Version(version.daemon, tmp_path / "d1", job_id="job1take", layers=("comp", "patch", "clean"))
    follow(earlier)
    version.settle()
    version.daemon.answers[AskOutputs] = version.outputs
    out = tmp_path / "out"
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(home / "daemon.json"), str(out), JOB, str(steps)], check=False, timeout=60
    )
    assert done.returncode == (0 if steps == RENAMES else 9)
    again = Take(out, JOB)
    again.open()
    again.close(client, version.daemon.connection, detail("delivered"))
    assert tree(out / "earlier" / "take_001") == tree(earlier.folder)
    assert {name: data for name, data in tree(out).items() if not name.startswith("earlier/")} == tree(version.folder)
    assert sorted(path.name for path in (out / "earlier").iterdir()) == ["take_001"]
    assert not (out / ".provisional").exists()


def test_when_a_download_was_cut_off_then_its_rest_does_not_come_into_the_take(
    version: Version, client: Client, tmp_path: Path
) -> None:
    take = Take(tmp_path / "out", JOB)
    take.open()
    landing = tmp_path / "out" / ".provisional" / JOB / "comp"
    landing.mkdir()
    (landing / ".comp.1001.exr.0123456789abcdef.partial").write_bytes(b"half a frame")
    take.settle(client, version.daemon.connection, version.settle())
    assert tree(tmp_path / "out") == tree(version.folder)


# ---- what a daemon must not do


@pytest.mark.parametrize(
    "path", ["../escape.exr", "/etc/escape.exr", "comp/../../x", ".provisional/x", "earlier/x", ""]
)
def test_when_a_daemon_names_a_file_outside_its_version_then_nothing_is_touched(
    version: Version, client: Client, tmp_path: Path, path: str
) -> None:
    take = Take(tmp_path / "out", JOB)
    take.open()
    finished = Finished(version=1, folder="", files=(OutputFile(path=path, size=4, file="0" * 64),))
    with pytest.raises(ProtocolError):
        take.settle(client, version.daemon.connection, finished)
    assert tree(tmp_path / "out") == {}


def test_when_a_file_is_not_what_the_daemon_lists_then_the_take_is_not_settled(
    version: Version, client: Client, tmp_path: Path
) -> None:
    finished = version.settle()
    wrong = msgspec.structs.replace(finished.files[0], file="0" * 64)
    take = Take(tmp_path / "out", JOB)
    take.open()
    with pytest.raises(PlateError):
        take.settle(
            client, version.daemon.connection, msgspec.structs.replace(finished, files=(wrong, *finished.files[1:]))
        )
    assert not take.settled
    assert not (tmp_path / "out" / "comp").exists()


def test_when_out_is_a_file_then_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("not a folder")
    with pytest.raises(RequestError, match="cannot be written"):
        Take(tmp_path / "out", JOB).open()


def test_when_many_frames_land_then_the_long_list_of_all_files_is_asked_for_once(
    version: Version, client: Client, tmp_path: Path
) -> None:
    take = Take(tmp_path / "out", JOB)
    take.open()
    for frame in (1001, 1002, 1001):
        take.add(client, version.daemon.connection, version.files(frame=frame))
    assert [type(request) for request in version.daemon.received].count(AskOutputs) == 1
    assert len(list((tmp_path / "out").rglob("*.exr"))) == 4


def test_when_the_job_is_set_aside_between_event_and_fetch_then_the_frame_is_left(
    version: Version, client: Client, tmp_path: Path
) -> None:
    version.daemon.answers[AskOutputs] = KeyRefused("it is in quarantine").report()
    take = Take(tmp_path / "out", JOB)
    take.open()
    take.add(client, version.daemon.connection, version.files(frame=1001))
    take.close(client, version.daemon.connection, detail("quarantined"))
    assert take.withdrawn
    assert not list((tmp_path / "out").rglob("*.exr"))
