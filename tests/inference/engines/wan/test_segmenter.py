"""A network that finds people is one witness more: whatever its size, and never another kind of network."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from coverage_rig import generated, standing, wall
from tiny_networks import write_pose, write_segmenter

from understudy.bridge.errors import EngineError, WeightsError
from understudy.bridge.settings import UserSettings
from understudy.inference.engines.wan.coverage import Covered, cover
from understudy.inference.engines.wan.evidence import GeneratedPicture
from understudy.inference.engines.wan.segmenter import Segmenter
from understudy.inference.weights.segmenter_shelf import segmenter_digest, segmenters_here


@pytest.mark.parametrize("side", [None, 64, 320])
@pytest.mark.parametrize("log_odds", [False, True])
def test_whatever_size_the_network_takes_the_person_is_where_the_picture_has_it(
    tmp_path: Path, side: int | None, log_odds: bool
) -> None:
    picture, truth = generated().picture, standing()[0]
    seen = Segmenter(write_segmenter(tmp_path / "red.onnx", side=side, log_odds=log_odds)).seen(picture)
    assert seen.shape == picture.shape[:2]
    assert seen.dtype == np.float32
    assert seen[truth > 0.9].mean() > 0.8
    assert seen[truth == 0].mean() < 0.1


def test_when_the_picture_has_values_beyond_white_then_they_are_seen_as_white(tmp_path: Path) -> None:
    segmenter = Segmenter(write_segmenter(tmp_path / "red.onnx", side=64))
    picture = generated().picture
    bright = np.where(picture > 0.7, np.float32(40), picture)
    assert np.array_equal(segmenter.seen(bright), segmenter.seen(np.minimum(bright, 1)))


def test_when_the_file_is_another_network_then_it_is_refused_by_name(tmp_path: Path) -> None:
    write_pose(tmp_path / "pose.onnx")
    picture = generated().picture
    with pytest.raises(EngineError, match=r"pose\.onnx cannot be used .* first output has shape") as problem:
        Segmenter(tmp_path / "pose.onnx").seen(picture)
    assert "docs/wan-coverage.md" in problem.value.remedy
    with pytest.raises(EngineError, match="first output has shape"):
        Segmenter(write_segmenter(tmp_path / "two.onnx", planes=2)).seen(picture)
    (tmp_path / "torn.onnx").write_bytes((tmp_path / "pose.onnx").read_bytes()[:300])
    with pytest.raises(EngineError, match=r"torn\.onnx cannot be used"):
        Segmenter(tmp_path / "torn.onnx")


def told_apart(picture: GeneratedPicture) -> Covered:
    with ThreadPoolExecutor(1) as pool:
        (covered,) = cover(1, [picture].__getitem__, pool)
    return covered


def overlap(made: Covered, truth: np.ndarray) -> float:
    here, there = made.coverage > 0.5, truth > 0.5
    return float((here & there).sum() / (here | there).sum())


def test_what_the_network_alone_can_see_is_told_from_the_ground() -> None:
    truth = standing()[0]
    hidden = replace(generated(known=False, skeleton=False), picture=wall(), performer=None)
    assert overlap(told_apart(hidden), truth) < 0.6
    assert overlap(told_apart(replace(hidden, seen=truth)), truth) > 0.85


def test_when_the_network_sees_nobody_then_what_the_others_see_stands() -> None:
    picture = generated()
    blind = replace(picture, seen=np.zeros(picture.used.shape, np.float32))
    assert overlap(told_apart(blind), standing()[0]) > 0.9


@pytest.fixture
def settings(tmp_path: Path) -> UserSettings:
    return UserSettings(home=tmp_path / "home", weights_folders=(str(tmp_path / "studio"),))


def test_a_network_is_named_by_its_file_and_the_one_nearer_to_the_model_wins(
    tmp_path: Path, settings: UserSettings
) -> None:
    near = write_segmenter(tmp_path / "model" / "segmenters" / "people.onnx")
    write_segmenter(tmp_path / "studio" / "segmenters" / "people.onnx", side=64)
    other = write_segmenter(tmp_path / "studio" / "segmenters" / "hair.onnx")
    (tmp_path / "studio" / "segmenters" / "people.pth").write_bytes(b"pickled")
    assert segmenters_here(tmp_path / "model", settings) == {"people": near, "hair": other}
    ((name, digest),) = segmenter_digest(near, settings).items()
    assert name == "people.onnx"
    assert len(digest) == 64
    assert digest != segmenter_digest(other, settings)["hair.onnx"] or near.read_bytes() == other.read_bytes()


def test_when_a_network_is_not_here_then_those_that_are_here_are_named(tmp_path: Path) -> None:
    from understudy.inference.weights.catalogue import WAN_ANIMATE
    from understudy.inference.weights.segmenter_shelf import find_segmenter

    with pytest.raises(WeightsError):
        find_segmenter("people", WAN_ANIMATE, UserSettings(home=tmp_path))
