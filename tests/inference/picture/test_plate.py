"""Plates of every class, frame by frame: bits, spaces, numbers, times, and errors in the user's own words."""

from __future__ import annotations

import hashlib
import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import OpenEXR
import OpenImageIO
import pytest

from understudy.bridge.errors import PlateError, RequestError
from understudy.bridge.frames import FrameRange
from understudy.bridge.shot import PictureFile, Pictures, Plate
from understudy.inference.picture.attributes import exr_timecode, kept_attributes
from understudy.inference.picture.colour import ColourConfig
from understudy.inference.picture.colour_configs import STANDARD
from understudy.inference.picture.exposure import shot_exposure
from understudy.inference.picture.header import Window
from understudy.inference.picture.layers import write_layer
from understudy.inference.picture.plate import PlateReader

SIZE = Window(0, 0, 32, 24)


class Shot:
    """Files as a vault holds them: named by digest, while messages speak of what the user typed."""

    def __init__(self, vault: Path) -> None:
        self.vault = vault
        self.paths: dict[str, Path] = {}
        self.files: list[PictureFile] = []

    def take(self, made: Path, frame: int | None = None) -> None:
        digest = hashlib.sha256(made.name.encode()).hexdigest()
        self.paths[digest] = made.rename(self.vault / digest)
        typed = f"plates/{made.name}"
        self.files.append(PictureFile(file=digest, picture=digest, size=1, typed=typed, frame=frame))

    def reader(self, frames: str, *, kind: str = "sequence", config: ColourConfig, **more: object) -> PlateReader:
        pictures = Pictures(files=tuple(self.files), kind=kind, typed="plates/plate.####.exr", **more)  # type: ignore[arg-type]
        return PlateReader(Plate(pictures=pictures), self.paths, FrameRange.parse(frames), config)


@pytest.fixture(scope="module")
def config() -> ColourConfig:
    return ColourConfig.open(STANDARD)


@pytest.fixture
def shot(tmp_path: Path) -> Shot:
    return Shot(tmp_path)


def any_half(seed: int, channels: int = 3) -> np.ndarray:
    bits = np.random.default_rng(seed).integers(0, 65536, (24, 32, channels)).astype(np.uint16)
    return bits.view(np.float16)


def write_exr(folder: Path, frame: int, pixels: np.ndarray, **more: object) -> Path:
    names = ("R", "G", "B", "A")[: pixels.shape[2]]
    options: dict[str, object] = {"data": SIZE, "display": SIZE, **more}
    return write_layer(folder / f"plate.{frame:04}.exr", pixels, names, **options).path  # type: ignore[arg-type]


def write_codes(path: Path, codes: np.ndarray, kind: str = "uint8", bits: int = 0) -> Path:
    spec = OpenImageIO.ImageSpec(codes.shape[1], codes.shape[0], codes.shape[2], kind)
    if bits:
        spec.attribute("oiio:BitsPerSample", bits)
    output = OpenImageIO.ImageOutput.create(str(path))
    assert output.open(str(path), spec)
    assert output.write_image(codes)
    output.close()
    return path


def write_movie(path: Path, count: int, rate: Fraction = Fraction(24), timecode: str | None = None) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"qp": "0"})
        stream.width, stream.height, stream.pix_fmt = 32, 24, "yuv444p"
        if timecode:
            stream.metadata["timecode"] = timecode
        for number in range(count):
            grey = av.VideoFrame.from_ndarray(np.full((24, 32, 3), 40 + 10 * number, np.uint8), format="rgb24")
            container.mux(stream.encode(grey.reformat(format="yuv444p")))
        container.mux(stream.encode(None))
    return path


