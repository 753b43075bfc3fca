"""What goes out of Nuke: untouched Reads as their files, the rest rendered, and the artist's script as it was."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR
import pytest
from nuke_rig import running
from nuke_shot import FRAMES, HEIGHT, WIDTH, SmallShot, make, pixels, read, write_frames
from nuke_stand_in import Application, Guesses, current
from nuke_stand_in.nodes import make_node

from understudy.bridge.errors import HostError, JobCancelled
from understudy.bridge.host import Footage


def names(footage: Footage) -> list[str]:
    return [Path(footage.files[frame]).name for frame in sorted(footage.files)]


def rendered(shot: SmallShot, role: str = "plate") -> bool:
    return shot.export().footage[role].ours


# ---- untouched ------------------------------------------------------------------------------------------------------


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


# ---- rendered -------------------------------------------------------------------------------------------------------


def test_when_a_plate_is_graded_then_what_nuke_shows_is_written_raw_in_its_working_space(shot: SmallShot) -> None:
    shot.connect(0, make("Grade", shot.plate, multiply=2.0))
    plate = shot.export().footage["plate"]
    assert (plate.ours, plate.colour) == (True, "lin_rec709_scene")
    for frame in FRAMES:
        picture = pixels(plate.typed.replace("####", f"{frame:04}"))
        assert picture.shape == (HEIGHT, WIDTH, 4)
        assert picture[0, 0, 0] == pytest.approx(0.5 * (frame - 1000))


def test_when_the_plate_reaches_beyond_its_format_then_overscan_is_kept_or_cut_as_asked(shot: SmallShot) -> None:
    header = {
        "displayWindow": (np.array([4, 2], np.int32) * 0, np.array([23, 13], np.int32)),
        "dataWindow": (np.array([-4, -2], np.int32), np.array([27, 15], np.int32)),
    }
    wide = read(write_frames(shot.folder / "wide", "wide", header=header))
    shot.connect(0, make("Grade", wide, multiply=1.0))
    shot.connect(1, make("Grade", shot.matte, multiply=1.0))
    kept = shot.export()
    with OpenEXR.File(kept.footage["plate"].typed.replace("####", "1001")) as file:
        assert [list(corner) for corner in file.header()["dataWindow"]] == [[-4, -2], [27, 15]]
        assert [list(corner) for corner in file.header()["displayWindow"]] == [[0, 0], [23, 13]]
    with OpenEXR.File(kept.footage["matte"].typed.replace("####", "1001")) as file:
        assert [list(corner) for corner in file.header()["displayWindow"]] == [[0, 0], [23, 13]]
    assert kept.window == "plate"
    shot.set(overscan=False)
    cut = shot.export()
    with OpenEXR.File(cut.footage["plate"].typed.replace("####", "1001")) as file:
        assert [list(corner) for corner in file.header()["dataWindow"]] == [[0, 0], [23, 13]]
    assert cut.window == "display"


def test_when_a_picture_has_no_end_then_overscan_is_cut_at_half_the_format(shot: SmallShot) -> None:
    header = {
        "displayWindow": (np.array([0, 0], np.int32), np.array([31, 17], np.int32)),
        "dataWindow": (np.array([-64, -40], np.int32), np.array([-33, -23], np.int32)),
    }
    shot.connect(0, make("Grade", read(write_frames(shot.folder / "endless", "endless", header=header)), multiply=1.0))
    shot.connect(1, make("Grade", shot.matte, multiply=1.0))
    plate = shot.export().footage["plate"]
    with OpenEXR.File(plate.typed.replace("####", "1001")) as file:
        assert [list(corner) for corner in file.header()["dataWindow"]] == [[-16, -9], [47, 26]]


def test_when_the_matte_is_a_channel_of_a_layer_then_it_is_written_as_alpha(shot: SmallShot) -> None:
    from understudy.host_plugins.nuke.knobs import choices

    copy = make("Copy", shot.matte, from0="rgba.red", to0="mask.a")
    copy.above[1] = shot.matte
    shot.connect(1, copy)
    shot.set(matte_channel="mask.a")
    matte = shot.export().footage["matte"]
    assert choices(shot.node).matte_channel == "A"
    assert pixels(matte.typed.replace("####", "1002"))[0, 0, 3] == pytest.approx(0.5)


def test_when_the_matte_is_the_plate_s_alpha_then_the_plate_s_files_serve_for_both(shot: SmallShot) -> None:
    from understudy.host_plugins.nuke.knobs import choices

    shot.connect(1, None)
    shot.set(matte_from="plate's alpha")
    exported = shot.export()
    assert exported.footage["matte"] == exported.footage["plate"]
    assert choices(shot.node).matte_channel == "A"


def test_when_a_matte_is_bent_by_its_read_then_what_the_artist_judged_is_sent(shot: SmallShot) -> None:
    shot.matte.table["colorspace"].put("sRGB")
    assert rendered(shot, "matte")


def test_when_the_same_frames_are_rendered_twice_then_their_pictures_have_one_digest(shot: SmallShot) -> None:
    from understudy.bridge.exr_file import file_digest, picture_digest

    shot.connect(0, make("Grade", shot.plate))
    path = Path(shot.export().footage["plate"].typed.replace("####", "1001"))
    first = picture_digest(path), file_digest(path)
    shot.export()
    assert picture_digest(path) == first[0]
    assert file_digest(path) != first[1]  # Nuke wrote another hash into the header


# ---- the artist's script --------------------------------------------------------------------------------------------


def test_when_a_frame_was_rendered_then_nothing_of_ours_stands_in_the_script(shot: SmallShot) -> None:
    shot.connect(0, make("Grade", shot.plate))
    current().root.table["proxy"].put(True)
    current().root.set_modified(False)
    current().undone.clear()
    before = [node.said for node in current().root.walk()]
    (shot.folder / "export").mkdir()
    steps = shot.host.export(shot.select(), shot.folder / "export")
    for _ in range(2):
        next(steps)
        assert [node.said for node in current().root.walk()] == before
        assert current().root.table["proxy"].get() is True
        assert not current().root.modified()
        assert (current().undone, current().undo_disabled) == ([], 0)
    steps.close()


def test_when_the_artist_had_switched_undo_off_then_it_stays_off(shot: SmallShot) -> None:
    shot.connect(0, make("Grade", shot.plate))
    current().undo_disabled = 1
    shot.export()
    assert current().undo_disabled == 1
    current().undo_disabled = 0


def test_when_cancel_is_pressed_in_nuke_s_own_progress_bar_then_the_job_is_cancelled_not_failed(
    shot: SmallShot,
) -> None:
    shot.connect(0, make("Grade", shot.plate))
    current().cancel_next_render = True
    with pytest.raises(JobCancelled, match="frame 1001 of Grade1"):
        shot.export()


def test_when_nuke_renders_already_then_the_export_says_so(shot: SmallShot) -> None:
    shot.connect(0, make("Grade", shot.plate))
    current().executing = True
    with pytest.raises(HostError, match="renders something else"):
        shot.export()
    current().executing = False


def test_when_the_plate_is_deleted_between_two_frames_then_the_error_names_it(shot: SmallShot) -> None:
    from nuke_stand_in.nodes import delete_node

    grade = make("Grade", shot.plate)
    shot.connect(0, grade)
    (shot.folder / "export").mkdir()
    steps = shot.host.export(shot.select(), shot.folder / "export")
    next(step for step in steps if step.done)
    delete_node(grade)
    with pytest.raises(HostError, match="Grade1 was deleted"):
        next(steps)


def test_when_a_studio_s_callback_renames_the_file_then_the_export_says_that_it_is_not_there(shot: SmallShot) -> None:
    import nuke

    def rename() -> None:
        (write,) = [node for node in current().root.walk() if node.kind == "Write"]
        write.table["file"].put(write.table["file"].get().replace("plate.", "elsewhere."))

    nuke.addBeforeFrameRender(rename)
    shot.connect(0, make("Grade", shot.plate))
    with pytest.raises(HostError, match=r"plate\.1001\.exr is not there"):
        shot.export()


def test_when_an_input_is_missing_then_the_error_names_it_and_the_node(shot: SmallShot) -> None:
    for number, name in enumerate(("plate", "matte", "reference")):
        kept = shot.node.above[number]
        shot.connect(number, None)
        with pytest.raises(HostError, match=f"`{name}` of Understudy1") as caught:
            shot.export()
        assert name in caught.value.remedy
        shot.connect(number, kept)


def test_when_a_plate_has_no_alpha_then_it_cannot_be_the_matte(shot: SmallShot) -> None:
    shot.connect(0, read(write_frames(shot.folder / "opaque", "opaque", 3)))
    shot.set(matte_from="plate's alpha")
    with pytest.raises(HostError, match="has no alpha"):
        shot.export()


def test_when_the_matte_s_channel_does_not_exist_then_the_error_names_it(shot: SmallShot) -> None:
    shot.set(matte_channel="mask.a")
    with pytest.raises(HostError, match=r"Read2 has no channel mask\.a"):
        shot.export()


def test_when_the_reference_is_missing_on_disk_then_the_error_names_read_and_file(shot: SmallShot) -> None:
    shot.reference.table["file"].put(str(shot.folder / "nowhere.png"))
    with pytest.raises(HostError, match=r"Read3.*nowhere\.png"):
        shot.export()


def test_when_the_reference_is_a_movie_then_nuke_makes_one_picture_of_it(shot: SmallShot) -> None:
    still = Path(shot.reference.table["file"].evaluate())  # type: ignore[attr-defined]
    movie = still.with_suffix(".mov")
    movie.write_bytes(still.read_bytes())  # the stand-in reads what is in it
    shot.reference.table["file"].put(str(movie))
    reference = shot.export().footage["reference"]
    assert (reference.ours, Path(reference.typed).name) == (True, "reference.1001.exr")


def test_when_two_reads_count_one_movie_differently_then_it_is_refused(shot: SmallShot) -> None:
    current().root.table["colorManagement"].put("OCIO")
    current().root.table["workingSpaceLUT"].put("scene_linear")
    movie = str(shot.folder / "plate.mov")
    from understudy.host_plugins.nuke.export import _refuse_two_counts

    with pytest.raises(HostError, match=r"plate\.mov"):
        _refuse_two_counts({"plate": Footage(typed=movie, first=1), "clean_plate": Footage(typed=movie, first=9)})


def test_when_nuke_is_non_commercial_then_a_render_is_refused_before_a_node_is_made(tmp_path: Path, home: Path) -> None:
    with running(edition="nc"):
        shot = SmallShot(tmp_path / "show")
        current().reached.clear()  # as if the script had been opened with all of it in it
        shot.connect(0, make("Grade", shot.plate))
        with pytest.raises(HostError, match="Non-commercial cannot render Grade1"):
            shot.export()
        assert not any(call.name in ("nodes.Write", "nodes.Crop") for call in current().calls)


@pytest.mark.parametrize("grows", [True, False])
def test_when_a_crop_grows_the_picture_or_not_then_the_file_holds_what_is_there(
    grows: bool, tmp_path: Path, home: Path
) -> None:
    with running(guesses=Guesses(crop_grows=grows)):
        shot = SmallShot(tmp_path / "show")
        small = {
            "displayWindow": (np.array([0, 0], np.int32), np.array([63, 35], np.int32)),
            "dataWindow": (np.array([8, 4], np.int32), np.array([39, 21], np.int32)),
        }
        shot.connect(0, make("Grade", read(write_frames(shot.folder / "small", "small", header=small)), multiply=1.0))
        shot.connect(1, make("Grade", shot.matte, multiply=1.0))
        plate = shot.export().footage["plate"]
        with OpenEXR.File(plate.typed.replace("####", "1001"), separate_channels=True) as file:
            assert float(file.channels()["R"].pixels.max()) == pytest.approx(0.25)
            assert [list(corner) for corner in file.header()["displayWindow"]] == [[0, 0], [63, 35]]


def test_when_a_call_comes_from_another_thread_then_nuke_would_not_have_it(application: Application) -> None:
    import nuke

    problems: list[BaseException] = []

    def work() -> None:
        try:
            nuke.root()
        except RuntimeError as problem:
            problems.append(problem)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert "only the main thread" in str(problems[0])
    assert make_node("Dot") is not None
