"""The character's image: straight colour in the model's codes, whatever it was stored as."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import OpenImageIO
import pytest

from understudy.bridge.errors import PlateError
from understudy.bridge.shot import Character, PictureFile, Pictures
from understudy.inference.picture.colour import ColourConfig
from understudy.inference.picture.colour_configs import STANDARD
from understudy.inference.picture.header import Window
from understudy.inference.picture.layers import write_layer
from understudy.inference.picture.reference import Reference, read_reference
from understudy.inference.picture.tone import encode


@pytest.fixture(scope="module")
def config() -> ColourConfig:
    return ColourConfig.open(STANDARD)


def read(path: Path, config: ColourConfig, kind: str = "still", **more: object) -> Reference:
    digest = hashlib.sha256(str(path).encode()).hexdigest()
    file = PictureFile(file=digest, picture=digest, size=1, typed=f"cast/{path.name}")
    pictures = Pictures(files=(file,), kind=kind, typed=f"cast/{path.name}", **more)  # type: ignore[arg-type]
    return read_reference(Character(pictures=pictures), {digest: path}, config)


def write_png(path: Path, codes: np.ndarray) -> Path:
    output = OpenImageIO.ImageOutput.create(str(path))
    spec = OpenImageIO.ImageSpec(codes.shape[1], codes.shape[0], codes.shape[2], "uint8")
    spec.attribute("oiio:UnassociatedAlpha", 1)
    assert output.open(str(path), spec)
    assert output.write_image(codes)
    output.close()
    return path


def test_an_untagged_png_keeps_its_codes_below_the_knee_also_under_soft_alpha(
    tmp_path: Path, config: ColourConfig
) -> None:
    codes = np.random.default_rng(1).integers(0, 230, (12, 10, 4)).astype(np.uint8)
    reference = read(write_png(tmp_path / "hero.png", codes), config)
    assert reference.pixels.shape == (12, 10, 4)
    assert reference.has_alpha
    assert np.abs(reference.pixels * 255 - codes).max() < 0.01
    assert reference.findings == ()


def test_without_alpha_or_with_one_that_is_full_the_image_is_opaque(tmp_path: Path, config: ColourConfig) -> None:
    for name, channels in (("rgb.png", 3), ("rgba.png", 4)):
        reference = read(write_png(tmp_path / name, np.full((4, 5, channels), 255, np.uint8)), config)
        assert not reference.has_alpha
        assert (reference.pixels[:, :, 3] == 1).all()


def test_a_premultiplied_exr_becomes_straight(tmp_path: Path, config: ColourConfig) -> None:
    straight = np.full((4, 5, 3), 0.5, np.float32)
    alpha = np.linspace(0.1, 1, 20, dtype=np.float32).reshape(4, 5, 1)
    pixels = np.concatenate([straight * alpha, alpha], axis=2).astype(np.float16)
    window = Window(0, 0, 5, 4)
    path = write_layer(
        tmp_path / "hero.exr", pixels, ("R", "G", "B", "A"), data=window, display=window,
        attributes={"colorInteropID": "lin_rec709_scene"},
    ).path  # fmt: skip
    reference = read(path, config)
    assert reference.space == "Linear Rec.709 (sRGB)"
    assert reference.pixels[:, :, :3] == pytest.approx(float(encode(np.array([0.5]))[0]), rel=2e-3)


def test_values_that_are_no_numbers_do_not_reach_an_engine(tmp_path: Path, config: ColourConfig) -> None:
    pixels = np.full((4, 5, 4), np.nan, np.float16)
    pixels[0, 0] = np.inf
    window = Window(0, 0, 5, 4)
    path = write_layer(tmp_path / "hero.exr", pixels, ("R", "G", "B", "A"), data=window, display=window).path
    assert np.isfinite(read(path, config).pixels).all()


def test_a_declared_space_is_used(tmp_path: Path, config: ColourConfig) -> None:
    path = write_png(tmp_path / "hero.png", np.full((4, 5, 3), 128, np.uint8))
    darker = read(path, config, colour="Gamma 2.4 Rec.709 - Texture").pixels[0, 0, 0]
    assert darker < read(path, config).pixels[0, 0, 0]


def test_a_file_that_is_no_image_is_refused_in_the_users_words(tmp_path: Path, config: ColourConfig) -> None:
    path = tmp_path / "hero.png"
    path.write_bytes(b"this is not a picture")
    with pytest.raises(PlateError, match=r"cast/hero\.png") as refused:
        read(path, config)
    assert str(tmp_path) not in refused.value.message
    with pytest.raises(PlateError, match="movie"):
        read(path, config, kind="movie")
