"""Mode replace, opened: every picture reaches the engine by way of its own colour space."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenEXR
import OpenImageIO as oiio  # noqa: N813 - as its own documentation has it
import pytest
from spine_rig import gathered, order_of

from understudy.bridge.options import JobOptions
from understudy.inference.footage import ShotPictures, open_pictures
from understudy.inference.picture.colour import ColourConfig

HEIGHT, WIDTH = 72, 96
CODES = (0.6, 0.5, 0.2)
"""Of sRGB. Below light 0.8 the engine is given them as they are: docs/colour.md, What the model sees."""


@pytest.fixture
def plate(tmp_path: Path) -> JobOptions:
    """Return the options of a frame in ACES2065-1 whose middle is to be replaced, with nothing exposed."""
    write_exr(tmp_path / "plate.1001.exr", np.full((HEIGHT, WIDTH, 3), 0.2, np.float16))
    matte = np.zeros((HEIGHT, WIDTH, 3), np.float16)
    matte[20:52, 30:66] = 1
    write_exr(tmp_path / "matte.1001.exr", matte)
    write_exr(tmp_path / "hero.exr", np.full((48, 32, 3), 0.2, np.float16))
    return JobOptions(
        plate=str(tmp_path / "plate.####.exr"), matte=str(tmp_path / "matte.####.exr"),
        reference=str(tmp_path / "hero.exr"), rate="24", frames="1001", engine="identity", exposure=0.0,
        colour="ACES2065-1", self_attest="a test of colour",
    )  # fmt: skip


def write_exr(path: Path, pixels: np.ndarray) -> None:
    OpenEXR.File({"type": OpenEXR.scanlineimage}, {"RGB": pixels}).write(str(path))


def write_png(path: Path) -> None:
    written = oiio.ImageOutput.create(str(path))
    assert written.open(str(path), oiio.ImageSpec(WIDTH, HEIGHT, 3, "uint16"))
    assert written.write_image(np.broadcast_to(np.array(CODES, np.float32), (HEIGHT, WIDTH, 3)).copy())
    written.close()


def opened(options: JobOptions, folder: Path, **changed: object) -> ShotPictures:
    return open_pictures(order_of(gathered(options, **changed), folder / "job"), lambda done, total: None)


def test_when_the_clean_plate_is_in_another_space_than_the_plate_then_the_engine_is_given_its_own_colours(
    tmp_path: Path, plate: JobOptions
) -> None:
    write_png(tmp_path / "clean.png")
    pictures = opened(plate, tmp_path, clean_plate=str(tmp_path / "clean.png"), clean_plate_colour="sRGB - Texture")
    clean = pictures.footage().clean_plate
    assert clean is not None
    np.testing.assert_allclose(clean(1001), np.broadcast_to(np.array(CODES, np.float32), clean(1001).shape), atol=1e-3)


def test_when_plate_and_clean_plate_show_the_same_in_two_spaces_then_the_engine_is_given_the_same_at_any_exposure(
    tmp_path: Path, plate: JobOptions
) -> None:
    config = ColourConfig.open("studio-config-v4.0.0_aces-v2.0_ocio-v2.5")
    light = np.broadcast_to(np.array((0.3, 0.2, 0.1), np.float32), (HEIGHT, WIDTH, 3)).copy()
    write_exr(tmp_path / "plate.1001.exr", light.astype(np.float16))
    write_exr(tmp_path / "clean.1001.exr", config.convert(light, "ACES2065-1", "ACEScg").astype(np.float16))
    pictures = opened(
        plate, tmp_path, clean_plate=str(tmp_path / "clean.####.exr"), clean_plate_colour="ACEScg", exposure=1.5
    )
    footage = pictures.footage()
    assert footage.plate is not None
    assert footage.clean_plate is not None
    np.testing.assert_allclose(footage.clean_plate(1001), footage.plate(1001), atol=1e-3)
