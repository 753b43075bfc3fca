"""EXR frames bit for bit, mattes by their rule, and damage that is always named."""

from __future__ import annotations

import contextlib
import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenEXR
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from understudy.bridge.errors import PlateError
from understudy.inference.picture.header import Window
from understudy.inference.picture.images import read_header, read_image, read_matte

WIDTH, HEIGHT = 37, 29
FILM = Fraction(24000, 1001)


def noise(seed: int = 0, height: int = HEIGHT, width: int = WIDTH) -> NDArray[np.float16]:
    return np.random.default_rng(seed).random((height, width)).astype(np.float16)


def write_exr(path: Path, channels: dict[str, NDArray[np.generic]], **header: object) -> Path:
    OpenEXR.File({"type": OpenEXR.scanlineimage, **header}, channels).write(str(path))
    return path


def rgb(seed: int = 0) -> dict[str, NDArray[np.generic]]:
    return {name: noise(seed + number) for number, name in enumerate("RGB")}


def test_when_a_half_frame_holds_every_bit_pattern_then_each_comes_back(tmp_path: Path) -> None:
    every = np.arange(65536, dtype=np.uint16).reshape(256, 256).view(np.float16)
    image = read_image(write_exr(tmp_path / "all.exr", {"R": every, "G": every[::-1].copy(), "B": every}))
    assert image.pixels.dtype == np.float16
    np.testing.assert_array_equal(image.pixels[:, :, 0].view(np.uint16), every.view(np.uint16))
    np.testing.assert_array_equal(image.pixels[:, :, 1].view(np.uint16), every[::-1].view(np.uint16))


def test_when_a_frame_is_float_then_its_bits_come_back(tmp_path: Path) -> None:
    bits = np.random.default_rng(3).integers(0, 2**32, (HEIGHT, WIDTH), dtype=np.uint32).view(np.float32)
    image = read_image(write_exr(tmp_path / "float.exr", {"R": bits, "G": bits, "B": bits, "A": bits}))
    assert (image.channels, image.header.pixel_type) == (("R", "G", "B", "A"), "float")
    np.testing.assert_array_equal(image.pixels[:, :, 3].view(np.uint32), bits.view(np.uint32))


def test_when_half_colour_has_a_float_alpha_then_both_keep_their_values(tmp_path: Path) -> None:
    alpha = np.full((HEIGHT, WIDTH), 1 / 3, np.float32)
    image = read_image(write_exr(tmp_path / "mixed.exr", {**rgb(), "A": alpha}))
    np.testing.assert_array_equal(image.pixels[:, :, 3], alpha)
    np.testing.assert_array_equal(image.pixels[:, :, 0], rgb()["R"])


@pytest.mark.parametrize("compression", ["NO", "RLE", "ZIPS", "ZIP", "PIZ", "ZSTD", "HTJ2K32"])
@pytest.mark.parametrize("tiled", [False, True])
def test_when_a_frame_is_compressed_or_tiled_then_its_bits_come_back(
    tmp_path: Path, compression: str, tiled: bool
) -> None:
    header: dict[str, object] = {"compression": getattr(OpenEXR, f"{compression}_COMPRESSION")}
    if tiled:
        tiles = OpenEXR.TileDescription()
        tiles.xSize = tiles.ySize = 16
        header |= {"type": OpenEXR.tiledimage, "tiles": tiles}
    image = read_image(write_exr(tmp_path / "frame.exr", rgb(), **header))
    np.testing.assert_array_equal(image.pixels[:, :, 2], rgb()["B"])


def test_when_the_data_window_leaves_the_display_window_then_both_are_told(tmp_path: Path) -> None:
    data = (np.array([-5, -3], np.int32), np.array([WIDTH - 6, HEIGHT - 4], np.int32))
    display = (np.array([0, 0], np.int32), np.array([19, 9], np.int32))
    path = write_exr(tmp_path / "overscan.exr", rgb(), dataWindow=data, displayWindow=display)
    image = read_image(path)
    assert image.header.data == Window(-5, -3, WIDTH, HEIGHT)
    assert image.header.display == Window(0, 0, 20, 10)
    assert image.pixels.shape == (HEIGHT, WIDTH, 3)


