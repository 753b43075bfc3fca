"""Real takes in the panel beside their plates: to the bit outside the matte, segments on the strip, other takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from daemon_rig import RunningDaemon
from panel_rig import shot_options
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from qt_rig import wait_until
from viewer_rig import stored_pixels

from understudy.bridge.gather import gather_job
from understudy.bridge.roundtrip import send_job
from understudy.inference.drawn_shot import draw_shot
from understudy.ui.panel import Panel
from understudy.ui.redo_dialog import RedoDialog
from understudy.ui.session import Session
from understudy.ui.take_centre import TakeCentre
from understudy.ui.viewer import Viewer
from understudy.ui.viewer_canvas import BACK, FRONT

FRAMES = 26
"""Two segments of 13 for `preview`."""


@pytest.fixture(scope="module")
def shot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("long")
    draw_shot(folder, frames=FRAMES, width=160, height=90)
    return folder


@pytest.fixture(scope="module")
def takes(shared_daemon: RunningDaemon, shot: Path) -> list[str]:
    """Return two delivered jobs of one shot: the first of all frames by `preview`, the second of four."""
    series = shot_options(shot, engine="preview")
    return [
        send_job(shared_daemon.connection, gather_job(options)).job_id
        for options in (series, msgspec.structs.replace(series, frames="1001-1004", prompt="another"))
    ]


@pytest.fixture
def panel(shared_daemon: RunningDaemon, takes: list[str]) -> Iterator[Panel]:
    made = Panel(Session(shared_daemon.home), None, TakeCentre())
    made.show()
    made.session.start()
    wait_until(lambda: all(_state(made, job_id) == "delivered" for job_id in takes), 120)
    made.pane.choose(takes[0])
    viewer = _viewer(made)
    wait_until(lambda: FRONT in viewer._shown and viewer.seen is not None and bool(viewer.seen.others), 60)
    yield made
    made.close()


def _state(panel: Panel, job_id: str) -> str:
    row = panel.jobs.job(job_id)
    return row.summary.state if row is not None else ""


def _viewer(panel: Panel) -> Viewer:
    assert isinstance(panel.middle, TakeCentre)
    return panel.middle.viewer


def _folder(panel: Panel) -> Path:
    assert panel.details.folder is not None
    return panel.details.folder


def _shows(viewer: Viewer, place: str, folder: str, frame: int) -> bool:
    shown = viewer._shown.get(place)
    return shown is not None and (shown.wanted.path.parent.name, shown.wanted.frame) == (folder, frame)


def test_when_plate_and_comp_are_wiped_in_the_panel_then_the_readers_pixels_are_equal_to_the_bit_outside_the_matte(
    panel: Panel, shot: Path
) -> None:
    viewer = _viewer(panel)
    viewer.canvas.set_zoom(1)
    viewer.set_frame(1014)
    viewer.look_bar.other.setCurrentText("plate")
    QTest.keyClick(viewer, Qt.Key.Key_W)
    wait_until(lambda: _shows(viewer, FRONT, "comp", 1014) and _shows(viewer, BACK, "plate", 1014))
    front, back = (viewer._shown[place].picture for place in (FRONT, BACK))
    assert front is not None
    assert back is not None
    outside = stored_pixels(_folder(panel) / "matte_effective" / "matte_effective.1014.exr")[..., 0] == 0
    assert 0 < outside.sum() < outside.size
    one, two = front.pixels[..., :3], back.pixels[..., :3]
    assert one.dtype == two.dtype == np.float16
    np.testing.assert_array_equal(one.view(np.uint16)[outside], two.view(np.uint16)[outside])
    assert np.abs(one[~outside].astype(np.float32) - two[~outside]).max() > 0.05
    np.testing.assert_array_equal(two, stored_pixels(shot / "plate" / "plate.1014.exr"))


def test_when_the_difference_to_the_plate_is_asked_for_then_it_is_that_of_the_files(panel: Panel, shot: Path) -> None:
    viewer = _viewer(panel)
    viewer.canvas.set_zoom(1)
    viewer.look_bar.other.setCurrentText("plate")
    QTest.keyClick(viewer, Qt.Key.Key_D)
    wait_until(lambda: _shows(viewer, FRONT, "comp", 1001) and viewer._shown[FRONT].wanted.minus is not None)
    picture = viewer._shown[FRONT].picture
    assert picture is not None
    comp = stored_pixels(_folder(panel) / "comp" / "comp.1001.exr")
    np.testing.assert_array_equal(picture.pixels, comp - stored_pixels(shot / "plate" / "plate.1001.exr"))
    assert "comp 1001" in viewer.canvas._laid[FRONT].label
    assert viewer.canvas._laid[FRONT].label.endswith("- plate")


def test_when_p_is_pressed_then_plate_and_comp_take_turns(panel: Panel) -> None:
    viewer = _viewer(panel)
    for layer in ("plate", "comp"):
        QTest.keyClick(viewer, Qt.Key.Key_P)
        wait_until(lambda layer=layer: _shows(viewer, FRONT, layer, 1001))  # type: ignore[misc]


def test_when_a_take_has_segments_then_they_are_on_the_strip_a_key_away_and_in_the_redo(panel: Panel) -> None:
    viewer = _viewer(panel)
    assert viewer.seen is not None
    assert viewer.seen.take.seams == (1014,)
    viewer.set_frame(1009)
    QTest.keyClick(viewer, Qt.Key.Key_Up)
    assert viewer.head is not None
    assert viewer.head.frame == 1014
    panel.actions_on_job.by_name["redo"].trigger()
    dialog = panel.findChild(RedoDialog)
    assert dialog is not None
    assert dialog.segment.maximum() == 2
    dialog.strip.resize(400, 40)
    QTest.mouseClick(dialog.strip, Qt.MouseButton.LeftButton, pos=dialog.strip.box_of(2).center().toPoint())
    assert dialog.segment.value() == 2
    assert "frames 1014 to 1026" in dialog.frames.text()
    dialog.close()


def test_when_another_take_of_the_shot_is_compared_then_each_says_its_state_and_the_keys_go_round(
    panel: Panel, takes: list[str]
) -> None:
    viewer = _viewer(panel)
    QTest.keyClick(viewer, Qt.Key.Key_V)
    assert viewer.canvas.mode == "wipe"
    wait_until(lambda: _shows(viewer, BACK, "comp", 1001))
    back = viewer._shown[BACK].wanted.path
    assert not back.is_relative_to(_folder(panel))
    assert viewer.canvas.banner.count("UNCLEARED") == 2
    assert viewer.canvas.banner.startswith("v001: ")
    assert f"v001 {takes[1][:6]}: UNCLEARED" in viewer.canvas.banner
    assert viewer.seen is not None
    for _ in viewer.seen.others:
        QTest.keyClick(viewer, Qt.Key.Key_V)
    assert viewer.canvas.mode == "single"
