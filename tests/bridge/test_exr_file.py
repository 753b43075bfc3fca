from __future__ import annotations

import struct
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenEXR
import OpenImageIO
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from understudy.bridge.errors import PlateError
from understudy.bridge.exr_file import (
    file_digest,
    picture_digest,
    read_attribute,
    read_channels,
    read_frame_rate,
    set_state,
    walk_exr,
)

COMPRESSIONS = {name: value for name, value in vars(OpenEXR).items() if name.endswith("_COMPRESSION")}


def pixels(seed: int = 1, height: int = 70, width: int = 37) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(height, width, 3)).astype(np.float16)


def write_exr(path: Path, picture: np.ndarray, **header: object) -> Path:
    basic = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage}
    OpenEXR.File({**basic, **header}, {"RGB": picture}).write(str(path))
    return path


def write_tiled(path: Path, picture: np.ndarray, *, levels: str = "") -> Path:
    height, width, channels = picture.shape
    spec = OpenImageIO.ImageSpec(width, height, channels, "half")
    spec.tile_width = spec.tile_height = 16
    spec.x, spec.y = -5, 9
    spec.attribute("compression", "zip")
    if levels:
        buffer = OpenImageIO.ImageBuf(spec)
        buffer.set_pixels(buffer.roi, picture.astype(np.float32))
        assert OpenImageIO.ImageBufAlgo.make_texture(OpenImageIO.MakeTxTexture, buffer, str(path), spec)
        return path
    output = OpenImageIO.ImageOutput.create(str(path))
    assert output.open(str(path), spec), OpenImageIO.geterror()
    assert output.write_image(picture)
    output.close()
    return path


def write_parts(path: Path, *pictures: np.ndarray) -> Path:
    both = {"displayWindow": ((0, 0), (36, 69)), "type": OpenEXR.scanlineimage}
    header = {**both, "compression": OpenEXR.PIZ_COMPRESSION}
    parts = [OpenEXR.Part({**header, "name": f"part{n}"}, {"RGB": p}) for n, p in enumerate(pictures)]
    OpenEXR.File(parts).write(str(path))
    return path


def read_all(path: Path) -> list[bytes]:
    with OpenEXR.File(str(path), separate_channels=True) as file:
        return [channel.pixels.tobytes() for part in file.parts for _, channel in sorted(part.channels.items())]


@pytest.fixture(params=["scan line", "tiled", "mip-mapped", "multi-part"])
def exr(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "plate.0001.exr"
    if request.param == "scan line":
        return write_exr(path, pixels())
    if request.param == "multi-part":
        return write_parts(path, pixels(1), pixels(2, height=33))
    return write_tiled(path, pixels(), levels="mip" if request.param == "mip-mapped" else "")


@pytest.mark.parametrize("compression", sorted(COMPRESSIONS))
@pytest.mark.parametrize("height", [1, 31, 300])
def test_when_a_file_of_any_compression_is_walked_then_its_chunks_fill_it_to_the_last_byte(
    tmp_path: Path, compression: str, height: int
) -> None:
    path = write_exr(tmp_path / "a.exr", pixels(height=height), compression=COMPRESSIONS[compression])
    structure = walk_exr(path)
    covered = sum(chunk.size for part in structure.parts for chunk in part.chunks)
    assert structure.pixels_offset + covered == path.stat().st_size


def test_when_a_file_of_any_kind_is_walked_then_every_byte_after_the_tables_belongs_to_a_chunk(exr: Path) -> None:
    structure = walk_exr(exr)
    covered = sum(chunk.size for part in structure.parts for chunk in part.chunks)
    assert structure.pixels_offset + covered == exr.stat().st_size


def test_when_a_file_is_cut_at_any_byte_then_it_is_called_damaged_by_name(exr: Path) -> None:
    data = exr.read_bytes()
    cut = exr.with_name("cut.exr")
    for length in {*range(0, 600, 7), *range(600, len(data), 997), len(data) - 1}:
        cut.write_bytes(data[:length])
        with pytest.raises(PlateError, match=r"cut\.exr"):
            walk_exr(cut)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, 1200), value=st.integers(0, 255))
