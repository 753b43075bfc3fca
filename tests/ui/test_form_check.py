from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from panel_rig import shot_options

from understudy.bridge.errors import RequestError
from understudy.bridge.options import JobOptions
from understudy.inference.engines.descriptions import IDENTITY, PREVIEW
from understudy.inference.engines.descriptions import WAN_ANIMATE as WAN
from understudy.ui.form_check import (
    engine_option_problem,
    field_of,
    missing_files,
    numbered,
    options_from,
    pattern_of,
    problems_of,
    with_whole_paths,
)


def test_when_nothing_is_said_then_every_input_of_the_mode_and_the_papers_are_asked_for() -> None:
    assert set(problems_of(JobOptions(), PREVIEW)) == {"plate", "matte", "reference", "record"}
    assert set(problems_of(JobOptions(mode="animate"), PREVIEW)) == {"plate", "reference", "record"}
    assert set(problems_of(JobOptions(mode="animate", keypoints="rig.json"), PREVIEW)) == {"reference", "record"}


def test_when_an_engine_does_not_know_the_mode_then_the_mode_is_the_problem() -> None:
    engine = IDENTITY
    assert "mode" in problems_of(JobOptions(mode="animate"), engine)


@pytest.mark.parametrize(
    ("field", "said"), [("frames", "12-a"), ("frames", "20-10"), ("rate", "fast"), ("handles", "8:x")]
)
def test_when_a_field_cannot_be_read_then_the_problem_stands_at_it(field: str, said: str, tmp_path: Path) -> None:
    assert field in problems_of(shot_options(tmp_path, **{field: said}), PREVIEW)


def test_when_a_job_has_a_record_and_is_self_attested_then_one_must_go(tmp_path: Path) -> None:
    assert "self_attest" in problems_of(shot_options(tmp_path, record="papers.json"), PREVIEW)


def test_when_a_number_is_typed_as_words_then_it_is_named_and_the_rest_is_read() -> None:
    options, problems = options_from({"seed": "seven", "plate": "p.exr", "exposure": "0.5", "priority": "3"})
    assert set(problems) == {"seed"}
    assert (options.plate, options.exposure, options.priority) == ("p.exr", 0.5, 3)


def test_when_an_engine_option_is_out_of_its_range_then_the_range_is_told() -> None:
    name = next(iter(WAN.ranges))
    least, most = WAN.ranges[name]
    assert f"{least:g} to {most:g}" in engine_option_problem(name, str(most + 1), WAN)
    assert engine_option_problem(name, "lots", WAN)
    assert engine_option_problem(name, "", WAN) == ""
    assert engine_option_problem(name, f"{least:g}", WAN) == ""


def test_when_an_engine_option_is_one_of_a_few_words_then_another_word_is_refused() -> None:
    name = next(one for one in WAN.choices if one not in WAN.ranges)
    assert engine_option_problem(name, "nonsense", WAN)
    assert all(engine_option_problem(name, choice, WAN) == "" for choice in WAN.choices[name])


def test_when_a_sequence_has_no_frame_on_disk_then_it_is_missing(drawn: Path, tmp_path: Path) -> None:
    assert missing_files(shot_options(drawn)) == {}
    assert set(missing_files(shot_options(tmp_path))) == {"plate", "matte", "reference"}


def test_when_an_error_names_an_option_then_it_belongs_to_that_field() -> None:
    assert field_of(RequestError("no rate", remedy="Say it with --rate 24.")) == "rate"
    assert field_of(RequestError("x", remedy="Name it with --clean-plate.")) == "clean_plate"
    assert field_of(RequestError("the disk is full")) == ""


@pytest.mark.parametrize(
    ("chosen", "meant"),
    [
        ("/shots/plate.1001.exr", "/shots/plate.####.exr"),
        ("/shots/sh010_v02.00086400.dpx", "/shots/sh010_v02.########.dpx"),
        ("/shots/roto_0056.png", "/shots/roto_####.png"),
        ("/shots/sh010_v02.exr", "/shots/sh010_v02.exr"),
        ("/shots/still_02.png", "/shots/still_02.png"),
        ("/shots.1001/plate.mov", "/shots.1001/plate.mov"),
    ],
)
def test_when_one_frame_is_chosen_then_its_whole_sequence_is_meant(chosen: str, meant: str) -> None:
    assert pattern_of(chosen) == meant


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("colour/config.ocio", "/shots/colour/config.ocio"), ("show.ocioz", "/shots/show.ocioz"),
     ("./aces", "/shots/aces"), ("~/config.ocio", "/home/ada/config.ocio"), ("/one/config.ocio", "/one/config.ocio")],
)  # fmt: skip
def test_when_a_colour_config_is_a_file_then_it_is_named_from_the_root(
    typed: str, meant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.getcwd", lambda: "/shots")
    monkeypatch.setenv("HOME", "/home/ada")
    assert with_whole_paths(JobOptions(ocio=typed)).ocio == meant


@pytest.mark.parametrize("said", ["none", "ocio://default", "cg-config-v2.1.0_aces-v1.3_ocio-v2.3", "", None])
def test_when_a_colour_config_is_no_file_then_its_name_stays(said: str | None) -> None:
    assert with_whole_paths(JobOptions(ocio=said)).ocio == said


def test_when_no_show_is_said_then_takes_of_one_plate_are_numbered_together(tmp_path: Path) -> None:
    told = shot_options(tmp_path)
    assert numbered(told).series == str(tmp_path / "plate")
    assert numbered(msgspec.structs.replace(told, project="dune")).series == ""
    assert numbered(msgspec.structs.replace(told, series="mine")).series == "mine"
    assert numbered(JobOptions()) == JobOptions()
