"""The interface's thread opens no file and lists no folder: Python's own audit events say who does."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from qt_rig import point_at, wait_until
from viewer_rig import write_take

from understudy.bridge.frames import FrameRange
from understudy.ui.viewer import Viewer
from understudy.ui.viewer_canvas import FRONT

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
