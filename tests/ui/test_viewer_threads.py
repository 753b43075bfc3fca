"""The interface's thread opens no file and lists no folder: Python's own audit events say who does."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from qt_rig import point_at, wait_until
from viewer_rig import write_take

from understudy.bridge.frames import FrameRange
from understudy.ui.frames.exr import Frame, read_frame
from understudy.ui.frames.view import Viewing
from understudy.ui.take_centre import TakeCentre
from understudy.ui.viewer import Viewer
from understudy.ui.viewer_canvas import FRONT

HANGS_SECONDS = 20.0
"""After this a mount that hangs answers, so that whoever waits for it fails and does not hang as well."""
DISK_EVENTS = ("open", "os.listdir", "os.scandir")
_heard: list[tuple[int, str]] = []
_listening = threading.Event()


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if _listening.is_set() and event in DISK_EVENTS:
        _heard.append((threading.get_ident(), str(arguments[0])))


sys.addaudithook(_hear)  # cannot be taken away again, so it listens only while a test says so


@pytest.fixture
def heard() -> Any:
    _heard.clear()
    _listening.set()
    yield _heard
    _listening.clear()


def test_when_a_take_is_opened_scrubbed_and_probed_then_only_other_threads_touch_its_files(
    heard: list[tuple[int, str]], tmp_path: Path
) -> None:
    folder = write_take(tmp_path / "take", range(1001, 1009))
    heard.clear()
    viewer = Viewer()
    viewer.resize(800, 600)
    viewer.show()
    viewer.show_take(folder, str(folder / "clean" / "clean.####.exr"))
    wait_until(lambda: FRONT in viewer._shown)
    for frame in range(1001, 1009):
        viewer.set_frame(frame)
        wait_until(lambda frame=frame: viewer._shown[FRONT].wanted.frame == frame)  # type: ignore[misc]
    point_at(viewer.canvas, viewer.canvas.widget_rectangle((12, 9, 1, 1)).center().toPoint())
    wait_until(lambda: " R " in viewer.pixel.text())
    viewer.close_take()
    of_the_take = [thread for thread, path in heard if str(folder) in path]
    assert len(of_the_take) > 8
    assert threading.get_ident() not in of_the_take


def test_when_the_take_is_changed_while_frames_are_read_then_nothing_waits_and_no_old_picture_lands(
    tmp_path: Path,
) -> None:
    folders = [write_take(tmp_path / f"take{n}", range(n * 100, n * 100 + 4)) for n in range(1, 6)]
    viewer = Viewer()
    viewer.resize(800, 600)
    viewer.show()
    for folder in folders:
        viewer.show_take(folder)
    wait_until(lambda: FRONT in viewer._shown)
    assert viewer.head is not None
    assert FrameRange(viewer.head.first, viewer.head.last) == FrameRange(500, 503)
    assert viewer._shown[FRONT].wanted.path.is_relative_to(folders[-1])
    viewer.close_take()


class MountedPlate:
    """A plate on a mount that hangs: where its frames are looked for (`frames`), or where one is read (`read`)."""

    def __init__(self, files: Mapping[int, Path], hangs_in: str = "") -> None:
        self.files, self.hangs_in = files, hangs_in
        self.asked_by: list[int] = []
        self.hangs, self.answers = threading.Event(), threading.Event()

    def frames(self) -> Mapping[int, Path]:
        self.asked_by.append(threading.get_ident())
        self._touch("frames")
        return self.files

    def note(self) -> str:
        return ""

    def read(self, path: Path, viewing: Viewing, space: str) -> Frame:
        self._touch("read")
        return read_frame(path)

    def _touch(self, what: str) -> None:
        if what == self.hangs_in:
            self.hangs.set()
            self.answers.wait()


@pytest.fixture(params=["frames", "read"])
def hanging(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[TakeCentre, MountedPlate]]:
    """A take of which a thread hangs by now, and its plate."""
    folder = write_take(tmp_path / "take", range(1001, 1004))
    plate = MountedPlate({1001: folder / "clean/clean.1001.exr"}, hangs_in=request.param)
    centre = TakeCentre()
    centre.show()
    centre.viewer.show_take(folder, plate)
    centre._shown = ("job0view", folder)
    if request.param == "read":
        wait_until(lambda: FRONT in centre.viewer._shown)
        centre.viewer.set_layer("plate")
    wait_until(plate.hangs.is_set)
    timer = threading.Timer(HANGS_SECONDS, plate.answers.set)
    timer.start()
    yield centre, plate
    timer.cancel()
    plate.answers.set()
    centre.close_take()


def test_when_a_thread_hangs_at_a_mount_then_another_job_is_chosen_without_waiting_for_it(
    hanging: tuple[TakeCentre, MountedPlate], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("viewer_watch", "frames.reader"):
        monkeypatch.setattr(f"understudy.ui.{module}.STOP_SECONDS", 3600.0, raising=False)
    centre, plate = hanging
    centre.show_words("another job")
    assert not plate.answers.is_set()
    assert centre.empty.label.text() == "another job"


def test_when_a_thread_hangs_at_a_mount_then_the_window_that_closes_waits_for_it_a_moment_and_no_longer(
    hanging: tuple[TakeCentre, MountedPlate], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("viewer_watch", "frames.reader"):
        monkeypatch.setattr(f"understudy.ui.{module}.STOP_SECONDS", 0.01, raising=False)
    centre, plate = hanging
    centre.close_take()
    assert not plate.answers.is_set()


def test_when_a_take_with_a_plate_is_opened_then_the_interface_never_asks_which_files_the_plate_has(
    tmp_path: Path,
) -> None:
    folder = write_take(tmp_path / "take", range(1001, 1004))
    plate = MountedPlate({1001: folder / "clean/clean.1001.exr"})
    viewer = Viewer()
    viewer.show()
    viewer.show_take(folder, plate)
    wait_until(lambda: FRONT in viewer._shown)
    viewer.set_layer("plate")
    wait_until(lambda: viewer._shown[FRONT].wanted.path == plate.files[1001])
    viewer.close_take()
    assert plate.asked_by
    assert threading.get_ident() not in plate.asked_by
