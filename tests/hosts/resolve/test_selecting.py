"""What is selected, and when a clip's own files may stand for what the timeline shows."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import opentimelineio as otio
import pytest
from host_rig import write_exr
from opentimelineio.opentime import RationalTime, TimeRange
from resolve_rig import SOURCE_FIRST, MakeRig, ResolveRig, change, choose, exported
from resolve_stand_in.timelines import TimelineItem

from understudy.bridge.errors import HostError
from understudy.bridge.frames import FrameRange, FrameRate
from understudy.host_plugins.resolve.clips import playhead_frame, read_rate
from understudy.host_plugins.resolve.source import read_sequence


def test_when_a_clip_is_untouched_then_its_own_files_go_out_under_the_timeline_s_numbers(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig()
    plate = exported(rig, tmp_path / "out").footage["plate"]
    assert {frame: Path(file).name for frame, file in plate.files.items()} == {
        86_416 + n: f"plate.{SOURCE_FIRST + 1 + n:04}.exr" for n in range(4)
    }
    assert plate.colour == "lin_rec709_scene"
    assert not plate.ours
    assert rig.resolve.world.called("AddRenderJob") == []


@pytest.mark.parametrize("from_start", [False, True])
def test_when_a_range_is_marked_then_it_is_what_is_exported_whichever_way_resolve_counts(
    make_rig: MakeRig, from_start: bool
) -> None:
    rig = make_rig(marks_from_start=from_start)
    rig.timeline.marks = {"video": {"in": 86_417, "out": 86_418}}
    assert rig.host.select().frames == FrameRange(86_417, 86_418)


def test_when_the_marked_range_reaches_beyond_the_clip_then_its_track_is_rendered(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.timeline.marks = {"video": {"in": 86_410, "out": 86_419}}
    selection = rig.host.select()
    assert selection.frames == FrameRange(86_410, 86_419)
    assert "rendered" in selection.plate
    assert "beyond sh010" in selection.cautions[0]


def test_when_the_marked_range_lies_elsewhere_then_it_is_refused_by_the_clip_s_name(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.timeline.put(1, TimelineItem(rig.resolve.world, None, "title", 86_430, 10))
    rig.timeline.marks = {"video": {"in": 86_431, "out": 86_435}}
    with pytest.raises(HostError, match="does not touch sh010"):
        rig.host.select()


def test_when_this_version_knows_no_marks_then_the_whole_clip_is_taken(make_rig: MakeRig) -> None:
    rig = make_rig(missing=frozenset({"GetMarkInOut", "SetMarkInOut", "ClearMarkInOut"}))
    assert rig.host.select().frames == FrameRange(86_416, 86_419)


def test_when_the_playhead_stands_on_no_clip_then_that_is_said(make_rig: MakeRig) -> None:
    rig = make_rig()
    rig.timeline.playhead = 86_500
    with pytest.raises(HostError, match="stands on no clip"):
        rig.host.select()


def test_when_the_matte_lies_over_the_plate_then_the_plate_is_what_is_selected(make_rig: MakeRig) -> None:
    rig = make_rig(untouched=False)
    rig.timeline.tracks[1].enabled = True
    assert rig.host.select().shot == "sh010"
    rig.timeline.tracks[0].enabled = False
    with pytest.raises(HostError, match="only roto, on the matte's track 2"):
        rig.host.select()


@pytest.mark.parametrize(
    ("timecode", "said", "frame"),
    [
        ("01:00:00:00", "24", 86_400), ("01:00:00:12", "23.976", 86_412), ("00:01:00;02", "29.97 DF", 1800),
        ("00:10:00;00", "29.97 DF", 17_982), ("01:00:00;00", "59.94 DF", 215_784), ("01:00:00:00", "29.97", 108_000),
    ],
)  # fmt: skip
def test_when_the_playhead_says_a_timecode_then_its_frame_counts_the_dropped_numbers_out(
    make_rig: MakeRig, timecode: str, said: str, frame: int
) -> None:
    class Playhead:
        def GetCurrentTimecode(self) -> str:  # noqa: N802 - Blackmagic's name
            return timecode

    assert playhead_frame(Playhead(), said) == frame  # type: ignore[arg-type]


@pytest.mark.parametrize("missing", ["GetTrackTypeAndIndex", "GetSourceStartFrame", "Export"])
def test_when_an_older_version_lacks_a_call_then_the_clip_is_still_found(make_rig: MakeRig, missing: str) -> None:
    assert "source frames" in make_rig(missing=frozenset({missing})).host.select().plate


@pytest.mark.parametrize(
    ("said", "rate"),
    [
        ("23.976", FrameRate(24000, 1001)), ("29.97 DF", FrameRate(30000, 1001)), ("59.940", FrameRate(60000, 1001)),
        ("24.0", FrameRate(24)), ("25", FrameRate(25)), ("47.952", FrameRate(48000, 1001)), ("16", FrameRate(16)),
    ],
)  # fmt: skip
def test_when_resolve_says_a_rate_then_it_is_a_fraction(said: str, rate: FrameRate) -> None:
    assert read_rate(said) == rate


@pytest.mark.parametrize("said", ["", "fast", "0"])
def test_when_resolve_says_no_rate_then_it_is_refused(said: str) -> None:
    with pytest.raises(HostError, match="frame rate"):
        read_rate(said)


def generator(rig: ResolveRig) -> None:
    rig.clip.medium = None


def nested(rig: ResolveRig) -> None:
    assert rig.clip.medium is not None
    rig.clip.medium.properties["File Path"] = ""


def slowed(rig: ResolveRig) -> None:
    rig.clip.right += 9


def told_slowed(rig: ResolveRig) -> None:
    rig.clip.source = (1, 8)


def told_reversed(rig: ResolveRig) -> None:
    rig.clip.source = (4, 1)


def described_reversed(rig: ResolveRig) -> None:
    rig.clip.speed = -1.0


def described_slowed(rig: ResolveRig) -> None:
    rig.clip.speed = 0.5


def transitioned(rig: ResolveRig) -> None:
    rig.clip.transition = True


def overlapped(rig: ResolveRig) -> None:
    rig.timeline.put(1, TimelineItem(rig.resolve.world, rig.clip.medium, "next", 86_418, 4))


def other_rate(rig: ResolveRig) -> None:
    assert rig.clip.medium is not None
    rig.clip.medium.properties["FPS"] = "25"


def composed(rig: ResolveRig) -> None:
    rig.clip.compositions = 1


CHANGES = {
    generator: "title, a generator", nested: "nested", slowed: "retimed", told_slowed: "retimed",
    told_reversed: "reversed", described_reversed: "reversed", described_slowed: "retimed",
    transitioned: "transition", overlapped: "transition", other_rate: "25 frames a second", composed: "Fusion",
}  # fmt: skip


@pytest.mark.parametrize("changed", CHANGES, ids=lambda changed: changed.__name__)
def test_when_a_clip_does_not_show_its_files_then_source_is_refused_by_name_and_auto_renders(
    make_rig: MakeRig, changed: object
) -> None:
    rig = make_rig()
    changed(rig)  # type: ignore[operator]
    selection = rig.host.select()
    assert "rendered" in selection.plate
    assert CHANGES[changed] in selection.cautions[0]  # type: ignore[index]
    change(rig, source="source")
    with pytest.raises(HostError, match="sh010") as refusal:
        rig.host.select()
    assert "render" in refusal.value.remedy


def describe(rig: ResolveRig, *children: otio.core.Composable) -> None:
    """Let the timeline export one video track of these items."""

    def export(path: str, kind: object, plain: object) -> bool:
        described, track = otio.schema.Timeline(), otio.schema.Track(kind=otio.schema.TrackKind.Video)
        track.extend(copy.deepcopy(list(children)))
        described.tracks.append(track)
        otio.adapters.write_to_file(described, path)
        return True

    rig.timeline.Export = export  # type: ignore[method-assign]


def item(name: str, frames: int | None, rate: float = 23.976) -> otio.schema.Clip:
    span = None if frames is None else TimeRange(RationalTime(0, rate), RationalTime(frames, rate))
    return otio.schema.Clip(name, source_range=span)


DISSOLVE = otio.schema.Transition("Cross Dissolve", "SMPTE_Dissolve", RationalTime(2, 24), RationalTime(2, 24))


@pytest.mark.parametrize(
    "before",
    [
        (item("before", 16),), (item("before", 16, 24),), (item("before", 32, 47.952),),
        (item("one", 25, 50), item("two", 4)),
    ],
    ids=["same", "nominal", "double", "other"],
)  # fmt: skip
def test_when_clips_before_it_are_described_at_their_own_rates_then_the_clip_is_found_at_its_frame(
    make_rig: MakeRig, before: tuple[otio.schema.Clip, ...]
) -> None:
    rig = make_rig()
    describe(rig, *before, item("sh010", 4))
    assert "source frames" in rig.host.select().plate
    describe(rig, *before, DISSOLVE, item("sh010", 4))
    assert "transition" in rig.host.select().cautions[0]


@pytest.mark.parametrize(
    "described",
    [
        (), (item("before", 17), item("sh010", 4)), (item("before", 16), item("sh020", 4)),
        (item("before", None), item("sh010", 4)), (item("before", 16, 0), item("sh010", 4)),
    ],
    ids=["empty", "elsewhere", "renamed", "no length", "no rate"],
)  # fmt: skip
def test_when_the_clip_is_not_in_the_timeline_s_description_then_it_is_rendered_for_nothing_is_ruled_out(
    make_rig: MakeRig, described: tuple[otio.schema.Clip, ...]
) -> None:
    rig = make_rig()
    describe(rig, *described)
    selection = rig.host.select()
    assert "rendered" in selection.plate
    assert "sh010 is not found in the timeline's own description" in selection.cautions[0]


def test_when_handles_are_asked_for_then_source_frames_cover_them_and_a_render_refuses_them(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig()
    choose(rig, handles=1, matte=None)
    assert rig.host.select().frames == FrameRange(86_415, 86_420, 1, 1)
    assert len(exported(rig, tmp_path / "out").footage["plate"].files) == 6
    choose(rig, handles="0:2")
    assert rig.host.select().frames == FrameRange(86_416, 86_421, 0, 2)
    choose(rig, handles=2)
    with pytest.raises(HostError, match="reach past the end of sh010") as refusal:
        rig.host.select()
    assert "1:2" in refusal.value.remedy
    rig.clip.compositions = 1
    with pytest.raises(HostError, match="a render has no handles"):
        rig.host.select()


def test_when_the_marks_stand_within_the_clip_then_the_handles_lie_around_them(make_rig: MakeRig) -> None:
    rig = make_rig()
    choose(rig, handles="2:0", matte=None)
    rig.timeline.marks["video"] = {"in": 86_417, "out": 86_418}
    assert rig.host.select().frames == FrameRange(86_415, 86_418, 2, 0)


def test_when_a_source_file_is_missing_then_the_frame_and_the_file_are_named(make_rig: MakeRig, tmp_path: Path) -> None:
    rig = make_rig()
    assert rig.clip.medium is not None
    rig.clip.medium.files[2].unlink()
    with pytest.raises(HostError, match=r"plate\.0203\.exr is missing \(frame 86417"):
        exported(rig, tmp_path / "out")


@pytest.mark.parametrize(
    ("path", "pattern", "first"),
    [
        ("/a/plate.[1001-1100].exr", "/a/plate.####.exr", 1001),
        ("/a [1-2]/x[final].[0007-0009].dpx", "/a [1-2]/x[final].####.dpx", 7),
        ("/a/one.[12].exr", "/a/one.##.exr", 12),
    ],
)
def test_when_resolve_names_a_sequence_then_it_is_read_as_a_pattern(path: str, pattern: str, first: int) -> None:
    found = read_sequence(path)
    assert found is not None
    assert (found[0].text, found[1]) == (pattern, first)


def test_when_a_movie_is_untouched_then_its_first_picture_is_where_the_timeline_would_have_it(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig()
    movie = tmp_path / "A001 [2].mov"
    movie.write_bytes(b"never opened here")
    assert rig.clip.medium is not None
    rig.clip.medium.properties |= {"File Path": str(movie), "Frames": "7"}
    choose(rig, matte=None)
    plate = exported(rig, tmp_path / "out").footage["plate"]
    assert (plate.typed, plate.first) == (str(movie), 86_415)


@pytest.mark.parametrize("first", [86_416, SOURCE_FIRST + 1, 1])
def test_when_a_matte_is_numbered_in_any_sensible_way_then_it_lies_on_the_plate(
    make_rig: MakeRig, tmp_path: Path, first: int
) -> None:
    rig = make_rig()
    folder = tmp_path / "roto"
    folder.mkdir()
    for n in range(4):
        (folder / f"m.{first + n:05}.exr").write_bytes(b"x")
    choose(rig, matte=str(folder / "m.#####.exr"))
    matte = exported(rig, tmp_path / "out").footage["matte"]
    files = matte.files or {86_416 + n: f"m.{86_416 + n:05}.exr" for n in range(4)}
    assert [int(Path(files[86_416 + n]).name.split(".")[1]) for n in range(4)] == [first + n for n in range(4)]


def test_when_a_matte_has_other_frames_then_both_ranges_are_named(make_rig: MakeRig, tmp_path: Path) -> None:
    rig = make_rig()
    (tmp_path / "m.0001.exr").write_bytes(b"x")
    choose(rig, matte=str(tmp_path / "m.####.exr"))
    with pytest.raises(HostError, match="frames 1 to 1; the shot has 86416-86419"):
        exported(rig, tmp_path / "out")


def test_when_the_clip_s_alpha_is_the_matte_and_it_has_none_then_that_is_said(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig()
    change(rig, matte_from="alpha")
    assert rig.host.choices.job_options().matte_channel == "A"
    with pytest.raises(HostError, match="has no alpha channel"):
        exported(rig, tmp_path / "out")


def test_when_the_files_hold_alpha_then_the_same_files_are_plate_and_matte(make_rig: MakeRig, tmp_path: Path) -> None:
    rig = make_rig()
    change(rig, matte_from="alpha")
    assert rig.clip.medium is not None
    for file in rig.clip.medium.files:
        write_exr(file, np.full((90, 160, 4), 0.5, np.float32))
    footage = exported(rig, tmp_path / "out").footage
    assert footage["matte"].files == footage["plate"].files


def test_when_a_timeline_holds_a_thousand_clips_then_selecting_asks_few_questions_of_each(make_rig: MakeRig) -> None:
    rig = make_rig()
    for number in range(1000):
        start = 90_000 + 10 * number
        rig.timeline.put(1, TimelineItem(rig.resolve.world, rig.clip.medium, f"sh{number}", start, 4, 1))
    rig.resolve.world.calls.clear()
    selection = rig.host.select()
    rig.host.default_folder(selection)
    assert len(rig.resolve.world.calls) < 3 * 1000 + 200, "each call is a round trip to another process"


def test_when_takes_would_go_where_no_farm_sees_them_then_nothing_is_exported(
    make_rig: MakeRig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = make_rig(untouched=False)
    monkeypatch.setenv("UNDERSTUDY_ROOTS", '[{"name": "farm", "linux": "/farm", "farm_visible": true}]')
    with pytest.raises(HostError, match="farm cannot see"):
        exported(rig, tmp_path / "out")
    assert rig.resolve.world.called("AddRenderJob") == []


def test_when_a_clip_has_no_folder_of_its_own_then_one_must_be_said(make_rig: MakeRig, tmp_path: Path) -> None:
    rig = make_rig()
    generator(rig)
    selection = rig.host.select()
    with pytest.raises(HostError, match="no folder known"):
        rig.host.default_folder(selection)
    change(rig, folder=str(tmp_path))
    assert rig.host.default_folder(selection) == tmp_path / "sh010"
    change(rig, folder="takes")
    with pytest.raises(HostError, match="no whole path"):
        rig.host.default_folder(selection)
