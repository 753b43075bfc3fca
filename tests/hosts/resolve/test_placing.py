"""Takes on the timeline and jobs in the project: placed, read back, corrected, kept, found again, taken out."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from host_rig import read_exr, write_exr
from resolve_rig import RATE, MakeRig, ResolveRig, change
from resolve_stand_in.timelines import TimelineItem

from understudy.bridge.errors import ErrorReport, HostError
from understudy.bridge.frames import FrameRange
from understudy.bridge.host import Delivered, LayerFiles, RememberedJob
from understudy.host_plugins.resolve.colour import properties_of
from understudy.host_plugins.resolve.importing import BIN
from understudy.host_plugins.resolve.memory import MARK

START = 86_416


def take(rig: ResolveRig, folder: Path, version: int = 1, handles: int = 0) -> Delivered:
    """Return a take whose patch covers the left half, as the daemon would have left it on disk."""
    frames = FrameRange(START - handles, START + 3 + handles, handles, handles)
    patch = np.zeros((90, 160, 4), np.float32)
    patch[:, :80] = (0.25 * version, 0.5, 0.125, 1)
    (folder / "patch").mkdir(parents=True)
    for frame in frames:
        write_exr(folder / "patch" / f"patch.{frame:04}.exr", patch)
    job = RememberedJob(
        job_id=f"job{version}", shot="sh010", version=version, frames=frames, anchor=rig.host.select().anchor,
        folder=str(folder), state="delivered",
    )  # fmt: skip
    layers = (LayerFiles(name="patch", pattern=str(folder / "patch/patch.####.exr"), colour="Linear Rec.709 (sRGB)"),)
    return Delivered(job=job, rate=RATE, layers=layers)


def place(rig: ResolveRig, delivered: Delivered) -> None:
    rig.host.remember(delivered.job)
    for _ in rig.host.place(delivered):
        pass


def shown(rig: ResolveRig, frame: int, version: int) -> None:
    """The take over the plate, and nothing of an older one."""
    assert rig.clip.medium is not None
    picture, plate = rig.picture(frame), read_exr(rig.clip.medium.files[1 + frame - START])
    np.testing.assert_array_equal(picture[:, :80], np.broadcast_to((0.25 * version, 0.5, 0.125), (90, 80, 3)))
    np.testing.assert_array_equal(picture[:, 80:], plate[:, 80:])


@pytest.mark.parametrize(
    "switches",
    [
        {}, {"end_frame_inclusive": True}, {"occupied": "phantom"}, {"hasattr_always": False},
        {"percent_in_paths": "raw"}, {"percent_in_paths": "doubled"},
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("handles", [0, 1])
def test_when_a_take_is_placed_then_it_lies_over_the_plate_frame_for_frame_whichever_way_the_end_counts(
    make_rig: MakeRig, tmp_path: Path, switches: dict[str, Any], handles: int
) -> None:
    rig = make_rig(**switches)
    place(rig, take(rig, tmp_path / "50% done" / "v001", handles=handles))
    placed = rig.timeline.tracks[1].items
    assert [(item.start, item.duration, item.left) for item in placed] == [(START, 4, handles)]
    for frame in range(START, START + 4):
        shown(rig, frame, 1)
    assert rig.timeline.tracks[1].name == BIN
    assert [folder.name for folder in rig.resolve.project.pool.root.folders] == [BIN]


def test_when_a_second_take_is_placed_then_the_first_is_kept_but_no_longer_shows_through(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig()
    place(rig, take(rig, tmp_path / "v001", 1))
    second = take(rig, tmp_path / "v002", 2)  # selected under the first take: the clip below is meant
    place(rig, second)
    assert rig.takes() == (1, 2)
    shown(rig, START, 2)


def test_when_an_older_take_comes_after_a_newer_one_then_the_newer_stays_what_is_seen(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig()
    older, newer = take(rig, tmp_path / "v001", 1), take(rig, tmp_path / "v002", 2)
    place(rig, newer)
    place(rig, older)
    assert rig.takes() == (1, 2)
    shown(rig, START, 2)


def test_when_the_next_clip_is_recast_then_its_take_shares_the_track(make_rig: MakeRig, tmp_path: Path) -> None:
    rig = make_rig()
    place(rig, take(rig, tmp_path / "v001"))
    other = TimelineItem(rig.resolve.world, rig.clip.medium, "sh020", START + 10, 4, 1)
    rig.timeline.put(1, other)
    rig.timeline.playhead = START + 10
    delivered = take(rig, tmp_path / "v002", 2)
    moved = FrameRange(START + 10, START + 13)
    for file in sorted((tmp_path / "v002/patch").iterdir()):
        file.rename(file.with_name(f"patch.{int(file.name.split('.')[1]) + 10}.exr"))
    place(rig, msgspec.structs.replace(delivered, job=msgspec.structs.replace(delivered.job, frames=moved)))
    assert len(rig.timeline.tracks) == 2
    assert [item.start for item in rig.timeline.tracks[1].items] == [START, START + 10]


def test_when_another_clip_of_a_split_screen_is_recast_then_the_first_one_s_take_stays_on(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig()
    place(rig, take(rig, tmp_path / "v001", 1))
    rig.timeline.put(3, TimelineItem(rig.resolve.world, rig.clip.medium, "right half", START, 4, 1))
    place(rig, take(rig, tmp_path / "v002", 2))
    assert [[item.enabled for item in track.items] for track in rig.timeline.tracks] == [[True]] * 4
    place(rig, take(rig, tmp_path / "v003", 3))
    assert [item.enabled for item in rig.timeline.tracks[1].items] == [True]
    assert [item.enabled for item in rig.timeline.tracks[3].items] == [False]


@pytest.mark.parametrize("kept", ["locked", "off"])
def test_when_our_track_is_locked_or_off_then_it_stays_so_and_a_new_one_is_used(
    make_rig: MakeRig, tmp_path: Path, kept: str
) -> None:
    rig = make_rig()
    rig.timeline.AddTrack("video")
    ours = rig.timeline.tracks[1]
    ours.name, ours.locked, ours.enabled = BIN, kept == "locked", kept != "off"
    place(rig, take(rig, tmp_path / "v001"))
    assert (ours.items, ours.locked, ours.enabled) == ([], kept == "locked", kept != "off")
    assert len(rig.timeline.tracks[2].items) == 1


def test_when_a_free_track_lies_between_plate_and_title_then_the_take_goes_there_and_the_title_stays_above(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig()
    delivered = take(rig, tmp_path / "v001")
    elsewhere = TimelineItem(rig.resolve.world, None, "bug", START + 40, 8)
    rig.timeline.put(2, elsewhere)  # the track is used, and free where the clip stands
    title = rig.timeline.put(3, TimelineItem(rig.resolve.world, None, "Title", START, 4))
    place(rig, delivered)
    assert [item.start for item in rig.timeline.tracks[1].items] == [START + 40, START]
    assert (rig.timeline.tracks[2].items, len(rig.timeline.tracks)) == ([title], 3)
    assert rig.timeline.tracks[1].name == "Video 2", "the artist's track keeps its name"
    assert "lies under the take" not in str(rig.timeline.markers)


def test_when_only_the_tracks_next_to_the_plate_are_taken_then_the_next_free_one_is_used(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig()
    delivered = take(rig, tmp_path / "v001")
    rig.timeline.put(2, TimelineItem(rig.resolve.world, rig.clip.medium, "overlay", START, 4))
    rig.timeline.put(3, TimelineItem(rig.resolve.world, None, "bug", START + 40, 8))
    place(rig, delivered)
    assert [item.start for item in rig.timeline.tracks[2].items] == [START + 40, START]
    assert "overlay lies under the take now" in str(rig.timeline.markers)


def test_when_a_newer_take_finds_a_free_track_below_an_older_one_then_the_older_is_disabled_all_the_same(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig()
    first, second = (take(rig, tmp_path / f"v00{version}", version=version) for version in (1, 2))
    blocker = rig.timeline.put(2, TimelineItem(rig.resolve.world, rig.clip.medium, "overlay", START, 4))
    place(rig, first)
    rig.timeline.tracks[1].items.remove(blocker)
    place(rig, second)
    shown(rig, START, version=2)
    assert [item.enabled for item in rig.timeline.tracks[2].items] == [False]


def test_when_a_title_lies_over_the_plate_then_the_artist_is_told_that_the_take_covers_it(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig()
    title = rig.timeline.put(2, TimelineItem(rig.resolve.world, None, "credits", START, 4))
    rig.timeline.tracks[1].enabled = False
    place(rig, take(rig, tmp_path / "v001"))
    assert title.enabled
    assert "credits lies under the take" in next(iter(rig.timeline.markers.values()))["note"]


def test_when_the_plate_is_scaled_on_the_timeline_then_so_is_a_take_of_its_source_frames(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig()
    rig.clip.properties["ZoomX"] = 1.5
    place(rig, take(rig, tmp_path / "v001"))
    assert rig.timeline.tracks[1].items[0].properties["ZoomX"] == 1.5


def test_when_the_plate_was_moved_meanwhile_then_the_take_follows_it(make_rig: MakeRig, tmp_path: Path) -> None:
    rig = make_rig()
    delivered = take(rig, tmp_path / "v001")
    rig.clip.start += 100
    place(rig, delivered)
    assert rig.timeline.tracks[1].items[0].start == START + 100


def test_when_the_plate_s_head_was_trimmed_meanwhile_then_the_take_stays_on_its_pictures_and_the_artist_is_told(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig()
    delivered = take(rig, tmp_path / "v001")
    rig.clip.trim(1, 0)
    place(rig, delivered)
    (placed,) = rig.timeline.tracks[1].items
    assert (placed.start, placed.duration) == (START, 4)
    assert "sh010 was trimmed meanwhile" in next(iter(rig.timeline.markers.values()))["note"]


def test_when_the_plate_was_moved_and_trimmed_then_the_take_moves_as_far(make_rig: MakeRig, tmp_path: Path) -> None:
    rig = make_rig()
    delivered = take(rig, tmp_path / "v001")
    rig.clip.trim(1, 1)
    rig.clip.start += 100
    place(rig, delivered)
    assert rig.timeline.tracks[1].items[0].start == START + 100


def test_when_the_plate_is_rendered_and_its_head_trimmed_then_its_take_stays_on_its_pictures_too(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig()
    rig.clip.compositions = 1
    delivered = take(rig, tmp_path / "v001")
    rig.clip.trim(1, 0)
    place(rig, delivered)
    assert rig.timeline.tracks[1].items[0].start == START


def test_when_the_plate_was_retimed_meanwhile_then_what_lies_before_its_cut_says_nothing_of_where_it_is(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig()
    delivered = take(rig, tmp_path / "v001")
    rig.clip.start += 100
    rig.clip.left *= 2  # half the speed: left counts by it, right not
    place(rig, delivered)
    assert rig.timeline.tracks[1].items[0].start == START + 100


def test_when_a_job_was_kept_before_trims_were_told_from_moves_then_it_is_placed_by_its_start(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig()
    delivered = take(rig, tmp_path / "v001")
    told = msgspec.json.decode(delivered.job.anchor)
    del told["left"]
    rig.clip.start += 100
    job = msgspec.structs.replace(delivered.job, anchor=msgspec.json.encode(told).decode())
    place(rig, msgspec.structs.replace(delivered, job=job))
    assert rig.timeline.tracks[1].items[0].start == START + 100


def test_when_a_movie_is_asked_for_then_it_is_what_is_placed(make_rig: MakeRig, tmp_path: Path) -> None:
    rig = make_rig()
    change(rig, medium="prores_4444")
    assert rig.host.choices.job_options().movies == "patch:prores_4444:premultiplied"
    delivered = take(rig, tmp_path / "v001")
    with pytest.raises(HostError, match="no ProRes 4444"):
        place(rig, delivered)
    (tmp_path / "v001/movies").mkdir()
    (tmp_path / "v001/movies/patch_prores_4444_premultiplied.mov").write_bytes(b"x")
    rig.resolve.world.switches.movie_frames = 4
    place(rig, delivered)
    assert rig.timeline.tracks[1].items[0].name == "patch_prores_4444_premultiplied.mov"


@pytest.mark.parametrize(
    ("call", "times"),
    [
        ("OpenPage", 1), ("AddSubFolder", 1), ("SetCurrentFolder", 1), ("ImportMedia", 1), ("SetCurrentTimeline", 1),
        ("AddTrack", 1), ("AppendToTimeline", 2),
    ],
)  # fmt: skip
def test_when_resolve_refuses_a_call_of_placing_then_everything_is_taken_out_again(
    make_rig: MakeRig, tmp_path: Path, call: str, times: int
) -> None:
    rig = make_rig()
    delivered = take(rig, tmp_path / "v001")
    rig.host.remember(delivered.job)
    rig.timeline.marks = {"video": {"in": 86_416, "out": 86_418}}
    rig.resolve.world.page = "color"
    before = rig.surroundings()
    rig.resolve.world.fail_next(call, times)
    with pytest.raises(HostError) as refusal:
        place(rig, delivered)
    assert refusal.value.remedy
    assert rig.surroundings() == before
    place(rig, delivered)  # the take is not lost: the next attempt succeeds
    assert rig.takes() == (1,)


@pytest.mark.parametrize("lost", [True, False])
@pytest.mark.parametrize("lone", ["in", "out"])
def test_when_one_mark_alone_is_set_then_the_take_is_placed_and_a_mark_that_is_lost_by_it_is_told(
    make_rig: MakeRig, tmp_path: Path, lone: str, lost: bool
) -> None:
    rig = make_rig(marks_lost_on_page=lost)
    delivered = take(rig, tmp_path / "v001")
    pair = {"in": 86_416, "out": 86_418}
    rig.timeline.marks = {"video": {lone: 86_417}, "audio": dict(pair)}
    rig.resolve.world.page = "color"
    place(rig, delivered)
    assert rig.takes() == (1,)
    assert rig.timeline.marks == ({"audio": pair} if lost else {"video": {lone: 86_417}, "audio": pair})
    assert ("set it again by hand" in next(iter(rig.timeline.markers.values()))["note"]) is lost
    rig.timeline.marks = {"video": {lone: 86_417}}
    rig.host.withdraw(delivered.job, None)
    assert rig.takes() == ()
    assert ("set it again by hand" in next(iter(rig.timeline.markers.values()))["note"]) is lost


def test_when_a_placing_with_a_lone_mark_is_refused_then_the_lost_mark_is_told_as_well(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig()
    delivered = take(rig, tmp_path / "v001")
    rig.timeline.marks = {"video": {"in": 86_416}}
    rig.resolve.world.page = "color"
    rig.resolve.world.fail_next("AppendToTimeline", 2)
    with pytest.raises(HostError, match=r"placed nothing.*; Resolve dropped a lone In or Out mark"):
        place(rig, delivered)


def test_when_something_could_not_be_put_back_after_placing_then_the_next_attempt_places_no_second_copy(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig()
    delivered = take(rig, tmp_path / "v001")
    rig.resolve.world.page = "color"
    steps = rig.host.place(delivered)
    while next(steps).done < 2:
        pass
    rig.resolve.world.fail_next("OpenPage", 3)
    with pytest.raises(HostError, match="the page color could not be put back"):
        list(steps)
    assert rig.takes() == (1,)
    before = rig.surroundings()
    place(rig, delivered)
    assert rig.takes() == (1,)
    rig.timeline.markers.clear()
    assert rig.surroundings() == before
    change(rig, layer="comp")
    comp = msgspec.structs.replace(delivered.layers[0], name="comp", pattern=str(tmp_path / "comp/comp.####.exr"))
    shutil.copytree(tmp_path / "v001/patch", tmp_path / "comp")
    for file in (tmp_path / "comp").iterdir():
        file.rename(file.with_name(file.name.replace("patch", "comp")))
    place(rig, msgspec.structs.replace(delivered, layers=(*delivered.layers, comp)))
    assert rig.takes() == (1, 1), "another layer of it is placed when it is asked for"


def test_when_an_older_take_cannot_be_disabled_then_the_new_one_is_taken_out_again(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig()
    place(rig, take(rig, tmp_path / "v001", 1))
    delivered = take(rig, tmp_path / "v002", 2)
    rig.resolve.world.fail_next("SetClipEnabled")
    before = rig.surroundings()
    with pytest.raises(HostError, match="disable the older take"):
        place(rig, delivered)
    assert rig.surroundings() == before
    shown(rig, START, 1)


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


# ---- jobs that the project keeps ------------------------------------------------------------------------------------


def test_when_a_job_is_remembered_then_a_marker_holds_it_and_the_artist_s_own_marker_stays(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig()
    rig.timeline.AddMarker(16, "Yellow", "mine", "", 1, "")
    job = take(rig, tmp_path / "v001").job
    rig.host.remember(job)
    assert rig.timeline.markers[16]["name"] == "mine"
    assert rig.timeline.markers[17]["customData"].startswith(MARK)
    assert rig.host.remembered() == (job,)


@pytest.mark.parametrize("lost", ["AddMarker", "SetThirdPartyMetadata"])
def test_when_one_of_the_two_places_is_refused_then_the_other_keeps_the_job(
    make_rig: MakeRig, tmp_path: Path, lost: str
) -> None:
    rig = make_rig()
    job = take(rig, tmp_path / "v001").job
    rig.resolve.world.fail_next(lost)
    rig.host.remember(job)
    assert rig.host.remembered() == (job,)


def test_when_both_places_are_refused_then_the_artist_learns_how_to_fetch_the_take(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig()
    job = take(rig, tmp_path / "v001").job
    for call in ("AddMarker", "SetThirdPartyMetadata"):
        rig.resolve.world.fail_next(call)
    with pytest.raises(HostError) as refusal:
        rig.host.remember(job)
    assert "understudy fetch job1" in refusal.value.remedy


def test_when_the_marker_is_deleted_then_the_clip_under_the_playhead_still_knows_the_job(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig()
    job = take(rig, tmp_path / "v001").job
    rig.host.remember(job)
    rig.timeline.markers.clear()
    rig.restart()
    assert rig.host.remembered() == (job,)


def test_when_another_project_is_open_then_placing_names_the_timeline_that_is_missing(
    make_rig: MakeRig, tmp_path: Path
) -> None:
    rig = make_rig()
    delivered = take(rig, tmp_path / "v001")
    rig.resolve.project.timelines.clear()
    with pytest.raises(HostError, match="the timeline Reel 1 is not in the open project Show"):
        for _ in rig.host.place(delivered):
            pass


def test_when_a_take_is_withdrawn_then_its_clip_goes_and_the_marker_says_why(make_rig: MakeRig, tmp_path: Path) -> None:
    rig = make_rig()
    delivered = take(rig, tmp_path / "v001")
    place(rig, delivered)
    rig.resolve.world.page = "color"
    rig.host.withdraw(delivered.job, ErrorReport(code="compliance", message="consent was revoked", remedy="Ask legal"))
    assert rig.takes() == ()
    assert rig.resolve.world.page == "color"
    assert "consent was revoked. Ask legal" in next(iter(rig.timeline.markers.values()))["note"]


def test_when_resolve_refuses_to_take_a_clip_out_then_that_is_said(make_rig: MakeRig, tmp_path: Path) -> None:
    rig = make_rig()
    delivered = take(rig, tmp_path / "v001")
    place(rig, delivered)
    rig.resolve.world.fail_next("DeleteClips")
    with pytest.raises(HostError, match="take sh010's take out"):
        rig.host.withdraw(delivered.job, None)
