"""Movies read as plates and mattes: exact counts, rates, numbers and colours, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from understudy.bridge.errors import PlateError
from understudy.inference.picture.images import read_matte
from understudy.inference.picture.movies import MovieReader

WIDTH, HEIGHT = 96, 64
FILM, NTSC = Fraction(24000, 1001), Fraction(30000, 1001)


def picture(number: int) -> NDArray[np.uint8]:
    """Return a picture that no other number has: its brightness and the width of a bar tell which."""
    made = np.full((HEIGHT, WIDTH, 3), 40 + 3 * number % 200, np.uint8)
    made[:, : 2 + number % 90] = (200, 60, 90)
    return made


def write_movie(
    path: Path,
    *,
    count: int = 30,
    rate: Fraction = Fraction(24),
    codec: str = "libx264",
    pixels: str = "yuv420p",
    options: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
    times: Iterable[int] | None = None,
    tick: Fraction | None = None,
    adjust: Callable[[av.VideoStream], object] = lambda stream: None,
    metadata: dict[str, str] | None = None,
    made: Callable[[int], NDArray[np.uint8]] = picture,
) -> Path:
    """Encode with PyAV as another application would: nothing of ours is in it."""
    with av.open(str(path), "w", options=container or {}) as movie:
        movie.metadata.update(metadata or {})
        stream = movie.add_stream(codec, rate=rate, options=options or {})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixels
        if tick is not None:
            stream.codec_context.time_base = stream.time_base = tick
        adjust(stream)
        for number, time in zip(range(count), times or range(count), strict=False):
            frame = av.VideoFrame.from_ndarray(made(number), "rgb24").reformat(
                format=pixels,
                src_colorspace=1,
                dst_colorspace=5 if codec == "mjpeg" else 1,  # JFIF knows one matrix and one range
                src_color_range=2,
                dst_color_range=2 if codec == "mjpeg" else 1,
            )
            frame.pts, frame.time_base = time, tick or 1 / rate
            movie.mux(stream.encode(frame))
        movie.mux(stream.encode())
    return path


def numbers_of(path: Path) -> list[int]:
    """Return which `picture` each of the movie's pictures is, by the brightness of its right edge."""
    with MovieReader(path) as movie:
        return [round((float(movie.read(index)[:, -3:].mean()) * 255 - 40) / 3) for index in range(movie.count)]


@pytest.mark.parametrize("name", ["plate.mp4", "plate.mov", "plate.mkv"])
@pytest.mark.parametrize("rate", [FILM, NTSC, Fraction(24), Fraction(25), Fraction(60000, 1001)])
def test_when_a_movie_has_a_constant_rate_then_count_and_rate_are_exact(
    tmp_path: Path, name: str, rate: Fraction
) -> None:
    with MovieReader(write_movie(tmp_path / name, rate=rate, count=49)) as movie:
        assert (movie.count, movie.rate) == (49, rate)
        assert (movie.width, movie.height, movie.bits, movie.pixel_aspect) == (WIDTH, HEIGHT, 8, 1.0)


def test_when_pictures_are_reordered_for_coding_then_they_are_read_in_the_order_shown(tmp_path: Path) -> None:
    options = {"bf": "3", "g": "12", "x264-params": "open-gop=1", "crf": "12"}
    assert numbers_of(write_movie(tmp_path / "plate.mp4", count=60, options=options)) == list(range(60))


def test_when_pictures_are_read_in_any_order_then_each_is_the_one_read_in_sequence(tmp_path: Path) -> None:
    path = write_movie(tmp_path / "plate.mp4", count=60, options={"bf": "3", "g": "10", "x264-params": "open-gop=1"})
    with MovieReader(path) as movie:
        forwards = [movie.read(index) for index in range(60)]
        for index in [*np.random.default_rng(4).permutation(60).tolist(), 59, 0, 30, 30, 29]:
            np.testing.assert_array_equal(movie.read(index), forwards[index])


def test_when_a_movie_starts_late_or_is_trimmed_then_pictures_still_count_from_nought(tmp_path: Path) -> None:
    late = write_movie(tmp_path / "late.mp4", times=range(17, 47))
    with MovieReader(late) as movie:
        assert movie.count == 30
    assert numbers_of(late)[:3] == [0, 1, 2]


