"""`understudy pose`: a file that can be looked at, corrected and given back to a job."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from terminal_rig import Terminal

pytest.importorskip("onnxruntime", reason="the official networks need onnxruntime: pip install 'understudy[wan]'")
pytest.importorskip("onnx", reason="tiny networks are made with onnx: pip install onnx")

import OpenEXR
from tiny_networks import paint_person, write_networks

from understudy.bridge.frames import FrameRange
from understudy.bridge.gather import gather_job
from understudy.bridge.options import JobOptions
from understudy.inference.controls.keypoints import keypoints_size, read_keypoints, write_keypoints
from understudy.inference.controls.skeleton import draw_skeleton
from understudy.inference.footage import open_pictures
from understudy.inference.picture.images import read_image
from understudy.inference.work_order import WorkOrder
from understudy.inference.worker import Reporter, perform

HEIGHT, WIDTH = 180, 320
FRAMES = range(1001, 1007)
BOX = (100, 30, 200, 170)
DETECT = ("pose", "detect", "plate.####.exr", "--frames", "1001-1006", "--weights", "weights", "--rate", "24")


def centre(frame: int) -> tuple[float, float]:
    return 130 + 4.0 * (frame - 1001), 100.0


def sRGB(codes: NDArray[np.uint8]) -> NDArray[np.float16]:  # noqa: N802 - the encoding's name
    value = codes / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(np.float16)


@pytest.fixture
def shot(tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with a plate, a matte, networks that know where the points are, and a character."""
    monkeypatch.chdir(tmp_path)
    write_networks(tmp_path / "weights")
    for frame in FRAMES:
        picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        paint_person(picture, BOX, centre(frame), centre(frame), spread=8)
        matte = np.zeros((HEIGHT, WIDTH), np.float16)
        matte[BOX[1] : BOX[3], BOX[0] : BOX[2]] = 1
        for name, channels in (("plate", {"RGB": sRGB(picture)}), ("matte", {"Y": matte})):
            header = {"compression": OpenEXR.ZIP_COMPRESSION, "colorInteropID": "lin_rec709_scene"}
            OpenEXR.File(header, channels).write(f"{name}.{frame}.exr")
    OpenEXR.File({"compression": OpenEXR.ZIP_COMPRESSION}, {"RGB": sRGB(picture)}).write("hero.exr")
    return tmp_path


def test_when_there_is_no_source_then_it_ends_with_what_to_install(shot: Path, terminal: Terminal) -> None:
    end = terminal(*DETECT[:-4], "--weights", "nowhere", "--rate", "24")
    assert end.code == 4
    assert "understudy pose install" in end.err
    assert not Path("keypoints.json").exists()


def test_when_the_rate_is_not_known_then_it_is_asked_for(shot: Path, terminal: Terminal) -> None:
    end = terminal(*DETECT[:-2])
    assert end.code == 2
    assert "--rate" in end.err


def test_when_the_file_is_there_then_its_corrections_are_not_lost(shot: Path, terminal: Terminal) -> None:
    Path("keypoints.json").write_text("mine")
    end = terminal(*DETECT)
    assert end.code == 2
    assert "--replace" in end.err
    assert Path("keypoints.json").read_text() == "mine"
    assert terminal(*DETECT, "--replace").code == 0
    assert keypoints_size(Path("keypoints.json"), "it") == (WIDTH, HEIGHT)


def test_what_is_found_is_written_in_the_plates_pixels_and_an_overlay_shows_it(shot: Path, terminal: Terminal) -> None:
    end = terminal(*DETECT, "--matte", "matte.####.exr", "--overlay", "over.mp4", "--json")
    assert end.code == 0, end.err
    assert end.json["source"] == "vitpose"
    found = read_keypoints(Path("keypoints.json"), "it", FrameRange(1001, 1006))
    for frame in FRAMES:
        np.testing.assert_allclose(found[frame][:, :2], np.broadcast_to(centre(frame), (133, 2)), atol=0.3)
    with av.open("over.mp4") as movie:
        shown = [picture.to_ndarray(format="rgb24") for picture in movie.decode(video=0)]
    assert len(shown) == len(FRAMES)
    assert shown[0].shape == (HEIGHT, WIDTH, 3)


