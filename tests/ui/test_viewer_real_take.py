"""A take that the real pipeline made: the viewer shows its pixels, layers and state, and the plate beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from qt_rig import point_at, wait_until
from spine_rig import Told, gathered, order_of
from viewer_rig import stored_pixels

from understudy.bridge.options import JobOptions
from understudy.inference.drawn_shot import draw_shot
from understudy.inference.worker import Reporter, perform
from understudy.ui.viewer import Viewer
from understudy.ui.viewer_canvas import BACK, FRONT


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return a version of the drawn shot by the preview engine, and its plate's pattern."""
    folder = tmp_path_factory.mktemp("made")
    shot = draw_shot(folder / "shot", frames=3, width=160, height=90)
    options = JobOptions(
        plate=shot.plate, matte=shot.matte, reference=shot.reference, clean_plate=shot.clean_plate, engine="preview",
        self_attest="a test of the viewer",
    )  # fmt: skip
    told = Told()
    end = perform(order_of(gathered(options), folder / "out"), Reporter(told.append))
    assert end.state == "delivered", end
    return folder / "out" / "v001", shot.plate


@pytest.fixture
def viewer(made: tuple[Path, str]) -> Iterator[Viewer]:
    shown = Viewer()
    shown.resize(900, 700)
    shown.show()
    shown.show_take(made[0], made[1])
    wait_until(lambda: FRONT in shown._shown)
    yield shown
    shown.close_take()


def test_when_a_real_take_is_opened_then_every_layer_of_it_can_be_shown(viewer: Viewer) -> None:
    assert viewer.seen is not None
    layers = list(viewer.seen.take.layers)
    assert set(layers) >= {"plate", "comp", "patch", "character", "matte", "clean", "difference"}
    for layer in layers:
        viewer.set_layer(layer)
        wait_until(lambda layer=layer: viewer._shown[FRONT].wanted.path.parent.name == layer)  # type: ignore[misc]
        assert viewer._shown[FRONT].problem == ""


def test_when_a_real_take_is_uncleared_previz_then_the_picture_says_both(viewer: Viewer) -> None:
    assert viewer.canvas.banner.startswith("UNCLEARED")
    assert "PREVIZ" in viewer.canvas.banner


def test_when_plate_and_comp_are_wiped_then_both_are_in_the_one_space_and_equal_outside_the_matte(
    viewer: Viewer, made: tuple[Path, str]
) -> None:
    viewer.set_frame(1002)
    viewer.look_bar.other.setCurrentText("plate")
    viewer.look_bar.mode.setCurrentText("wipe")
    wait_until(lambda: all(viewer._shown[p].wanted.frame == 1002 for p in (FRONT, BACK) if p in viewer._shown))
    wait_until(lambda: BACK in viewer._shown)
    front, back = viewer._shown[FRONT].codes, viewer._shown[BACK].codes
    assert front is not None
    assert back is not None
    outside = stored_pixels(made[0] / "matte_effective" / "matte_effective.1002.exr")[..., 0] == 0
    np.testing.assert_array_equal(front[outside], back[outside])
    assert np.abs(front[~outside].astype(int) - back[~outside]).max() > 20


def test_when_the_cursor_is_on_a_real_pixel_then_its_stored_half_is_told(
    viewer: Viewer, made: tuple[Path, str]
) -> None:
    point_at(viewer.canvas, viewer.canvas.widget_rectangle((80, 45, 1, 1)).center().toPoint())
    wait_until(lambda: "x 80  y 45" in viewer.pixel.text() and " R " in viewer.pixel.text())
    words = viewer.pixel.text().split()
    told = [np.float32(words[words.index(name) + 1]) for name in "RGB"]
    assert told == list(stored_pixels(made[0] / "comp" / "comp.1001.exr")[45, 80])
