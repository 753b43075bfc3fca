"""What was found in real takes stands on the strip, each a key away: an empty matte, a measured seam; real footage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from qt_rig import wait_until
from redo_rig import folder_of, keeping, redo_of, run
from spine_rig import gathered, order_of
from viewer_rig import stored_pixels

from understudy.bridge.options import JobOptions
from understudy.inference.drawn_shot import draw_shot
from understudy.inference.work_order import WorkOrder
from understudy.ui.frames.plate import JobPlate
from understudy.ui.viewer import Viewer
from understudy.ui.viewer_canvas import FRONT

EMPTY = (1004, 1005)


@pytest.fixture
def viewer() -> Iterator[Viewer]:
    made = Viewer()
    made.resize(1000, 700)
    made.show()
    yield made
    made.close_take()


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> WorkOrder:
    """Return a delivered order of two segments in which nobody is to be replaced on two frames."""
    folder = tmp_path_factory.mktemp("judged")
    shot = draw_shot(folder / "shot", frames=26, width=96, height=54)
    for frame in EMPTY:
        path = Path(shot.matte.replace("####", str(frame)))
        with OpenEXR.File(str(path)) as file:
            header, channels = dict(file.header()), dict(file.channels())
        empty = {name: np.zeros_like(one.pixels) for name, one in channels.items()}
        OpenEXR.File(header, empty).write(str(path))
    options = JobOptions(
        plate=shot.plate, matte=shot.matte, reference=shot.reference, clean_plate=shot.clean_plate, engine="preview",
        self_attest="a test of judging",
    )  # fmt: skip
    order = keeping(order_of(gathered(options), folder / "first"))
    end, _ = run(order)
    assert end.state == "delivered", end
    return order


def stops(viewer: Viewer) -> list[int]:
    """Return every frame that the key for the next mark goes to, from the first frame on."""
    assert viewer.head is not None
    viewer.set_frame(viewer.head.first)
    found = [viewer.head.frame]
    while True:
        QTest.keyClick(viewer, Qt.Key.Key_Up)
        if viewer.head.frame == found[-1]:
            return found[1:]
        found.append(viewer.head.frame)


def opened(viewer: Viewer, order: WorkOrder) -> Viewer:
    plate = order.job.shot.plate
    assert plate is not None
    viewer.show_take(folder_of(order), JobPlate(plate))
    wait_until(lambda: FRONT in viewer._shown)
    return viewer


def test_when_a_matte_is_empty_on_frames_then_each_is_a_stop_and_its_words_stand_beneath(
    viewer: Viewer, delivered: WorkOrder
) -> None:
    opened(viewer, delivered)
    assert [frame for frame in stops(viewer) if frame != 1014] == list(EMPTY)
    viewer.set_frame(EMPTY[0])
    wait_until(lambda: "matte" in viewer.said.text())
    assert "matte" in viewer.strip.words_of(EMPTY[0])


def test_when_a_segment_was_redone_alone_then_its_measured_seam_is_a_stop_with_its_numbers(
    viewer: Viewer, delivered: WorkOrder, tmp_path: Path
) -> None:
    redone = redo_of(delivered, tmp_path / "again", 2, alone=True, options={"light": "0"})
    assert run(redone)[0].state == "delivered"
    opened(viewer, redone)
    assert 1014 in stops(viewer)
    words = viewer.strip.words_of(1014)
    assert "another segment begins here" in words
    assert len(words.splitlines()) >= 3


@pytest.mark.long
def test_when_the_market_is_recast_then_every_frame_shows_and_its_movie_is_named_as_not_shown(
    viewer: Viewer, footage: Path, tmp_path: Path
) -> None:
    market = footage / "market"
    options = JobOptions(
        plate=str(market / "plate.mp4"), matte=str(market / "matte" / "matte.####.png"), frames="56-59",
        reference=str(market / "reference.jpeg"), engine="preview", self_attest="a test of the viewer",
    )  # fmt: skip
    order = order_of(gathered(options), tmp_path / "market")
    end, _ = run(order)
    assert end.state == "delivered", end
    opened(viewer, order)
    assert "plate.mp4 is no OpenEXR sequence" in viewer.said.text()
    viewer.canvas.set_zoom(1)
    for frame in range(56, 60):
        viewer.set_frame(frame)
        wait_until(
            lambda frame=frame: viewer._shown[FRONT].wanted.frame == frame and viewer._shown[FRONT].wanted.factor == 1
        )  # type: ignore[misc]
        picture = viewer._shown[FRONT].picture
        assert picture is not None
        path = viewer._shown[FRONT].wanted.path
        np.testing.assert_array_equal(picture.pixels[..., :3].astype(np.float32), stored_pixels(path))