def test_when_any_byte_of_header_or_table_is_flipped_then_the_walk_ends_in_a_map_or_a_plate_error(
    tmp_path: Path, place: int, value: int
) -> None:
    path = tmp_path / "flipped.exr"
    if not path.exists():
        write_exr(path, pixels())
    data = bytearray(path.read_bytes())
    data[place] = value
    flipped = tmp_path / "now.exr"
    flipped.write_bytes(data)
    with suppress(PlateError):
        walk_exr(flipped)
        picture_digest(flipped)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.binary(max_size=400))
def test_when_random_bytes_follow_the_magic_number_then_the_walk_ends_in_a_plate_error(
    tmp_path: Path, noise: bytes
) -> None:
    path = tmp_path / "noise.exr"
    path.write_bytes(b"\x76\x2f\x31\x01\x02\0\0\0" + noise)
    with pytest.raises(PlateError):
        walk_exr(path)


@pytest.mark.parametrize(("channels", "names"), [(3, ("B", "G", "R")), (4, ("A", "B", "G", "R"))])
def test_when_the_channels_are_asked_for_then_the_header_alone_names_them(
    tmp_path: Path, channels: int, names: tuple[str, ...]
) -> None:
    planes = {name: np.zeros((4, 5), np.float16) for name in "RGBA"[:channels]}
    with OpenEXR.File({}, planes) as file:
        file.write(str(tmp_path / "a.exr"))
    assert tuple(sorted(read_channels(tmp_path / "a.exr"))) == names


def test_when_a_picture_of_another_format_is_named_exr_then_walking_refuses_and_its_digest_is_the_files(
    tmp_path: Path,
) -> None:
    path = tmp_path / "renamed.exr"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    with pytest.raises(PlateError, match="not an OpenEXR file"):
        walk_exr(path)
    assert picture_digest(path) == file_digest(path)


def test_when_a_file_holds_deep_pixels_then_the_refusal_says_flatten(tmp_path: Path) -> None:
    path = tmp_path / "deep.exr"
    spec = OpenImageIO.ImageSpec(4, 4, 2, "half")
    spec.channelnames = ("A", "Z")
    spec.channelformats = ("half", "float")
    spec.deep = True
    output = OpenImageIO.ImageOutput.create(str(path))
    assert output.open(str(path), spec)
    deep = OpenImageIO.DeepData()
    deep.init(16, 2, ("half", "float"), ("A", "Z"))
    assert output.write_deep_image(deep)
    output.close()
    with pytest.raises(PlateError, match="deep") as caught:
        picture_digest(path)
    assert "Flatten" in caught.value.remedy


def test_when_a_file_is_missing_then_the_error_names_it(tmp_path: Path) -> None:
    with pytest.raises(PlateError, match=r"gone\.exr"):
        picture_digest(tmp_path / "gone.exr")


def test_when_only_volatile_attributes_differ_then_the_picture_is_the_same_and_the_file_is_not(tmp_path: Path) -> None:
    first = write_exr(tmp_path / "a.exr", pixels(), capDate="2026:01:01 10:00:00", owner="ann")
    again = write_exr(tmp_path / "b.exr", pixels(), capDate="2026:01:01 10:00:07", owner="bob", comments="second take")
    assert picture_digest(first) == picture_digest(again)
    assert file_digest(first) != file_digest(again)


@pytest.mark.parametrize(
    "header",
    [
        {"compression": OpenEXR.ZIPS_COMPRESSION},
        {"pixelAspectRatio": 2.0},
        {"displayWindow": ((0, 0), (99, 99))},
        {"chromaticities": (0.7, 0.3, 0.1, 0.9, 0.1, 0.0, 0.3, 0.3)},
        {"colorInteropID": "lin_ap0_scene"},
        {"ocioColorSpace": "ACEScct"},
        {"colorSpace": "Linear"},
        {"acesImageContainerFlag": 1},
        {"framesPerSecond": Fraction(25)},
        {"timeCode": OpenEXR.TimeCode(1, 2, 3, 4, 0, *[0] * 13)},
    ],
    ids=lambda header: next(iter(header)),
)
def test_when_what_the_picture_is_differs_then_its_digest_differs(tmp_path: Path, header: dict[str, object]) -> None:
    first = write_exr(tmp_path / "a.exr", pixels())
    other = write_exr(tmp_path / "b.exr", pixels(), **header)
    assert picture_digest(first) != picture_digest(other)


