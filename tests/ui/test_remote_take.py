"""A panel whose key proved no machine: a real daemon, its takes seen through proxies, fetched, and seen from here."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import OpenEXR
import psutil
import pytest
from daemon_rig import RunningDaemon
from panel_rig import shot_options
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from qt_rig import wait_until

from understudy.bridge.client import Client
from understudy.bridge.gather import gather_job
from understudy.bridge.keys import issue_key, write_connection
from understudy.bridge.roundtrip import follow_job, send_job
from understudy.ui import words
from understudy.ui.frames.remote import Door, RemoteFrame
from understudy.ui.panel import Panel
from understudy.ui.session import Session
from understudy.ui.take_centre import TakeCentre
from understudy.ui.viewer_canvas import FRONT


@pytest.fixture(scope="module")
def job(shared_daemon: RunningDaemon, drawn: Path) -> str:
    accepted = send_job(shared_daemon.connection, gather_job(shot_options(drawn, shot="far010")))
    assert follow_job(shared_daemon.connection, accepted.job_id, None).summary.state == "delivered"
    return accepted.job_id


@pytest.fixture
def far(shared_daemon: RunningDaemon, tmp_path: Path) -> Iterator[Panel]:
    """A panel on another machine, as far as it can tell: a key of its own, and no challenge that it could read."""
    challenge = shared_daemon.home / "challenge"
    challenge.rename(tmp_path / "challenge")  # read by nobody: as good as a file of another machine
    connection = issue_key(
        shared_daemon.home, f"far{tmp_path.name[-6:]}", roles=("artist",), projects=(), host="127.0.0.1"
    )
    write_connection(tmp_path / "far.json", connection)
    session = Session(tmp_path / "far.json")
    panel = Panel(session, None, TakeCentre(session))
    panel.resize(1400, 900)
    panel.show()
    session.start()
    wait_until(lambda: session.standing.life == "alive")
    assert not session.standing.same_machine
    yield panel
    panel.close()
    (tmp_path / "challenge").rename(challenge)


def _chosen(panel: Panel, job: str) -> TakeCentre:
    wait_until(lambda: panel.jobs.place(job) is not None)
    panel.pane.choose(job)
    centre = panel.middle
    assert isinstance(centre, TakeCentre)
    wait_until(lambda: FRONT in centre.viewer._shown and centre.viewer._shown[FRONT].picture is not None)
    return centre


def test_a_take_elsewhere_is_seen_through_proxies_and_says_so(far: Panel, job: str) -> None:
    viewer = _chosen(far, job).viewer
    assert viewer.seen is not None
    assert {"plate", "comp", "matte"} <= set(viewer.seen.take.layers)
    assert viewer.seen.take.working_space
    assert "proxy 160x90" in viewer.canvas._laid[FRONT].label
    assert viewer.canvas.banner  # an attested take is not delivered work: its own header says so
    viewer.set_frame(viewer.head.last if viewer.head else 0)
    wait_until(lambda: viewer.head is not None and viewer._shown[FRONT].wanted.frame == viewer.head.last)


def test_the_pixel_under_the_pointer_is_the_files_own(far: Panel, job: str, shared_daemon: RunningDaemon) -> None:
    viewer = _chosen(far, job).viewer
    assert viewer.head is not None
    viewer._on_pointed(80, 45)
    wait_until(lambda: "scene-linear" in viewer.pixel.text())
    with Client.connect(shared_daemon.connection) as client:
        folder = Path(client.outputs(job).folder)
    path = next((folder / "comp").glob(f"*{viewer.head.frame}.exr"))
    with OpenEXR.File(str(path)) as file:
        channels = file.channels()
        stored = np.array((channels.get("RGB") or channels["RGBA"]).pixels)[45, 80].astype(np.float32)
    for value in stored:
        assert f"{float(value):.9g}" in viewer.pixel.text()


def test_the_plate_lies_beside_the_comp(far: Panel, job: str) -> None:
    viewer = _chosen(far, job).viewer
    viewer.set_layer("plate")
    wait_until(lambda: viewer._shown[FRONT].wanted.path.layer == "plate")  # type: ignore[union-attr]
    assert viewer._shown[FRONT].picture is not None


def test_a_thumbnail_comes_by_the_same_door(far: Panel, job: str) -> None:
    got: dict[str, QImage] = {}
    far.thumbnails.ready.connect(lambda job_id, image: got.setdefault(job_id, image))
    far.thumbnails.forget(job)
    far.thumbnails.want(job)
    wait_until(lambda: job in got)
    assert 0 < got[job].width() <= 192


def test_a_take_that_was_fetched_is_seen_from_here(far: Panel, job: str, tmp_path: Path) -> None:
    _chosen(far, job)
    row = far.jobs.job(job)
    assert row is not None
    told: list[str] = []
    far.actions_on_job.told.connect(told.append)
    far.actions_on_job.fetching.fetch(row.summary, tmp_path / "out")
    wait_until(lambda: bool(told))
    assert told == [words.FETCHED.format(folder=tmp_path / "out")]
    assert (tmp_path / "out" / "manifest.json").is_file()
    wait_until(lambda: far.details.folder == tmp_path / "out")
    centre = far.middle
    assert isinstance(centre, TakeCentre)
    wait_until(lambda: centre.viewer.seen is not None and centre.viewer.seen.take.folder == tmp_path / "out")
    wait_until(lambda: FRONT in centre.viewer._shown)
    assert isinstance(centre.viewer._shown[FRONT].wanted.path, Path)


def test_a_fetch_that_is_stopped_goes_on_from_there(far: Panel, job: str, tmp_path: Path) -> None:
    _chosen(far, job)
    row = far.jobs.job(job)
    assert row is not None
    told: list[str] = []
    fetching = far.actions_on_job.fetching
    fetching.told.connect(told.append)

    def stop_after_three(done: int, total: int) -> None:
        if done == 3 and fetching._stop is not None:
            fetching._stop.set()

    # In the fetching thread itself: files of this size are all here before the interface would have its turn.
    fetching._moved.connect(stop_after_three, Qt.ConnectionType.DirectConnection)
    fetching.fetch(row.summary, tmp_path / "out")
    wait_until(lambda: bool(told))
    assert told == [words.FETCH_STOPPED]
    landed = list((tmp_path / "out" / ".provisional").rglob("*.exr"))
    assert landed
    times = {path.relative_to(tmp_path / "out/.provisional" / job): path.stat().st_mtime_ns for path in landed}
    fetching._moved.disconnect(stop_after_three)
    fetching.fetch(row.summary, tmp_path / "out")
    wait_until(lambda: len(told) == 2)
    assert {path: (tmp_path / "out" / path).stat().st_mtime_ns for path in times} == times


def test_a_frame_that_comes_again_is_not_sent_again(shared_daemon: RunningDaemon, job: str) -> None:
    door = Door(shared_daemon.connection)
    frame = RemoteFrame(door, job, "comp", 1001)
    try:
        first = frame.picture()
        (tag, data) = door._kept[job, "comp", 1001]
        again = frame.picture()
        assert first is not None
        assert again is not None
        assert door._kept[job, "comp", 1001][1] is data  # the bytes that came the first time
        assert np.array_equal(first.pixels, again.pixels)
        assert tag
    finally:
        door.close()


def test_when_the_process_of_proxies_is_killed_the_viewer_goes_on(
    far: Panel, job: str, shared_daemon: RunningDaemon
) -> None:
    viewer = _chosen(far, job).viewer
    for child in psutil.Process(shared_daemon.process.pid).children():
        if "understudy.inference.proxies" in child.cmdline():
            os.kill(child.pid, signal.SIGKILL)
    viewer.set_layer("difference")
    wait_until(lambda: viewer._shown[FRONT].wanted.path.layer == "difference")  # type: ignore[union-attr]
    assert viewer.canvas.problem == ""


def test_the_plate_of_a_take_that_lies_here_comes_through_the_daemon_where_nothing_here_reads_it(
    shared_daemon: RunningDaemon, job: str
) -> None:
    session = Session(shared_daemon.home)
    panel = Panel(session, None, TakeCentre(session))
    panel.show()
    session.start()
    wait_until(lambda: session.standing.life == "alive")
    try:
        viewer = _chosen(panel, job).viewer
        assert viewer.seen is not None
        assert all(isinstance(file, Path) for file in viewer.seen.take.layers["comp"].values())
        assert all(isinstance(file, RemoteFrame) for file in viewer.seen.take.layers["plate"].values())
        viewer.set_layer("plate")
        wait_until(lambda: "plate" in viewer.canvas._laid[FRONT].label and "proxy" in viewer.canvas._laid[FRONT].label)
    finally:
        panel.close()
