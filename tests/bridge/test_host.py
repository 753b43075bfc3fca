"""The nouns in which hosts speak: what an export says, where results may lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from understudy.bridge.errors import HostError
from understudy.bridge.frames import FrameRange, FrameRate
from understudy.bridge.host import (
    Delivered,
    Exported,
    Footage,
    LayerFiles,
    RememberedJob,
    Selection,
    refuse_unseen_by_farm,
)
from understudy.bridge.options import JobOptions
from understudy.bridge.settings import Root

SELECTION = Selection(shot="sh010", frames=FrameRange(1001, 1004), rate=FrameRate(24000, 1001), anchor="Read1")
PLATE = Footage(typed="/plates/a.####.exr", colour="ACEScg")
JOB = RememberedJob(job_id="abcd", shot="sh010", version=1, frames=FrameRange(1, 2), anchor="", folder="/takes/v001")


def test_when_the_artist_says_nothing_then_the_host_s_own_facts_fill_the_options() -> None:
    exported = Exported(
        footage={"plate": PLATE, "reference": Footage(typed="/r.png", colour="srgb_texture")}, view="left"
    )
    options = exported.options(JobOptions(), SELECTION, "/takes")
    assert (options.plate, options.reference, options.frames, options.rate) == (
        "/plates/a.####.exr", "/r.png", "1001-1004", "24000/1001",
    )  # fmt: skip
    assert (options.shot, options.colour, options.reference_colour, options.view, options.series) == (
        "sh010", "ACEScg", "srgb_texture", "left", "/takes",
    )  # fmt: skip


def test_when_the_selection_has_handles_then_they_are_the_job_s_each_at_its_end() -> None:
    selection = Selection(shot="sh010", frames=FrameRange(1001, 1010, 3, 4), rate=None, anchor="Read1")
    exported = Exported(footage={"plate": PLATE})
    for chosen in (JobOptions(), JobOptions(handles=2)):
        assert exported.options(chosen, selection, "/takes").handles == "3:4"


def test_when_the_artist_says_something_then_it_wins_over_the_host() -> None:
    choices = JobOptions(rate="25", shot="mine", colour="log", view="right")
    options = Exported(footage={"plate": PLATE}, view="left").options(choices, SELECTION, "/takes")
    assert (options.rate, options.shot, options.colour, options.view) == ("25", "mine", "log", "right")


def test_when_files_are_numbered_otherwise_then_the_host_s_frames_are_kept_beside_them() -> None:
    footage = Footage(typed="a.####.exr", files={1001: "/p/a.0007.exr"})
    movie = Footage(typed="/p/b.mov", first=993)
    numbering = Exported(footage={"plate": footage, "matte": movie}).numbering()
    assert numbering.files == {"a.####.exr": {1001: Path("/p/a.0007.exr")}}
    assert numbering.firsts["/p/b.mov"] == 993


def test_when_some_files_are_the_artist_s_then_only_those_that_we_wrote_are_given_up(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "export", tmp_path / "plates"
    exported = Exported(
        footage={
            "plate": Footage(typed=str(ours / "plate.####.exr"), ours=True),
            "matte": Footage(typed=str(theirs / "matte.####.exr")),
        }
    )
    paths = {"aa": ours / "plate.1001.exr", "bb": theirs / "matte.1001.exr"}
    assert exported.given_up(paths) == {"aa"}


def test_when_a_layer_is_not_made_by_this_engine_then_the_error_names_those_that_are() -> None:
    delivered = Delivered(job=JOB, rate=None, layers=(LayerFiles(name="patch", pattern="", colour=""),))
    with pytest.raises(HostError) as refused:
        delivered.layer("clean")
    assert "patch" in refused.value.remedy


def test_when_no_root_is_said_to_be_farm_visible_then_any_folder_will_do(tmp_path: Path) -> None:
    refuse_unseen_by_farm((Root(name="local", linux=str(tmp_path)),), Path("/elsewhere"))


def test_when_a_folder_lies_outside_the_farm_s_roots_then_it_is_refused_and_the_roots_are_named(tmp_path: Path) -> None:
    show = Root(name="show", linux=str(tmp_path / "show"), macos=str(tmp_path / "show"), farm_visible=True)
    refuse_unseen_by_farm((show,), tmp_path / "show" / "sh010")
    with pytest.raises(HostError) as refused:
        refuse_unseen_by_farm((show,), tmp_path / "desk")
    assert "show" in refused.value.remedy
