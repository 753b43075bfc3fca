"""Movies written: rate, count, tags, timecode and metadata exact, bytes the same each time, whole or not there."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from understudy.bridge.errors import JobError, JobParked
from understudy.inference.picture.movies import MOVIE_KINDS, MovieReader, MovieWriter

NTSC = Fraction(30000, 1001)


def smooth(number: int, height: int = 66, width: int = 98) -> NDArray[np.float32]:
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    waves = [0.5 + 0.4 * np.sin(rows / (7 + k) + columns / (11 - k) + number * 0.2) for k in range(3)]
    return np.stack(waves, axis=2).astype(np.float32)


def write(path: Path, kind: str, *, count: int = 5, rate: Fraction = NTSC, height: int = 130, width: int = 258) -> Path:
    metadata = {"comment": "preview, not final", "understudy/engine": "preview"}
    with MovieWriter(path, rate, width, height, kind=kind, metadata=metadata, timecode="01:00:00;02") as movie:
        for number in range(count):
            pixels = smooth(number, height, width)
            movie.write(np.rint(pixels * 255).astype(np.uint8) if kind == "h264" else pixels)
    return path


def suffix(kind: str) -> str:
    return f".{MOVIE_KINDS[kind].container}"


@pytest.mark.parametrize("kind", MOVIE_KINDS)
def test_when_a_movie_is_written_then_rate_count_tags_timecode_and_metadata_are_exact(
    tmp_path: Path, kind: str
) -> None:
    path = write(tmp_path / f"out{suffix(kind)}", kind)
    with MovieReader(path) as movie:
        assert (movie.count, movie.rate, movie.timecode) == (5, NTSC, "01:00:00;02")
        tags = movie.tags
        assert (tags.primaries, tags.transfer, tags.matrix, tags.range) == ("bt709", "bt709", "bt709", "limited")
        assert movie.header.attributes["movie/comment"] == "preview, not final"
        assert movie.header.attributes["movie/understudy/engine"] == "preview"
    with av.open(str(path)) as opened:  # the container's own colour atom, before any decoding
        coder = opened.streams.video[0].codec_context
        assert (coder.color_primaries, coder.color_trc, coder.colorspace, coder.color_range) == (1, 1, 1, 1)


@pytest.mark.parametrize(
    ("kind", "mean"), [("h264", 0.012), ("prores_4444", 0.002), ("prores_422_hq", 0.004), ("dnxhr_hqx", 0.004)]
)
def test_when_a_movie_is_written_then_its_colours_come_back(tmp_path: Path, kind: str, mean: float) -> None:
    with MovieReader(write(tmp_path / f"out{suffix(kind)}", kind, height=128, width=256)) as movie:
        for number in (0, 4):
            error = movie.read(number) - smooth(number, 128, 256)
            assert float(np.abs(error).mean()) < mean
            np.testing.assert_allclose(error.mean((0, 1)), 0, atol=0.004)


@pytest.mark.parametrize("rate", [Fraction(24), Fraction(24000, 1001), Fraction(25), Fraction(15), NTSC])
def test_when_a_review_has_any_rate_then_the_container_holds_it_as_the_fraction(tmp_path: Path, rate: Fraction) -> None:
    path = write(tmp_path / "review.mp4", "h264", rate=rate, count=37)
    with av.open(str(path)) as opened:
        assert opened.streams.video[0].average_rate == rate
        assert opened.streams.video[0].frames == 37
    with MovieReader(path) as movie:
        assert (movie.count, movie.rate) == (37, rate)
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # it plays while it loads


@pytest.mark.parametrize("kind", MOVIE_KINDS)
def test_when_the_same_pictures_are_written_twice_then_the_bytes_are_the_same(tmp_path: Path, kind: str) -> None:
    first = write(tmp_path / f"first{suffix(kind)}", kind, count=9, height=182, width=320).read_bytes()
    second = write(tmp_path / f"second{suffix(kind)}", kind, count=9, height=182, width=320).read_bytes()
    assert first == second


@pytest.mark.parametrize("kind", ["h264", "prores_422_hq"])
def test_when_the_size_is_odd_then_it_is_padded_by_the_edge(tmp_path: Path, kind: str) -> None:
    with MovieReader(write(tmp_path / f"odd{suffix(kind)}", kind, height=65, width=97)) as movie:
        assert (movie.width, movie.height) == (98, 66)
        held = movie.read(0)
        np.testing.assert_allclose(held[:65, :97], smooth(0, 65, 97), atol=0.12)
        np.testing.assert_allclose(held[65, 10:80], held[64, 10:80], atol=0.06)


@pytest.mark.parametrize("kind", MOVIE_KINDS)
@pytest.mark.parametrize(("stated", "read"), [(2.0, Fraction(2)), (float(np.float32(4 / 3)), Fraction(4, 3))])
def test_when_pixels_are_not_square_then_the_movie_says_so(
    tmp_path: Path, kind: str, stated: float, read: Fraction
) -> None:
    path = tmp_path / f"squeezed{suffix(kind)}"
    with MovieWriter(path, Fraction(24), 256, 128, kind=kind, pixel_aspect=stated) as movie:
        movie.write(np.zeros((128, 256, 3), np.uint8 if kind == "h264" else np.float32))
    with MovieReader(path) as reader:
        assert (reader.width, reader.height, reader.pixel_aspect) == (256, 128, float(read))
    # What players go by: ISO/IEC 14496-12, 12.1.4.2, the horizontal and the vertical spacing.
    assert struct.pack(">4s2I", b"pasp", *read.as_integer_ratio()) in path.read_bytes()


def test_when_a_layer_with_alpha_is_written_then_its_alpha_comes_back(tmp_path: Path) -> None:
    alpha = np.tile(np.linspace(0, 1, 97, dtype=np.float32), (65, 1))
    with MovieWriter(tmp_path / "layer.mov", Fraction(24), 97, 65, kind="prores_4444") as movie:
        for number in range(3):
            movie.write(np.dstack([smooth(number, 65, 97), alpha]))
    with MovieReader(tmp_path / "layer.mov") as reader:
        assert (reader.width, reader.height) == (97, 65)
        np.testing.assert_allclose(reader.read_alpha(2), alpha, atol=1e-3)


def test_when_values_are_not_finite_or_beyond_white_then_the_movie_still_holds_codes(tmp_path: Path) -> None:
    wild = smooth(0, 64, 64)
    wild[0, 0], wild[1, 1], wild[2, 2], wild[3, 3] = np.nan, np.inf, -np.inf, 1e9
    with MovieWriter(tmp_path / "wild.mov", Fraction(24), 64, 64, kind="prores_422_hq") as movie:
        movie.write(wild)
    with MovieReader(tmp_path / "wild.mov") as reader:
        assert np.isfinite(reader.read(0)).all()


def test_when_writing_fails_in_the_middle_then_no_file_is_left(tmp_path: Path) -> None:
    def fail() -> None:
        with MovieWriter(tmp_path / "out.mp4", Fraction(24), 98, 66) as movie:
            movie.write(np.zeros((66, 98, 3), np.uint8))
            assert not (tmp_path / "out.mp4").exists()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_when_a_take_exists_then_it_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = write(tmp_path / "out.mp4", "h264")
    before = path.read_bytes()
    with MovieWriter(path, Fraction(24), 98, 66) as movie:
        movie.write(np.zeros((66, 98, 3), np.uint8))
        assert path.read_bytes() == before
    assert path.read_bytes() != before


def test_when_the_folder_is_not_there_then_the_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"absent/out\.mp4"):
        MovieWriter(tmp_path / "absent" / "out.mp4", Fraction(24), 98, 66)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
@pytest.mark.parametrize("kind", ["h264", "prores_422_hq"])
def test_when_the_disk_is_full_then_the_job_is_parked_and_nothing_is_left(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"out{suffix(kind)}"
    path.with_name(f"{path.name}.partial").symlink_to("/dev/full")
    with pytest.raises(JobParked, match="no room left") as caught:
        write(path, kind, count=300)
    assert "Free room" in caught.value.remedy
    assert list(tmp_path.iterdir()) == []


def test_when_a_picture_has_another_size_or_type_then_the_caller_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="66, 90"), MovieWriter(tmp_path / "out.mp4", Fraction(24), 98, 66) as movie:
        movie.write(np.zeros((66, 90, 3), np.uint8))
    with pytest.raises(ValueError, match="uint8"), MovieWriter(tmp_path / "out.mp4", Fraction(24), 98, 66) as movie:
        movie.write(smooth(0))
    assert list(tmp_path.iterdir()) == []
