"""A take's files in the media pool: what Resolve takes them for, and what it must be told by hand."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from resolve_rig import MakeRig
from resolve_takes import START, place, take

from understudy.bridge.errors import HostError
from understudy.host_plugins.resolve.colour import properties_of


def test_when_resolve_imports_single_frames_then_the_menu_entry_is_named_and_none_stay(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig(show_individual_frames=True)
    before = rig.surroundings()
    with pytest.raises(HostError, match="4 single frames") as refusal:
        place(rig, take(rig, tmp_path / "v001"))
    assert "Show Individual Frames" in refusal.value.remedy
    assert rig.surroundings() == before


@pytest.mark.parametrize("managed", [True, False])
def test_when_a_take_is_in_the_plate_s_space_then_it_is_named_to_resolve_as_the_plate_is(
    make_rig: MakeRig, tmp_path: Path, managed: bool
) -> None:
    rig = make_rig()
    rig.resolve.project.settings["colorScienceMode"] = "davinciYRGBColorManagedv2" if managed else "davinciYRGB"
    place(rig, take(rig, tmp_path / "v001"))
    placed = rig.timeline.tracks[1].items[0].medium
    assert placed is not None
    assert placed.properties["Input Color Space"] == ("Rec.709" if managed else "")
    assert "by hand" not in next(iter(rig.timeline.markers.values()))["note"]


@pytest.mark.parametrize(
    ("mode", "colour", "told"),
    [
        ("davinciYRGBColorManagedv2", "Show Working Space", True), ("davinciYRGBColorManaged", "", True),
        ("davinciYRGB", "Show Working Space", False), ("davinciYRGBColorManagedv2", "ACES - ACEScg", False),
    ],
)  # fmt: skip
def test_when_resolve_s_word_for_a_take_s_space_is_not_known_then_the_marker_says_what_to_set_by_hand(
    make_rig: MakeRig, tmp_path: Path, mode: str, colour: str, told: bool
) -> None:
    rig = make_rig()
    rig.resolve.project.settings["colorScienceMode"] = mode
    delivered = take(rig, tmp_path / "v001")
    (layer,) = delivered.layers
    place(rig, msgspec.structs.replace(delivered, layers=(msgspec.structs.replace(layer, colour=colour),)))
    note = next(iter(rig.timeline.markers.values()))["note"]
    said = f"set the take's Input Color Space to {colour or 'that of its plate'} by hand"
    assert (said in note) is told, note


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ("ACES - ACEScg", "ACEScg"), ("lin_ap1_scene", "ACEScg"), ("ACEScg", "ACEScg"),
        ("ACES - ACES2065-1", "ACES (AP0) Linear"), ("lin_ap0_scene", "ACES (AP0) Linear"),
        ("Utility - Linear - sRGB", "Rec.709 Linear"), ("Linear Rec.709 (sRGB)", "Rec.709 Linear"),
    ],
)  # fmt: skip
def test_when_a_space_goes_by_another_config_s_name_then_resolve_s_word_for_it_is_found(space: str, said: str) -> None:
    assert properties_of(space, None) == {"Input Color Space": said}


@pytest.mark.parametrize("name", ["Alpha mode", "Input Color Space"])
def test_when_a_property_is_not_taken_then_the_marker_says_what_to_set_by_hand(
    make_rig: MakeRig, tmp_path: Path, name: str
) -> None:
    rig = make_rig(refused_properties=frozenset({name}), default_space="Rec.709 Gamma 2.4")
    delivered = take(rig, tmp_path / "v001")
    place(rig, delivered)
    rig.host.remember(delivered.job)
    said = [marker["note"] for marker in rig.timeline.markers.values()]
    assert any(f"set {name}" in note for note in said), said


def test_when_a_frame_of_a_take_is_missing_then_the_import_is_refused_by_its_path(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig()
    delivered = take(rig, tmp_path / "v001")
    (tmp_path / "v001/patch" / f"patch.{START + 2}.exr").unlink()
    with pytest.raises(HostError, match=r"refused to import .*patch\.####\.exr"):
        place(rig, delivered)
