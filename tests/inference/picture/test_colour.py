"""Colour by name: configs, spaces, conversions and views, against OCIO itself."""

from __future__ import annotations

import copy
import threading
import zipfile
from pathlib import Path

import numpy as np
import PyOpenColorIO
import pytest

from understudy.bridge.errors import RequestError
from understudy.bridge.frames import FrameRange
from understudy.bridge.record import Record
from understudy.bridge.shot import (
    Character,
    ColourArchive,
    JobRequest,
    Performer,
    PictureFile,
    Pictures,
    Settings,
    Shot,
)
from understudy.inference.picture.colour import LINEAR_REC709, SRGB_TEXTURE, ColourConfig
from understudy.inference.picture.colour_configs import STANDARD

SMALL = """ocio_profile_version: 2.1
search_path: ""
strictparsing: true
roles:
  scene_linear: lin
  aces_interchange: aces
file_rules:
  - !<Rule> {name: Default, colorspace: lin}
displays:
  Monitor:
    - !<View> {name: Standard, colorspace: shown}
active_displays: []
active_views: []
colorspaces:
  - !<ColorSpace>
    name: aces
  - !<ColorSpace>
    name: lin
    aliases: [house_linear]
    from_scene_reference: !<MatrixTransform> {matrix: [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1]}
  - !<ColorSpace>
    name: shown
    from_scene_reference: !<ExponentTransform> {value: 2.2, style: mirror, direction: inverse}
  - !<ColorSpace>
    name: pass
    isdata: true
"""


@pytest.fixture(scope="module")
def config() -> ColourConfig:
    return ColourConfig.open(STANDARD)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "show.ocio"
    path.write_text(SMALL)
    return path


def job(config: str, archive: Path | None = None) -> JobRequest:
    """Return a job that names `config`, and brings it where there is an archive."""

    def still(digest: str, typed: str) -> Pictures:
        file = PictureFile(file=digest, picture=digest, size=1, typed=typed)
        return Pictures(files=(file,), kind="still", typed=typed)

    shot = Shot(
        name="shot", range=FrameRange(1, 1), rate=None,
        performers=(Performer(character=Character(pictures=still("cd" * 32, "hero.png"))),),
        colour_archive=ColourArchive(pictures=still(config, "/show/config.ocio")) if archive is not None else None,
    )  # fmt: skip
    return JobRequest(shot=shot, settings=Settings(colour_config=config), record=Record())


def colours(count: int = 4000, channels: int = 3) -> np.ndarray:
    random = np.random.default_rng(11)
    light = 2.0 ** random.uniform(-10, 6, (count, 1)) * random.uniform(0.05, 1, (count, channels))
    return light.reshape(1, count, channels).astype(np.float32)


def test_names_aliases_roles_and_interop_ids_all_name_the_space(config: ColourConfig) -> None:
    named = {"ACEScg", "acescg", "lin_ap1", "scene_linear", "lin_ap1_scene", "ACES - ACEScg"}
    assert {config.resolve(name) for name in named} == {"ACEScg"}
    assert config.scene_linear == "ACEScg"
    assert config.resolve("itu709_rec709_scene") == "Camera Rec.709"


def test_an_unknown_space_is_refused_with_the_nearest_names(config: ColourConfig) -> None:
    with pytest.raises(RequestError, match="'ACES cg'") as refused:
        config.resolve("ACES cg")
    assert "'ACEScg'" in refused.value.remedy
    assert refused.value.facts["colour"] == "ACES cg"


def test_a_data_space_is_refused_as_a_pictures_colour(config: ColourConfig) -> None:
    with pytest.raises(RequestError, match="data"):
        config.resolve("Raw")


def test_a_conversion_has_the_bits_of_ocio_itself(config: ColourConfig) -> None:
    built_in = PyOpenColorIO.Config.CreateFromBuiltinConfig(STANDARD)
    for source, target in (("ACEScg", "lin_rec709_scene"), ("srgb_tx", "ACEScg"), ("ACEScg", "ACEScct")):
        expected = np.concatenate([colours(), np.ones((1, 4000, 1), np.float32)], axis=2)
        bare = built_in.getProcessor(source, target).getOptimizedCPUProcessor(PyOpenColorIO.OPTIMIZATION_LOSSLESS)
        bare.applyRGBA(expected)
        assert np.array_equal(config.convert(colours(), source, target), expected[:, :, :3])


