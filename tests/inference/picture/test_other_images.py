"""DPX, PNG, TIFF and JPEG as code / maximum, upright, straight, and never half read."""

from __future__ import annotations

import zlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenImageIO
import pytest
from numpy.typing import NDArray

from understudy.bridge.errors import PlateError
from understudy.inference.picture.header import Window
from understudy.inference.picture.images import read_header, read_image, read_matte

WIDTH, HEIGHT = 64, 48


def write(path: Path, pixels: NDArray[np.generic], **attributes: object) -> Path:
    kinds = {"uint8": "uint8", "uint16": "uint16", "float32": "float"}
    spec = OpenImageIO.ImageSpec(WIDTH, HEIGHT, pixels.shape[2], kinds[str(pixels.dtype)])
    for name, value in attributes.items():
        spec.attribute(name.replace("__", ":"), value)
    output = OpenImageIO.ImageOutput.create(str(path))
    assert output.open(str(path), spec), output.geterror()
    assert output.write_image(pixels), output.geterror()
    assert output.close()
    return path


def codes(bits: int, channels: int = 3) -> NDArray[np.uint16]:
    made = np.random.default_rng(bits).integers(0, 1 << bits, (HEIGHT, WIDTH, channels), dtype=np.uint16)
    made[0, 0], made[0, 1] = 0, (1 << bits) - 1
    return made


@pytest.mark.parametrize("name", ["frame.png", "frame.tif", "frame.dpx"])
@pytest.mark.parametrize("bits", [8, 16])
def test_when_a_file_holds_integers_then_values_are_code_over_maximum(tmp_path: Path, name: str, bits: int) -> None:
    made = codes(bits)
    image = read_image(write(tmp_path / name, made.astype(np.uint8) if bits == 8 else made))
    assert (image.pixels.dtype, image.header.pixel_type) == (np.float32, f"uint{bits}")
    np.testing.assert_array_equal(image.pixels, made.astype(np.float32) / np.float32((1 << bits) - 1))


@pytest.mark.parametrize("bits", [10, 12])
def test_when_a_dpx_is_packed_in_10_or_12_bits_then_values_are_exact_codes(tmp_path: Path, bits: int) -> None:
    made = codes(bits)
    wide = (made.astype(np.uint32) * 65535 // ((1 << bits) - 1)).astype(np.uint16) if bits == 10 else made << 4
    image = read_image(write(tmp_path / "frame.dpx", wide, oiio__BitsPerSample=bits))
    assert image.header.pixel_type == f"uint{bits}"
    held = np.rint(image.pixels * ((1 << bits) - 1))
    np.testing.assert_array_equal(image.pixels, (held / np.float32((1 << bits) - 1)).astype(np.float32))
    np.testing.assert_array_equal(held, made)


def test_when_a_dpx_states_rate_and_timecode_then_they_are_read(tmp_path: Path) -> None:
    path = write(tmp_path / "frame.dpx", codes(16), dpx__FrameRate=23.976, dpx__TimeCode="01:02:03:04")
    header = read_header(path)
    assert (header.rate, header.timecode) == (Fraction(24000, 1001), "01:02:03:04")
    bare = read_header(write(tmp_path / "bare.dpx", codes(16)))
    assert (bare.rate, bare.timecode) == (None, None)


def test_when_a_tiff_is_float_then_its_bits_come_back(tmp_path: Path) -> None:
    made = np.random.default_rng(1).normal(0, 100, (HEIGHT, WIDTH, 3)).astype(np.float32)
    image = read_image(write(tmp_path / "frame.tif", made))
    assert image.header.pixel_type == "float"
    np.testing.assert_array_equal(image.pixels, made)


@pytest.mark.parametrize("name", ["frame.png", "frame.tif"])
def test_when_alpha_is_straight_then_colours_are_not_multiplied_by_it(tmp_path: Path, name: str) -> None:
    made = codes(8, 4).astype(np.uint8)
    image = read_image(write(tmp_path / name, made, oiio__UnassociatedAlpha=1))
    assert image.channels == ("R", "G", "B", "A")
    assert not image.header.alpha_is_premultiplied
    np.testing.assert_array_equal(image.pixels, made.astype(np.float32) / np.float32(255))


def test_when_a_tiff_says_that_its_alpha_is_associated_then_the_header_says_so(tmp_path: Path) -> None:
    assert read_header(write(tmp_path / "frame.tif", codes(8, 4).astype(np.uint8))).alpha_is_premultiplied


@pytest.mark.parametrize("channels", [1, 2])
def test_when_a_png_is_grey_then_red_green_and_blue_are_it(tmp_path: Path, channels: int) -> None:
    made = codes(8, channels).astype(np.uint8)
    image = read_image(write(tmp_path / "grey.png", made, oiio__UnassociatedAlpha=1))
    assert image.channels == ("R", "G", "B", "A")[: 3 + channels - 1]
    np.testing.assert_array_equal(image.pixels[:, :, 1], made[:, :, 0].astype(np.float32) / np.float32(255))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_when_a_jpeg_says_how_it_is_turned_then_it_is_read_upright(tmp_path: Path, orientation: int) -> None:
    upright = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    upright[:24, :32] = (255, 0, 0)
    upright[24:, :32] = (0, 255, 0)
    upright[:24, 32:] = (0, 0, 255)
    # How the stored picture follows from the upright one, TIFF 6.0, tag 274.
    stored = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.transpose(1, 0, 2),
        6: upright.transpose(1, 0, 2)[::-1], 7: upright.transpose(1, 0, 2)[::-1, ::-1],
        8: upright.transpose(1, 0, 2)[:, ::-1],
    }[orientation]  # fmt: skip
    made = np.ascontiguousarray(stored)
    spec = OpenImageIO.ImageSpec(made.shape[1], made.shape[0], 3, "uint8")
    spec.attribute("Orientation", orientation)
    output = OpenImageIO.ImageOutput.create(str(tmp_path / "turned.jpg"))
    assert output.open(str(tmp_path / "turned.jpg"), spec)
    assert output.write_image(made)
    assert output.close()
    image = read_image(tmp_path / "turned.jpg")
    assert (image.header.display.width, image.header.display.height) == (WIDTH, HEIGHT)
    assert float(np.abs(image.pixels * 255 - upright)[4:20, 4:28].max()) < 12
    assert float(np.abs(image.pixels * 255 - upright)[28:44, 4:28].max()) < 12
    assert float(np.abs(image.pixels * 255 - upright)[4:20, 36:60].max()) < 12


