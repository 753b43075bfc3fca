from __future__ import annotations

import shlex
from pathlib import Path

import msgspec
import pytest
from panel_rig import shot_options, summary

from understudy.bridge.gather import gather_job
from understudy.bridge.messages import JobDetail
from understudy.bridge.options import JobOptions
from understudy.bridge.record import Record
from understudy.bridge.shot import JobRequest, Redo
from understudy.ui.job_command import RECORD_STAND_IN, command_of, options_of


def detail(job: JobRequest) -> JobDetail:
    return JobDetail(summary=summary(), job=job, findings=(), last_event=1)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"frames": "1001-1004", "handles": "1:0", "seed": 7, "prompt": "a fox; $(rm -rf x) 'q'"},
        {"engine": "wan-animate", "option": ["preset=draft", "steps=4"], "matte_invert": True, "exposure": -1.5},
        {"movies": "comp:prores_422_hq,patch:prores_4444:premultiplied", "multipart": True, "priority": -20},
        {"project": "dune", "window": "display", "matte_channel": "A", "colour": "ACEScg", "reference_colour": "sRGB"},
    ],
)
def test_when_the_command_of_a_job_is_read_back_then_it_is_the_very_same_job(
    drawn: Path, changed: dict[str, object]
) -> None:
    job = gather_job(shot_options(drawn, **changed)).job
    options, unknown = options_of(job)
    assert unknown == ()
    assert gather_job(options).job == job


def test_when_the_command_is_split_by_a_shell_then_every_word_is_whole_and_nothing_is_said_that_holds_anyway(
    drawn: Path,
) -> None:
    job = gather_job(shot_options(drawn, prompt="a 'fox' $HOME", priority=-20)).job
    said = shlex.split(command_of(detail(job)).line)
    assert said[:2] == ["understudy", "submit"]
    assert said[said.index("--prompt") + 1] == "a 'fox' $HOME"
    assert "--priority=-20" in said
    assert "--window" not in said
    assert "--matte-invert" not in said


def test_when_the_command_line_parses_it_then_it_is_one_of_understudys_own(drawn: Path) -> None:
    job = gather_job(shot_options(drawn, option=["light=0.5"], engine="preview")).job
    line = shlex.split(command_of(detail(job)).line)
    names = {"--" + name.replace("_", "-") for name in JobOptions.__struct_fields__}
    assert {word.partition("=")[0] for word in line if word.startswith("--")} <= names


def test_when_a_job_has_a_record_then_its_file_is_said_not_to_be_known(drawn: Path) -> None:
    job = msgspec.structs.replace(gather_job(shot_options(drawn)).job, record=Record(ground="record"))
    command = command_of(detail(job))
    assert f"--record {RECORD_STAND_IN}" in command.line
    assert "--self-attest" not in command.line
    assert any(RECORD_STAND_IN in said for said in command.unknown)


def test_when_paths_were_typed_without_their_folder_then_that_is_said(
    drawn: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(drawn)
    job = gather_job(shot_options(Path())).job
    assert any("folder" in said for said in command_of(detail(job)).unknown)


def test_when_the_job_redid_a_segment_then_the_command_redoes_it(drawn: Path) -> None:
    redo = Redo(
        job_id="abcd1234", version=1, first_job_id="abcd1234", segment=2, alone=True, seed=5, options={"steps": "9"}
    )
    job = msgspec.structs.replace(gather_job(shot_options(drawn)).job, redo=redo)
    assert command_of(detail(job)).line == ("understudy redo abcd1234 --segment 2 --alone --seed 5 --option steps=9")
