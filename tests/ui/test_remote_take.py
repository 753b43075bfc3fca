"""A panel whose key proved no machine: a real daemon, its takes seen through proxies, fetched, and seen from here."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import OpenEXR
import OpenImageIO
import pytest
from daemon_rig import RunningDaemon
from far_rig import chosen, delivered, far_panel
from numpy.typing import NDArray
from panel_rig import shot_options
from processes import children_named
from PySide6.QtCore import Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from qt_rig import wait_until
from viewer_rig import stored_pixels

from understudy.bridge.client import Client
from understudy.inference.drawn_shot import draw_shot
from understudy.ui import look_words
from understudy.ui.frames.remote import Door, RemoteFrame
from understudy.ui.panel import Panel
from understudy.ui.session import Session
from understudy.ui.take_centre import TakeCentre
from understudy.ui.viewer import Viewer
from understudy.ui.viewer_canvas import BACK, FRONT


@pytest.fixture(scope="module")
def job(shared_daemon: RunningDaemon, drawn: Path) -> str:
    return delivered(shared_daemon, shot_options(drawn, shot="far010"))


@pytest.fixture(scope="module")
def series(shared_daemon: RunningDaemon, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two takes of one shot: the first of two segments, the second of four frames."""
    folder = tmp_path_factory.mktemp("far")
    draw_shot(folder, frames=26, width=160, height=90)  # two segments of 13 for `preview`
    options = shot_options(folder, engine="preview", shot="far020")
    others = msgspec.structs.replace(options, frames="1001-1004", prompt="another")
    return [delivered(shared_daemon, one) for one in (options, others)]