def test_a_half_exr_is_handed_on_bit_for_bit_in_its_own_space(tmp_path: Path, shot: Shot, config: ColourConfig) -> None:
    overscan = Window(-4, -3, 32, 24)
    for frame in (1001, 1002):
        made = write_exr(
            tmp_path, frame, any_half(frame, 4), data=overscan, pixel_aspect=2.0,
            attributes={"colorInteropID": "lin_rec709_scene", "cameraModel": "A"},
        )  # fmt: skip
        shot.take(made, frame)
    reader = shot.reader("1001-1002", config=config)
    frame = reader.frame(1002)
    assert (reader.kind, reader.space, reader.findings) == ("half", "Linear Rec.709 (sRGB)", ())
    assert reader.working_space == reader.space
    assert (reader.display, reader.pixel_aspect, frame.data) == (SIZE, 2.0, overscan)
    assert np.array_equal(frame.pixels.view(np.uint16), any_half(1002, 4).view(np.uint16))
    assert (frame.channels, frame.attributes["cameraModel"]) == (("R", "G", "B", "A"), "A")


def test_a_float_exr_is_handed_on_bit_for_bit_and_untagged_is_scene_linear_with_a_warning(
    tmp_path: Path, shot: Shot, config: ColourConfig
) -> None:
    pixels = np.random.default_rng(1).normal(size=(24, 32, 3)).astype(np.float32)
    shot.take(write_exr(tmp_path, 7, pixels), 7)
    reader = shot.reader("7", config=config)
    assert (reader.kind, reader.space) == ("float", "ACEScg")
    assert np.array_equal(reader.frame(7).pixels, pixels)
    assert [(found.rule, found.outcome) for found in reader.findings] == [("assume_colour", "warn")]
    assert "plates/plate.####.exr" in reader.findings[0].message


def test_a_declared_space_wins_over_the_files_own_and_needs_no_warning(
    tmp_path: Path, shot: Shot, config: ColourConfig
) -> None:
    shot.take(write_exr(tmp_path, 1, any_half(1), attributes={"colorInteropID": "lin_ap1_scene"}), 1)
    reader = shot.reader("1", config=config, colour="lin_rec2020")
    assert (reader.space, reader.findings, reader.interop_id) == ("Linear Rec.2020", (), "lin_rec2020_scene")


def test_an_unknown_declared_space_is_refused(tmp_path: Path, shot: Shot, config: ColourConfig) -> None:
    shot.take(write_exr(tmp_path, 1, any_half(1)), 1)
    with pytest.raises(RequestError, match="'ACEScgg'"):
        shot.reader("1", config=config, colour="ACEScgg")


def test_a_log_exr_is_converted_because_layers_are_merged_in_light(
    tmp_path: Path, shot: Shot, config: ColourConfig
) -> None:
    codes = np.random.default_rng(1).random((24, 32, 3)).astype(np.float16)
    shot.take(write_exr(tmp_path, 1, codes), 1)
    reader = shot.reader("1", config=config, colour="ARRI LogC3 (EI800)")
    assert (reader.kind, reader.working_space, reader.display_referred) == ("converted", "ACEScg", False)
    assert np.array_equal(reader.frame(1).pixels, config.convert(codes, "ARRI LogC3 (EI800)", "ACEScg"))


@pytest.mark.parametrize(("kind", "largest"), [("uint8", 255), ("uint16", 65535)])
def test_untagged_integer_stills_count_as_srgb_and_equal_a_bare_conversion(
    tmp_path: Path, shot: Shot, config: ColourConfig, kind: str, largest: int
) -> None:
    codes = np.random.default_rng(1).integers(0, largest + 1, (24, 32, 3)).astype(kind)
    shot.take(write_codes(tmp_path / "plate.0001.tif", codes, kind), 1)
    reader = shot.reader("1", config=config)
    assert (reader.kind, reader.display_referred) == ("converted", True)
    assert [found.facts["colour"] for found in reader.findings] == ["sRGB Encoded Rec.709 (sRGB)"]
    bare = config.convert(codes.astype(np.float32) / np.float32(largest), "srgb_tx", "ACEScg")
    assert np.allclose(reader.frame(1).pixels, bare, rtol=1e-6, atol=0)


