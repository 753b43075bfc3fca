"""A job's plate by its files: held against what was submitted, and brought into the take's space by OCIO itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import PyOpenColorIO
import pytest
from viewer_rig import stored_pixels, write_layer

from understudy.bridge.errors import PlateError
from understudy.bridge.frames import FrameRange
from understudy.bridge.input_files import Gatherer
from understudy.bridge.shot import Plate
from understudy.ui.frames.plate import JobPlate
from understudy.ui.frames.view import STANDARD, Viewing

WORKING = "Linear Rec.709 (sRGB)"


def written(folder: Path, colour: str | None = None, **named: str) -> Plate:
    """Return a plate of three frames of random colours, as a client gathers it."""
    random = np.random.default_rng(5)
    for frame in range(1001, 1004):
        pixels = random.uniform(0, 4, (6, 9, 3)).astype(np.float16)
        write_layer(folder / f"plate.{frame}.exr", pixels)
    gatherer = Gatherer(FrameRange(1001, 1003), lambda _done, _total: None)
    return Plate(pictures=gatherer.pictures(str(folder / "plate.####.exr"), colour=colour, **named))


def test_when_a_file_was_changed_since_then_it_is_not_shown_as_the_plate(tmp_path: Path) -> None:
    plate = JobPlate(written(tmp_path))
    path = plate.frames()[1002]
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)
    with pytest.raises(PlateError, match="has changed since it was submitted"):
        plate.read(path, Viewing(), WORKING)


def test_when_files_are_gone_or_of_another_size_then_the_others_are_shown_and_it_is_said(tmp_path: Path) -> None:
    plate = JobPlate(written(tmp_path))
    (tmp_path / "plate.1001.exr").unlink()
    (tmp_path / "plate.1003.exr").write_bytes(b"short")
    assert list(plate.frames()) == [1002]
    assert "2 of 3 files are not here as they were submitted" in plate.note()


def test_when_the_plate_is_a_movie_then_it_is_named_and_not_guessed_at(tmp_path: Path) -> None:
    (tmp_path / "plate.mov").write_bytes(b"a movie")
    gatherer = Gatherer(FrameRange(1, 2), lambda _done, _total: None)
    plate = JobPlate(Plate(pictures=gatherer.pictures(str(tmp_path / "plate.mov"))))
    assert dict(plate.frames()) == {}
    assert "plate.mov is no OpenEXR sequence" in plate.note()


@pytest.mark.parametrize("said", [None, WORKING, "lin_rec709_scene"])
def test_when_the_plate_is_in_the_takes_space_then_its_own_halves_are_handed_on(
    tmp_path: Path, said: str | None
) -> None:
    plate = JobPlate(written(tmp_path, said))
    path = plate.frames()[1001]
    frame = plate.read(path, Viewing(), WORKING)
    assert frame.pixels.dtype == np.float16
    np.testing.assert_array_equal(frame.pixels, stored_pixels(path))


def test_when_the_plate_is_in_a_log_space_then_it_is_what_ocio_makes_of_it_rounded_once_to_half(tmp_path: Path) -> None:
    plate = JobPlate(written(tmp_path, "ACEScct"))
    path = plate.frames()[1003]
    frame = plate.read(path, Viewing(), "ACEScg")
    expected = stored_pixels(path).copy()
    config = PyOpenColorIO.Config.CreateFromBuiltinConfig(STANDARD)
    processor = config.getProcessor("ACEScct", "ACEScg")
    processor.getOptimizedCPUProcessor(PyOpenColorIO.OPTIMIZATION_LOSSLESS).applyRGB(expected)
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(frame.pixels, expected.astype(np.float16))
    assert not np.array_equal(frame.pixels, stored_pixels(path))
