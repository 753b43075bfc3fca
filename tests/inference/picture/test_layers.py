"""Layers on disk: exact, deterministic, whole or not there, readable by others."""

from __future__ import annotations

import resource
import threading
from fractions import Fraction
from pathlib import Path

import numpy as np
import OpenImageIO
import pytest
from blake3 import blake3

from understudy.bridge.errors import JobParked, PlateError
from understudy.inference.picture.attributes import exr_timecode, layer_attributes
from understudy.inference.picture.header import Window
from understudy.inference.picture.images import read_image
from understudy.inference.picture.layers import STATE_ATTRIBUTE, fit_window, tell_anew, write_layer, write_parts

DATA = Window(-3, 5, 64, 48)
DISPLAY = Window(0, 0, 60, 50)


def every_kind_of_half(channels: int) -> np.ndarray:
    bits = np.random.default_rng(3).integers(0, 65536, (48, 64, channels)).astype(np.uint16)
    return bits.view(np.float16)


def write(path: Path, pixels: np.ndarray, channels: tuple[str, ...] = ("R", "G", "B"), **more: object):  # type: ignore[no-untyped-def]
    return write_layer(path, pixels, channels, data=DATA, display=DISPLAY, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("channels", [("R", "G", "B"), ("R", "G", "B", "A")])
def test_any_half_bits_and_both_windows_come_back(tmp_path: Path, channels: tuple[str, ...]) -> None:
    pixels = every_kind_of_half(len(channels))
    image = read_image(write(tmp_path / "comp.0001.exr", pixels, channels, pixel_aspect=2.0).path)
    assert np.array_equal(image.pixels.view(np.uint16), pixels.view(np.uint16))
    assert (image.channels, image.header.data, image.header.display) == (channels, DATA, DISPLAY)
    assert image.header.pixel_aspect == 2.0


def test_a_float_layer_keeps_every_bit(tmp_path: Path) -> None:
    pixels = np.random.default_rng(3).normal(size=(48, 64, 3)).astype(np.float32)
    image = read_image(write(tmp_path / "comp.0001.exr", pixels).path)
    assert image.header.pixel_type == "float"
    assert np.array_equal(image.pixels, pixels)


def test_a_matte_is_written_to_red_green_and_blue_alike(tmp_path: Path) -> None:
    matte = np.random.default_rng(3).random((48, 64)).astype(np.float16)
    image = read_image(write(tmp_path / "matte.0001.exr", matte).path)
    assert image.channels == ("R", "G", "B")
    assert all(np.array_equal(image.pixels[:, :, channel], matte) for channel in range(3))


def test_another_library_reads_the_same_pixels_zip_and_bare_names(tmp_path: Path) -> None:
    pixels = np.random.default_rng(3).random((48, 64, 4)).astype(np.float16)
    written = write(tmp_path / "patch.0001.exr", pixels, ("R", "G", "B", "A"))
    opened = OpenImageIO.ImageInput.open(str(written.path))
    spec = opened.spec()
    held = opened.read_image("half")
    opened.close()
    assert spec.channelnames == ("R", "G", "B", "A")
    assert spec.get_string_attribute("compression").startswith("zip")
    assert (spec.x, spec.y, spec.full_width, spec.full_height) == (-3, 5, 60, 50)
    assert np.array_equal(held, pixels)


def test_the_same_picture_makes_the_same_bytes_and_the_digest_is_theirs(tmp_path: Path) -> None:
    pixels = every_kind_of_half(3)
    attributes = layer_attributes({}, interop_id="lin_ap1_scene", ours={"understudy/crop": {"x": 1}})
    one = write(tmp_path / "a.exr", pixels, attributes=attributes)
    other = write(tmp_path / "b.exr", pixels, attributes=dict(reversed(attributes.items())))
    assert one.path.read_bytes() == other.path.read_bytes()
    assert one.digest == other.digest == blake3(one.path.read_bytes()).hexdigest()
    assert one.size == one.path.stat().st_size


def test_the_state_is_there_from_the_first_byte_padded_for_its_final_word(tmp_path: Path) -> None:
    header = read_image(write(tmp_path / "a.exr", every_kind_of_half(3)).path).header
    assert header.attributes[STATE_ATTRIBUTE] == "provisional     "
    with pytest.raises(ValueError, match="longer than 16"):
        write(tmp_path / "b.exr", every_kind_of_half(3), state="a word that is far too long")


def test_attributes_come_back_with_their_values(tmp_path: Path) -> None:
    ours = {"understudy/crop": {"scale": 0.5}, "understudy/seed": 2**62, "understudy/prompt": "an actress in a café"}
    attributes = layer_attributes({"owner": "me"}, timecode="01:00:00;12", interop_id="lin_ap1_scene", ours=ours)
    header = read_image(write(tmp_path / "a.exr", every_kind_of_half(3), attributes=attributes).path).header
    held = header.attributes
    assert held["understudy/crop"] == '{"scale":0.5}'
    assert held["understudy/seed"] == str(2**62)
    assert held["understudy/prompt"] == "an actress in a café"
    assert (held["owner"], header.timecode, header.colour_hint) == ("me", "01:00:00;12", "lin_ap1_scene")


def test_a_frame_is_replaced_whole_and_nothing_else_is_left_in_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "new" / "comp" / "comp.0001.exr"
    write(path, every_kind_of_half(3))
    write(path, np.zeros((48, 64, 3), np.float16))
    assert not read_image(path).pixels.any()
    assert [entry.name for entry in path.parent.iterdir()] == ["comp.0001.exr"]


def test_when_there_is_no_room_then_the_job_is_parked_and_no_file_is_left(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    # A limit on file size is what a test may set; it raises EFBIG where a full disk raises ENOSPC.
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
    try:
        with pytest.raises(JobParked, match=r"comp\.0001\.exr"):
            write(tmp_path / "comp.0001.exr", every_kind_of_half(3))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "comp").write_text("a file where the folder should be")
    with pytest.raises(PlateError, match="comp"):
        write(tmp_path / "comp" / "comp.0001.exr", every_kind_of_half(3))


@pytest.mark.parametrize(
    ("pixels", "channels"),
    [
        (np.zeros((48, 64, 3), np.uint8), ("R", "G", "B")),
        (np.zeros((48, 64, 3), np.float16), ("R", "G", "B", "A")),
        (np.zeros((40, 64, 3), np.float16), ("R", "G", "B")),
        (np.zeros((48, 64, 1), np.float16), ("Y",)),
    ],
)
def test_pixels_that_do_not_fit_their_description_are_a_mistake_of_the_caller(
    tmp_path: Path, pixels: np.ndarray, channels: tuple[str, ...]
) -> None:
    with pytest.raises((TypeError, ValueError)):
        write(tmp_path / "a.exr", pixels, channels)
    assert list(tmp_path.iterdir()) == []


def test_threads_write_their_frames_side_by_side(tmp_path: Path) -> None:
    pixels = every_kind_of_half(4)
    work = [
        threading.Thread(target=write, args=(tmp_path / f"patch.{frame:04}.exr", pixels, ("R", "G", "B", "A")))
        for frame in range(8)
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1
    assert len(list(tmp_path.iterdir())) == 8


def test_a_window_is_cut_and_padded_where_it_differs() -> None:
    pixels = np.arange(12, dtype=np.float32).reshape(3, 4)
    fitted = fit_window(pixels, Window(0, 0, 4, 3), Window(-1, 1, 4, 3))
    assert fitted.tolist() == [[0, 4, 5, 6], [0, 8, 9, 10], [0, 0, 0, 0]]
    assert fit_window(pixels, Window(0, 0, 4, 3), Window(10, 10, 2, 1), fill=1.0).tolist() == [[1, 1]]
    assert fit_window(pixels, DATA, DATA) is pixels


@pytest.mark.parametrize("multipart", [False, True])
def test_when_a_mark_is_told_anew_then_the_file_is_as_if_it_had_been_written_so(
    tmp_path: Path, multipart: bool
) -> None:
    half, full = every_kind_of_half(4), np.random.default_rng(1).random((48, 64, 3), np.float32)

    def made(name: str, **marks: str) -> Path:
        where: dict[str, object] = {"data": DATA, "display": DISPLAY, "pixel_aspect": 2.0}
        where["attributes"] = {
            "timeCode": exr_timecode("01:00:00;02"),
            "framesPerSecond": Fraction(30000, 1001),
            **marks,
        }
        if multipart:
            layers = {"rgba": (half, tuple("RGBA")), "matte": (full, tuple("RGB"))}
            return write_parts(tmp_path / name, layers, **where).path  # type: ignore[arg-type]
        return write_layer(tmp_path / name, half, tuple("RGBA"), **where).path  # type: ignore[arg-type]

    told = made("told.exr", commit="a")
    tell_anew(told, {"commit": "longer than before", "new": "word"})
    assert told.read_bytes() == made("written.exr", commit="longer than before", new="word").read_bytes()


def test_when_a_file_is_damaged_then_nothing_is_told_anew_and_it_stays_as_it_was(tmp_path: Path) -> None:
    ramp = np.linspace(0, 1, 48 * 64 * 3).reshape(48, 64, 3).astype(np.float16)  # noise is stored as it is
    path = write(tmp_path / "comp.0001.exr", ramp).path
    data = bytearray(path.read_bytes())
    data[-400:-100] = bytes(300)
    for broken in (bytes(data), bytes(data[:900]), b""):
        path.write_bytes(broken)
        with pytest.raises(PlateError, match=r"comp\.0001\.exr"):
            tell_anew(path, {"commit": "b"})
        assert path.read_bytes() == broken
        assert [path] == list(tmp_path.iterdir())
