"""Untouched Reads: their own files go out, each under its frame of the script, and Nuke renders nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
from nuke_rig import running
from nuke_shot import FRAMES, HEIGHT, WIDTH, SmallShot, make, names, pixels, read, rendered, write_frames
from nuke_stand_in import Guesses, current


def test_when_every_input_is_an_untouched_read_then_nuke_renders_nothing(shot: SmallShot) -> None:
    exported = shot.export()
    assert names(exported.footage["plate"]) == [f"plate.{frame}.exr" for frame in FRAMES]
    assert exported.footage["reference"].typed.endswith("reference.1001.exr")
    assert not any(footage.ours for footage in exported.footage.values())
    assert not any(call.name == "execute" for call in current().calls)


def test_when_dots_and_disabled_nodes_lie_between_then_the_read_is_still_untouched(shot: SmallShot) -> None:
    shot.connect(0, make("Dot", make("Grade", make("NoOp", shot.plate), disable=True, multiply=2.0)))
    assert not rendered(shot)


def test_when_the_node_lies_in_a_group_then_the_read_outside_is_found(shot: SmallShot) -> None:
    from understudy.host_plugins.nuke.node import create_node

    group = make("Group")
    current().group_stack.append(group)
    inside = [make("Input") for _ in range(3)]
    node = create_node()
    current().group_stack.pop()
    for number, pipe in enumerate((shot.plate, shot.matte, shot.reference)):
        node.setInput(number, inside[number])
        group.setInput(number, pipe)
    shot.host.chosen = node.path()
    assert shot.select().anchor == "Group1.Understudy1"
    assert names(shot.export().footage["plate"]) == [f"plate.{frame}.exr" for frame in FRAMES]


@pytest.mark.parametrize(("mode", "said", "shift"), [("start at", "11", -990), ("expression", "frame", 0)])
def test_when_a_read_moves_its_frames_then_each_frame_of_the_script_has_its_own_file(
    shot: SmallShot, mode: str, said: str, shift: int
) -> None:
    shot.plate.table["frame_mode"].put(mode)
    shot.plate.table["frame"].put(said)
    exported = shot.export()
    assert {frame - shift: Path(file).name for frame, file in exported.footage["plate"].files.items()} == {
        frame: f"plate.{frame}.exr" for frame in FRAMES
    }


@pytest.mark.parametrize("sign", [1, -1])
def test_when_nuke_means_either_sign_by_offset_then_the_files_are_those_that_it_shows(
    sign: int, tmp_path: Path, home: Path
) -> None:
    with running(guesses=Guesses(offset_sign=sign)):
        shot = SmallShot(tmp_path / "show")
        shot.plate.table["frame_mode"].put("offset")
        shot.plate.table["frame"].put("10")
        files = shot.export().footage["plate"].files
        assert files == {frame - sign * 10: files[frame - sign * 10] for frame in FRAMES}
        assert Path(files[1001 - sign * 10]).name == "plate.1001.exr"


def test_when_two_inputs_are_the_same_files_counted_otherwise_then_they_are_told_apart(shot: SmallShot) -> None:
    pattern = str(shot.folder / "plate" / "plate.####.exr")
    late = read(pattern, first=1002, last=1003, frame_mode="start at", frame="1001")
    shot.connect(3, late)
    shot.set(range="typed", first=1001, last=1002)
    exported = shot.export()
    plate, clean = exported.footage["plate"], exported.footage["clean_plate"]
    assert plate.typed != clean.typed
    assert (names(plate), names(clean)) == (
        ["plate.1001.exr", "plate.1002.exr"], ["plate.1002.exr", "plate.1003.exr"],
    )  # fmt: skip


TOUCHED: dict[str, dict[str, Any]] = {
    "an unknown expression": {"frame": "frame*2"},
    "premultiplied": {"premultiplied": True},
    "a curve that leaves primaries alone": {"colorspace": "AlexaV3LogC"},
    "a curve that layers do not come back in": {"colorspace": "sRGB"},
}


@pytest.mark.parametrize("staged", [(WIDTH, HEIGHT, 2.0), (2 * WIDTH, HEIGHT, 1.0)], ids=["pixel aspect", "size"])
def test_when_a_read_is_given_another_format_then_what_is_sent_has_it_too(
    shot: SmallShot, staged: tuple[int, int, float]
) -> None:
    shot.plate.table["format"].put(staged)
    plate = shot.export().footage["plate"]
    assert plate.ours
    with OpenEXR.File(plate.typed.replace("####", "1001")) as file:
        corner = file.header()["displayWindow"][1]
        assert (int(corner[0]) + 1, int(corner[1]) + 1, float(file.header()["pixelAspectRatio"])) == staged


def test_when_a_file_without_a_pixel_aspect_of_its_own_is_given_one_then_it_is_rendered(shot: SmallShot) -> None:
    import OpenImageIO

    picture = OpenImageIO.ImageBuf(OpenImageIO.ImageSpec(WIDTH, HEIGHT, 3, "uint8"))
    for frame in FRAMES:
        assert picture.write(str(shot.folder / f"flat.{frame}.png"))
    current().root.table["colorManagement"].put("OCIO")
    current().root.table["workingSpaceLUT"].put("scene_linear")
    flat = read(str(shot.folder / "flat.####.png"), colorspace="sRGB")
    shot.connect(0, flat)
    assert not rendered(shot)
    flat.table["format"].put((WIDTH, HEIGHT, 2.0))
    assert rendered(shot)
    flat.table["format"].put((2 * WIDTH, HEIGHT, 1.0))
    assert rendered(shot)


@pytest.mark.parametrize("channels", [3, 4])
def test_when_a_read_adds_a_solid_alpha_then_files_that_have_none_are_rendered(shot: SmallShot, channels: int) -> None:
    shot.connect(0, plate := read(write_frames(shot.folder / "other", "other", channels)))
    assert not rendered(shot)
    plate.table["auto_alpha"].put(True)
    assert rendered(shot) is (channels == 3)


@pytest.mark.parametrize("which", ["Read", "Grade"])
def test_when_a_node_is_switched_by_an_expression_then_nuke_says_what_it_shows(which: str, shot: SmallShot) -> None:
    grade = make("Grade", shot.plate, disable=which == "Read")
    shot.connect(0, grade)
    (shot.plate if which == "Read" else grade).table["disable"].setExpression("1 < 0")
    assert rendered(shot)


@pytest.mark.parametrize("knobs", TOUCHED.values(), ids=TOUCHED)
def test_when_a_read_does_more_than_read_then_nuke_renders_what_it_shows(
    shot: SmallShot, knobs: dict[str, Any]
) -> None:
    for name, value in knobs.items():
        shot.plate.table[name].put(value)
    if "frame" in knobs:
        shot.plate.table["on_error"].put("black")
    assert rendered(shot)


def test_when_the_range_is_longer_than_the_read_then_nuke_renders_what_it_holds(shot: SmallShot) -> None:
    shot.set(range="typed", first=1000, last=1003)
    plate = shot.export().footage["plate"]
    assert plate.ours
    np.testing.assert_array_equal(
        pixels(plate.typed.replace("####", "1000")), pixels(plate.typed.replace("####", "1001"))
    )


def test_when_proxy_mode_is_on_then_the_full_files_are_handed_over_and_it_stays_on(shot: SmallShot) -> None:
    shot.plate.table["proxy"].put(write_frames(shot.folder / "small", "small").replace("####", "%04d"))
    current().root.table["proxy"].put(True)
    assert names(shot.export().footage["plate"])[0] == "plate.1001.exr"
    assert current().root.table["proxy"].get() is True


def test_when_files_are_named_by_view_then_the_view_of_the_node_is_handed_over(shot: SmallShot) -> None:
    current().views = ["left", "right"]
    for view in current().views:
        write_frames(shot.folder / view, "stereo")
    shot.connect(0, read(str(shot.folder / "%V" / "stereo.####.exr")))
    from understudy.host_plugins.nuke.offers import refresh

    refresh(shot.node)
    shot.set(view="right")
    exported = shot.export()
    assert {Path(file).parent.name for file in exported.footage["plate"].files.values()} == {"right"}
    assert exported.view is None  # each file holds one
    assert shot.select().plate.endswith("(right)")


def test_when_one_file_holds_several_views_then_the_job_names_the_one_that_is_meant(shot: SmallShot) -> None:
    current().views = ["left", "right"]
    header = {"multiView": ["left", "right"]}
    shot.connect(0, read(write_frames(shot.folder / "both", "both", header=header)))
    from understudy.host_plugins.nuke.offers import refresh

    refresh(shot.node)
    shot.set(view="right")
    assert shot.export().view == "right"


def test_when_the_script_moves_its_own_frames_in_a_raw_read_then_its_colour_is_the_working_space(
    shot: SmallShot,
) -> None:
    shot.plate.table["raw"].put(True)
    current().root.table["workingSpaceLUT"].put("linear")
    assert shot.export().footage["plate"].colour == "lin_rec709_scene"