def test_half_pixels_and_alpha_are_carried_and_the_input_is_left_alone(config: ColourConfig) -> None:
    halves = colours(channels=4).astype(np.float16)
    before = halves.copy()
    converted = config.convert(halves, "ACEScg", "lin_rec709_scene")
    assert converted.dtype == np.float32
    assert np.array_equal(converted[:, :, 3], halves[:, :, 3].astype(np.float32))
    assert np.array_equal(halves, before)
    same = colours()
    assert config.convert(same, "ACEScg", "scene_linear") is not same


def test_a_round_trip_through_srgb_is_exact_to_float_precision(config: ColourConfig) -> None:
    there = config.convert(colours(), "ACEScg", "srgb_tx")
    error = np.abs(config.convert(there, "srgb_tx", "ACEScg") - colours())
    assert (error / colours().max(axis=2, keepdims=True)).max() < 2e-5


def test_processors_are_shared_between_threads(config: ColourConfig) -> None:
    results: list[np.ndarray] = []
    work = [
        threading.Thread(target=lambda: results.append(config.convert(colours(), "ACEScg", "ACEScct")))
        for _ in range(6)
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert len(results) == 6
    assert all(np.array_equal(results[0], other) for other in results)


def test_display_encodings_are_told_from_scene_light(config: ColourConfig) -> None:
    made_for_displays = ["srgb_tx", "Gamma 2.4 Rec.709 - Texture", "Rec.1886 Rec.709 - Display", "Camera Rec.709"]
    assert all(config.is_display_referred(space) for space in made_for_displays)
    scene = ["ACEScg", "ACEScct", "ARRI LogC3 (EI800)", "lin_rec709_scene"]
    assert not any(config.is_display_referred(space) for space in scene)
    assert [config.is_linear(space) for space in ("ACEScg", "ACEScct", "srgb_tx")] == [True, False, False]


def test_a_show_config_without_encodings_is_judged_by_its_values(small: Path) -> None:
    show = ColourConfig.open(str(small))
    assert show.is_display_referred("shown")
    assert not show.is_display_referred("lin")
    assert show.is_linear("house_linear")
    assert not show.is_linear("shown")


def test_a_space_that_the_show_config_lacks_is_reached_through_the_interchange(small: Path) -> None:
    show = ColourConfig.open(str(small))
    light = show.convert(np.full((1, 1, 3), 0.5, np.float32), "lin", LINEAR_REC709)
    assert light == pytest.approx(0.25, rel=1e-4)
    assert show.convert(light, LINEAR_REC709, "lin") == pytest.approx(0.5, rel=1e-4)


def test_a_config_without_a_scene_linear_role_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "config.ocio"
    path.write_text(SMALL.replace("  scene_linear: lin\n", ""))
    with pytest.raises(RequestError, match="scene_linear"):
        ColourConfig.open(str(path))


def test_a_newer_profile_is_refused_by_its_number_also_within_an_archive(tmp_path: Path) -> None:
    newer = SMALL.replace("2.1", "2.99")
    (tmp_path / "config.ocio").write_text(newer)
    with zipfile.ZipFile(tmp_path / "show.ocioz", "w") as archive:
        archive.writestr("config.ocio", newer)
    for name in ("config.ocio", "show.ocioz"):
        with pytest.raises(RequestError, match=r"profile 2\.99") as refused:
            ColourConfig.open(str(tmp_path / name))
        assert refused.value.facts["profile"] == "2.99"


def test_an_archive_is_known_by_its_content_whatever_it_is_called(tmp_path: Path) -> None:
    held = copy.deepcopy(PyOpenColorIO.Config.CreateFromBuiltinConfig("cg-config-v2.1.0_aces-v1.3_ocio-v2.3"))
    held.setWorkingDir(str(tmp_path))
    held.archive(str(tmp_path / "show.ocioz"))
    named_by_digest = tmp_path / ("ab" * 32)
    (tmp_path / "show.ocioz").rename(named_by_digest)
    assert ColourConfig.open(str(named_by_digest)).scene_linear == "ACEScg"


def test_a_job_names_its_own_config_or_a_built_in_one_and_never_a_file_of_this_machine(
    tmp_path: Path, small: Path
) -> None:
    digest = "ab" * 32
    archive = tmp_path / digest
    with zipfile.ZipFile(archive, "w") as packed:
        packed.write(small, "config.ocio")
    assert ColourConfig.of_job(job(digest, archive), {digest: str(archive)}).scene_linear == "lin"
    assert ColourConfig.of_job(job(STANDARD), {}).scene_linear == "ACEScg"
    for path in (str(small), "/etc/passwd", "/nowhere/config.ocio"):
        with pytest.raises(RequestError, match="there is no colour config"):
            ColourConfig.of_job(job(path), {})


def test_a_file_of_the_job_that_is_not_its_colour_archive_is_no_config(small: Path) -> None:
    with pytest.raises(RequestError, match="there is no colour config"):
        ColourConfig.of_job(job("ab" * 32), {"ab" * 32: str(small)})


@pytest.mark.parametrize("name", ["studio-config-v4", "/nowhere/config.ocio"])
def test_a_config_that_is_not_there_is_refused_by_name(name: str) -> None:
    with pytest.raises(RequestError, match=name):
        ColourConfig.open(name)


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 cut short", b"\x00\x01\x02", b"ocio_profile_version: 2\nroles: ["]
)
def test_a_damaged_config_is_refused_without_a_crash(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "show.ocioz"
    path.write_bytes(content)
    with pytest.raises(RequestError, match=r"show\.ocioz"):
        ColourConfig.open(str(path))


def test_a_review_of_a_picture_made_for_a_display_shows_its_own_codes(config: ColourConfig) -> None:
    codes = np.random.default_rng(4).integers(0, 256, (50, 60, 3)).astype(np.uint8)
    for space in (SRGB_TEXTURE, "Gamma 2.4 Rec.709 - Texture", "Gamma 2.2 Rec.709 - Texture"):
        view = config.review_view(space)
        assert view.error is not None
        assert view.error < 1e-3
        light = config.convert(codes.astype(np.float32) / np.float32(255), space, config.scene_linear)
        assert np.array_equal(config.display(light, config.scene_linear, view.display, view.view), codes)


def test_scene_light_is_reviewed_through_a_tone_curve_on_a_rec709_display(config: ColourConfig) -> None:
    view = config.review_view("ACEScg")
    assert (view.display, view.error) == ("Rec.1886 Rec.709 - Display", None)
    assert "ACES 2.0 - SDR" in view.view


def test_an_hdr_source_is_reviewed_on_the_same_rec709_display(config: ColourConfig) -> None:
    assert config.review_view("Rec.2100-PQ - Display").display == "Rec.1886 Rec.709 - Display"


def test_the_baked_view_is_within_its_stated_error_of_ocio(config: ColourConfig) -> None:
    view = config.review_view("ACEScg")
    light = config.convert(colours(20_000), LINEAR_REC709, "ACEScg")
    exact = light.reshape(-1, 3).copy()
    transform = PyOpenColorIO.DisplayViewTransform("ACEScg", view.display, view.view)
    built_in = PyOpenColorIO.Config.CreateFromBuiltinConfig(STANDARD)
    built_in.getProcessor(transform).getDefaultCPUProcessor().applyRGB(exact)
    expected = np.clip(exact, 0, 1) * 255
    shown = config.display(light, "ACEScg", view.display, view.view).reshape(-1, 3)
    difference = np.abs(shown - expected)
    assert difference.max() <= 4.5
    assert np.percentile(difference, 99.9) <= 1.5


def test_two_views_of_one_space_are_not_taken_for_one_another(config: ColourConfig) -> None:
    light = np.full((1, 1, 3), 0.05, np.float32)
    name = "ACES 2.0 - SDR 100 nits (Rec.709)"
    shown = [
        config.display(light, "ACEScg", f"{display} - Display", name)[0, 0, 0]
        for display in ("sRGB", "Rec.1886 Rec.709")
    ]
    assert shown[0] != shown[1]


def test_an_unknown_view_is_refused_with_the_displays_that_exist(config: ColourConfig) -> None:
    with pytest.raises(RequestError, match="'Nowhere'") as refused:
        config.display(colours(4), "ACEScg", "Nowhere", "None")
    assert "sRGB - Display" in refused.value.remedy


def test_a_picture_with_nan_and_infinity_can_be_displayed(config: ColourConfig) -> None:
    light = np.array([[[np.nan, np.inf, -np.inf]]], np.float32)
    for source in ("ACEScg", SRGB_TEXTURE):
        view = config.review_view(source)
        assert config.display(light, "ACEScg", view.display, view.view).shape == (1, 1, 3)


def test_linear_spaces_have_the_interop_ids_that_exr_headers_carry(config: ColourConfig) -> None:
    assert config.interop_id("ACEScg") == "lin_ap1_scene"
    assert config.interop_id("Linear Rec.709 (sRGB)") == "lin_rec709_scene"
    assert config.interop_id("ACEScct") is None
