"""The official networks' way there and back, with tiny networks of the same shapes whose answers are known."""

from __future__ import annotations

import json
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("onnxruntime", reason="the official networks need onnxruntime: pip install 'understudy[wan]'")
pytest.importorskip("onnx", reason="tiny networks are made with onnx: pip install onnx")

from tiny_networks import paint_person, write_detector, write_networks, write_pose

from understudy.bridge.errors import EngineError
from understudy.inference.controls.heatmaps import decode_heatmaps
from understudy.inference.controls.person_box import Box, PersonWindow
from understudy.inference.controls.vitpose import OfficialFiles, VitPose

EXACT = 0.1
"""Pixels. What is left is the linear sampling of the test's own blobs."""
Picture = NDArray[np.uint8]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_networks(tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def source(weights: Path) -> Iterator[VitPose]:
    files = OfficialFiles.find(weights)
    assert files is not None
    found = VitPose(files)
    yield found
    session = weakref.ref(found._pose.session)
    found.close()
    assert session() is None


def black(height: int, width: int) -> Picture:
    return np.zeros((height, width, 3), np.uint8)


def matte_of(picture: Picture, box: tuple[int, int, int, int]) -> NDArray[np.float32]:
    left, top, right, bottom = box
    matte = np.zeros(picture.shape[:2], np.float32)
    matte[max(0, top) : bottom, max(0, left) : right] = 1
    return matte


def test_when_a_network_is_damaged_then_the_error_names_its_file(tmp_path: Path) -> None:
    files = OfficialFiles.find(write_networks(tmp_path))
    assert files is not None
    files.pose.write_bytes(files.pose.read_bytes()[:500])
    with pytest.raises(EngineError, match=r"vitpose_h_wholebody\.onnx") as problem:
        VitPose(files)
    assert "damaged" in problem.value.remedy


def test_when_a_file_is_another_network_then_it_is_refused(tmp_path: Path) -> None:
    files = OfficialFiles.find(write_networks(tmp_path))
    assert files is not None
    write_pose(files.pose, height=384, width=288)
    with pytest.raises(EngineError, match="cannot be used as this network"):
        VitPose(files)
    write_pose(files.pose)
    write_detector(files.detector, side=320)
    with pytest.raises(EngineError, match="cannot be used as this network"):
        VitPose(files)


def test_when_one_of_the_two_files_is_absent_then_there_are_no_official_files(tmp_path: Path) -> None:
    write_detector(tmp_path / "process_checkpoint" / "det" / "yolov10m.onnx")
    assert OfficialFiles.find(tmp_path) is None


def test_when_the_model_is_a_folder_then_the_network_in_it_is_opened(tmp_path: Path) -> None:
    weights = write_networks(tmp_path)
    file = weights / "process_checkpoint" / "pose2d" / "vitpose_h_wholebody.onnx"
    content = file.read_bytes()
    file.unlink()
    file.mkdir()
    files = OfficialFiles.find(weights)
    assert files is not None
    with pytest.raises(EngineError, match=r"end2end\.onnx"):
        VitPose(files)
    (file / "end2end.onnx").write_bytes(content)
    assert VitPose(files).identity != VitPose.name


@pytest.mark.parametrize(
    ("height", "width"), [(720, 1280), (540, 1280), (1000, 420), (97, 64)], ids=["16:9", "2.37:1", "tall", "tiny"]
)
def test_whatever_the_shape_of_the_picture_points_come_back_to_a_tenth_of_a_pixel(
    source: VitPose, height: int, width: int
) -> None:
    picture = black(height, width)
    across, down = width / 2 + 0.37, height / 2 - 0.21
    box = (int(0.3 * width), int(0.2 * height), int(0.7 * width), int(0.85 * height))
    spread = min(height, width) / 25
    green, blue = (across - 0.06 * width, down - 0.1 * height), (across + 0.05 * width, down + 0.12 * height)
    paint_person(picture, box, green, blue, spread=spread)
    points = source.detect(picture, None).points
    assert points.shape == (133, 3)
    np.testing.assert_allclose(points[::2, :2], np.broadcast_to(green, (67, 2)), atol=EXACT)
    np.testing.assert_allclose(points[1::2, :2], np.broadcast_to(blue, (66, 2)), atol=EXACT)
    assert (points[:, 2] > 0.9).all()


@pytest.mark.parametrize(
    "box",
    [(-40, 200, 160, 600), (1150, 200, 1280, 600), (500, -80, 700, 300), (500, 500, 760, 720)],
    ids=["left", "right", "top", "bottom"],
)
def test_when_a_person_is_at_the_edge_then_the_window_reaches_past_it_and_points_stay_exact(
    source: VitPose, box: tuple[int, int, int, int]
) -> None:
    picture = black(720, 1280)
    inside = (max(0, box[0]), max(0, box[1]), min(1280, box[2]), min(720, box[3]))
    centre = ((inside[0] + inside[2]) / 2 + 0.4, (inside[1] + inside[3]) / 2 - 0.3)
    paint_person(picture, box, centre, centre, spread=8)
    points = source.detect(picture, None).points
    np.testing.assert_allclose(points[:, :2], np.broadcast_to(centre, (133, 2)), atol=EXACT)


def test_when_nobody_is_seen_and_the_matte_is_empty_then_no_point_is_sure(source: VitPose) -> None:
    picture = black(360, 640)
    assert not source.detect(picture, np.zeros((360, 640), np.float32)).points.any()
    assert source.detect(picture, None).points[:, 2].max() < 0.01


def test_when_the_detector_sees_nobody_then_the_mattes_own_box_is_looked_into(source: VitPose) -> None:
    picture = black(360, 640)
    paint_person(picture, (400, 100, 400, 100), (430.0, 200.0), (430.0, 200.0))  # no red at all
    points = source.detect(picture, matte_of(picture, (380, 100, 480, 300))).points
    np.testing.assert_allclose(points[:, :2], np.broadcast_to((430.0, 200.0), (133, 2)), atol=EXACT)


def two_people(left: float, right: float) -> tuple[Picture, tuple[int, int, int, int], tuple[int, int, int, int]]:
    """Return a picture with a larger person around `left` and a smaller around `right`, and their boxes."""
    picture = black(720, 1280)
    boxes = [(int(x - half), top, int(x + half), 680) for x, half, top in ((left, 110, 80), (right, 90, 180))]
    for box, x, level in zip(boxes, (left, right), (1.0, 0.7), strict=True):
        paint_person(picture, box, (x, 300.0), (x, 500.0), level)
    return picture, boxes[0], boxes[1]


def test_without_a_matte_the_largest_person_is_taken(source: VitPose) -> None:
    picture, large, small = two_people(350, 900)
    found = source.detect(picture, None)
    assert abs(found.points[0, 0] - 350) < EXACT
    assert found.people is not None
    for person, box in zip(found.people, (large, small), strict=False):
        edges = (person.left, person.top, person.right, person.bottom)
        np.testing.assert_allclose(edges, np.array(box) - 0.5, atol=1.2)  # the detector's own pixels are 2 wide


def test_with_a_matte_the_person_in_it_is_taken_however_small(source: VitPose) -> None:
    picture, large, small = two_people(350, 900)
    assert abs(source.detect(picture, matte_of(picture, small)).points[0, 0] - 900) < EXACT
    assert abs(source.detect(picture, matte_of(picture, large)).points[0, 0] - 350) < EXACT


def test_when_two_people_change_sides_then_the_points_stay_with_the_matte(source: VitPose) -> None:
    for step in range(7):
        left, right = 300 + 100 * step, 900 - 100 * step
        if abs(left - right) < 250:  # one hides the other: no truth to compare with
            continue
        picture, _, small = two_people(left, right)
        assert abs(source.detect(picture, matte_of(picture, small)).points[0, 0] - right) < EXACT


def test_the_decoding_equals_the_official_one_on_noisy_heatmaps() -> None:
    golden = json.loads(Path(__file__).with_name("official_decoding.json").read_text())
    points = PersonWindow.around(Box(*golden["box"])).to_picture(decode_heatmaps(noisy_heatmaps(40)), 48, 64)
    np.testing.assert_allclose(points, golden["points"], atol=1e-3)


def noisy_heatmaps(count: int) -> NDArray[np.float32]:
    """Return the heatmaps that the official code was run on: peaks anywhere, of any width and height, on waves."""
    y, x = np.mgrid[0:64, 0:48].astype(np.float64)
    maps = []
    for k in range(count):
        across, down = 23.5 + 22 * np.sin(1.7 * k + 0.3), 31.5 + 30 * np.sin(2.3 * k + 1.1)
        spread, peak = 1.6 + 0.8 * abs(np.sin(k)), 0.25 + 0.7 * abs(np.cos(0.9 * k))
        noise = 0.02 * np.sin(0.7 * x * (1 + k % 5) + k) * np.sin(0.9 * y + 2 * k)
        maps.append(peak * np.exp(-((x - across) ** 2 + (y - down) ** 2) / (2 * spread**2)) + noise)
    return np.stack(maps).astype(np.float32)


def test_when_the_files_change_then_the_identity_does(tmp_path: Path) -> None:
    files = OfficialFiles.find(write_networks(tmp_path))
    assert files is not None
    before = files.digest()
    assert files.digest() == before
    with files.pose.open("ab") as file:
        file.write(b"\0")
    assert files.digest() != before
