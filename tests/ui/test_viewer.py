"""The viewer on real files and Qt's offscreen platform: what it shows, pixel by pixel, and what it says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import PyOpenColorIO
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from qt_rig import point_at, wait_until
from viewer_rig import stored_pixels, write_layer, write_take

from understudy.bridge.errors import Finding
from understudy.bridge.frames import FrameRange, FrameRate
from understudy.bridge.take_segments import TakeSegment
from understudy.ui.frames.view import STANDARD
from understudy.ui.frames.wishes import Shown
from understudy.ui.viewer import Viewer
from understudy.ui.viewer_canvas import BACK, FRONT, MATTE

FRAMES = range(1001, 1007)


@pytest.fixture
def viewer() -> Iterator[Viewer]:
    made = Viewer()
    made.resize(900, 700)
    made.show()
    yield made
    made.close_take()


@pytest.fixture
def take(tmp_path: Path) -> Path:
    return write_take(tmp_path / "take", FRAMES)


def shows(viewer: Viewer, layer: str, frame: int, place: str = FRONT) -> bool:
    shown = viewer._shown.get(place)
    return shown is not None and shown.wanted.frame == frame and shown.wanted.path.parent.name == layer


def opened(viewer: Viewer, folder: Path, layer: str = "comp", frame: int = 1001, **said: object) -> Viewer:
    viewer.show_take(folder, **said)  # type: ignore[arg-type]
    wait_until(lambda: shows(viewer, layer, frame))
    return viewer


def grabbed(viewer: Viewer, x: float, y: float) -> tuple[int, int, int]:
    """Return what the screen shows in the middle of a pixel of the picture."""
    image: QImage = viewer.canvas.grab().toImage()
    left, top, width, height = viewer.canvas._display
    area = viewer.canvas.widget_rectangle((left, top, width, height))
    at = QPointF(area.left() + (x + 0.5 - left) * area.width() / width, area.top() + (y + 0.5) * area.height() / height)
    colour = image.pixelColor(at.toPoint())
    return colour.red(), colour.green(), colour.blue()


def ocio_codes(light: tuple[float, ...]) -> tuple[int, ...]:
    config = PyOpenColorIO.Config.CreateFromBuiltinConfig(STANDARD)
    view = config.getDefaultView(config.getDefaultDisplay())
    exact = config.getProcessor(
        PyOpenColorIO.DisplayViewTransform("Linear Rec.709 (sRGB)", config.getDefaultDisplay(), view)
    )
    return tuple(round(code * 255) for code in exact.getDefaultCPUProcessor().applyRGB(list(light)))


def test_when_the_folder_is_empty_then_the_viewer_says_so_and_waits(viewer: Viewer, tmp_path: Path) -> None:
    viewer.show_take(tmp_path)
    wait_until(lambda: "No frame" in viewer.canvas.problem)


def test_when_a_frame_is_cut_short_then_it_is_named_over_the_picture_and_the_next_one_shows(
    viewer: Viewer, take: Path
) -> None:
    broken = take / "comp" / "comp.1002.exr"
    broken.write_bytes(broken.read_bytes()[:-40])
    opened(viewer, take)
    viewer.set_frame(1002)
    wait_until(lambda: "comp.1002.exr" in viewer.canvas.problem)
    viewer.set_frame(1003)
    wait_until(lambda: shows(viewer, "comp", 1003))
    assert viewer.canvas.problem == ""


def test_when_a_picture_is_shown_then_the_screen_has_the_codes_that_ocio_gives_for_the_file(
    viewer: Viewer, take: Path
) -> None:
    opened(viewer, take)
    stored = stored_pixels(take / "comp" / "comp.1001.exr")
    for x, y in ((3, 3), (12, 9), (20, 4), (28, 14)):
        expected = ocio_codes(tuple(float(value) for value in stored[y, x]))
        assert np.abs(np.subtract(grabbed(viewer, x, y), expected)).max() <= 3


def test_when_the_cursor_is_on_a_pixel_then_its_stored_values_are_told_to_the_last_bit(
    viewer: Viewer, take: Path
) -> None:
    opened(viewer, take)
    area = viewer.canvas.widget_rectangle((12, 9, 1, 1))
    point_at(viewer.canvas, area.center().toPoint())
    wait_until(lambda: "x 12  y 9" in viewer.pixel.text() and " R " in viewer.pixel.text())
    words = viewer.pixel.text().split()
    told = [np.float32(words[words.index(name) + 1]) for name in "RGB"]
    assert told == list(stored_pixels(take / "comp" / "comp.1001.exr")[9, 12])
    assert words[0] == "comp"
    assert "scene-linear Linear Rec.709" in viewer.pixel.text()


@pytest.mark.parametrize(
    ("state", "word"),
    [
        ("provisional", "PROVISIONAL"), ("uncleared", "UNCLEARED"), ("demonstration", "DEMONSTRATION"),
        ("for_review", "FOR REVIEW"), ("", "STATE UNKNOWN"), ("withdrawn", "WITHDRAWN"),
    ],
)  # fmt: skip
def test_when_a_take_is_not_delivered_then_the_picture_says_so_in_every_mode_and_at_every_zoom(
    viewer: Viewer, tmp_path: Path, state: str, word: str
) -> None:
    opened(viewer, write_take(tmp_path / "take", FRAMES, state=state))
    for mode in ("single", "wipe", "flicker", "onion"):
        viewer.look_bar.mode.setCurrentText(mode)
        viewer.canvas.set_zoom(40)
        wait_until(lambda: viewer.canvas.banner.startswith(word))
        image = viewer.canvas.grab().toImage()
        assert image.pixelColor(4, 4).red() > 180
        assert image.pixelColor(4, 4).green() < 100


def test_when_the_take_and_its_frame_are_delivered_then_nothing_covers_the_picture(viewer: Viewer, take: Path) -> None:
    assert opened(viewer, take).canvas.banner == ""


def test_when_one_frame_of_a_delivered_take_says_provisional_then_that_frame_says_so(
    viewer: Viewer, take: Path
) -> None:
    write_layer(take / "comp" / "comp.1003.exr", np.zeros((18, 32, 3), np.float16), state="provisional")
    opened(viewer, take)
    viewer.set_frame(1003)
    wait_until(lambda: viewer.canvas.banner.startswith("PROVISIONAL"))


def test_when_a_layer_lacks_then_its_key_says_so_and_others_still_work(viewer: Viewer, take: Path) -> None:
    opened(viewer, take)
    QTest.keyClick(viewer, Qt.Key.Key_9)
    assert "no layer face" in viewer.canvas.problem
    QTest.keyClick(viewer, Qt.Key.Key_5)
    wait_until(lambda: shows(viewer, "matte", 1001))
    QTest.keyClick(viewer, Qt.Key.Key_2)
    wait_until(lambda: shows(viewer, "comp", 1001))


def test_when_the_wipe_stands_in_the_middle_then_each_side_shows_its_own_layer(viewer: Viewer, take: Path) -> None:
    opened(viewer, take)
    comp = {x: grabbed(viewer, x, 9) for x in (4, 28)}
    viewer.look_bar.other.setCurrentText("clean")
    QTest.keyClick(viewer, Qt.Key.Key_W)
    wait_until(lambda: shows(viewer, "clean", 1001, BACK))
    left, right = grabbed(viewer, 4, 9), grabbed(viewer, 28, 9)
    assert left == comp[4]
    assert right != comp[28]
    assert np.abs(np.subtract(right, ocio_codes((0.5, 0.5, 0.5)))).max() <= 3


def test_when_it_flickers_then_both_are_shown_in_turn_on_the_same_pixels(viewer: Viewer, take: Path) -> None:
    opened(viewer, take)
    viewer.look_bar.other.setCurrentText("clean")
    viewer.look_bar.mode.setCurrentText("flicker")
    wait_until(lambda: shows(viewer, "clean", 1001, BACK))
    seen: set[tuple[int, int, int]] = set()

    def both() -> bool:
        seen.add(grabbed(viewer, 28, 9))
        return len(seen) == 2

    wait_until(both)


def test_when_takes_are_laid_over_each_other_then_the_picture_is_their_mean(viewer: Viewer, tmp_path: Path) -> None:
    for number, light in enumerate((0.05, 0.6), 1):
        write_take(tmp_path / "out" / "earlier" / f"take_00{number}", FRAMES, light=light)
    opened(viewer, write_take(tmp_path / "out", FRAMES, light=0.2))
    viewer.look_bar.other.setCurrentText("all takes")
    QTest.keyClick(viewer, Qt.Key.Key_N)
    wait_until(lambda: shows(viewer, "comp", 1001, BACK) and shows(viewer, "comp", 1001, f"{BACK}1"))
    codes = [ocio_codes((light,) * 3)[0] for light in (0.05, 0.6, 0.2)]
    assert grabbed(viewer, 1, 17)[0] == pytest.approx(sum(codes) / 3, abs=4)


def test_when_the_matte_is_laid_over_then_only_where_it_is_one_the_picture_reddens(viewer: Viewer, take: Path) -> None:
    opened(viewer, take)
    before = {x: grabbed(viewer, x, 9) for x in (1, 16)}
    QTest.keyClick(viewer, Qt.Key.Key_M)
    wait_until(lambda: shows(viewer, "matte", 1001, MATTE))
    assert grabbed(viewer, 1, 9) == before[1]
    assert grabbed(viewer, 16, 9)[0] > before[16][0] + 40


def test_when_a_channel_is_chosen_then_the_picture_is_grey_and_the_key_again_brings_colour_back(
    viewer: Viewer, take: Path
) -> None:
    opened(viewer, take)
    colour = grabbed(viewer, 20, 9)
    QTest.keyClick(viewer, Qt.Key.Key_G)
    wait_until(lambda: len(set(grabbed(viewer, 20, 9))) == 1)
    QTest.keyClick(viewer, Qt.Key.Key_G)
    wait_until(lambda: grabbed(viewer, 20, 9) == colour)


def test_when_it_zooms_about_the_cursor_then_the_pixel_under_it_stays(viewer: Viewer, take: Path) -> None:
    opened(viewer, take)
    at = QPointF(300, 200)
    before = viewer.canvas.picture_point(at)
    viewer.canvas.set_zoom(viewer.canvas.zoom * 3, at)
    after = viewer.canvas.picture_point(at)
    assert (after.x(), after.y()) == pytest.approx((before.x(), before.y()))
    QTest.keyClick(viewer, Qt.Key.Key_F)
    assert viewer.canvas.fits


def test_when_pixels_are_not_square_then_the_picture_is_as_wide_as_the_lens_saw(viewer: Viewer, take: Path) -> None:
    opened(viewer, take)
    viewer.canvas.set_display((0, 0, 32, 18), 2.0)
    area = viewer.canvas.widget_rectangle((0, 0, 32, 18))
    assert area.width() / area.height() == pytest.approx(2 * 32 / 18)


def test_when_frames_land_while_it_looks_then_they_come_to_be_there_and_their_marks_stay(
    viewer: Viewer, tmp_path: Path
) -> None:
    landing = tmp_path / ".provisional" / "job1"
    write_layer(landing / "comp" / "comp.1001.exr", np.zeros((18, 32, 3), np.float16), state="provisional")
    opened(viewer, tmp_path, expected=FrameRange(1001, 1004))
    viewer.set_frame(1003)
    wait_until(lambda: "not rendered yet" in viewer.canvas.problem)
    assert viewer.canvas.banner.startswith("PROVISIONAL")
    write_layer(landing / "comp" / "comp.1003.exr", np.ones((18, 32, 3), np.float16), state="provisional")
    wait_until(lambda: shows(viewer, "comp", 1003))
    assert viewer.canvas.problem == ""


def test_when_a_finding_names_a_frame_then_a_click_on_its_column_goes_there_and_its_words_are_said(
    viewer: Viewer, take: Path
) -> None:
    found = Finding(rule="face", outcome="warn", message="nobody's face is seen", frames=(1004,))
    opened(viewer, take, findings=(found,))
    x = (viewer.strip.x_of(1004) + viewer.strip.x_of(1005)) / 2
    QTest.mouseClick(viewer.strip, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, QPoint(int(x), 24))
    wait_until(lambda: shows(viewer, "comp", 1004))
    assert "nobody's face is seen" in viewer.said.text()


def test_when_the_next_mark_is_asked_for_then_missing_frames_seams_and_findings_are_each_a_stop(
    viewer: Viewer, take: Path
) -> None:
    (take / "comp" / "comp.1002.exr").unlink()
    found = Finding(rule="matte", outcome="note", message="the matte is empty", frames=(1005,))
    segments = (TakeSegment(first=1001, last=1003), TakeSegment(first=1004, last=1006))
    opened(viewer, take, findings=(found,), segments=segments)
    stops = []
    for _ in range(4):
        QTest.keyClick(viewer, Qt.Key.Key_Up)
        assert viewer.head is not None
        stops.append(viewer.head.frame)
    assert stops == [1002, 1004, 1005, 1005]
    assert "missing" in viewer.strip.words_of(1002)
    assert "segment" in viewer.strip.words_of(1004)


def test_when_it_plays_then_frames_go_round_at_the_shots_rate_and_what_is_dropped_is_counted(
    viewer: Viewer, take: Path
) -> None:
    opened(viewer, take, rate=FrameRate(24000, 1001))
    seen: set[int] = set()
    viewer.frame_changed.connect(seen.add)
    QTest.keyClick(viewer, Qt.Key.Key_Space)
    wait_until(lambda: seen == set(FRAMES))
    wait_until(lambda: "of 23.976 frames/s" in viewer.transport.words.text())
    assert "dropped" in viewer.transport.words.text()
    QTest.keyClick(viewer, Qt.Key.Key_Space)
    assert not viewer.playback.runs


def test_when_no_rate_is_stated_then_the_viewer_says_so_and_does_not_guess_in_silence(
    viewer: Viewer, take: Path
) -> None:
    manifest = json.loads((take / "manifest.json").read_text())
    (take / "manifest.json").write_text(json.dumps({**manifest, "rate": ""}))
    opened(viewer, take)
    assert "no rate is stated" in viewer.transport.words.text()


def test_when_the_shots_own_config_is_not_here_then_what_stands_in_for_it_is_said(
    viewer: Viewer, tmp_path: Path
) -> None:
    opened(viewer, write_take(tmp_path / "take", FRAMES, colour_config=f"show.ocio {'a' * 64}"))
    assert "show.ocio is not on this machine" in viewer.said.text()


def test_when_another_take_is_shown_then_nothing_of_the_first_stays(viewer: Viewer, take: Path, tmp_path: Path) -> None:
    opened(viewer, take)
    opened(viewer, write_take(tmp_path / "second", range(2001, 2003), state="uncleared"), frame=2001)
    assert viewer.head is not None
    assert (viewer.head.first, viewer.head.last) == (2001, 2002)
    assert viewer.canvas.banner.startswith("UNCLEARED")


def test_when_the_head_moves_over_a_reduced_picture_then_a_rough_one_comes_first_and_a_fine_one_when_it_rests(
    viewer: Viewer, take: Path
) -> None:
    opened(viewer, take)
    landed: list[Shown] = []
    viewer._told.landed.connect(landed.append)
    viewer.canvas.set_zoom(0.25)
    assert viewer._reader is not None
    viewer._reader.forget()  # else the fine ones that were read ahead do for rough ones
    viewer._resting.setInterval(60_000)
    viewer.set_frame(1003)
    wait_until(lambda: any(one.wanted.frame == 1003 and one.picture is not None for one in landed))
    assert viewer._resting.isActive()
    viewer._resting.start(0)
    wait_until(lambda: any(one.wanted.frame == 1003 and not one.wanted.rough for one in landed))
    of_the_frame = [one for one in landed if one.wanted.frame == 1003 and one.picture is not None]
    assert of_the_frame[0].wanted.rough
    assert of_the_frame[0].picture.pixels.dtype == np.float16  # type: ignore[union-attr]
    assert of_the_frame[-1].picture.pixels.dtype == np.float32  # type: ignore[union-attr]
    assert viewer._shown[FRONT].wanted.factor == 4


def test_when_a_pixel_has_much_to_say_then_the_panel_beside_the_viewer_keeps_its_room() -> None:
    viewer = Viewer()
    before = viewer.minimumSizeHint().width()
    viewer.pixel.setText("minus 0.249145508 " * 100)
    assert viewer.minimumSizeHint().width() == before
    viewer.close_take()
