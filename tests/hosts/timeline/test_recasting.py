"""From a timeline file to another one with the takes in place: real files, the real daemon, the real command."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import opentimelineio as otio
import pytest
from daemon_rig import RunningDaemon
from host_rig import FIRST, FRAMES, Drawn, draw, read_exr
from terminal_rig import Terminal
from timeline_rig import START, clip, fcpxml, frames, movie, sequence, time_range, timeline

from understudy.bridge.client import Client
from understudy.bridge.frames import FrameRange, FrameRate

PAPERS = ("--engine", "identity", "--self-attest", "a test, to see that it works")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    running = RunningDaemon(tmp_path_factory.mktemp("daemon") / "home")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Drawn:
    return draw(tmp_path_factory.mktemp("drawn"))


@pytest.fixture(autouse=True)
def at_home(daemon: RunningDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_HOME", str(daemon.home))


def otio_timeline(drawn: Drawn, path: Path) -> Path:
    """A gone clip, then the shot, cut one frame inside its media at both ends."""
    made = timeline(
        clip("gone", otio.schema.MissingReference(), 0, 6), clip("sh010", sequence(drawn.plate), FIRST + 1, 2)
    )
    otio.adapters.write_to_file(made, str(path))
    return path


def test_when_an_otio_clip_is_recast_then_the_take_stands_above_it_and_all_else_is_as_it_was(
    drawn: Drawn, daemon: RunningDaemon, tmp_path: Path, terminal: Terminal
) -> None:
    file = otio_timeline(drawn, tmp_path / "Reel 1.otio")
    (tmp_path / "options.json").write_text('{"handles": 1, "prompt": "a hero", "seed": 3}')
    said = terminal(
        "timeline", "recast", file, "--clip", "sh010", "--matte", drawn.matte, "--reference", drawn.reference,
        "--options", tmp_path / "options.json", "--seed", 4, "--out", tmp_path / "out", "--json", *PAPERS,
    )  # fmt: skip
    assert said.code == 0, said.err
    (take,) = said.json
    with Client.connect(daemon.connection) as client:
        job = client.show_job(take["job"]).job
    shot = job.shot
    assert (job.settings.prompt, job.settings.seed) == ("a hero", 4)
    place = START + 6
    assert (shot.name, shot.rate, shot.range) == (
        "sh010", FrameRate(24000, 1001), FrameRange(place - 1, place + 2, 1, 1),
    )  # fmt: skip
    assert shot.plate is not None
    assert [Path(one.typed).name for one in shot.plate.pictures.files] == [f"plate.{FIRST + n}.exr" for n in range(4)]
    before, after = (
        otio.adapters.read_from_file(str(path)) for path in (file, tmp_path / "out" / "Reel 1_understudy.otio")
    )
    assert after.tracks[0].is_equivalent_to(before.tracks[0]), "the artist's own track has changed"
    (placed,) = after.tracks[1].find_clips()
    position = placed.range_in_parent()
    assert (round(position.start_time.value), round(position.duration.value)) == (6, 2)
    media = placed.media_reference
    url = media.target_url_for_image_number(1)  # the first frame of the cut: behind one frame of handle
    path = Path(url.removeprefix("file://"))
    assert path.is_file()
    assert path.name == f"patch.{place}.exr"
    assert placed.source_range.start_time.value == media.available_range.start_time.value + 1
    assert media.available_range.duration.value == FRAMES


def test_when_a_timeline_with_a_take_is_recast_again_then_the_old_take_stays_and_no_longer_shows(
    drawn: Drawn, tmp_path: Path, terminal: Terminal
) -> None:
    file = otio_timeline(drawn, tmp_path / "a.otio")
    for source in (file, tmp_path / "out" / "a_understudy.otio", file):
        said = terminal(
            "timeline", "recast", source, "--clip", f"sh010@{START + 6}", "--matte", drawn.matte,
            "--reference", drawn.reference, "--out", tmp_path / "out", *PAPERS,
        )  # fmt: skip
        assert said.code == 0, said.err
    after = otio.adapters.read_from_file(str(tmp_path / "out" / "a_understudy_understudy.otio"))
    assert (tmp_path / "out" / "a_understudy_2.otio").is_file(), "a timeline was written over"
    takes = [(one.name, one.enabled) for track in after.tracks[1:] for one in track.find_clips()]
    assert takes == [("sh010 patch v001", False), ("sh010 patch v002", True)]


def test_when_an_fcpxml_clip_is_recast_then_a_movie_is_connected_to_it_and_all_else_is_as_it_was(
    drawn: Drawn, tmp_path: Path, terminal: Terminal
) -> None:
    plate, matte = movie(drawn.plate, tmp_path / "plate one.mov", 8), movie(drawn.matte, tmp_path / "sh010.mov", 4)
    spine = f"""<asset-clip name="sh010" ref="r2" offset="{frames(START)}" start="{frames(2)}" duration="{frames(4)}">
      <marker start="{frames(3)}" duration="{frames(1)}" value="look"/></asset-clip>
      <asset-clip name="gone" ref="r4" offset="{frames(START + 4)}" duration="{frames(3)}"><timeMap/></asset-clip>"""
    file = fcpxml(tmp_path / "a.fcpxml", plate, spine, version="1.11")
    said = terminal(
        "timeline", "recast", file, "--clip", "sh010", "--matte", matte.with_name("{clip}.mov"),
        "--reference", drawn.reference, "--out", tmp_path / "out", *PAPERS,
    )  # fmt: skip
    assert said.code == 0, said.err
    after = ElementTree.parse(tmp_path / "out" / "a_understudy.fcpxml").getroot()  # noqa: S314 - we wrote it
    (connected,) = after.iterfind(".//spine/asset-clip/asset-clip")
    assert (connected.get("lane"), connected.get("offset"), connected.get("duration")) == ("1", frames(2), "1001/6000s")
    media = after.find(f".//asset[@id='{connected.get('ref')}']/media-rep")
    assert media is not None
    assert Path(str(media.get("src")).removeprefix("file://")).stat().st_size > 1000
    parent = after.find(".//spine/asset-clip")
    assert parent is not None
    assert [child.tag for child in parent] == ["asset-clip", "marker"], "the format wants markers last"
    for element in [*after.iter()]:
        for child in [one for one in element if one is connected or str(one.get("id")).startswith("understudy-")]:
            element.remove(child)
    before = ElementTree.parse(file).getroot()  # noqa: S314 - we wrote it
    assert _words(after) == _words(before)


def _words(root: ElementTree.Element) -> list[tuple[str, dict[str, str]]]:
    return [(element.tag, dict(element.attrib)) for element in root.iter()]


def test_when_the_xml_of_final_cut_7_is_recast_then_a_movie_stands_above_the_clip(
    drawn: Drawn, tmp_path: Path, terminal: Terminal
) -> None:
    plate = movie(drawn.plate, tmp_path / "plate.mov", 8)
    media = otio.schema.ExternalReference(plate.as_uri(), time_range(0, 8))
    made = timeline(
        clip("gone", otio.schema.MissingReference(), 0, 6), otio.schema.Clip("sh010", media, time_range(2, 4))
    )
    otio.adapters.write_to_file(made, str(tmp_path / "a.xml"))
    said = terminal(
        "timeline", "recast", tmp_path / "a.xml", "--clip", "sh010", "--matte", drawn.matte,
        "--reference", drawn.reference, "--out", tmp_path / "out", *PAPERS,
    )  # fmt: skip
    assert said.code == 0, said.err
    after = otio.adapters.read_from_file(str(tmp_path / "out" / "a_understudy.xml"))
    assert [one.name for one in after.tracks[0].find_clips()] == ["gone", "sh010"]
    (placed,) = after.tracks[1].find_clips()
    assert placed.media_reference.target_url.endswith("movies/patch_prores_4444_premultiplied.mov")
    assert round(placed.range_in_parent().start_time.value) == 6


def test_when_one_of_the_clips_cannot_be_recast_then_none_is_sent_and_it_is_named(
    drawn: Drawn, daemon: RunningDaemon, tmp_path: Path, terminal: Terminal
) -> None:
    file = otio_timeline(drawn, tmp_path / "a.otio")
    with Client.connect(daemon.connection) as client:
        before = len(client.list_jobs(()))
    said = terminal(
        "timeline", "recast", file, "--clip", "sh010", "--clip", "gone", "--matte", drawn.matte,
        "--reference", drawn.reference, "--out", tmp_path / "out", *PAPERS,
    )  # fmt: skip
    assert said.code == 2, said
    assert "gone has no media" in said.err
    assert "what to do" in said.err
    with Client.connect(daemon.connection) as client:
        assert len(client.list_jobs(())) == before
    assert not (tmp_path / "out").exists()


def test_when_the_gate_refuses_a_clip_then_its_words_come_through_and_no_timeline_is_written(
    drawn: Drawn, tmp_path: Path, terminal: Terminal
) -> None:
    from host_rig import blacken

    file = otio_timeline(drawn, tmp_path / "a.otio")
    said = terminal(
        "timeline", "recast", file, "--clip", "sh010", "--matte", blacken(drawn.matte, tmp_path / "black"),
        "--reference", drawn.reference, "--out", tmp_path / "out", *PAPERS,
    )  # fmt: skip
    assert said.code != 0
    assert "matte" in said.err
    assert not list((tmp_path / "out").glob("*.otio"))


def test_when_an_option_is_misspelt_in_the_file_then_it_is_named(
    drawn: Drawn, tmp_path: Path, terminal: Terminal
) -> None:
    (tmp_path / "options.json").write_text('{"handels": 1}')
    said = terminal(
        "timeline", "recast", otio_timeline(drawn, tmp_path / "a.otio"), "--clip", "sh010", "--out", tmp_path / "out",
        "--options", tmp_path / "options.json",
    )  # fmt: skip
    assert said.code == 2
    assert "handels: no option" in said.err


def test_when_the_library_is_not_installed_then_the_extra_that_brings_it_is_named(
    drawn: Drawn, tmp_path: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = otio_timeline(drawn, tmp_path / "a.otio")
    monkeypatch.setitem(sys.modules, "opentimelineio", None)
    monkeypatch.delitem(sys.modules, "understudy.host_plugins.timeline.otio_file", raising=False)
    said = terminal("timeline", "list", file)
    assert said.code == 2
    assert "understudy[timeline]" in said.err


def test_when_the_clips_are_listed_then_what_cannot_be_recast_says_why(
    drawn: Drawn, tmp_path: Path, terminal: Terminal
) -> None:
    file = otio_timeline(drawn, tmp_path / "a.otio")
    said = terminal("timeline", "list", file)
    assert said.code == 0
    gone, shot = said.out.splitlines()
    assert "its reference is missing" in gone
    assert f"sh010@{START + 6}" in shot
    assert drawn.plate in shot
    listed = terminal("timeline", "list", file, "--json").json
    assert [(one["name"], one["rate"]) for one in listed] == [("gone", "24000/1001"), ("sh010", "24000/1001")]


def test_when_the_take_is_seen_over_the_plate_then_it_is_the_plate_for_the_engine_that_changes_nothing(
    drawn: Drawn, tmp_path: Path, terminal: Terminal
) -> None:
    file = otio_timeline(drawn, tmp_path / "a.otio")
    said = terminal(
        "timeline", "recast", file, "--clip", "sh010", "--matte", drawn.matte, "--reference", drawn.reference,
        "--out", tmp_path / "out", *PAPERS,
    )  # fmt: skip
    assert said.code == 0, said.err
    after = otio.adapters.read_from_file(str(tmp_path / "out" / "a_understudy.otio"))
    (placed,) = after.tracks[1].find_clips()
    for number in range(2):
        patch = read_exr(Path(placed.media_reference.target_url_for_image_number(number).removeprefix("file://")))
        plate = read_exr(Path(drawn.plate.replace("####", str(FIRST + 1 + number))))[..., :3]
        over = patch[..., :3] + plate * (1 - patch[..., 3:])
        np.testing.assert_allclose(over, plate, rtol=0.1, atol=0.02)
        assert patch[..., 3].max() > 0.9