def test_when_a_header_tells_rate_timecode_aspect_and_space_then_they_are_read_without_pixels(tmp_path: Path) -> None:
    code = OpenEXR.TimeCode(1, 2, 3, 4, 1, *[0] * 13)
    path = write_exr(
        tmp_path / "told.exr",
        rgb(),
        framesPerSecond=Fraction(24000, 1001),
        timeCode=code,
        pixelAspectRatio=2.0,
        chromaticities=(0.713, 0.293, 0.165, 0.830, 0.128, 0.044, 0.32168, 0.33767),
        reel="A001",
    )
    header = read_header(path)
    assert header.rate == Fraction(24000, 1001)
    assert header.timecode == "01:02:03;04"
    assert header.pixel_aspect == 2.0
    assert header.colour_hint == "lin_ap1_scene"
    assert header.attributes["reel"] == "A001"
    assert "channels" not in header.attributes


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("framesPerSecond", Fraction(25), Fraction(25)),
        ("FramesPerSecond", 23.976, FILM),
        ("FramesPerSecond", 12.5, Fraction(25, 2)),
        ("FramesPerSecond", float("nan"), None),
        ("FramesPerSecond", -24.0, None),
        ("framesPerSecond", "twenty-four", None),
    ],
)
def test_when_a_header_spells_its_rate_then_it_is_the_fraction_that_is_meant(
    tmp_path: Path, name: str, value: object, expected: Fraction | None
) -> None:
    assert read_header(write_exr(tmp_path / "rate.exr", rgb(), **{name: value})).rate == expected


def test_when_the_interop_id_is_there_then_it_wins_over_chromaticities(tmp_path: Path) -> None:
    rec709 = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
    path = write_exr(tmp_path / "id.exr", rgb(), chromaticities=rec709, colorInteropID="lin_rec2020_scene")
    assert read_header(path).colour_hint == "lin_rec2020_scene"
    assert read_header(write_exr(tmp_path / "no.exr", rgb())).colour_hint is None


def test_when_a_file_is_luminance_only_then_red_green_and_blue_are_it(tmp_path: Path) -> None:
    grey = noise(5)
    image = read_image(write_exr(tmp_path / "grey.exr", {"Y": grey, "A": noise(6)}))
    assert image.channels == ("R", "G", "B", "A")
    for number in range(3):
        np.testing.assert_array_equal(image.pixels[:, :, number], grey)
    np.testing.assert_array_equal(image.pixels[:, :, 3], noise(6))


@pytest.mark.parametrize("parts", [2, 5])
def test_when_a_file_has_parts_then_the_chosen_one_keeps_its_bits(tmp_path: Path, parts: int) -> None:
    bits = np.random.default_rng(1).integers(0, 65536, (HEIGHT, WIDTH), dtype=np.uint16).view(np.float16)
    made = [
        OpenEXR.Part({"type": OpenEXR.scanlineimage}, {name: bits.copy() for name in "RGB"}, label)
        for label in ["rgba", "left", "third", "fourth", "fifth"][:parts]
    ]
    OpenEXR.File(made).write(str(tmp_path / "parts.exr"))
    image = read_image(tmp_path / "parts.exr", layer="left")
    assert image.header.layer == "left"
    np.testing.assert_array_equal(image.pixels[:, :, 2].view(np.uint16), bits.view(np.uint16))


def test_when_a_channel_holds_ids_then_it_is_no_picture_and_no_matte(tmp_path: Path) -> None:
    ids = np.arange(HEIGHT * WIDTH, dtype=np.uint32).reshape(HEIGHT, WIDTH)
    path = write_exr(tmp_path / "ids.exr", {"R": ids, "G": ids, "B": ids})
    with pytest.raises(PlateError, match=r"ids\.exr.*channel R holds whole numbers"):
        read_image(path)
    with pytest.raises(PlateError, match="whole numbers"):
        read_matte(path, channel="G")


