"""What a worker that died had found is told by the next one."""

from __future__ import annotations

from pathlib import Path

import pytest
from spine_rig import Told

from understudy.bridge.errors import Finding
from understudy.inference.finding_log import FILE, FindingLog
from understudy.inference.work_order import WorkerFindings
from understudy.inference.worker import Reporter


def finding(rule: str) -> Finding:
    return Finding(rule=rule, outcome="warn", message=f"what {rule} says", frames=(1001,))


def reporter(scratch: Path) -> tuple[Reporter, Told]:
    told = Told()
    made = Reporter(told.append)
    made.found(finding("inspected"))
    made.keep_findings(FindingLog(scratch))
    return made, told


@pytest.mark.parametrize("damage", [b"", b"[", b"[{}]", b"\xff\xfe"])
def test_a_damaged_file_counts_as_none(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / FILE).write_bytes(damage)
    assert FindingLog(tmp_path).read() == ()


def test_when_a_file_was_cut_while_it_was_written_then_the_one_before_stands(tmp_path: Path) -> None:
    FindingLog(tmp_path).write((finding("one"),))
    (tmp_path / "findings.part").write_bytes(b'[{"rule":')
    assert FindingLog(tmp_path).read() == (finding("one"),)


def test_what_was_found_while_frames_were_made_is_told_again_once_and_in_its_order(tmp_path: Path) -> None:
    first, _ = reporter(tmp_path)
    first.found(finding("one"))
    first.found(finding("two"), finding("one"))
    second, told = reporter(tmp_path)
    second.found(finding("two"), finding("three"))
    assert [one.rule for one in second.findings] == ["inspected", "one", "two", "three"]
    assert [one.rule for message in told.of(WorkerFindings) for one in message.findings] == [
        "inspected", "one", "two", "three",
    ]  # fmt: skip
    assert FindingLog(tmp_path).read() == (finding("one"), finding("two"), finding("three"))


def test_what_the_gate_says_of_a_take_is_not_told_of_the_next(tmp_path: Path) -> None:
    first, _ = reporter(tmp_path)
    first.found(finding("one"))
    first.checking()
    first.found(finding("layers_are_whole"))
    assert FindingLog(tmp_path).read() == (finding("one"),)
