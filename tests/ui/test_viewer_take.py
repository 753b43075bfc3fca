"""What a folder says of a take: delivered, landing, damaged, and what the strip marks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from viewer_rig import write_layer

from understudy.bridge.errors import Finding
from understudy.bridge.frames import FrameRange, FrameRate
from understudy.bridge.take_segments import TakeSegment
from understudy.ui.viewer_take import earlier_takes, read_take

GREY = np.full((4, 6, 3), 0.18, np.float16)


def test_when_the_manifest_is_damaged_then_the_frames_are_still_there_and_the_problem_is_told(tmp_path: Path) -> None:
    write_layer(tmp_path / "comp" / "comp.1001.exr", GREY, state="uncleared")
    (tmp_path / "manifest.json").write_text("{ not json")
    take = read_take(tmp_path)
    assert "manifest.json" in take.problem
    assert take.state == "uncleared"
    assert take.frames == (1001,)


def test_when_the_first_file_is_cut_short_then_the_state_is_unknown_and_not_delivered(tmp_path: Path) -> None:
    write_layer(tmp_path / "comp" / "comp.1001.exr", GREY).write_bytes(b"\x76\x2f\x31\x01")
    assert read_take(tmp_path).state == ""


def test_when_there_is_nothing_then_there_is_no_range(tmp_path: Path) -> None:
    take = read_take(tmp_path / "nowhere")
    assert take.whole is None
    assert take.frames == ()


def test_when_frames_are_still_landing_then_the_provisional_take_is_shown_as_what_it_is(tmp_path: Path) -> None:
    write_layer(tmp_path / ".provisional" / "job1" / "comp" / "comp.1001.exr", GREY, state="provisional")
    take = read_take(tmp_path, expected=FrameRange(1001, 1004))
    assert take.state == "provisional"
    assert take.missing("comp") == {1002, 1003, 1004}


def test_when_the_manifest_tells_of_the_shot_then_rate_range_findings_and_seams_are_its(tmp_path: Path) -> None:
    for frame in (1001, 1003):
        write_layer(tmp_path / "comp" / f"comp.{frame}.exr", GREY)
    findings = [
        {"rule": "seam", "outcome": "note", "message": "jump", "frames": [1002, 1003]},
        {"rule": "face", "outcome": "warn", "message": "no face", "frames": [1001]},
        {"rule": "whole", "outcome": "pass", "message": "all well", "frames": [1001]},
    ]
    manifest = {
        "job": "j", "version": 3, "frames": [1001, 1003], "rate": "24000/1001", "state": "for_review",
        "findings": findings, "files": [],
    }  # fmt: skip
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    take = read_take(tmp_path, segments=(TakeSegment(first=1001, last=1001), TakeSegment(first=1002, last=1003)))
    assert (take.rate, take.version, take.state) == (FrameRate(24000, 1001), 3, "for_review")
    assert take.missing("comp") == {1002}
    assert take.seams == (1002, 1003)
    assert [finding.rule for finding in take.findings] == ["seam", "face"]


def test_when_the_caller_knows_of_a_finding_too_then_it_is_told_once(tmp_path: Path) -> None:
    empty = Finding(rule="matte", outcome="note", message="empty", frames=(2,))
    assert read_take(tmp_path, findings=(empty, empty)).findings == (empty,)


def test_when_takes_were_put_aside_then_they_are_found_newest_first_and_are_no_layer(tmp_path: Path) -> None:
    for name in ("take_001", "take_002"):
        write_layer(tmp_path / "earlier" / name / "comp" / "comp.1001.exr", GREY)
    write_layer(tmp_path / "comp" / "comp.1001.exr", GREY)
    assert [path.name for path in earlier_takes(tmp_path)] == ["take_002", "take_001"]
    assert set(read_take(tmp_path).layers) == {"comp"}
