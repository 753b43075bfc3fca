"""Mattes at the plate's size: data, no curve, and no silent stretching."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import OpenImageIO
import pytest

from understudy.bridge.errors import PlateError
from understudy.bridge.frames import FrameRange
from understudy.bridge.shot import Matte, PictureFile, Pictures
from understudy.inference.picture.header import Window
from understudy.inference.picture.layers import write_layer
from understudy.inference.picture.matte_reader import MatteReader

DISPLAY = Window(10, 20, 32, 24)


def reader(made: list[Path], frames: str = "1", kind: str = "sequence", **more: object) -> MatteReader:
    paths, files = {}, []
    for number, path in enumerate(made, start=1):
        digest = hashlib.sha256(str(path).encode()).hexdigest()
        paths[digest] = path
        files.append(PictureFile(file=digest, picture=digest, size=1, typed=f"roto/{path.name}", frame=number))
    pictures = Pictures(files=tuple(files), kind=kind, typed="roto/matte.####.exr")  # type: ignore[arg-type]
    return MatteReader(Matte(pictures=pictures, **more), paths, FrameRange.parse(frames), (32, 24))  # type: ignore[arg-type]


def write_png(path: Path, codes: np.ndarray) -> Path:
    output = OpenImageIO.ImageOutput.create(str(path))
    assert output.open(str(path), OpenImageIO.ImageSpec(codes.shape[1], codes.shape[0], 1, "uint8"))
    assert output.write_image(codes)
    output.close()
    return path


def test_codes_are_divided_by_their_maximum_and_nothing_else(tmp_path: Path) -> None:
    codes = np.random.default_rng(1).integers(0, 256, (24, 32, 1)).astype(np.uint8)
    matte = reader([write_png(tmp_path / "matte.0001.png", codes)]).frame(1)
    assert matte.dtype == np.float32
    assert np.abs(matte - codes[:, :, 0] / 255).max() < 1e-7
    assert (matte.min(), matte.max()) == (0, 1)


def test_outside_its_data_window_a_matte_keeps_the_plate_and_inverted_it_replaces(tmp_path: Path) -> None:
    small = np.full((2, 3), 0.25, np.float16)
    path = write_layer(tmp_path / "matte.0001.exr", small, data=Window(12, 23, 3, 2), display=DISPLAY).path
    expected = np.zeros((24, 32), np.float32)
    expected[3:5, 2:5] = 0.25
    assert np.array_equal(reader([path]).frame(1), expected)
    assert np.array_equal(reader([path], invert=True).frame(1), 1 - expected)


def test_values_beyond_0_and_1_are_held_and_those_that_are_no_numbers_keep_the_plate(tmp_path: Path) -> None:
    wild = np.zeros((24, 32), np.float16)
    wild[0, :3] = (-1, 7, np.nan)
    path = write_layer(tmp_path / "matte.0001.exr", wild, data=DISPLAY, display=DISPLAY).path
    assert reader([path]).frame(1)[0, :3].tolist() == [0, 1, 0]


def test_a_matte_of_another_size_is_refused_naming_both_sizes(tmp_path: Path) -> None:
    path = write_png(tmp_path / "matte.0001.png", np.zeros((12, 16, 1), np.uint8))
    with pytest.raises(PlateError, match=r"roto/matte\.0001\.png is 16x12, the plate is 32x24"):
        reader([path]).frame(1)


def test_a_missing_matte_is_named_by_its_frame(tmp_path: Path) -> None:
    path = write_png(tmp_path / "matte.0001.png", np.zeros((24, 32, 1), np.uint8))
    with pytest.raises(PlateError, match="no file for frame 2, 3"):
        reader([path], "1-3")


def test_one_still_is_the_matte_of_every_frame(tmp_path: Path) -> None:
    path = write_png(tmp_path / "garbage.png", np.full((24, 32, 1), 255, np.uint8))
    mattes = reader([path], "1-3", kind="still")
    assert all((mattes.frame(frame) == 1).all() for frame in (1, 2, 3))


def test_real_mattes_lie_on_their_plate(footage: Path) -> None:
    source = footage / "market" / "matte" / "matte.0060.png"
    digest = hashlib.sha256(b"market").hexdigest()
    file = PictureFile(file=digest, picture=digest, size=1, typed=source.name, frame=60)
    pictures = Pictures(files=(file,), kind="sequence", typed="matte.####.png")
    matte = MatteReader(Matte(pictures=pictures), {digest: source}, FrameRange(60, 60), (1280, 720)).frame(60)
    assert matte.shape == (720, 1280)
    assert 0.05 < matte.mean() < 0.6