def test_when_a_movie_has_one_picture_then_it_is_a_shot_of_one(tmp_path: Path) -> None:
    with MovieReader(write_movie(tmp_path / "one.mp4", count=1)) as movie:
        assert (movie.count, movie.rate) == (1, 24)


def test_when_a_movie_has_a_variable_rate_then_it_is_refused_with_the_remedy(tmp_path: Path) -> None:
    uneven = [index * 1001 + (300 if index % 3 else 0) for index in range(30)]
    path = write_movie(tmp_path / "phone.mp4", times=uneven, tick=Fraction(1, 24000), rate=FILM)
    with pytest.raises(PlateError, match=r"phone\.mp4.*constant rate") as caught:
        MovieReader(path)
    assert "Conform" in caught.value.remedy


def test_when_a_picture_was_dropped_then_the_rate_is_not_constant(tmp_path: Path) -> None:
    gap = [(index if index < 12 else index + 1) * 1001 for index in range(30)]
    with pytest.raises(PlateError, match="constant rate"):
        MovieReader(write_movie(tmp_path / "gap.mp4", times=gap, tick=Fraction(1, 24000), rate=FILM))


@pytest.mark.parametrize(
    ("name", "codec", "pixels", "options"),
    [
        ("field.mp4", "libx264", "yuv420p", {"flags": "+ildct+ilme", "x264-params": "tff=1"}),
        ("field.mov", "prores_ks", "yuv422p10le", {"flags": "+ildct"}),
    ],
)
def test_when_a_movie_is_interlaced_then_it_is_refused_with_the_remedy(
    tmp_path: Path, name: str, codec: str, pixels: str, options: dict[str, str]
) -> None:
    with pytest.raises(PlateError, match="interlaced") as caught:
        MovieReader(write_movie(tmp_path / name, codec=codec, pixels=pixels, options=options, count=4))
    assert "De-interlace" in caught.value.remedy


def test_when_a_movie_is_marked_to_be_turned_then_it_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = write_movie(tmp_path / "phone.mp4", adjust=lambda stream: stream.set_display_rotation(90))
    with pytest.raises(PlateError, match="turned by") as caught:
        MovieReader(path)
    assert "upright" in caught.value.remedy


@pytest.mark.parametrize(("written", "expected"), [(Fraction(2), 2.0), (Fraction(4095, 4096), 1.0)])
def test_when_pixels_are_not_square_then_their_aspect_is_told_and_a_rounding_is_not(
    tmp_path: Path, written: Fraction, expected: float
) -> None:
    def widen(stream: av.VideoStream) -> None:
        stream.codec_context.sample_aspect_ratio = written

    with MovieReader(write_movie(tmp_path / "plate.mp4", adjust=widen)) as movie:
        assert movie.pixel_aspect == expected
        assert movie.header.pixel_aspect == expected


@pytest.mark.parametrize("code", ["01:00:00:00", "00:59:59;28"])
def test_when_a_movie_carries_a_timecode_then_it_is_read_with_its_drop_frame_mark(tmp_path: Path, code: str) -> None:
    with MovieReader(write_movie(tmp_path / "plate.mov", rate=NTSC, metadata={"timecode": code})) as movie:
        assert movie.timecode == code
        assert movie.header.timecode == code
    with MovieReader(write_movie(tmp_path / "none.mov")) as movie:
        assert movie.timecode is None


def test_when_a_movie_is_untagged_then_it_is_limited_bt709_and_says_nothing_of_its_space(tmp_path: Path) -> None:
    grey = lambda number: np.full((HEIGHT, WIDTH, 3), (200, 60, 90), np.uint8)  # noqa: E731
    with MovieReader(write_movie(tmp_path / "plate.mp4", made=grey, options={"crf": "1"})) as movie:
        assert movie.tags.matrix is None
        assert movie.colour_hint is None
        np.testing.assert_allclose(movie.read(3)[20, 20] * 255, (200, 60, 90), atol=1.6)


