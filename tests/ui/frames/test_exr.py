"""Frames as they are stored: windows, channels, marks, and what is no picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from viewer_rig import write_layer

from understudy.bridge.errors import PlateError
from understudy.ui.frames.exr import Frame, read_frame, reduce


def test_when_a_file_is_cut_short_then_it_is_told_by_name_and_nothing_crashes(tmp_path: Path) -> None:
    path = write_layer(tmp_path / "comp.1001.exr", np.random.default_rng(1).random((64, 96, 3)).astype(np.float16))
    path.write_bytes(path.read_bytes()[:4000])
    with pytest.raises(PlateError, match=r"comp\.1001\.exr"):
        read_frame(path)


def test_when_a_file_is_not_openexr_then_the_remedy_says_to_convert(tmp_path: Path) -> None:
    (tmp_path / "plate.1001.dpx").write_bytes(b"SDPX" + b"\0" * 2048)
    with pytest.raises(PlateError) as caught:
        read_frame(tmp_path / "plate.1001.dpx")
    assert "convert" in caught.value.remedy


def test_when_a_file_is_missing_then_it_is_a_plate_error(tmp_path: Path) -> None:
    with pytest.raises(PlateError):
        read_frame(tmp_path / "comp.1001.exr")


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_when_a_pixel_is_asked_for_then_its_stored_value_comes_back_in_32_bits(kind: type, tmp_path: Path) -> None:
    pixels = np.random.default_rng(2).normal(0, 30, (12, 16, 4)).astype(kind)
    frame = read_frame(write_layer(tmp_path / "patch.1001.exr", pixels, origin=(-3, 5), display=(0, 0, 20, 20)))
    assert frame.values(-3, 5) == tuple(float(value) for value in pixels[0, 0])
    assert frame.values(4, 9) == tuple(float(value) for value in pixels[4, 7])
    assert frame.values(-4, 5) is None
    assert frame.values(13, 5) is None
    assert (frame.origin, frame.display, frame.channels) == ((-3, 5), (0, 0, 20, 20), ("R", "G", "B", "A"))


@pytest.mark.parametrize(("factor", "near", "far"), [(2, 0, 1), (3, 0, 1), (4, 1, 3)])
def test_when_a_frame_is_made_smaller_then_each_pixel_is_the_mean_of_two_of_its_cell(
    factor: int, near: int, far: int, tmp_path: Path
) -> None:
    pixels = np.random.default_rng(3).random((13, 17, 3)).astype(np.float16)
    small = reduce(read_frame(write_layer(tmp_path / "comp.1.exr", pixels)), factor)
    height, width = 13 // factor, 17 // factor
    cells = pixels[: height * factor, : width * factor].astype(np.float32).reshape(height, factor, width, factor, 3)
    np.testing.assert_array_equal(small.pixels, (cells[:, near, :, near] + cells[:, far, :, far]) / 2)


def test_when_the_header_has_our_marks_then_they_are_read_without_padding(tmp_path: Path) -> None:
    path = write_layer(tmp_path / "comp.1.exr", np.zeros((4, 4, 3), np.float16), state="provisional")
    assert read_frame(path).marks["state"] == "provisional"


def test_when_a_file_has_one_channel_alone_then_it_is_a_picture_of_one(tmp_path: Path) -> None:
    OpenEXR.File({"type": OpenEXR.scanlineimage}, {"Y": np.full((4, 6), 0.5, np.float16)}).write(
        str(tmp_path / "m.exr")
    )
    frame = read_frame(tmp_path / "m.exr")
    assert frame.channels == ("Y",)
    assert frame.values(2, 2) == (0.5,)


def test_when_a_picture_is_reduced_roughly_then_each_pixel_is_a_stored_one_of_its_cell() -> None:
    pixels = np.random.default_rng(3).uniform(0, 9, (10, 15, 3)).astype(np.float16)
    frame = Frame(pixels, ("R", "G", "B"), (0, 0), (0, 0, 15, 10), 1.0, {})
    rough = reduce(frame, 4, rough=True).pixels
    assert rough.dtype == np.float16
    np.testing.assert_array_equal(rough, pixels[2:8:4, 2:12:4])
