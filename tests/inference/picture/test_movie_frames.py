"""Decoded frames as RGB: the matrix, the range, where chroma lies, and every way codes are packed."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from understudy.inference.picture.movie_frames import ColourTags, frame_bits, read_tags, rgb_of
from understudy.inference.picture.movies import MovieReader


@pytest.mark.parametrize("matrix", [1, 5, 9])
@pytest.mark.parametrize("span", [1, 2])
@pytest.mark.parametrize("pixels", ["yuv444p", "yuv444p10le", "yuv422p12le"])
def test_when_colours_are_flat_then_they_return_by_the_tagged_matrix_and_range_to_the_rounding_of_codes(
    tmp_path: Path, matrix: int, span: int, pixels: str
) -> None:
    colours = np.random.default_rng(2).integers(20, 235, (12, 3))
    path = tmp_path / "flat.mkv"
    with av.open(str(path), "w") as movie:
        stream = movie.add_stream("ffv1", rate=24)
        stream.width, stream.height, stream.pix_fmt = 32, 16, pixels
        coder = stream.codec_context
        coder.colorspace, coder.color_range, coder.color_primaries, coder.color_trc = matrix, span, 1, 1
        for number, colour in enumerate(colours):
            frame = yuv_frame(colour / 255, pixels, matrix, span)
            frame.pts, frame.time_base = number, Fraction(1, 24)
            movie.mux(stream.encode(frame))
        movie.mux(stream.encode())
    rounding = 1.75 / (1 << int(pixels[7:].strip("ple") or 8))  # half a code of luma and of a doubled chroma
    with MovieReader(path) as movie:
        for number, colour in enumerate(colours):
            np.testing.assert_allclose(movie.read(number), np.broadcast_to(colour / 255, (16, 32, 3)), atol=rounding)


def yuv_frame(colour: NDArray[np.float64], pixels: str, matrix: int, span: int) -> av.VideoFrame:
    """Return a flat frame by the equations of ITU-T H.273, section 8.3, written out a second time."""
    red, blue = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 9: (0.2627, 0.0593)}[matrix]
    luma = red * colour[0] + (1 - red - blue) * colour[1] + blue * colour[2]
    difference = [(colour[2] - luma) / (2 * (1 - blue)), (colour[0] - luma) / (2 * (1 - red))]
    bits = int(pixels[7:].strip("ple") or 8)
    scale, top = 2 ** (bits - 8), 2**bits - 1
    if span == 2:
        codes = [luma * top, *(value * top + 2 ** (bits - 1) for value in difference)]
    else:
        codes = [(16 + 219 * luma) * scale, *((128 + 224 * value) * scale for value in difference)]
    frame = av.VideoFrame(32, 16, pixels)
    for plane, code in zip(frame.planes, codes, strict=True):
        kind = "<u2" if bits > 8 else "u1"
        plane.update(np.full(plane.buffer_size // np.dtype(kind).itemsize, round(code), kind).tobytes())
    return frame


@pytest.mark.parametrize("pixels", ["rgb48le", "rgb48be", "rgba64le", "bgra", "gbrp16le", "gray16le"])
def test_when_a_frame_is_packed_or_planar_rgb_then_its_codes_come_back(pixels: str) -> None:
    wide = not pixels.startswith("bgra")
    shape = {"gray": (16, 32), "rgba": (16, 32, 4), "bgra": (16, 32, 4)}.get(pixels[:4], (16, 32, 3))
    codes = np.random.default_rng(1).integers(0, 65536 if wide else 256, shape, np.uint16 if wide else np.uint8)
    frame = av.VideoFrame.from_ndarray(codes, pixels)
    assert frame_bits(frame) == (16 if wide else 8)
    held = rgb_of(frame, read_tags(frame))
    if pixels == "gray16le":
        np.testing.assert_allclose(held[:, :, 1], (codes / 256 - 16) / 219, atol=1e-5)
        return
    order = [2, 1, 0] if pixels == "bgra" else [0, 1, 2]
    np.testing.assert_array_equal(held, codes[:, :, order].astype(np.float32) / np.float32(65535 if wide else 255))


@pytest.mark.parametrize(("packed", "planar"), [("p010le", "yuv420p10le"), ("nv12", "yuv420p")])
def test_when_a_frame_is_packed_yuv_then_it_reads_as_its_planar_form(packed: str, planar: str) -> None:
    made = av.VideoFrame.from_ndarray(np.random.default_rng(1).integers(0, 256, (48, 64, 3), np.uint8), "rgb24")
    plain = made.reformat(format=planar)
    repacked = plain.reformat(format=packed, src_color_range=1, dst_color_range=1)
    np.testing.assert_array_equal(rgb_of(repacked, read_tags(repacked)), rgb_of(plain, read_tags(plain)))


def test_when_chroma_is_subsampled_then_it_is_raised_from_where_it_lies() -> None:
    frame = av.VideoFrame(32, 16, "yuv422p")
    ramp = np.arange(16, dtype=np.float64) * 8 + 60  # chroma column k lies on luma column 2k
    for plane, row in zip(frame.planes, (np.full(32, 128.0), ramp, np.full(16, 128.0)), strict=True):
        rows = np.zeros((plane.height, plane.line_size), np.uint8)
        rows[:, : plane.width] = row
        plane.update(rows.tobytes())
    blue = rgb_of(frame, ColourTags(None, None, "bt709", "limited"))[4, :, 2]
    expected = (128 - 16) / 219 + 2 * (1 - 0.0722) * (np.arange(31) * 4 + 60 - 128) / 224
    np.testing.assert_allclose(blue[:31], expected, atol=1e-5)
