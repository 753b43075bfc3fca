"""MediaPipe in a process of its own: what happens when it dies, hangs or babbles; and the real one, where it is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from understudy.bridge.errors import EngineError, RequestError
from understudy.inference.controls import mediapipe_environment
from understudy.inference.controls.following import share_in_matte
from understudy.inference.controls.mediapipe_client import MediaPipe
from understudy.inference.controls.mediapipe_points import (
    BODY_FROM,
    FACE_FROM,
    FEET_FROM,
    Landmarks,
    points_of,
)
from understudy.inference.controls.mediapipe_process import BODY_POINTS, FACE_POINTS, REPLY_BYTES
from understudy.inference.controls.wholebody import BODY, FACE, FEET, LEFT_HAND, RIGHT_HAND

STAND_IN = Path(__file__).parents[2] / "rigs" / "pose_process.py"
PAGE = Path(__file__).parents[3] / "docs" / "controls.md"
QUICK = 1.5
"""Seconds that a test waits for a process that hangs."""


class StandIn(MediaPipe):
    """The client, talking to the stand-in."""

    def __init__(self, folder: Path, how: str, seconds: float = 60.0, start_seconds: float = 60.0) -> None:
        folder.mkdir(exist_ok=True)
        self.log = folder / "starts.txt"
        script = folder / f"{how.replace(':', '_')}.py"
        arguments = f"[{str(STAND_IN)!r}, {str(self.log)!r}, {how!r}]"
        script.write_text(
            f"import runpy, sys\nsys.argv = {arguments}\nrunpy.run_path({str(STAND_IN)!r}, None, '__main__')"
        )
        super().__init__(Path(sys.executable), script=script, start_seconds=start_seconds, picture_seconds=seconds)

    @property
    def starts(self) -> int:
        return len(self.log.read_text().splitlines())


def spot(x: int, y: int, height: int = 90, width: int = 160) -> NDArray[np.uint8]:
    picture = np.zeros((height, width, 3), np.uint8)
    picture[y, x] = 255
    return picture


def test_when_it_dies_on_a_picture_then_that_picture_is_asked_again_of_a_new_one(tmp_path: Path) -> None:
    with StandIn(tmp_path, "die:2") as source:
        for x in (10, 20, 30):
            assert source.detect(spot(x, 40), None).points[0, 0] == pytest.approx(x, abs=1e-3)
        assert source.starts == 2
        (trouble,) = source.troubles
        assert "the graph burst" in trouble


def test_when_it_hangs_then_it_is_ended_and_the_picture_asked_again(tmp_path: Path) -> None:
    for seconds in (QUICK, 4 * QUICK, 20.0):  # the new one too must answer by then, which a busy machine may hold up
        with StandIn(tmp_path / str(seconds), "hang:1", seconds) as source:
            before = time.monotonic()
            try:
                found = source.detect(spot(10, 40), None)
            except EngineError:
                if seconds < 20:
                    continue
                raise
            assert time.monotonic() - before < seconds + 20
            assert f"no answer within {seconds:g} s" in source.troubles[0]
            break
    assert found.points[0, 0] == pytest.approx(10, abs=1e-3)


def test_when_it_dies_every_time_then_the_error_has_its_last_words(tmp_path: Path) -> None:
    with StandIn(tmp_path, "always") as source, pytest.raises(EngineError, match="the graph burst") as problem:
        source.detect(spot(10, 40), None)
    assert source.starts == 2
    assert "pose install" in problem.value.remedy


@pytest.mark.parametrize(("how", "start_seconds"), [("deaf", 60.0), ("silent", QUICK)])
def test_when_it_never_reads_or_never_speaks_then_nobody_waits_for_ever(
    tmp_path: Path, how: str, start_seconds: float
) -> None:
    large = spot(10, 40, 1080, 1920)  # more than a pipe holds: writing blocks too
    before = time.monotonic()
    with StandIn(tmp_path, how, QUICK, start_seconds) as source, pytest.raises(EngineError, match="no answer within"):
        source.detect(large, None)
    assert time.monotonic() - before < 40  # it sleeps for a minute


@pytest.mark.parametrize(("how", "said"), [("babble", "no answer"), ("other", r"has MediaPipe 0\.9\.0, not 0\.10\.21")])
def test_when_it_is_something_else_then_the_error_says_so(tmp_path: Path, how: str, said: str) -> None:
    with StandIn(tmp_path, how) as source, pytest.raises(EngineError, match=said):
        source.detect(spot(10, 40), None)


def test_when_the_interpreter_is_not_there_then_the_error_names_it(tmp_path: Path) -> None:
    with (
        MediaPipe(tmp_path / "no-python") as source,
        pytest.raises(EngineError, match="no-python could not be started"),
    ):
        source.detect(spot(10, 40), None)


def test_when_the_source_is_closed_then_its_process_is_gone(tmp_path: Path) -> None:
    source = StandIn(tmp_path, "well")
    source.detect(spot(10, 40), None)
    assert source._process is not None
    process = source._process._process
    source.close()
    assert process.poll() is not None


def test_with_a_matte_the_part_around_it_is_looked_at_and_points_are_the_pictures(tmp_path: Path) -> None:
    picture = spot(100, 60)
    picture[10, 10] = 254  # somebody else, nearly as bright
    matte = np.zeros((90, 160), np.float32)
    matte[50:80, 90:120] = 1
    with StandIn(tmp_path, "well") as source:
        np.testing.assert_allclose(source.detect(picture, matte).points[:, :2], [[100, 60]] * 133, atol=1e-3)


def test_when_somebody_close_by_is_preferred_then_they_are_greyed_out_and_it_is_asked_again(tmp_path: Path) -> None:
    picture = np.zeros((90, 160, 3), np.uint8)
    picture[60, 100] = 254
    picture[50, 83] = 255  # within the part that is shown, outside the matte
    matte = np.zeros((90, 160), np.float32)
    matte[30:80, 90:140] = 1
    with StandIn(tmp_path, "well") as source:
        np.testing.assert_allclose(source.detect(picture, matte).points[:, :2], [[100, 60]] * 133, atol=1e-3)


def test_an_empty_matte_is_nobody_and_starts_no_process(tmp_path: Path) -> None:
    with StandIn(tmp_path, "well") as source:
        assert not source.detect(spot(10, 40), np.zeros((90, 160), np.float32)).points.any()
        assert not source.log.exists()


def test_a_part_that_was_not_found_has_no_confidence() -> None:
    body = np.zeros((BODY_POINTS, 3), np.float32)
    body[:] = (0.5, 0.25, 0.8)
    points = points_of(Landmarks(body, None, np.full((21, 2), 0.5, np.float32), None), 200, 100)
    np.testing.assert_allclose(points[BODY], [[99.5, 24.5, 0.8]] * 17, rtol=1e-6)
    assert not points[FACE].any()
    assert not points[RIGHT_HAND].any()
    np.testing.assert_allclose(points[LEFT_HAND], [[99.5, 49.5, 0.8]] * 21, rtol=1e-6)
    assert not points_of(Landmarks(None, np.zeros((FACE_POINTS, 2), np.float32), None, None), 9, 9).any()


def test_a_reply_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="no reply"):
        Landmarks.of_reply(bytes(REPLY_BYTES - 1))


def test_the_page_has_the_table_that_the_code_uses() -> None:
    rows = dict(re.findall(r"^\| (\d+(?:-\d+)?) \|.*\| ([\d, ]+) \|$", PAGE.read_text(), re.MULTILINE))
    table: list[int] = []
    for name in sorted(rows, key=lambda name: int(name.split("-")[0])):
        first, _, last = name.partition("-")
        indices = [int(word) for word in rows[name].split(",")]
        assert len(indices) == int(last or first) - int(first) + 1, name
        table += indices
    assert tuple(table) == (*BODY_FROM, *FEET_FROM, *FACE_FROM)


def test_a_setting_that_names_no_file_is_an_error_and_no_other_source(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="mediapipe_python"):
        mediapipe_environment.find_interpreter(str(tmp_path / "python"), tmp_path)
    assert mediapipe_environment.find_interpreter("", tmp_path) is None


def test_an_environment_is_never_made_over_another_nor_left_half_made(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="exists"):
        mediapipe_environment.install(tmp_path)
    with pytest.raises(RequestError, match="no-python"):
        mediapipe_environment.install(tmp_path / "mediapipe", "no-python")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def real() -> Iterator[MediaPipe]:
    """Return the real MediaPipe, where its environment is."""
    python = Path(os.environ.get("UNDERSTUDY_TEST_MEDIAPIPE", "~/.cache/understudy/mediapipe/bin/python")).expanduser()
    if not python.is_file():
        pytest.skip(
            "real MediaPipe: `make mediapipe-environment`, or set UNDERSTUDY_TEST_MEDIAPIPE to a Python with it"
        )
    with MediaPipe(python) as source:
        yield source


def market(footage: Path, frame: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    from understudy.inference.picture.movies import MovieReader

    movie = MovieReader(footage / "market" / "plate.mp4")
    codes = movie.read(frame)
    movie.close()
    matte = cv2.imread(str(footage / "market" / "matte" / f"matte.{frame:04}.png"), cv2.IMREAD_GRAYSCALE)
    return np.clip(codes * 255 + 0.5, 0, 255).astype(np.uint8), np.asarray(matte, np.float32) / 255


@pytest.mark.parametrize("frame", [60, 120, 150])
def test_on_real_footage_the_body_lies_in_the_matte_and_the_face_on_the_head(
    real: MediaPipe, footage: Path, frame: int
) -> None:
    picture, matte = market(footage, frame)
    points = real.detect(picture, matte).points
    assert share_in_matte(points, matte) > 0.8
    face = points[FACE]
    assert (face[:, 2] > 0.9).all()
    chin, brows = face[8, 1], face[17:27, 1].mean()
    assert brows < face[30, 1] < face[51, 1] < chin  # brows, tip of the nose, lips, chin, downwards
    assert face[36:42, 0].mean() < face[30, 0] < face[42:48, 0].mean()  # the right eye is on the picture's left
    assert points[FEET, 2].max() < 0.5  # out of the picture
    assert points[5, 0] > points[6, 0]  # he faces us: his left shoulder is on the right


def test_on_real_footage_a_mirrored_picture_gives_mirrored_points(real: MediaPipe, footage: Path) -> None:
    picture, _ = market(footage, 90)
    ahead = real.detect(picture, None).points
    back = real.detect(np.ascontiguousarray(picture[:, ::-1]), None).points
    mirrored_jaw = back[FACE][16::-1][:17]
    np.testing.assert_allclose(np.median(ahead[FACE][:17, 0] + mirrored_jaw[:, 0]), picture.shape[1] - 1, atol=2.0)


def test_the_process_imports_nothing_of_ours() -> None:
    path = Path(mediapipe_environment.__file__).with_name("mediapipe_process.py")
    done = subprocess.run([sys.executable, "-I", "-S", str(path)], capture_output=True, stdin=subprocess.DEVNULL)
    assert b"No module named 'mediapipe'" in done.stderr
