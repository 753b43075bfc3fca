"""LPIPS and FVD by ONNX files: tiny ones whose function is known. The published networks are not here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("skimage", reason="measures need scikit-image: pip install 'understudy[evaluate]'")
pytest.importorskip("onnxruntime", reason="networks are run by onnxruntime: pip install onnxruntime")
pytest.importorskip("onnx", reason="tiny networks are made with onnx: pip install onnx")

import onnx
from onnx import TensorProto, helper
from scipy.linalg import sqrtm

from understudy.bridge.errors import EngineError, RequestError
from understudy.inference.evaluation.networks import PictureDistance, VideoDistance, frechet_distance

Array = NDArray[np.float32]
CLIP = (1, 3, 16, 224, 224)


def save(path: Path, nodes: list[onnx.NodeProto], inputs: dict[str, tuple[object, ...]], result: str) -> Path:
    takes = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()]
    gives = [helper.make_tensor_value_info(result, TensorProto.FLOAT, None)]
    model = helper.make_model(
        helper.make_graph(nodes, "tiny", takes, gives), opset_imports=[helper.make_opsetid("", 17)]
    )
    model.ir_version = 9
    path.write_bytes(model.SerializeToString())
    return path


def mean_square(folder: Path) -> Path:
    """Write a network that gives the mean squared difference of two pictures."""
    nodes = [
        helper.make_node("Sub", ["first", "second"], ["apart"]),
        helper.make_node("Mul", ["apart", "apart"], ["square"]),
        helper.make_node("ReduceMean", ["square"], ["distance"], axes=[1, 2, 3], keepdims=1),
    ]
    size = (1, 3, "height", "width")
    return save(folder / "lpips.onnx", nodes, {"first": size, "second": size}, "distance")


def mean_colours(folder: Path) -> Path:
    """Write a network whose three features of a clip are its mean red, green and blue."""
    nodes = [helper.make_node("ReduceMean", ["clip"], ["features"], axes=[2, 3, 4], keepdims=0)]
    return save(folder / "i3d.onnx", nodes, {"clip": CLIP}, "features")


def picture(value: float) -> Array:
    return np.full((20, 30, 3), value, np.float32)


def test_when_the_file_is_a_pickled_checkpoint_then_it_is_refused_unopened(tmp_path: Path) -> None:
    checkpoint = tmp_path / "alex.pth"
    checkpoint.write_bytes(b"\x80\x04cos\nsystem\n.")
    with pytest.raises(RequestError, match="no ONNX file") as refused:
        PictureDistance.open(checkpoint)
    assert "docs/evaluate.md" in refused.value.remedy


def test_when_there_is_no_file_then_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="there is no file"):
        VideoDistance.open(tmp_path / "i3d.onnx")


def test_when_the_file_is_damaged_then_it_is_named(tmp_path: Path) -> None:
    path = mean_square(tmp_path)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(EngineError, match=r"lpips\.onnx"):
        PictureDistance.open(path)


def test_when_the_network_takes_something_else_then_it_says_what_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"\(5,\) dimensions, wanted are \(4, 4\)"):
        PictureDistance.open(mean_colours(tmp_path))


def test_when_the_network_gives_a_map_instead_of_a_number_then_it_is_refused(tmp_path: Path) -> None:
    size = (1, 3, "height", "width")
    nodes = [helper.make_node("Sub", ["first", "second"], ["apart"])]
    network = PictureDistance.open(save(tmp_path / "map.onnx", nodes, {"first": size, "second": size}, "apart"))
    with pytest.raises(EngineError, match="1800 numbers"):
        network(picture(0.2), picture(0.4))


def test_when_the_network_wants_another_size_then_the_words_are_ours(tmp_path: Path) -> None:
    size = (1, 3, 64, 64)
    nodes = [helper.make_node("Sub", ["first", "second"], ["apart"])]
    network = PictureDistance.open(save(tmp_path / "small.onnx", nodes, {"first": size, "second": size}, "apart"))
    with pytest.raises(EngineError, match=r"small\.onnx cannot be used"):
        network(picture(0.2), picture(0.4))


def test_when_two_pictures_differ_then_the_network_sees_codes_from_minus_one_to_one(tmp_path: Path) -> None:
    network = PictureDistance.open(mean_square(tmp_path))
    assert network(picture(0.5), picture(0.5)) == 0
    assert network(picture(0.0), picture(1.0)) == pytest.approx(4)
    assert network(picture(0.25), picture(0.5)) == pytest.approx(0.25)


def test_when_there_are_too_few_frames_for_two_clips_then_there_is_no_distance(tmp_path: Path) -> None:
    network = VideoDistance.open(mean_colours(tmp_path))
    for frame in range(31):
        network.add(frame, picture(0.5), picture(0.5))
    found, told = network.distance()
    assert found is None
    assert told[0].rule == "fvd_not_measured"


def test_when_a_frame_is_missing_then_no_clip_reaches_over_the_gap(tmp_path: Path) -> None:
    network = VideoDistance.open(mean_colours(tmp_path))
    for frame in [*range(31), *range(40, 56)]:
        network.add(frame, picture(0.5), picture(0.5))
    found, told = network.distance()
    assert found == pytest.approx(0, abs=1e-9)
    assert "2 clips" in told[0].message


def test_when_a_result_is_lighter_then_the_distance_is_that_of_its_features(tmp_path: Path) -> None:
    network = VideoDistance.open(mean_colours(tmp_path))
    for frame in range(32):
        network.add(frame, picture(0.6), picture(0.5))
    assert network.distance()[0] == pytest.approx(3 * 0.2**2, rel=1e-3)  # three features, each off by 0.2


def test_when_features_are_many_then_the_distance_is_the_textbooks() -> None:
    random = np.random.default_rng(4)
    here, there = random.normal(size=(60, 5)), random.normal(0.5, 2.0, size=(60, 5))
    first, second = np.cov(here, rowvar=False), np.cov(there, rowvar=False)
    between = here.mean(axis=0) - there.mean(axis=0)
    textbook = between @ between + np.trace(first + second - 2 * np.real(sqrtm(first @ second)))
    assert frechet_distance(here, there) == pytest.approx(textbook, rel=1e-6)