@pytest.mark.parametrize("name", ["frame.png", "frame.jpg", "frame.tif", "frame.dpx"])
def test_when_a_file_is_truncated_at_any_place_then_it_is_named(tmp_path: Path, name: str) -> None:
    whole = write(tmp_path / name, codes(8).astype(np.uint8)).read_bytes()
    cut = tmp_path / "cut.0012"
    for size in {*np.linspace(0, len(whole) - 1, 40).astype(int).tolist(), len(whole) - 1}:
        cut.write_bytes(whole[:size])
        for read in (read_image, read_matte):
            with pytest.raises(PlateError, match=r"cut\.0012"):
                read(cut)


def test_when_a_png_or_tiff_carries_an_offset_then_its_picture_still_fills_its_window(tmp_path: Path) -> None:
    for name in ("page.png", "page.tif"):
        spec = OpenImageIO.ImageSpec(WIDTH, HEIGHT, 3, "uint8")
        spec.x, spec.y = 100, 50
        output = OpenImageIO.ImageOutput.create(str(tmp_path / name))
        assert output.open(str(tmp_path / name), spec)
        assert output.write_image(codes(8).astype(np.uint8))
        assert output.close()
        header = read_header(tmp_path / name)
        assert header.data == header.display == Window(0, 0, WIDTH, HEIGHT)


def test_when_a_png_is_damaged_in_its_middle_then_it_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "damaged.png", codes(8).astype(np.uint8))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(PlateError, match=r"damaged\.png"):
        read_image(path)


def test_when_a_layer_or_view_is_asked_of_a_png_then_it_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "frame.png", codes(8).astype(np.uint8))
    with pytest.raises(PlateError, match="no layer 'diffuse'; a PNG file has one picture"):
        read_image(path, layer="diffuse")
    with pytest.raises(PlateError, match="no view 'left'"):
        read_header(path, view="left")


@pytest.mark.parametrize("name", ["frame.png", "frame.jpg", "frame.tif"])
@pytest.mark.parametrize(
    ("described", "hint"),
    [
        ("sRGB IEC61966-2.1", "srgb_rec709_scene"),
        ("Display P3", "srgb_p3d65_scene"),
        ("Adobe RGB (1998)", "g22_adobergb_scene"),
        ("Our scanner", "ICC profile Our scanner"),
    ],
)
def test_when_a_still_carries_an_icc_profile_then_its_space_is_named(
    tmp_path: Path, name: str, described: str, hint: str
) -> None:
    profile = np.frombuffer(icc_profile(described), np.uint8)
    if name.endswith("png"):  # OpenImageIO writes its own sRGB chunk instead
        chunks = split_png(write(tmp_path / name, codes(8).astype(np.uint8)).read_bytes())
        held = png_chunk(b"iCCP", b"profile\0\0" + zlib.compress(profile.tobytes(), 1))
        write_png(tmp_path / name, [chunks[0], held, *without(chunks[1:], b"sRGB")])
        assert read_header(tmp_path / name).colour_hint == hint
        return
    spec = OpenImageIO.ImageSpec(WIDTH, HEIGHT, 3, "uint8")
    spec.attribute("ICCProfile", OpenImageIO.TypeDesc(f"uint8[{profile.size}]"), profile)
    output = OpenImageIO.ImageOutput.create(str(tmp_path / name))
    assert output.open(str(tmp_path / name), spec)
    assert output.write_image(codes(8).astype(np.uint8))
    assert output.close()
    assert read_header(tmp_path / name).colour_hint == hint


