"""Takes on the timeline: placed, read back, corrected, moved with their clip, taken out again when refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from resolve_rig import MakeRig, change
from resolve_stand_in.timelines import TimelineItem
from resolve_takes import START, place, shown, take

from understudy.bridge.errors import HostError
from understudy.bridge.frames import FrameRange
from understudy.host_plugins.resolve.importing import BIN


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