@pytest.mark.parametrize("where", [(0, 0, 0), (69, 36, 2), (40, 10, 1)])
def test_when_one_pixel_differs_then_the_picture_differs(tmp_path: Path, where: tuple[int, int, int]) -> None:
    changed = pixels()
    changed[where] += np.float16(1)
    first = write_exr(tmp_path / "a.exr", pixels(), compression=OpenEXR.NO_COMPRESSION)
    other = write_exr(tmp_path / "b.exr", changed, compression=OpenEXR.NO_COMPRESSION)
    assert picture_digest(first) != picture_digest(other)


def test_when_the_second_view_differs_then_the_picture_differs(tmp_path: Path) -> None:
    first = write_parts(tmp_path / "a.exr", pixels(1), pixels(2))
    other = write_parts(tmp_path / "b.exr", pixels(1), pixels(3))
    assert picture_digest(first) != picture_digest(other)


@pytest.mark.parametrize("size", [0, 1, 5_000_000, 40_000_000])
def test_when_a_file_is_hashed_then_the_digest_is_the_blake3_of_its_bytes(tmp_path: Path, size: int) -> None:
    from blake3 import blake3

    path = tmp_path / "movie.mov"
    data = np.random.default_rng(3).bytes(size)
    path.write_bytes(data)
    assert file_digest(path) == blake3(data).hexdigest()


def test_when_the_state_is_set_then_nothing_else_in_the_file_changes(tmp_path: Path) -> None:
    path = write_exr(tmp_path / "patch.1001.exr", pixels(), **{"understudy/state": "provisional".ljust(16)})
    before, picture, pixels_before = path.read_bytes(), picture_digest(path), read_all(path)
    set_state(path, "delivered")
    assert read_attribute(path, "understudy/state") == "delivered"
    assert path.stat().st_size == len(before)
    assert sum(a != b for a, b in zip(before, path.read_bytes(), strict=True)) <= 16
    assert picture_digest(path) == picture
    assert read_all(path) == pixels_before
    set_state(path, "provisional")
    assert path.read_bytes() == before


def test_when_a_file_has_no_state_then_setting_it_is_refused_and_the_file_stays(tmp_path: Path) -> None:
    path = write_exr(tmp_path / "a.exr", pixels())
    before = path.read_bytes()
    with pytest.raises(PlateError, match="no state"):
        set_state(path, "delivered")
    assert path.read_bytes() == before


def test_when_a_state_does_not_fit_then_it_is_an_error_of_the_caller(tmp_path: Path) -> None:
    path = write_exr(tmp_path / "a.exr", pixels(), **{"understudy/state": "provisional".ljust(16)})
    with pytest.raises(ValueError, match="does not fit"):
        set_state(path, "seventeen letters")


def test_when_a_header_states_its_rate_then_it_is_read_exactly(tmp_path: Path) -> None:
    path = write_exr(tmp_path / "a.exr", pixels(), framesPerSecond=Fraction(24000, 1001))
    rate = read_frame_rate(path)
    assert rate is not None
    assert (rate.numerator, rate.denominator) == (24000, 1001)
    assert read_frame_rate(write_exr(tmp_path / "b.exr", pixels())) is None


def test_when_two_chunks_are_exchanged_in_the_table_then_the_file_is_called_damaged(tmp_path: Path) -> None:
    path = write_exr(tmp_path / "a.exr", pixels())
    table = len(walk_exr(path).header)
    data = bytearray(path.read_bytes())
    first, second = struct.unpack_from("<2Q", data, table)
    struct.pack_into("<2Q", data, table, second, first)
    path.write_bytes(data)
    with pytest.raises(PlateError, match="chunk 1 is not"):
        walk_exr(path)