def test_when_the_icc_profile_of_a_png_cannot_be_read_then_it_is_still_no_untagged_file(tmp_path: Path) -> None:
    chunks = split_png(write(tmp_path / "frame.png", codes(8).astype(np.uint8)).read_bytes())
    broken = png_chunk(b"iCCP", b"profile\0\0" + zlib.compress(b"not a profile"))
    path = write_png(tmp_path / "frame.png", [chunks[0], broken, *without(chunks[1:], b"sRGB")])
    assert read_header(path).colour_hint == "ICC profile"


def test_when_a_png_is_untagged_then_no_space_is_claimed_and_a_tag_is_reported(tmp_path: Path) -> None:
    path = write(tmp_path / "plain.png", codes(8).astype(np.uint8))
    data = path.read_bytes()
    chunks = split_png(data)
    assert read_header(write_png(tmp_path / "bare.png", without(chunks, b"sRGB"))).colour_hint is None
    srgb = [chunks[0], png_chunk(b"sRGB", b"\0"), *without(chunks[1:], b"sRGB")]
    assert read_header(write_png(tmp_path / "tagged.png", srgb)).colour_hint == "srgb_rec709_scene"


@pytest.mark.parametrize(
    ("channels", "pick", "expected"),
    [
        ((0.2, 0.2, 0.2, 0.6), None, 0.6),
        ((0.2, 0.2, 0.2, 1.0), None, 0.2),
        ((0.2, 0.4, 0.6, 0.5), "green", 0.4),
        ((0.4,), None, 0.4),
        ((0.4, 1.0), None, 0.4),
        ((0.4, 0.8), None, 0.8),
    ],
)
def test_when_a_png_is_a_matte_then_it_is_code_over_maximum_of_the_first_that_applies(
    tmp_path: Path, channels: tuple[float, ...], pick: str | None, expected: float
) -> None:
    made = np.broadcast_to(np.rint(np.array(channels) * 255).astype(np.uint8), (HEIGHT, WIDTH, len(channels))).copy()
    matte, _header = read_matte(write(tmp_path / "matte.png", made, oiio__UnassociatedAlpha=1), channel=pick)
    np.testing.assert_array_equal(matte, np.float32(expected * 255) / np.float32(255))


def test_when_the_real_matte_is_read_then_it_is_its_codes(footage: Path) -> None:
    matte, header = read_matte(footage / "market" / "matte" / "matte.0105.png")
    assert (matte.shape, header.pixel_type) == ((720, 1280), "uint8")
    assert (matte.min(), matte.max()) == (0, 1)
    np.testing.assert_array_equal(np.rint(matte * 255) / np.float32(255), matte)


def icc_profile(described: str) -> bytes:
    """Return the least that is an ICC v2 profile: a header and a description (ICC.1:2001-04, 6.1 and 6.5.17)."""
    text = described.encode() + b"\0"
    tag = b"desc" + bytes(4) + len(text).to_bytes(4, "big") + text + bytes(8 + 3 + 67)
    tag += bytes(-len(tag) % 4)
    table = (1).to_bytes(4, "big") + b"desc" + (144).to_bytes(4, "big") + len(tag).to_bytes(4, "big")
    size = 128 + len(table) + len(tag)
    header = size.to_bytes(4, "big") + b"test" + b"\x02\x40\0\0" + b"mntrRGB XYZ " + bytes(12) + b"acsp"
    header += bytes(68 - len(header)) + bytes.fromhex("0000f6d6000100000000d32d")  # D50, which libpng insists on
    return header + bytes(128 - len(header)) + table + tag


def png_chunk(name: bytes, value: bytes) -> bytes:
    return len(value).to_bytes(4, "big") + name + value + zlib.crc32(name + value).to_bytes(4, "big")


def split_png(data: bytes) -> list[bytes]:
    chunks, at = [], 8
    while at < len(data):
        size = 12 + int.from_bytes(data[at : at + 4], "big")
        chunks.append(data[at : at + size])
        at += size
    return chunks


def without(chunks: list[bytes], name: bytes) -> list[bytes]:
    return [chunk for chunk in chunks if chunk[4:8] != name]


def write_png(path: Path, chunks: list[bytes]) -> Path:
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    return path