@pytest.fixture(scope="module")
def dpx_job(shared_daemon: RunningDaemon, drawn: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A take of a plate in log, whose files no panel reads."""
    folder = tmp_path_factory.mktemp("dpx")
    for path in sorted((drawn / "plate").glob("*.exr")):
        light = np.clip(stored_pixels(path)[..., :3].astype(np.float32), 1e-3, 30)
        codes = np.clip((np.log2(light) + 9.72) / 17.52, 0, 1)  # ACEScct above its toe, near enough for a picture
        written = OpenImageIO.ImageOutput.create("log.dpx")
        assert written.open(str(folder / f"{path.stem}.dpx"), OpenImageIO.ImageSpec(160, 90, 3, "uint16"))
        assert written.write_image(codes)
        written.close()
    options = shot_options(
        drawn, plate=str(folder / "plate.####.dpx"), colour="ACEScct", engine="preview", shot="log010"
    )
    return delivered(shared_daemon, options)


@pytest.fixture
def near(shared_daemon: RunningDaemon) -> Iterator[Panel]:
    """A panel on the daemon's own machine."""
    session = Session(shared_daemon.home)
    panel = Panel(session, None, TakeCentre(session))
    panel.show()
    session.start()
    wait_until(lambda: session.standing.life == "alive")
    yield panel
    panel.close()


@pytest.fixture
def far(shared_daemon: RunningDaemon, tmp_path: Path) -> Iterator[Panel]:
    yield from far_panel(shared_daemon, tmp_path)


def _compare(viewer: Viewer, mode: str, other: str) -> None:
    viewer.look_bar.other.setCurrentText(other)
    viewer.look_bar.mode.setCurrentText(mode)


def _layer(viewer: Viewer, place: str) -> str:
    shown = viewer._shown.get(place)
    if shown is None:
        return ""
    return shown.wanted.path.layer if isinstance(shown.wanted.path, RemoteFrame) else shown.wanted.path.parent.name


def _folder(daemon: RunningDaemon, job: str) -> Path:
    with Client.connect(daemon.connection) as client:
        return Path(client.outputs(job).folder)


def _stored(folder: Path, layer: str) -> NDArray[Any]:
    """Return the first frame of a layer as its file stores it."""
    return stored_pixels(min((folder / layer).glob("*.exr")))


def test_a_take_elsewhere_is_seen_through_proxies_and_says_so(far: Panel, job: str) -> None:
    viewer = chosen(far, job).viewer
    assert viewer.seen is not None
    assert {"plate", "comp", "matte"} <= set(viewer.seen.take.layers)
    assert viewer.seen.take.working_space
    assert "proxy 160x90" in viewer.canvas._laid[FRONT].label
    assert viewer.canvas.banner  # an attested take is not delivered work: its own header says so
    viewer.set_frame(viewer.head.last if viewer.head else 0)
    wait_until(lambda: viewer.head is not None and viewer._shown[FRONT].wanted.frame == viewer.head.last)


def test_the_pixel_under_the_pointer_is_the_files_own(far: Panel, job: str, shared_daemon: RunningDaemon) -> None:
    viewer = chosen(far, job).viewer
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
    viewer = chosen(far, job).viewer
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
    viewer = chosen(far, job).viewer
    for child in children_named(shared_daemon.process.pid, "understudy.inference.proxies"):
        os.kill(child, signal.SIGKILL)
    viewer.set_layer("difference")
    wait_until(lambda: viewer._shown[FRONT].wanted.path.layer == "difference")  # type: ignore[union-attr]
    assert viewer.canvas.problem == ""


def test_when_plate_and_comp_of_a_take_elsewhere_are_wiped_then_they_are_equal_outside_the_matte(
    far: Panel, job: str, shared_daemon: RunningDaemon
) -> None:
    viewer = chosen(far, job).viewer
    _compare(viewer, "wipe", "plate")
    wait_until(lambda: _layer(viewer, FRONT) == "comp" and _layer(viewer, BACK) == "plate")
    front, back = (viewer._shown[place].picture for place in (FRONT, BACK))
    assert front is not None
    assert back is not None
    outside = _stored(_folder(shared_daemon, job), "matte_effective")[..., 0] == 0
    assert 0 < outside.sum() < outside.size
    one, two = (picture.pixels[..., :3][outside] for picture in (front, back))
    np.testing.assert_array_equal(one, two)


def test_when_two_pictures_elsewhere_are_subtracted_then_the_difference_is_that_of_the_files(
    far: Panel, job: str, shared_daemon: RunningDaemon
) -> None:
    viewer = chosen(far, job).viewer
    _compare(viewer, "difference", "plate")
    wait_until(lambda: viewer._shown[FRONT].wanted.minus is not None)
    picture = viewer._shown[FRONT].picture
    assert picture is not None
    signed = _stored(_folder(shared_daemon, job), "difference")[..., :3].astype(np.float32)
    np.testing.assert_allclose(picture.pixels, signed, rtol=2**-10, atol=1e-5)  # the layer is a half of the same


def test_when_a_take_elsewhere_is_shown_then_its_segments_are_on_the_strip(far: Panel, series: list[str]) -> None:
    viewer = chosen(far, series[0]).viewer
    assert viewer.seen is not None
    assert viewer.seen.take.seams == (1014,)
    viewer.set_frame(1009)
    QTest.keyClick(viewer, Qt.Key.Key_Up)
    assert viewer.head is not None
    assert viewer.head.frame == 1014
    assert [segment.first for segment in far.details.segments_of(series[0])] == [1001, 1014]


def test_when_a_take_elsewhere_has_others_of_its_shot_then_they_are_compared_through_the_same_door(
    far: Panel, series: list[str]
) -> None:
    viewer = chosen(far, series[0]).viewer
    wait_until(lambda: viewer.seen is not None and bool(viewer.seen.others))
    assert viewer.seen is not None
    assert [other.job for other in viewer.seen.others] == [series[1]]
    QTest.keyClick(viewer, Qt.Key.Key_V)
    wait_until(lambda: BACK in viewer._shown)
    back = viewer._shown[BACK].wanted.path
    assert isinstance(back, RemoteFrame)
    assert (back.job_id, back.layer) == (series[1], "comp")
    assert viewer.canvas.banner.count("UNCLEARED") == 2
    assert viewer.canvas.banner.startswith("v001: ")
    assert f"v001 {series[1][:6]}: UNCLEARED" in viewer.canvas.banner


def test_when_the_plate_of_a_take_here_is_openexr_then_its_own_files_are_shown(near: Panel, job: str) -> None:
    viewer = chosen(near, job).viewer
    assert viewer.seen is not None
    assert all(isinstance(file, Path) for file in viewer.seen.take.layers["plate"].values())
    assert viewer.seen.take.plate_note == ""


def test_when_the_plate_of_a_take_here_is_dpx_then_it_comes_through_the_daemon_beside_the_comp_of_this_machine(
    near: Panel, dpx_job: str, shared_daemon: RunningDaemon
) -> None:
    viewer = chosen(near, dpx_job).viewer
    assert viewer.seen is not None
    assert all(isinstance(file, Path) for file in viewer.seen.take.layers["comp"].values())
    assert all(isinstance(file, RemoteFrame) for file in viewer.seen.take.layers["plate"].values())
    assert look_words.PLATE_THROUGH_DAEMON in viewer.said.text()
    viewer.canvas.set_zoom(1)
    _compare(viewer, "wipe", "plate")
    wait_until(lambda: _layer(viewer, BACK) == "plate" and viewer._shown[BACK].picture is not None)
    assert "proxy 160x90" in viewer.canvas._laid[BACK].label
    front, back = (viewer._shown[place].picture for place in (FRONT, BACK))
    assert front is not None
    assert back is not None
    outside = _stored(_folder(shared_daemon, dpx_job), "matte_effective")[..., 0] == 0
    np.testing.assert_allclose(front.pixels[..., :3][outside], back.pixels[..., :3][outside], rtol=2**-10)
    _compare(viewer, "difference", "plate")
    wait_until(lambda: viewer._shown[FRONT].wanted.minus is not None)
    apart = viewer._shown[FRONT].picture
    assert apart is not None
    assert np.abs(apart.pixels[outside]).max() <= 2**-10 * np.abs(front.pixels[..., :3][outside]).max()
    assert np.abs(apart.pixels[~outside]).max() > 0.05


def test_when_one_plate_file_is_gone_from_here_then_that_frame_alone_comes_through_the_daemon(
    near: Panel, shared_daemon: RunningDaemon, drawn: Path, tmp_path: Path
) -> None:
    shutil.copytree(drawn, tmp_path / "shot")
    job = delivered(shared_daemon, shot_options(tmp_path / "shot", shot="gone010"))
    (tmp_path / "shot/plate/plate.1002.exr").unlink()
    viewer = chosen(near, job).viewer
    assert viewer.seen is not None
    plate = viewer.seen.take.layers["plate"]
    assert [frame for frame, file in plate.items() if isinstance(file, RemoteFrame)] == [1002]
    assert list(plate) == [1001, 1002, 1003, 1004]
    assert "1 of 4 files are not here" in viewer.seen.take.plate_note
