"""The render job: pinned, watched, counted, and everything of the artist's put back whatever happens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from host_rig import FIRST, FRAMES, Drawn, read_exr
from resolve_rig import MakeRig, ResolveRig, change, exported
from resolve_stand_in.application import Project

from understudy.bridge.errors import HostError
from understudy.bridge.frames import FilePattern


def rendered(rig: ResolveRig, folder: Path, role: str = "plate") -> list[Path]:
    before = rig.surroundings()
    footage = exported(rig, folder).footage[role]
    assert rig.surroundings() == before
    assert footage.ours
    return list(FilePattern(footage.typed).frames_on_disk().values())


def same_pictures(files: list[Path], pattern: str) -> None:
    assert len(files) == FRAMES
    for frame, file in enumerate(files, start=FIRST):
        np.testing.assert_array_equal(read_exr(file), read_exr(FilePattern(pattern).path(frame)))


@pytest.mark.parametrize(
    "switches",
    [
        {}, {"sub_folder": True}, {"first_number": 0}, {"first_number": 1}, {"language": "Finalizado"},
        {"polls_before_start": 3}, {"marks_lost_on_page": False}, {"marks_from_start": True},
        {"tracks_obey_on_edit_only": True}, {"unknown_settings_refused": False}, {"frames_a_poll": 99},
        {"codecs": {"RGB half (ZIP Compression)": "RGBHalfPIZ"}}, {"hasattr_always": False}, {"version": (18, 6)},
    ],
    ids=str,
)  # fmt: skip
def test_when_resolve_differs_by_version_or_language_then_the_same_frames_come_out_under_timeline_numbers(
    make_rig: MakeRig, tmp_path: Path, noise: Drawn, switches: dict[str, object]
) -> None:
    rig = make_rig(untouched=False, **switches)
    rig.timeline.marks = {"video": {"in": 86_416, "out": 86_419}, "audio": {"in": 86_400, "out": 86_419}}
    files = rendered(rig, tmp_path / "out")
    assert [int(file.name.split(".")[-2]) for file in files] == list(range(86_416, 86_420))
    same_pictures(files, noise.plate)


def test_when_a_track_is_the_matte_then_it_is_rendered_alone_and_the_plate_without_it(
    make_rig: MakeRig, tmp_path: Path, noise: Drawn
) -> None:
    rig = make_rig(untouched=False)
    rig.timeline.subtitles.append(rig.timeline.tracks[0].__class__("Subtitles"))
    rig.timeline.tracks[1].enabled = True
    same_pictures(rendered(rig, tmp_path / "out"), noise.plate)
    same_pictures(rendered(rig, tmp_path / "again", "matte"), noise.matte)


def test_when_a_render_runs_then_it_starts_on_the_deliver_page_and_only_our_job_is_removed(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig(untouched=False)
    rig.resolve.project.render_settings["TargetDir"] = str(tmp_path)
    theirs = rig.resolve.project.AddRenderJob()
    rig.resolve.world.calls.clear()
    exported(rig, tmp_path / "out")
    world = rig.resolve.world
    assert {call.page for call in world.called("StartRendering")} == {"deliver"}
    assert list(rig.resolve.project.jobs) == [theirs]
    assert world.called("DeleteAllRenderJobs") == []
    names = [call.name for call in world.calls]
    assert names.index("SaveAsNewRenderPreset") < names.index("SetRenderSettings") < names.index("AddRenderJob")


@pytest.mark.parametrize(
    "call",
    [
        "OpenPage", "SaveAsNewRenderPreset", "SetTrackEnable", "SetCurrentRenderFormatAndCodec", "GetRenderCodecs",
        "SetCurrentRenderMode", "SetRenderSettings", "AddRenderJob", "StartRendering",
    ],
)  # fmt: skip
def test_when_resolve_refuses_a_call_of_a_render_then_it_is_named_and_everything_is_as_it_was(
    make_rig: MakeRig, tmp_path: Path, call: str
) -> None:
    rig = make_rig(untouched=False)
    rig.timeline.marks = {"video": {"in": 86_416, "out": 86_418}}
    before = rig.surroundings()
    rig.resolve.world.fail_next(call)
    with pytest.raises(HostError) as refusal:
        exported(rig, tmp_path / "out")
    assert refusal.value.remedy
    assert rig.surroundings() == before


@pytest.mark.parametrize("call", ["LoadRenderPreset", "DeleteRenderPreset", "DeleteRenderJob", "SetMarkInOut"])
def test_when_resolve_refuses_to_put_something_back_then_it_is_asked_again(
    make_rig: MakeRig, tmp_path: Path, call: str
) -> None:
    rig = make_rig(untouched=False)
    rig.timeline.marks = {"video": {"in": 86_416, "out": 86_419}}
    rig.resolve.world.fail_next(call, 2)
    rendered(rig, tmp_path / "out")
    assert len(rig.resolve.world.called(call)) >= 3


def test_when_a_lone_mark_is_lost_by_a_render_then_its_frames_are_there_and_the_artist_is_told(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig(untouched=False)
    rig.timeline.marks = {"video": {"out": 86_419}}
    words = [step.words for step in rig.host.export(rig.host.select(), tmp_path / "out")]
    assert "Resolve dropped a lone In or Out mark: set it again by hand" in words
    assert len(list((tmp_path / "out/plate").glob("*.exr"))) == 20  # from the timeline's start to the mark


def test_when_something_can_never_be_put_back_then_it_is_named(make_rig: MakeRig, tmp_path: Path) -> None:
    rig = make_rig(untouched=False)
    rig.resolve.world.fail_next("LoadRenderPreset", 99)
    with pytest.raises(HostError, match="the settings of the Deliver page could not be put back"):
        exported(rig, tmp_path / "out")


def test_when_a_sales_window_opens_then_the_artist_is_told_to_close_it(make_rig: MakeRig, tmp_path: Path) -> None:
    rig = make_rig(untouched=False)
    selection = rig.host.select()
    rig.resolve.world.modal = True
    (tmp_path / "out").mkdir()
    with pytest.raises(HostError) as refusal:
        list(rig.host.export(selection, tmp_path / "out"))
    assert "Close every window" in refusal.value.remedy


def test_when_resolve_reports_an_error_then_its_words_and_the_count_are_passed_on(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig(untouched=False)
    before = rig.surroundings()
    steps = rig.host.export(rig.host.select(), tmp_path)
    next(steps)
    assert rig.resolve.project.running is not None
    rig.resolve.project.running.error = "disco lleno"
    with pytest.raises(HostError, match="2 of 4 frames of plate: disco lleno"):
        list(steps)
    assert rig.surroundings() == before


def test_when_the_artist_renders_already_then_nothing_is_touched(make_rig: MakeRig, tmp_path: Path) -> None:
    rig = make_rig(untouched=False)
    project: Project = rig.resolve.project
    project.render_settings |= {
        "TargetDir": str(tmp_path), "SelectAllFrames": False, "ExportVideo": True, "MarkIn": 86_416, "MarkOut": 86_419,
    }  # fmt: skip
    project.format, project.mode, rig.resolve.world.page = "exr", 1, "deliver"
    project.StartRendering([project.AddRenderJob()])
    with pytest.raises(HostError, match="rendering already"):
        exported(rig, tmp_path / "out")
    assert project.running is not None


def test_when_an_export_is_cancelled_then_our_render_stops_and_nothing_stays(make_rig: MakeRig, tmp_path: Path) -> None:
    rig = make_rig(untouched=False)
    before = rig.surroundings()
    steps = rig.host.export(rig.host.select(), tmp_path)
    next(steps)
    with pytest.raises(HostError, match="renders for another job"):
        rig.host.select()
    steps.close()
    assert rig.resolve.project.running is None
    assert rig.surroundings() == before
    assert rig.host.select().shot == "sh010"


def test_when_the_project_is_closed_while_it_renders_then_the_job_fails_in_words(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig(untouched=False)
    steps = rig.host.export(rig.host.select(), tmp_path)
    next(steps)
    rig.resolve.project.presets.clear()
    rig.resolve.project.dead = rig.timeline.dead = True
    with pytest.raises(HostError, match=r"2 of 4 frames of plate|could not be put back"):
        list(steps)


def test_when_no_half_float_codec_is_offered_then_those_that_are_are_named(make_rig: MakeRig, tmp_path: Path) -> None:
    rig = make_rig(untouched=False, codecs={"RGB float": "RGBFloat"})
    with pytest.raises(HostError, match="RGBFloat"):
        exported(rig, tmp_path / "out")


def test_when_the_alpha_of_a_rendered_clip_is_the_matte_then_one_render_gives_both(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig(untouched=False)
    change(rig, matte_from="alpha")
    footage = exported(rig, tmp_path / "out").footage
    assert footage["matte"].typed == footage["plate"].typed
    assert read_exr(FilePattern(footage["plate"].typed).path(86_416)).shape[2] == 4
    assert len(rig.resolve.world.called("AddRenderJob")) == 1


@pytest.mark.parametrize(
    ("settings", "space", "warned"),
    [
        ({}, "lin_rec709_scene", False),
        ({"colorSpaceOutputGamma": "Gamma 2.4"}, "g24_rec709", True),
        ({"colorScienceMode": "davinciYRGB", "colorSpaceTimeline": "Rec.709 Gamma 2.4",
          "separateColorSpaceAndGamma": "0"}, "g24_rec709", True),
        ({"colorScienceMode": "davinciYRGB", "colorSpaceTimeline": "Nobody's Log",
          "separateColorSpaceAndGamma": "0"}, None, True),
        ({"colorScienceMode": "acescct", "colorAcesODT": "No Output Transform"}, "ACES2065-1", False),
        ({"colorScienceMode": "acescc", "colorAcesODT": "ACEScg - CSC"}, "ACEScg", False),
        ({"colorScienceMode": "acescct", "colorAcesODT": "sRGB"}, "srgb_rec709_scene", True),
    ],
)  # fmt: skip
def test_when_a_project_is_managed_one_way_or_another_then_the_plate_says_its_space_and_only_linear_goes_unwarned(
    make_rig: MakeRig, tmp_path: Path, settings: dict[str, str], space: str | None, warned: bool
) -> None:
    rig = make_rig(untouched=False)
    rig.resolve.project.settings |= settings
    cautions = rig.host.select().cautions
    assert any("not linear" in caution for caution in cautions) == warned
    footage = exported(rig, tmp_path / "out").footage
    assert footage["plate"].colour == space
    assert footage["matte"].colour is None
