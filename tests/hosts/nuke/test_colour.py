"""Which space goes out with the pictures, and in which they are read back: names, in both of Nuke's ways."""

from __future__ import annotations

from pathlib import Path

import pytest
from nuke_rig import running
from nuke_shot import SmallShot, make
from nuke_stand_in import Application, current

from understudy.bridge.errors import HostError
from understudy.bridge.frames import FrameRate


def by_ocio(working: str = "scene_linear") -> None:
    table = current().root.table
    table["colorManagement"].put("OCIO")
    table["workingSpaceLUT"].put(working)


@pytest.mark.parametrize(
    ("said", "space"),
    [("default", "lin_rec709_scene"), ("linear", "lin_rec709_scene"), ("sRGB", "srgb_rec709_scene"),
     ("Gamma2.2", "g22_rec709_scene"), ("AlexaV3LogC", None), ("Cineon", None)],
)  # fmt: skip
def test_when_nuke_manages_colour_then_a_curve_that_is_a_space_has_that_space_s_name(
    said: str, space: str | None, application: Application
) -> None:
    from understudy.host_plugins.nuke.colour import source_space

    assert source_space(make("Read", file="/a.exr", colorspace=said)) == space


@pytest.mark.parametrize(
    ("said", "space"),
    [("ACES/ACEScg", "ACEScg"), ("Input/ARRI/ARRI LogC4", "ARRI LogC4"), ("scene_linear", "scene_linear"),
     ("Utility/Linear Rec.709 (sRGB)", "Linear Rec.709 (sRGB)")],
)  # fmt: skip
def test_when_ocio_manages_colour_then_families_and_aliases_are_no_part_of_a_name(
    said: str, space: str, application: Application
) -> None:
    by_ocio()
    from understudy.host_plugins.nuke.colour import source_space

    assert source_space(make("Read", file="/a.exr", colorspace=said)) == space


@pytest.mark.parametrize("said", ["default", "default (sRGB)", "default (scene_linear)"])
def test_when_a_read_is_left_at_its_default_then_what_that_means_is_named(said: str, application: Application) -> None:
    from understudy.host_plugins.nuke.colour import source_space

    by_ocio()
    knob = make("Read", file="/a.png").table["colorspace"]
    knob._entries.insert(0, said)  # type: ignore[attr-defined]
    knob._value = said
    current().root.table["int8Lut"].put("Utility/sRGB Encoded Rec.709 (sRGB)")
    wanted = {
        "default": "sRGB Encoded Rec.709 (sRGB)",
        "default (sRGB)": "sRGB",
        "default (scene_linear)": "scene_linear",
    }
    assert source_space(knob.owner) == wanted[said]


def test_when_a_read_is_raw_then_its_numbers_are_in_the_working_space(application: Application) -> None:
    from understudy.host_plugins.nuke.colour import source_space

    by_ocio("ACES/ACEScg")
    assert source_space(make("Read", file="/a.exr", raw=True, colorspace="Input/ARRI/ARRI LogC4")) == "ACEScg"


def test_when_the_family_is_not_known_to_nuke_then_the_last_part_is_the_name(application: Application) -> None:
    from understudy.host_plugins.nuke.colour import _plain

    assert _plain("Show/Cameras/lin_show") == "lin_show"
    assert _plain("lin_show\tlin_alias") == "lin_show"


def test_when_two_names_mean_one_space_then_they_are_the_same(application: Application) -> None:
    from understudy.host_plugins.nuke.colour import is_same

    assert is_same("linear", "Linear Rec.709 (sRGB)")
    assert is_same("ACES - ACEScg", "lin_ap1_scene")
    assert not is_same("scene_linear", "ACEScg")  # a role: what it means is the config's to say
    assert is_same("lin_show", "LIN_SHOW")
    assert not is_same("ACEScg", "Linear Rec.709 (sRGB)")


