"""What a timeline says of its clips, and which of them are refused by name."""

from __future__ import annotations

from pathlib import Path

import opentimelineio as otio
import pytest
from opentimelineio.opentime import RationalTime
from timeline_rig import RATE, START, clip, fcpxml, frames, sequence, time_range, timeline

from understudy.bridge.errors import RequestError
from understudy.bridge.frames import FrameRange, FrameRate, Handles
from understudy.host_plugins.timeline.cuts import Cut, find_cuts, media_path, sequence_of
from understudy.host_plugins.timeline.recast import open_timeline

NTSC = FrameRate(24000, 1001)
MEDIA = sequence("/show/plate.####.exr", 1001, 100)


def read(path: Path, made: otio.schema.Timeline) -> list[Cut]:
    otio.adapters.write_to_file(made, str(path))
    return open_timeline(path).cuts()


def test_when_a_clip_stands_on_an_otio_timeline_then_frames_and_files_count_from_its_start_timecode(
    tmp_path: Path,
) -> None:
    made = timeline(otio.schema.Gap(source_range=time_range(0, 10)), clip("sh010", MEDIA.clone(), 1005, 20))
    (cut,) = read(tmp_path / "a.otio", made)
    assert (cut.name, cut.frames, cut.rate) == ("sh010", FrameRange(START + 10, START + 29), NTSC)
    assert (cut.media, cut.first_number, cut.origin, cut.length) == ("/show/plate.####.exr", 1001, START + 6, 100)
    assert cut.why_not == ""


def warped(effect: otio.schema.Effect) -> otio.schema.Clip:
    made = clip("sh010", MEDIA.clone())
    made.effects.append(effect)
    return made


def nested() -> otio.schema.Stack:
    stack = otio.schema.Stack("sh010")
    stack.append(clip("inside", MEDIA.clone()))
    return stack


def other_rate() -> otio.schema.Clip:
    return otio.schema.Clip("sh010", sequence("/a.####.exr", 1, 9, 25.0), time_range(1, 4))


def no_range() -> otio.schema.Clip:
    return otio.schema.Clip("sh010", otio.schema.ExternalReference("file:///a.mov"), time_range(0, 4))


def steps() -> otio.schema.Clip:
    media = MEDIA.clone()
    media.frame_step = 2
    return clip("sh010", media)