def test_a_dpx_that_calls_itself_linear_is_not_believed_and_a_log_one_must_be_named(
    tmp_path: Path, shot: Shot, config: ColourConfig
) -> None:
    codes = np.random.default_rng(1).integers(0, 65536, (24, 32, 3)).astype(np.uint16)
    for frame, transfer in ((1, "Linear"), (2, "Printing density")):
        spec = OpenImageIO.ImageSpec(32, 24, 3, "uint16")
        spec.attribute("oiio:BitsPerSample", 10)
        spec.attribute("dpx:Transfer", transfer)
        path = tmp_path / f"plate.{frame:04}.dpx"
        output = OpenImageIO.ImageOutput.create(str(path))
        assert output.open(str(path), spec)
        assert output.write_image(codes)
        output.close()
        shot.take(path, frame)
    assert shot.reader("1", config=config).space == "sRGB Encoded Rec.709 (sRGB)"
    with pytest.raises(PlateError, match="log picture"):
        shot.reader("2", config=config)
    assert shot.reader("2", config=config, colour="ADX10").kind == "converted"


def test_a_movies_frames_count_from_its_first_number_and_keep_their_codes(
    tmp_path: Path, shot: Shot, config: ColourConfig
) -> None:
    shot.take(write_movie(tmp_path / "plate.mp4", 5, Fraction(24000, 1001)))
    reader = shot.reader("102-104", kind="movie", config=config, movie_first=100)
    assert (reader.kind, reader.rate, reader.working_space) == ("converted", Fraction(24000, 1001), "ACEScg")
    frame = reader.frame(103)
    codes = config.convert(frame.pixels, "ACEScg", "srgb_tx")
    assert frame.pixels.dtype == np.float32
    assert np.abs(codes * 255 - 70).max() < 1.1
    reader.close()


def test_a_movies_timecode_counts_on_with_drop_frame(tmp_path: Path, shot: Shot, config: ColourConfig) -> None:
    shot.take(write_movie(tmp_path / "plate.mov", 4, Fraction(30000, 1001), timecode="00:00:59;28"))
    reader = shot.reader("0-3", kind="movie", config=config)
    codes = [reader.frame(frame).timecode for frame in range(4)]
    assert codes == ["00:00:59;28", "00:00:59;29", "00:01:00;02", "00:01:00;03"]
    reader.close()


def test_frames_beyond_a_movie_are_refused_with_the_frames_it_has(
    tmp_path: Path, shot: Shot, config: ColourConfig
) -> None:
    shot.take(write_movie(tmp_path / "plate.mp4", 5))
    with pytest.raises(PlateError, match=r"plates/plate\.mp4 has frames 0-4, asked for 3-6"):
        shot.reader("3-6", kind="movie", config=config)


def test_a_still_is_every_frame(tmp_path: Path, shot: Shot, config: ColourConfig) -> None:
    shot.take(write_exr(tmp_path, 1, any_half(1)))
    reader = shot.reader("10-12", kind="still", config=config)
    assert all(np.array_equal(reader.frame(n).pixels.view(np.uint16), any_half(1).view(np.uint16)) for n in (10, 12))
    with pytest.raises(ValueError, match="frame 13"):
        reader.frame(13)


def timed(tmp_path: Path) -> Path:
    """Write a picture that says when it was taken."""
    when = {
        "timeCode": exr_timecode("01:00:00:07"), "keyCode": OpenEXR.KeyCode(1, 2, 3, 4, 5, 4, 64), "imageCounter": 7,
    }  # fmt: skip
    return write_exr(tmp_path, 1, any_half(1), attributes={**when, "cameraModel": "A"})


def test_when_a_still_is_several_frames_then_none_of_them_has_its_moment(
    tmp_path: Path, shot: Shot, config: ColourConfig
) -> None:
    shot.take(timed(tmp_path))
    reader = shot.reader("10-12", kind="still", config=config)
    for number in (10, 12):
        frame = reader.frame(number)
        assert frame.timecode is None
        assert kept_attributes(frame.attributes) == {"cameraModel": "A"}


@pytest.mark.parametrize("kind", ["still", "sequence"])
def test_when_a_file_is_one_frame_then_that_has_its_moment(
    tmp_path: Path, shot: Shot, config: ColourConfig, kind: str
) -> None:
    shot.take(timed(tmp_path), 1 if kind == "sequence" else None)
    kept = kept_attributes(shot.reader("1", kind=kind, config=config).frame(1).attributes)
    assert {"timeCode", "keyCode", "imageCounter", "cameraModel"} <= kept.keys()


