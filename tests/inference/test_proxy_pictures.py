"""Proxies as pure functions, and inputs that the panel cannot read itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import OpenImageIO as oiio  # noqa: N813 - as its own documentation has it
from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as some

from understudy.bridge.frames import FrameRange
from understudy.bridge.shot import PictureFile, Pictures
from understudy.inference.picture.colour import ColourConfig
from understudy.inference.picture.images import read_image
from understudy.inference.proxy_order import InputSource
from understudy.inference.proxy_pictures import area_mean, open_input, read_input
from understudy.ui.frames.remote import proxy_picture

STANDARD = "studio-config-v4.0.0_aces-v2.0_ocio-v2.5"


@given(some.integers(1, 7), some.integers(1, 5), some.integers(1, 5), some.integers(0, 2**32 - 1))
def test_each_pixel_is_the_mean_of_its_cell(factor: int, high: int, wide: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    pixels = random.uniform(-1, 4, (high * factor + factor - 1, wide * factor, 3)).astype(np.float32)
    small = area_mean(pixels, factor)
    cut = pixels[: high * factor].astype(np.float64).reshape(high, factor, wide, factor, 3)
    assert small.shape == (high, wide, 3)
    assert np.allclose(small.astype(np.float64), cut.mean(axis=(1, 3)), rtol=2**-10, atol=2**-14)


def test_what_no_half_holds_becomes_the_largest_and_what_is_no_number_stays_none() -> None:
    small = area_mean(np.array([[[1e9], [-1e9], [np.inf], [np.nan]]], np.float32), 1)
    assert small[0, :3, 0].tolist() == [65504.0, -65504.0, np.inf]
    assert np.isnan(small[0, 3, 0])


def test_a_dpx_plate_is_shown_in_the_takes_own_space(tmp_path: Path) -> None:
    path = tmp_path / "plate.1001.dpx"
    codes = np.random.default_rng(1).uniform(0, 1, (18, 32, 3)).astype(np.float32)
    written = oiio.ImageOutput.create(str(path))
    assert written.open(str(path), oiio.ImageSpec(32, 18, 3, "uint16"))
    assert written.write_image(codes)
    written.close()
    digest = blake3(path.read_bytes()).hexdigest()
    file = PictureFile(file=digest, picture=digest, size=path.stat().st_size, typed=str(path), frame=1001)
    source = InputSource(
        role="plate", pictures=Pictures(files=(file,), kind="sequence", typed="plate.####.dpx", colour="ACEScct"),
        frames=FrameRange(1001, 1001), pixel_aspect=None, paths={digest: str(path)}, colour_config=STANDARD,
        archive=None, context={}, into="Linear Rec.709 (sRGB)",
    )  # fmt: skip
    shown = read_input(open_input(source), 1001, source.into)
    expected = ColourConfig.open(STANDARD).convert(read_image(path).pixels, "ACEScct", "Linear Rec.709 (sRGB)")
    assert np.allclose(shown.pixels, expected, rtol=1e-5, atol=1e-6)  # two steps of float32 beside one
    assert shown.marks["understudy/working_space"] == "Linear Rec.709 (sRGB)"


def test_the_panel_places_a_proxy_where_the_whole_frame_lay() -> None:
    from understudy.inference.proxy_pictures import WholeFrame, proxy

    pixels = np.zeros((20, 40, 1), np.float16)
    frame = WholeFrame(pixels, ("Y",), (-4, 7), (0, 0, 32, 18), 2.0, {"understudy/state": "provisional"})
    picture = proxy_picture(proxy(frame, 10), "matte 1")
    assert (picture.factor, picture.origin, picture.display) == (4, (-4, 7), (0, 0, 32, 18))
    assert picture.pixel_aspect == 2.0
    assert picture.marks["state"] == "provisional"
    assert picture.marks["proxy"] == "10x5"