@pytest.mark.parametrize(
    ("codec", "pixels", "bits", "tolerance"),
    [
        ("prores_ks", "yuv422p10le", 10, 0.02),
        ("prores_ks", "yuva444p10le", 12, 0.02),
        ("v210", "yuv422p10le", 10, 0.01),
        ("png", "rgb24", 8, 1e-6),
        ("png", "rgb48be", 16, 0.004),
        ("qtrle", "argb", 8, 1e-6),
        ("mjpeg", "yuvj420p", 8, 0.06),
        ("rawvideo", "uyvy422", 8, 0.01),
    ],
)
def test_when_a_movie_is_of_any_studio_codec_then_its_colours_are_right(
    tmp_path: Path, codec: str, pixels: str, bits: int, tolerance: float
) -> None:
    grey = lambda number: np.full((HEIGHT, WIDTH, 3), (200, 60, 90), np.uint8)  # noqa: E731
    with MovieReader(write_movie(tmp_path / "plate.mov", codec=codec, pixels=pixels, count=3, made=grey)) as movie:
        assert movie.bits == bits
        held = movie.read(1)
        assert (held.dtype, held.shape) == (np.float32, (HEIGHT, WIDTH, 3))
        np.testing.assert_allclose(held[8:-8, 8:-8], np.full((48, 80, 3), (200, 60, 90)) / 255, atol=tolerance)


