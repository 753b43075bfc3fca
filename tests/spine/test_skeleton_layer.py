"""A rig's keypoints come back as a layer, where they stand on the plate."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from spine_rig import Told, gathered, order_of

from understudy.bridge.exr_file import read_attribute
from understudy.bridge.options import JobOptions
from understudy.inference.controls.skeleton import draw_skeleton
from understudy.inference.drawn_shot import DrawnShot
from understudy.inference.picture.images import read_image
from understudy.inference.worker import Reporter, perform


def recast(options: JobOptions, folder: Path, **changed: object) -> Told:
    told = Told()
    told.append(perform(order_of(gathered(options, frames="1001-1002", **changed), folder), Reporter(told.append)))
    assert told[-1].state == "delivered", told[-1]
    return told


def test_when_a_rig_gives_keypoints_then_the_skeleton_stands_on_the_plate_where_they_do(
    options: JobOptions, drawn: DrawnShot, tmp_path: Path
) -> None:
    recast(options, tmp_path, engine="preview", keypoints=drawn.keypoints)
    said = json.loads(Path(drawn.keypoints).read_text())
    for frame in (1001, 1002):
        path = tmp_path / "v001" / "skeleton" / f"skeleton.{frame}.exr"
        layer = np.asarray(read_image(path).pixels, np.float32)
        wanted = draw_skeleton(np.array(said["frames"][str(frame)], np.float32), *layer.shape[:2])
        assert wanted.any()
        np.testing.assert_allclose(layer, wanted / 255, atol=2**-11)
        assert read_attribute(path, "colorInteropID") == "data"


def test_when_keypoints_alone_drive_then_the_skeleton_fills_the_format(
    options: JobOptions, drawn: DrawnShot, tmp_path: Path
) -> None:
    recast(
        options, tmp_path, engine="preview", mode="animate", plate=None, matte=None, clean_plate=None,
        keypoints=drawn.keypoints, rate="24", format="160x90",
    )  # fmt: skip
    layer = np.asarray(read_image(tmp_path / "v001" / "skeleton" / "skeleton.1001.exr").pixels, np.float32)
    assert layer.shape == (90, 160, 3)
    rows, _ = np.nonzero(layer.any(axis=2))
    assert rows.max() - rows.min() > 45  # the figure is taller than half the picture


@pytest.mark.parametrize("keypoints", [True, False])
def test_when_no_keypoints_are_given_then_there_is_no_skeleton(
    options: JobOptions, drawn: DrawnShot, tmp_path: Path, keypoints: bool
) -> None:
    recast(options, tmp_path, engine="preview", keypoints=drawn.keypoints if keypoints else None)
    assert (tmp_path / "v001" / "skeleton").is_dir() == keypoints