def test_missing_frames_are_listed_by_number(tmp_path: Path, shot: Shot, config: ColourConfig) -> None:
    for frame in (1, 2, 4):
        shot.take(write_exr(tmp_path, frame, any_half(frame)), frame)
    with pytest.raises(PlateError, match=r"no file for frame 3, 5$"):
        shot.reader("1-5", config=config)


def test_a_damaged_frame_is_named_as_typed_never_as_the_vault_names_it(
    tmp_path: Path, shot: Shot, config: ColourConfig
) -> None:
    for frame in (1, 2):
        shot.take(write_exr(tmp_path, frame, any_half(frame)), frame)
    stored = shot.paths[shot.files[1].file]
    stored.write_bytes(stored.read_bytes()[:900])
    reader = shot.reader("1-2", config=config)
    with pytest.raises(PlateError, match=r"plates/plate\.0002\.exr") as refused:
        reader.frame(2)
    assert str(tmp_path) not in f"{refused.value.message} {refused.value.remedy} {refused.value.facts}"


def test_a_size_that_changes_in_mid_shot_is_refused_naming_both_files(
    tmp_path: Path, shot: Shot, config: ColourConfig
) -> None:
    shot.take(write_exr(tmp_path, 1, any_half(1)), 1)
    shot.take(write_exr(tmp_path, 2, any_half(2), display=Window(0, 0, 40, 30)), 2)
    with pytest.raises(PlateError, match="40x30") as refused:
        shot.reader("1-2", config=config).frame(2)
    assert "plates/plate.0002.exr" in refused.value.message
    assert "plates/plate.0001.exr has 32x24" in refused.value.message


def test_a_file_that_vanished_is_named(tmp_path: Path, shot: Shot, config: ColourConfig) -> None:
    shot.take(write_exr(tmp_path, 1, any_half(1)), 1)
    shot.paths.clear()
    with pytest.raises(PlateError, match=r"plates/plate\.0001\.exr: its bytes are not here"):
        shot.reader("1", config=config)


def test_threads_may_share_a_reader(tmp_path: Path, shot: Shot, config: ColourConfig) -> None:
    shot.take(write_movie(tmp_path / "plate.mp4", 6))
    reader = shot.reader("0-5", kind="movie", config=config)
    seen: dict[int, float] = {}
    work = [
        threading.Thread(target=lambda frame=frame: seen.update({frame: float(reader.frame(frame).pixels.mean())}))
        for frame in (5, 1, 3, 0, 4, 2)
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert [seen[frame] for frame in range(6)] == sorted(seen.values())
    reader.close()


def test_the_exposure_of_a_dark_scene_linear_plate_is_measured_and_of_a_movie_is_not(
    tmp_path: Path, shot: Shot, config: ColourConfig
) -> None:
    dark = np.full((24, 32, 3), 0.045, np.float16)
    shot.take(write_exr(tmp_path, 1, dark, data=Window(4, 0, 32, 24), display=Window(0, 0, 40, 24)), 1)
    assert shot_exposure(shot.reader("1", config=config), None) == pytest.approx(2.0, abs=0.01)
    movie = Shot(tmp_path)
    movie.take(write_movie(tmp_path / "plate.mp4", 2))
    assert shot_exposure(movie.reader("0-1", kind="movie", config=config), None) == 0.0


def test_a_chosen_layer_and_view_of_a_real_stereo_plate_is_read(footage: Path, config: ColourConfig) -> None:
    source = footage / "beachball" / "beachball.0002.exr"
    digest = hashlib.sha256(b"ball").hexdigest()
    file = PictureFile(file=digest, picture=digest, size=1, typed="beachball.0002.exr", frame=2)
    views = {}
    for view in ("left", "right"):
        pictures = Pictures(files=(file,), kind="sequence", typed="beachball.####.exr", view=view)
        views[view] = PlateReader(Plate(pictures=pictures), {digest: source}, FrameRange(2, 2), config).frame(2)
    assert all(frame.pixels.dtype == np.float16 for frame in views.values())
    assert not np.array_equal(views["left"].pixels, views["right"].pixels)
    held = OpenEXR.File(str(source), separate_channels=True).channels()
    assert np.array_equal(views["left"].pixels[:, :, 1], held["left.G"].pixels)