@pytest.mark.parametrize(
    ("item", "why"),
    [
        (warped(otio.schema.LinearTimeWarp(time_scalar=0.5)), "sh010 is retimed"),
        (warped(otio.schema.LinearTimeWarp(time_scalar=-1)), "sh010 is reversed"),
        (warped(otio.schema.FreezeFrame()), "sh010 is a frozen frame"),
        (warped(otio.schema.TimeEffect("ramp")), "sh010 is retimed by ramp"),
        (warped(otio.schema.Effect("Time Remap")), "sh010 is retimed by Time Remap"),
        (nested(), "sh010 is nested"),
        (other_rate(), "media of 25 frames a second"),
        (no_range(), "does not say where its media begins"),
        (steps(), "steps of 2"),
        (clip("sh010", otio.schema.MissingReference()), "its reference is missing"),
        (clip("sh010", otio.schema.GeneratorReference(generator_kind="bars", available_range=time_range(0, 2000))),
         "is a generator"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_when_an_otio_clip_does_not_show_its_files_then_it_is_refused_by_name_with_a_remedy(
    tmp_path: Path, item: otio.core.Item, why: str
) -> None:
    (cut,) = read(tmp_path / "a.otio", timeline(item.clone()))
    assert why in cut.why_not
    with pytest.raises(RequestError, match="sh010") as refusal:
        cut.footage(cut.frames)
    assert refusal.value.remedy


@pytest.mark.parametrize("first", [True, False])
def test_when_a_transition_touches_a_clip_then_both_sides_are_refused(tmp_path: Path, first: bool) -> None:
    mixed = otio.schema.Transition("Dissolve", "SMPTE_Dissolve", RationalTime(2, RATE), RationalTime(2, RATE))
    clips = [clip("sh010", MEDIA.clone(), 1010, 20), clip("sh020", MEDIA.clone(), 1050, 20)]
    cuts = read(tmp_path / "a.otio", timeline(clips[0], mixed, clips[1]))
    assert "has a transition" in cuts[0 if first else 1].why_not


def test_when_the_xml_of_final_cut_7_is_read_then_its_clips_are_found(tmp_path: Path) -> None:
    media = otio.schema.ExternalReference("file:///show/plate.mov", time_range(0, 100))
    made = timeline(otio.schema.Clip("sh010", media, time_range(10, 20)))
    otio.adapters.write_to_file(made, str(tmp_path / "a.xml"))
    (cut,) = open_timeline(tmp_path / "a.xml").cuts()
    assert (cut.name, cut.media, len(cut.frames), cut.rate) == ("sh010", "/show/plate.mov", 20, NTSC)


CUT = f'<asset-clip name="sh010" ref="r2" offset="{frames(START)}" start="{frames(2)}" duration="{frames(4)}"'


@pytest.mark.parametrize("version", ["1.8", "1.11"])
def test_when_a_clip_stands_on_an_fcpxml_timeline_then_frames_and_files_count_from_its_start_timecode(
    tmp_path: Path, version: str
) -> None:
    path = fcpxml(tmp_path / "a.fcpxml", Path("/show/plate.mov"), f"{CUT}/>", version=version)
    (cut,) = open_timeline(path).cuts()
    assert (cut.name, cut.frames, cut.rate) == ("sh010", FrameRange(START, START + 3), NTSC)
    assert (cut.media, cut.first_number, cut.origin, cut.length) == ("/show/plate.mov", None, START - 2, 8)


def test_when_a_clip_is_connected_above_another_then_its_place_is_that_of_the_timeline(tmp_path: Path) -> None:
    above = f'<clip name="above" lane="1" offset="{frames(3)}" start="{frames(5)}" duration="{frames(2)}">'
    inside = f'{above}<video ref="r2" offset="0s" duration="{frames(8)}"/></clip>'
    path = fcpxml(tmp_path / "a.fcpxml", Path("/show/plate.mov"), f"{CUT}>{inside}</asset-clip>")
    cuts = open_timeline(path).cuts()
    assert [(cut.name, cut.track, cut.frames.first) for cut in cuts] == [
        ("sh010", "0", START),
        ("above", "1", START + 1),
    ]
    assert cuts[1].origin == START + 1 - 5


@pytest.mark.parametrize(
    ("spine", "why"),
    [
        (f'{CUT}><timeMap><timept time="0s" value="0s"/></timeMap></asset-clip>', "retimed, frozen or reversed"),
        (f'{CUT}/><transition offset="{frames(START + 3)}" duration="{frames(2)}"/>', "has a transition"),
        (CUT.replace("asset-clip", "ref-clip") + "/>", "nested: a compound clip"),
        (CUT.replace("asset-clip", "mc-clip") + "/>", "nested: a multicam clip"),
        (CUT.replace('ref="r2"', 'ref="r4"') + "/>", "media of 25 frames a second"),
        (CUT.replace("asset-clip", "video").replace('ref="r2"', 'ref="r5"') + "/>", "generator"),
    ],
)
def test_when_an_fcpxml_clip_does_not_show_its_files_then_it_is_refused_by_name_with_a_remedy(
    tmp_path: Path, spine: str, why: str
) -> None:
    (cut,) = open_timeline(fcpxml(tmp_path / "a.fcpxml", Path("/show/plate.mov"), spine)).cuts()
    assert why in cut.why_not
    with pytest.raises(RequestError, match="sh010") as refusal:
        cut.footage(cut.frames)
    assert refusal.value.remedy


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.otio", "{}"), ("a.otio", "no json"), ("a.otio", '{"OTIO_SCHEMA": "Clip.2", "name": "x"}'),
        ("a.fcpxml", "<fcpxml"), ("a.fcpxml", "<fcpxml version='1.8'/>"),
        ("a.fcpxml", "<!DOCTYPE x [<!ENTITY a 'b'>]><fcpxml/>"), ("a.txt", "x"),
    ],
)  # fmt: skip
def test_when_a_file_is_no_timeline_then_it_is_refused_in_words(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(RequestError) as refusal:
        open_timeline(tmp_path / name)
    assert str(tmp_path / name) in refusal.value.message
    assert refusal.value.remedy


def test_when_a_name_stands_twice_then_the_frames_tell_which_is_meant(tmp_path: Path) -> None:
    cuts = read(tmp_path / "a.otio", timeline(clip("sh010", MEDIA.clone()), clip("sh010", MEDIA.clone())))
    with pytest.raises(RequestError, match="stands 2 times") as refusal:
        find_cuts(cuts, ["sh010"])
    assert f"sh010@{START + 4}" in refusal.value.remedy
    assert find_cuts(cuts, [f"sh010@{START + 4}"])[0].frames.first == START + 4
    with pytest.raises(RequestError, match="no clip sh099") as absent:
        find_cuts(cuts, ["sh099"])
    assert "sh010" in absent.value.remedy


def test_when_more_handles_are_asked_for_than_the_media_has_then_the_clip_is_named(tmp_path: Path) -> None:
    (cut,) = read(tmp_path / "a.otio", timeline(clip("sh010", MEDIA.clone(), 1003, 96)))
    assert cut.with_handles(Handles(2, 2)) == FrameRange(START - 2, START + 97, 2, 2)
    assert cut.with_handles(Handles(0, 2)) == FrameRange(START, START + 97, 0, 2)
    with pytest.raises(RequestError, match="sh010 has no 3:3 frames") as refusal:
        cut.with_handles(Handles(3, 3))
    assert "2:2" in refusal.value.remedy


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("file:///a%20b/Gr%C3%B6%C3%9Fe%2050%25.mov", "/a b/Größe 50%.mov"), ("file://localhost/a.mov", "/a.mov"),
        ("/plain/[x].mov", "/plain/[x].mov"), ("https://far.example/a.mov", ""),
    ],
)  # fmt: skip
def test_when_media_is_named_by_url_then_its_path_is_read(url: str, path: str) -> None:
    assert media_path(url) == path


def test_when_a_sequence_is_named_as_resolve_does_then_it_is_read_as_a_pattern() -> None:
    assert sequence_of("/a/plate.[1001-1100].exr") == ("/a/plate.####.exr", 1001)
    assert sequence_of("/a/plate.mov") == ("/a/plate.mov", None)
