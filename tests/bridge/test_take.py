"""A take on the artist's disk: provisional, then whole and in place, however often the client is killed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import OpenEXR
import pytest

from understudy.bridge.client import Client
from understudy.bridge.errors import KeyRefused, PlateError, ProtocolError, RequestError
from understudy.bridge.exr_file import file_digest, read_attribute, set_state
from understudy.bridge.frames import FrameRange
from understudy.bridge.keys import write_challenge
from understudy.bridge.messages import AskOutputs, Finished, Hello, JobDetail, JobSummary, Outputs
from understudy.bridge.record import Record
from understudy.bridge.shot import Character, JobRequest, OutputFile, Performer, PictureFile, Pictures, Settings, Shot
from understudy.bridge.take import Take

JOB = "job0take"
STATE = "understudy/state"
LAYERS = ("comp", "patch")


class Version:
    """A version on the daemon's disk, provisional at first, and the little daemon that tells of it."""

    def __init__(self, daemon: Any, folder: Path, *, job_id: str = JOB, layers: tuple[str, ...] = LAYERS) -> None:
        self.daemon, self.job_id, self.layers = daemon, job_id, layers
        self.folder = folder / ".provisional" / "v001"
        self._settled = folder / "v001"
        self.shade = float(len(job_id)) / 16
        for frame in (1001, 1002):
            for layer in layers:
                self._write(layer, frame)
        self.state = "provisional"
        daemon.answers[AskOutputs] = self.outputs

    def _write(self, layer: str, frame: int) -> None:
        path = self.folder / layer / f"{layer}.{frame}.exr"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.full((4, 6, 3), self.shade + frame / 4096, np.float16)
        header = {"type": OpenEXR.scanlineimage, STATE: "provisional".ljust(16), "understudy/job": self.job_id}
        OpenEXR.File(header, {"RGB": pixels}).write(str(path))

    def files(self, *, frame: int | None = None) -> tuple[OutputFile, ...]:
        found = []
        for path in sorted(self.folder.rglob("*")):
            if path.is_file():
                layer = path.parent.name if path.suffix == ".exr" else None
                number = int(path.suffixes[0][1:]) if layer else None
                relative = path.relative_to(self.folder).as_posix()
                found.append(
                    OutputFile(
                        path=relative, size=path.stat().st_size, file=file_digest(path), layer=layer, frame=number
                    )
                )
        return tuple(file for file in found if frame is None or file.frame == frame)

    def outputs(self, request: Any = None) -> Outputs:
        return Outputs(
            job_id=self.job_id, version=1, folder=str(self.folder), provisional=self.state == "provisional",
            state=self.state, files=self.files() if request is None or request.files else (),
        )  # fmt: skip

    def settle(self) -> Finished:
        """Do what the daemon's worker does when the gate passed."""
        for path in self.folder.rglob("*.exr"):
            set_state(path, "delivered")
        self.state = "delivered"
        (self.folder / "review.mp4").write_bytes(b"a movie of " + self.job_id.encode())
        manifest = {"job": self.job_id, "files": self.files()}
        (self.folder / "manifest.json").write_bytes(msgspec.json.encode(manifest))
        self.folder.rename(self._settled)
        self.folder = self._settled
        return Finished(version=1, folder=str(self.folder), files=self.files())


def detail(state: Any) -> JobDetail:
    still = Pictures(
        files=(PictureFile(file="a" * 64, picture="a" * 64, size=1, typed="hero.png"),), kind="still", typed="hero.png"
    )
    shot = Shot(
        name="s", range=FrameRange(1, 1), rate=None, performers=(Performer(character=Character(pictures=still)),)
    )
    summary = JobSummary(
        job_id=JOB, shot="s", project=None, user="u", engine="preview", mode="replace", state=state, version=1,
        priority=0, created_at="", changed_at="", clearance="uncleared",
    )  # fmt: skip
    job = JobRequest(shot=shot, settings=Settings(), record=Record(ground="self_attested", attestation="a test"))
    return JobDetail(summary=summary, job=job, findings=(), last_event=0)


@pytest.fixture
def version(daemon: Any, home: Path, tmp_path: Path) -> Version:
    challenge, _ = write_challenge(home)
    daemon.answers[Hello] = daemon.welcome(challenge=str(challenge))
    return Version(daemon, tmp_path / "daemons")


@pytest.fixture
def client(version: Version) -> Iterator[Client]:
    with Client.connect(version.daemon.connection) as client:
        assert client.same_machine
        yield client


@pytest.fixture
def follow(version: Version, client: Client, tmp_path: Path) -> Callable[..., Take]:
    """Return a function that takes a version into OUT from its first frame to its end."""

    def from_first_to_last(of: Version = version) -> Take:
        of.daemon.answers[AskOutputs] = of.outputs
        take = Take(tmp_path / "out", of.job_id)
        take.open()
        for frame in (1001, 1002):
            take.add(client, of.daemon.connection, of.files(frame=frame))
        take.settle(client, of.daemon.connection, of.settle())
        return take

    return from_first_to_last


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


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


# ---- what lies in the way


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
