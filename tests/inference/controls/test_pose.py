"""The door to poses: which source is taken, what is never silent, and a whole shot through it."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from understudy.bridge.errors import EngineError, JobCancelled, RequestError
from understudy.inference.controls.mediapipe_client import MediaPipe
from understudy.inference.controls.person_box import Box, Detection
from understudy.inference.controls.pose import HostKeypoints, as_seen, choose_source, poses
from understudy.inference.controls.pose_cache import PoseCache
from understudy.inference.controls.sides import EXCHANGE
from understudy.inference.controls.wholebody import Points, no_points

RATE = Fraction(24)
FRAMES = tuple(range(1001, 1013))


class BrightestPixel:
    """A source by hand: every point on the brightest pixel, as sure as that is bright. Counts what it is shown."""

    name = "brightest"
    identity = "brightest-1"
    troubles: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.asked = 0

    def detect(self, picture: NDArray[np.uint8], matte: NDArray[np.float32] | None) -> Detection:
        assert picture.dtype == np.uint8
        self.asked += 1
        light = picture.max(axis=2) * (1 if matte is None else matte)
        row, column = np.unravel_index(light.argmax(), light.shape)
        points = no_points()
        points[:] = (column, row, light[row, column] / 255)
        return Detection(points, (Box(column - 1, row - 1, column + 1, row + 1), Box(0, 0, 2, 2)))

    def close(self) -> None:
        """Nothing to end."""


class Tall(BrightestPixel):
    """The same, as tall as a person: a small step is no cut."""

    def detect(self, picture: NDArray[np.uint8], matte: NDArray[np.float32] | None) -> Detection:
        points = super().detect(picture, matte).points
        points[:, 1] += np.linspace(0, 200, 133, dtype=np.float32)
        return Detection(points)


def picture(frame: int) -> NDArray[np.float32]:
    """Return a picture in which a lamp moves 3 pixels a frame."""
    drawn = np.zeros((40, 80, 3), np.float32)
    drawn[20, 5 + 3 * (frame - FRAMES[0])] = 1
    return drawn


def everywhere(frame: int) -> NDArray[np.float32]:
    return np.ones((40, 80), np.float32)


def rig(frame: int) -> Points:
    return np.full((133, 3), frame, np.float32)


def test_when_nothing_can_tell_a_pose_then_the_error_says_what_each_source_lacks(tmp_path: Path) -> None:
    with pytest.raises(EngineError) as problem:
        choose_source("auto", keypoints=None, weights=tmp_path, mediapipe=None)
    assert "ViTPose" in problem.value.message
    assert "MediaPipe" in problem.value.message
    for remedy in ("process_checkpoint", "understudy pose install", "--keypoints"):
        assert remedy in problem.value.remedy


@pytest.mark.parametrize(
    ("wish", "remedy"),
    [("vitpose", "process_checkpoint"), ("mediapipe", "pose install"), ("keypoints", "--keypoints")],
)
def test_when_the_source_that_was_wished_for_is_not_here_then_no_other_is_taken(
    tmp_path: Path, wish: str, remedy: str
) -> None:
    python = tmp_path / "python" if wish != "mediapipe" else None
    with pytest.raises(EngineError) as problem:
        choose_source(wish, keypoints=None, weights=tmp_path, mediapipe=python)
    assert remedy in problem.value.remedy
    assert problem.value.message.count("; ") == 0


def test_a_wish_that_is_none_is_the_users_to_mend() -> None:
    with pytest.raises(RequestError, match="openpose"):
        choose_source("openpose", keypoints=None, weights=None, mediapipe=None)


@pytest.mark.parametrize("wish", ["auto", "vitpose", "mediapipe", "keypoints"])
def test_the_hosts_keypoints_win_over_every_wish(wish: str, tmp_path: Path) -> None:
    source = choose_source(wish, keypoints=rig, weights=tmp_path, mediapipe=tmp_path / "python")
    assert isinstance(source, HostKeypoints)


def test_without_official_files_mediapipe_is_taken_where_it_is(tmp_path: Path) -> None:
    assert isinstance(choose_source("auto", keypoints=None, weights=tmp_path, mediapipe=tmp_path / "p"), MediaPipe)


def test_with_official_files_vitpose_is_taken_before_mediapipe(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install 'understudy[wan]'")
    pytest.importorskip("onnx", reason="tiny networks are made with onnx: pip install onnx")
    from tiny_networks import write_networks

    weights = write_networks(tmp_path)
    assert choose_source("auto", keypoints=None, weights=weights, mediapipe=tmp_path / "p").name == "vitpose"
    assert choose_source("mediapipe", keypoints=None, weights=weights, mediapipe=tmp_path / "p").name == "mediapipe"


def test_a_rigs_keypoints_are_handed_on_bit_for_bit() -> None:
    shaking: Callable[[int], Points] = lambda frame: np.full((133, 3), (-1) ** frame, np.float32)  # noqa: E731
    found = poses(HostKeypoints(shaking), FRAMES, picture, None, rate=RATE)
    assert found.source == "keypoints"
    for frame in FRAMES:
        assert np.array_equal(found.of(frame), shaking(frame))


def test_every_frame_has_its_pose_and_even_motion_is_not_late() -> None:
    found = poses(BrightestPixel(), FRAMES, picture, everywhere, rate=RATE)
    for frame in FRAMES:
        np.testing.assert_allclose(found.of(frame), [[5 + 3 * (frame - 1001), 20, 1]] * 133, atol=1e-2)
    assert found.findings == ()
    assert found.people is not None
    assert found.people[1002] == (Box(7, 19, 9, 21), Box(0, 0, 2, 2))


def test_when_the_matte_is_empty_then_nobody_is_looked_for_and_no_one_complains() -> None:
    source = BrightestPixel()
    hidden = {1004, 1005}
    matte: Callable[[int], NDArray[np.float32]] = lambda frame: everywhere(frame) * (frame not in hidden)  # noqa: E731
    found = poses(source, FRAMES, picture, matte, rate=RATE)
    assert source.asked == len(FRAMES) - 2
    assert not found.of(1004).any()
    np.testing.assert_allclose(found.of(1003), [[11, 20, 1]] * 133, atol=1e-2)
    assert found.findings == ()


def test_when_no_pose_is_found_then_the_frames_are_listed() -> None:
    dark = {1003, 1007}
    found = poses(
        BrightestPixel(), FRAMES, lambda frame: picture(frame) * (0.1 if frame in dark else 1), None, rate=RATE
    )
    (finding,) = found.findings
    assert (finding.rule, finding.outcome, finding.frames) == ("pose_found", "warn", (1003, 1007))
    assert "--matte" in finding.remedy
    assert found.of(1003)[0, 2] < 0.15  # drawn between its neighbours, and no surer for it
    assert found.of(1003)[0, 0] == pytest.approx(11, abs=0.05)


def test_when_there_is_a_cut_then_nothing_is_carried_over_it() -> None:
    def two_shots(frame: int) -> NDArray[np.float32]:
        return picture(frame if frame < 1007 else 1001 + (frame - 1007) // 2)

    raw = [5 + 3 * ((frame if frame < 1007 else 1001 + (frame - 1007) // 2) - 1001) for frame in FRAMES]
    told = poses(Tall(), FRAMES, two_shots, None, rate=RATE, cuts=(1007,))
    np.testing.assert_allclose(told.points[:6, 0, 0], raw[:6], atol=1e-2)
    untold = poses(Tall(), FRAMES, two_shots, None, rate=RATE)
    assert abs(untold.points[5, 0, 0] - raw[5]) > 0.5 or abs(untold.points[6, 0, 0] - raw[6]) > 0.5


class Confused(Tall):
    """Somebody in full view, whom it takes for their own back in one picture."""

    def detect(self, picture: NDArray[np.uint8], matte: NDArray[np.float32] | None) -> Detection:
        points = super().detect(picture, matte).points
        points[[5, 7, 9, 11, 13, 15], 0] += 60
        points[:, 1] = np.linspace(0, 60, 133)
        return Detection(points[EXCHANGE] if self.asked == 4 else points)


def test_when_left_and_right_are_taken_for_each_other_then_they_are_put_right_and_it_is_told() -> None:
    found = poses(Confused(), FRAMES, picture, None, rate=RATE)
    (finding,) = found.findings
    assert (finding.rule, finding.outcome, finding.frames) == ("pose_sides", "note", (1004,))
    np.testing.assert_allclose(found.points[:, 5, 0] - found.points[:, 6, 0], 60, atol=1e-2)


def test_what_was_found_before_is_not_looked_for_again(tmp_path: Path) -> None:
    source, cache = BrightestPixel(), PoseCache(tmp_path)
    before = poses(source, FRAMES, picture, everywhere, rate=RATE, cache=cache)
    again = poses(source, FRAMES, picture, everywhere, rate=RATE, cache=PoseCache(tmp_path))
    assert source.asked == len(FRAMES)
    assert np.array_equal(before.points, again.points)
    assert before.people == again.people
    poses(source, FRAMES, picture, lambda frame: everywhere(frame) * 0.5, rate=RATE, cache=cache)
    assert source.asked == 2 * len(FRAMES)  # another matte is another question


def test_when_a_job_is_cancelled_on_the_way_then_what_was_found_is_kept(tmp_path: Path) -> None:
    source, cache = BrightestPixel(), PoseCache(tmp_path)

    def step(done: int, total: int) -> None:
        assert total == len(FRAMES)
        if done == 5:
            raise JobCancelled("cancelled")

    with pytest.raises(JobCancelled):
        poses(source, FRAMES, picture, None, rate=RATE, cache=cache, step=step)
    poses(source, FRAMES, picture, None, rate=RATE, cache=cache)
    assert source.asked == len(FRAMES)


def test_what_a_source_mended_is_told(tmp_path: Path) -> None:
    source = BrightestPixel()
    source.troubles = ("it ended with code -9",)
    (finding,) = poses(source, FRAMES, picture, None, rate=RATE).findings
    assert finding.outcome == "note"
    assert "it ended with code -9" in finding.message


def test_a_source_sees_eight_bits_and_the_picture_stays_as_it_was() -> None:
    codes = np.array([[[-0.1, 0.5, 1.2], [np.nan, 0.2, 0.0]]], np.float32)
    before = codes.copy()
    np.testing.assert_array_equal(as_seen(codes), [[[0, 128, 255], [0, 51, 0]]])
    np.testing.assert_array_equal(codes, before)