def test_when_colour_is_stored_as_luminance_and_chroma_then_it_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "chroma.exr"
    path.write_bytes(luminance_chroma_file())
    with pytest.raises(PlateError, match="luminance and chroma"):
        read_image(path)
    matte, _header = read_matte(path)
    np.testing.assert_array_equal(matte, 0.5)


def test_when_a_data_window_claims_absurd_pixels_then_nothing_is_decoded(tmp_path: Path) -> None:
    path = write_exr(tmp_path / "vast.exr", rgb())
    data = bytearray(path.read_bytes())
    at = data.index(b"dataWindow\0box2i\0") + len(b"dataWindow\0box2i\0") + 4
    struct.pack_into("<4i", data, at, 0, 0, 2**30, 2**30)
    path.write_bytes(bytes(data))
    with pytest.raises(PlateError, match=r"vast\.exr"):
        read_image(path)


@pytest.mark.parametrize("compression", ["NO", "ZIP", "PIZ"])
def test_when_a_frame_is_truncated_at_any_byte_then_the_file_is_named(tmp_path: Path, compression: str) -> None:
    whole = write_exr(
        tmp_path / "whole.exr", rgb(), compression=getattr(OpenEXR, f"{compression}_COMPRESSION")
    ).read_bytes()
    cut = tmp_path / "cut.0007.exr"
    for size in {*np.linspace(0, len(whole) - 1, 60).astype(int).tolist(), len(whole) - 1}:
        cut.write_bytes(whole[:size])
        for read in (read_image, read_matte):
            with pytest.raises(PlateError, match=r"cut\.0007\.exr"):
                read(cut)


def test_when_a_compressed_block_is_damaged_then_the_file_is_named(tmp_path: Path) -> None:
    path = write_exr(tmp_path / "flipped.exr", rgb(), compression=OpenEXR.ZIP_COMPRESSION)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))
    with pytest.raises(PlateError, match=r"flipped\.exr.*decoded"):
        read_image(path)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_when_any_bytes_of_a_header_are_wrong_then_it_reads_or_raises_plate_error(
    tmp_path: Path, data: st.DataObject
) -> None:
    path = tmp_path / "fuzzed.exr"
    if not (tmp_path / "sound.exr").exists():
        write_exr(tmp_path / "sound.exr", rgb(), compression=OpenEXR.ZIP_COMPRESSION)
    held = bytearray((tmp_path / "sound.exr").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        held[data.draw(st.integers(0, 400))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(held))
    with contextlib.suppress(PlateError):
        assert read_image(path).pixels.ndim == 3


def test_when_a_file_is_missing_empty_or_something_else_then_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.exr").touch()
    (tmp_path / "notes.exr").write_text("not a picture")
    (tmp_path / "folder.exr").mkdir()
    for name in ("absent.exr", "empty.exr", "notes.exr", "folder.exr"):
        for read in (read_image, read_header, read_matte):
            with pytest.raises(PlateError, match=name.replace(".", r"\.")) as caught:
                read(tmp_path / name)
            assert caught.value.remedy


def test_when_a_file_has_another_name_than_its_format_then_its_bytes_decide(tmp_path: Path) -> None:
    path = write_exr(tmp_path / "frame.exr", rgb()).rename(tmp_path / "0f3a")
    assert read_header(path).format == "exr"


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        ({"R": 0.1, "G": 0.1, "B": 0.1, "A": 0.5}, 0.5),
        ({"R": 0.1, "G": 0.1, "B": 0.1, "A": 1.0}, 0.1),
        ({"Y": 0.25, "A": 1.0}, 0.25),
        ({"R": 0.1, "G": 0.1, "B": 0.1, "A": 1.0, "hero.mask": 0.75}, 0.75),
        ({"R": 1.0, "G": 0.0, "B": 0.0}, 0.2126),
        ({"A": 0.5}, 0.5),
        ({"roto": 0.5}, 0.5),
        ({"A": 0.5, **{f"{layer}.{letter}": 0.1 for layer in ("diffuse", "specular") for letter in "RGB"}}, 0.5),
        ({"ViewLayer.Combined.R": 0.1, "ViewLayer.Combined.G": 0.1, "ViewLayer.Combined.B": 0.1}
         | {"ViewLayer.Combined.A": 0.5}, 0.5),
    ],
)  # fmt: skip
def test_when_a_matte_is_read_then_the_first_of_alpha_y_name_and_luminance_is_taken(
    tmp_path: Path, channels: dict[str, float], expected: float
) -> None:
    planes = {name: np.full((HEIGHT, WIDTH), value, np.float32) for name, value in channels.items()}
    matte, _header = read_matte(write_exr(tmp_path / "matte.exr", planes))
    assert matte.dtype == np.float32
    np.testing.assert_allclose(matte, expected, rtol=1e-6)