def test_a_corrected_file_comes_back_to_a_job_where_it_was_put(shot: Path, terminal: Terminal) -> None:
    assert terminal(*DETECT, "--matte", "matte.####.exr").code == 0
    file = Path("keypoints.json")
    written = json.loads(file.read_text())
    written["frames"]["1003"][9] = [150.25, 60.5, 1.0]  # a left wrist, put right by hand
    file.write_text(json.dumps(written))
    options = JobOptions(
        plate="plate.####.exr", matte="matte.####.exr", reference="hero.exr", keypoints="keypoints.json",
        frames="1001-1006", rate="24", engine="identity", self_attest="a test, to see that it works",
    )  # fmt: skip
    job = gather_job(options)
    order = WorkOrder(
        job_id="testjob1", job=job.job, version=1, actor="tester", accepted_at="2026-11-20T10:00:00Z",
        blobs={digest: str(path) for digest, path in job.paths.items()}, folder=str(shot), scratch=str(shot / "s"),
    )  # fmt: skip
    pictures = open_pictures(order, lambda done, total: None)
    joints = pictures.footage().keypoints
    assert joints is not None
    wanted = read_keypoints(file, "it", FrameRange(1001, 1006))
    for frame in FRAMES:
        np.testing.assert_allclose(joints(frame), pictures.crop.keypoints(wanted[frame], frame), atol=1e-4)
    np.testing.assert_allclose(wanted[1003][9], (150.25, 60.5, 1.0))
    told: list[object] = []
    assert perform(order, Reporter(told.append)).state == "delivered"
    layer = np.asarray(read_image(shot / "v001" / "skeleton" / "skeleton.1003.exr").pixels, np.float32)
    np.testing.assert_allclose(layer, draw_skeleton(wanted[1003], HEIGHT, WIDTH) / 255, atol=2**-11)
    assert terminal("pose", "show", "plate.####.exr", "--frames", "1001-1006", "--rate", "24", "--keypoints", file,
                    "--overlay", "again.mp4").code == 0  # fmt: skip


def test_when_a_keypoints_file_is_of_another_plate_then_it_is_not_drawn(shot: Path, terminal: Terminal) -> None:
    write_keypoints(Path("other.json"), (640, 360), {1001: np.ones((133, 3), np.float32)})
    end = terminal("pose", "show", "plate.####.exr", "--frames", "1001-1006", "--rate", "24", "--keypoints",
                   "other.json", "--overlay", "over.mp4")  # fmt: skip
    assert end.code == 3
    assert "640x360" in end.err


def test_in_an_anamorphic_plate_points_are_its_own_pixels(shot: Path, terminal: Terminal) -> None:
    for frame in FRAMES:  # a circle for people is half as wide in the file
        picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        paint_person(picture, BOX, (150.0, 100.0), (150.0, 100.0), spread=8)
        header = {
            "compression": OpenEXR.ZIP_COMPRESSION, "colorInteropID": "lin_rec709_scene",
            "pixelAspectRatio": 2.0,
        }  # fmt: skip
        OpenEXR.File(header, {"RGB": sRGB(picture)}).write(f"plate.{frame}.exr")
    assert terminal(*DETECT, "--matte", "matte.####.exr").code == 0
    found = read_keypoints(Path("keypoints.json"), "it", FrameRange(1001, 1006))
    np.testing.assert_allclose(found[1002][:, :2], [[150.0, 100.0]] * 133, atol=0.3)


def test_a_frame_of_which_nothing_is_known_is_left_out_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "k.json"
    points = np.random.default_rng(1).uniform(0, 1, (133, 3)).astype(np.float32)
    write_keypoints(file, (64, 48), {2: points, 1: np.zeros((133, 3), np.float32)})
    assert list(json.loads(file.read_text())["frames"]) == ["2"]
    np.testing.assert_allclose(read_keypoints(file, "it", FrameRange(2, 2))[2], points, atol=5.01e-4)
    assert [path.name for path in tmp_path.iterdir()] == ["k.json"]