def test_when_ocio_manages_colour_then_the_config_in_force_goes_with_the_export(
    shot: SmallShot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import nuke

    monkeypatch.delenv("OCIO", raising=False)
    assert shot.export().ocio == "none"
    by_ocio()
    assert shot.export().ocio is None  # Nuke's own, and it is not on this disk
    configs = tmp_path / "Nuke" / "plugins" / "OCIOConfigs" / "configs"
    (configs / "aces_1.2").mkdir(parents=True)
    (configs / "aces_1.2" / "config.ocio").touch()
    monkeypatch.setattr(nuke, "EXE_PATH", str(tmp_path / "Nuke" / "Nuke16.0"))
    current().root.table["OCIO_config"].put("aces_1.2")
    assert shot.export().ocio == str(configs / "aces_1.2" / "config.ocio")
    current().root.table["OCIO_config"].put("custom")
    current().root.table["customOCIOConfigPath"].put("/show/\\[ocio\\]/config.ocio")
    assert shot.export().ocio == "/show/[ocio]/config.ocio"
    monkeypatch.setenv("OCIO", "/site/config.ocio")
    assert shot.export().ocio == "/site/config.ocio"


@pytest.mark.parametrize(
    ("decimal", "rate"),
    [(24.0, "24/1"), (23.976, "24000/1001"), (23.98, "24000/1001"), (23.976024, "24000/1001"), (29.97, "30000/1001"),
     (59.94, "60000/1001"), (47.952, "48000/1001"), (25.0, "25/1"), (12.5, "25/2"), (119.88, "120000/1001"),
     (48.0, "48/1"), (30.0, "30/1")],
)  # fmt: skip
def test_when_nuke_says_a_rate_in_decimals_then_the_fraction_that_was_meant_is_sent(
    decimal: float, rate: str, application: Application
) -> None:
    from understudy.host_plugins.nuke.rates import exact_rate, script_rate

    current().root.table["fps"].put(decimal)
    assert exact_rate(decimal) == script_rate() == FrameRate.parse(rate)


@pytest.mark.parametrize("decimal", [0.0, -24.0, float("nan"), float("inf")])
def test_when_the_rate_is_none_then_the_project_settings_are_named(decimal: float, application: Application) -> None:
    from understudy.host_plugins.nuke.rates import exact_rate

    with pytest.raises(HostError, match="frames a second") as caught:
        exact_rate(decimal)
    assert "project settings" in caught.value.remedy


@pytest.mark.parametrize(("edition", "word"), [("nc", "Non-commercial"), ("indie", "Indie")])
def test_when_an_edition_has_limits_then_they_are_told_before_they_are_hit(
    edition: str, word: str, application: Application
) -> None:
    from understudy.host_plugins.nuke.editions import cautions

    assert cautions(5000, 3000) == ()
    with running(edition=edition):
        from understudy.host_plugins.nuke.editions import cautions as limited

        assert all(word in caution for caution in limited(5000, 3000))
        assert any("5000x3000" in caution for caution in limited(5000, 3000))
        assert not any("640x480" in caution for caution in limited(640, 480))


def test_when_a_rate_disagrees_or_views_are_several_then_the_selection_says_so(shot: SmallShot) -> None:
    from fractions import Fraction

    from nuke_shot import read, write_frames

    assert shot.select().cautions == ()
    shot.connect(0, read(write_frames(shot.folder / "slow", "slow", header={"framesPerSecond": Fraction(25)})))
    current().views = ["left", "right"]
    cautions = shot.select().cautions
    assert any("25/1" in caution and "24/1" in caution for caution in cautions)
    assert any("only the view main" in caution for caution in cautions)


@pytest.mark.parametrize(
    ("metadata", "told"), [("default metadata", True), ("no metadata", True), ("all metadata", False)]
)
def test_when_a_write_below_drops_our_attributes_then_the_artist_is_told_and_nothing_is_forced(
    metadata: str, told: bool, shot: SmallShot
) -> None:
    write = make("Write", make("Grade", make("Dot", shot.node)), file_type="exr", metadata=metadata)
    assert any("Write1" in caution for caution in shot.select().cautions) is told
    assert write.table["metadata"].get() == metadata