def test_when_a_channel_or_inversion_is_asked_for_then_that_is_the_matte(tmp_path: Path) -> None:
    path = write_exr(tmp_path / "matte.exr", {**rgb(), "A": noise(9)})
    np.testing.assert_array_equal(read_matte(path, channel="g")[0], rgb()["G"].astype(np.float32))
    np.testing.assert_array_equal(read_matte(path, invert=True)[0], 1 - noise(9).astype(np.float32))
    with pytest.raises(PlateError, match="no channel 'mask'; the channels in it: A, B, G, R"):
        read_matte(path, channel="mask")


def test_when_a_matte_has_values_that_are_not_finite_then_the_plate_is_kept_there_and_they_are_counted(
    tmp_path: Path,
) -> None:
    alpha = noise(2)
    alpha[0, :3] = [np.nan, np.inf, -np.inf]
    alpha[1, 0] = 1.5
    for invert in (False, True):
        matte, header = read_matte(write_exr(tmp_path / "nan.exr", {"A": alpha}), invert=invert)
        assert header.repaired_pixels == 3
        np.testing.assert_array_equal(matte[0, :3], 0)
        assert matte[1, 0] == (-0.5 if invert else 1.5)


def test_when_the_real_stereo_frame_is_read_then_each_view_gives_its_own_picture(footage: Path) -> None:
    path = footage / "beachball" / "beachball.0001.exr"
    held = OpenEXR.File(str(path), separate_channels=True).channels()
    for view, prefix in ((None, ""), ("right", ""), ("left", "left.")):
        image = read_image(path, view=view)
        assert image.channels == ("R", "G", "B", "A")
        for number, letter in enumerate("RGBA"):
            np.testing.assert_array_equal(image.pixels[:, :, number], held[prefix + letter].pixels)
    assert image.header.display == Window(0, 0, 2048, 1556)
    assert read_matte(path, channel="whitebarmask.left.mask")[0].max() == 1


def luminance_chroma_file() -> bytes:
    """Return a hand-made uncompressed EXR of 32 x 16 with Y at full and RY, BY at half resolution."""
    width, height = 32, 16

    def attribute(name: str, kind: str, value: bytes) -> bytes:
        return name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(value)) + value

    planes = [("BY", 2, -0.1), ("RY", 2, 0.2), ("Y", 1, 0.5)]
    listed = b"".join(name.encode() + b"\0" + struct.pack("<iIii", 1, 0, step, step) for name, step, _ in planes)
    box = struct.pack("<4i", 0, 0, width - 1, height - 1)
    header = b"\x76\x2f\x31\x01" + struct.pack("<I", 2) + attribute("channels", "chlist", listed + b"\0")
    header += attribute("compression", "compression", b"\0") + attribute("dataWindow", "box2i", box)
    header += attribute("displayWindow", "box2i", box) + attribute("lineOrder", "lineOrder", b"\0")
    header += attribute("pixelAspectRatio", "float", struct.pack("<f", 1))
    header += attribute("screenWindowCenter", "v2f", bytes(8))
    header += attribute("screenWindowWidth", "float", struct.pack("<f", 1)) + b"\0"
    table, chunks, at = b"", b"", len(header) + 8 * height
    for line in range(height):
        row = b"".join(np.full(width // step, value, "<f2").tobytes() for _, step, value in planes if line % step == 0)
        table += struct.pack("<Q", at + len(chunks))
        chunks += struct.pack("<ii", line, len(row)) + row
    return header + table + chunks