def test_when_a_movie_has_alpha_then_that_is_its_matte(tmp_path: Path) -> None:
    path = tmp_path / "matte.mov"
    coverage = np.tile(np.linspace(0, 1, WIDTH), (HEIGHT, 1))
    with av.open(str(path), "w") as movie:
        stream = movie.add_stream("prores_ks", rate=24, options={"profile": "4444"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuva444p10le"
        for number in range(3):
            codes = np.full((HEIGHT, WIDTH, 4), 30000, np.uint16)
            codes[:, :, 3] = np.rint(coverage * 65535)
            frame = av.VideoFrame.from_ndarray(codes, "rgba64le").reformat(format="yuva444p10le")
            frame.pts, frame.time_base = number, Fraction(1, 24)
            movie.mux(stream.encode(frame))
        movie.mux(stream.encode())
    with MovieReader(path) as reader:
        assert reader.has_alpha
        np.testing.assert_allclose(reader.read_alpha(2), coverage, atol=2e-3)
        np.testing.assert_array_equal(reader.read_matte(2), reader.read_alpha(2))
        np.testing.assert_array_equal(reader.read_matte(2, invert=True), 1 - reader.read_alpha(2))
        assert abs(float(reader.read_matte(2, channel="Y").mean()) - 30000 / 65535) < 0.02


def test_when_a_movie_without_alpha_is_a_matte_then_it_is_its_luma_between_nought_and_one(tmp_path: Path) -> None:
    halves = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    halves[:, WIDTH // 2 :] = 255
    with MovieReader(write_movie(tmp_path / "matte.mp4", made=lambda number: halves)) as reader:
        matte = reader.read_matte(4)
        assert (matte.dtype, float(matte.min()), float(matte.max())) == (np.float32, 0.0, 1.0)
        np.testing.assert_allclose(matte[:, : WIDTH // 2 - 8], 0, atol=0.01)
        np.testing.assert_allclose(matte[:, WIDTH // 2 + 8 :], 1, atol=0.01)
        with pytest.raises(PlateError, match="no alpha"):
            reader.read_alpha(4)
        with pytest.raises(PlateError, match="no channel 'mask'"):
            reader.read_matte(4, channel="mask")


@pytest.mark.parametrize("name", ["cut.mp4", "cut.mov", "cut.mkv"])
@pytest.mark.parametrize("fast", [False, True])
def test_when_a_movie_is_cut_anywhere_then_it_is_refused_by_name(tmp_path: Path, name: str, fast: bool) -> None:
    container = {"movflags": "+faststart"} if fast and not name.endswith("mkv") else {}
    path = write_movie(tmp_path / name, container=container, count=40)
    whole = path.read_bytes()
    for tenths in range(10):
        path.write_bytes(whole[: len(whole) * tenths // 10])
        with pytest.raises(PlateError, match=name.replace(".", r"\.")):
            MovieReader(path)


def test_when_a_movie_is_cut_in_its_middle_then_the_first_missing_picture_is_named(tmp_path: Path) -> None:
    path = write_movie(tmp_path / "cut.mov", codec="prores_ks", pixels="yuv422p10le", count=10)
    container = {"movflags": "+faststart"}
    path = write_movie(tmp_path / "cut.mov", codec="prores_ks", pixels="yuv422p10le", count=10, container=container)
    with av.open(str(path)) as movie:
        places = [packet.pos for packet in movie.demux(video=0) if packet.size]
    whole = path.read_bytes()
    for missing in (0, 4, 9):
        path.write_bytes(whole[: places[missing] + 20])
        with pytest.raises(PlateError, match=f"picture {missing} of 10 "):
            MovieReader(path)


def test_when_pictures_are_damaged_then_they_are_refused_and_never_concealed(tmp_path: Path) -> None:
    path = write_movie(tmp_path / "damaged.mp4", container={"movflags": "+faststart"}, options={"crf": "5"}, count=20)
    with MovieReader(path) as movie:
        sound = [movie.read(index) for index in range(20)]
    with av.open(str(path)) as movie:
        packet = [packet for packet in movie.demux(video=0) if packet.size][8]
    data = bytearray(path.read_bytes())
    middle = packet.pos + packet.size // 2
    data[middle : middle + 8] = b"\xa5\x5a" * 4
    path.write_bytes(bytes(data))
    refused = []
    with MovieReader(path) as movie:
        for index in range(20):
            try:
                np.testing.assert_array_equal(movie.read(index), sound[index])
            except PlateError as problem:
                refused.append((index, problem.message))
    assert refused
    assert all(f"{path}: picture {index} " in message for index, message in refused[:1])


def test_when_a_picture_is_asked_beyond_the_end_then_the_count_is_told(tmp_path: Path) -> None:
    with MovieReader(write_movie(tmp_path / "plate.mp4")) as movie:
        for index in (30, -1, 10**9):
            with pytest.raises(PlateError, match=f"no picture {index}; the movie has 30"):
                movie.read(index)


def test_when_a_file_is_no_movie_then_it_is_named_and_nothing_it_points_at_is_opened(tmp_path: Path) -> None:
    secret = write_movie(tmp_path / "secret.mp4")
    (tmp_path / "list.mp4").write_text(f"ffconcat version 1.0\nfile '{secret}'\n")
    (tmp_path / "play.mp4").write_text(f"#EXTM3U\n#EXTINF:10,\nfile://{secret}\n#EXT-X-ENDLIST\n")
    (tmp_path / "text.mp4").write_text("not a movie at all")
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "folder.mp4").mkdir()
    for name in ("list.mp4", "play.mp4", "text.mp4", "empty.mp4", "folder.mp4", "absent.mp4"):
        with pytest.raises(PlateError, match=name.replace(".", r"\.")) as caught:
            MovieReader(tmp_path / name)
        assert caught.value.remedy


def test_when_a_movie_holds_only_sound_then_it_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "sound.mov"
    with av.open(str(path), "w") as movie:
        stream = movie.add_stream("pcm_s16le", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.int16), "s16", "mono")
        frame.sample_rate = 48000
        movie.mux(stream.encode(frame))
        movie.mux(stream.encode())
    with pytest.raises(PlateError, match="no moving pictures"):
        MovieReader(path)


def test_when_a_movie_is_given_as_a_still_matte_then_it_is_no_known_picture(tmp_path: Path) -> None:
    with pytest.raises(PlateError, match="not a picture of a known format"):
        read_matte(write_movie(tmp_path / "plate.mp4", count=2))


def test_when_the_real_plate_is_read_then_it_has_164_pictures_at_24_and_reads_alike_both_ways(footage: Path) -> None:
    with MovieReader(footage / "market" / "plate.mp4") as movie:
        assert (movie.count, movie.rate, movie.width, movie.height) == (164, 24, 1280, 720)
        assert movie.pixel_aspect == 1.0
        assert movie.tags.matrix is None
        ahead = movie.read(110)
        np.testing.assert_array_equal(movie.read(110), ahead)
        assert movie.read(60).shape == (720, 1280, 3)
        for index in range(100, 110):
            movie.read(index)
        np.testing.assert_array_equal(movie.read(110), ahead)
        # The tent is red, whatever the decoder did with its matrix.
        tent = ahead[450:470, 1150:1170].mean((0, 1))
        np.testing.assert_allclose(tent, (0.53, 0.0, 0.18), atol=0.05)
