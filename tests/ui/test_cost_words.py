from __future__ import annotations

import msgspec
import pytest

from understudy.bridge.cost_messages import Cost
from understudy.inference.engines.descriptions import DESCRIPTIONS
from understudy.ui.cost_words import about, comparison, cost_in_words, redo_frames

ENGINES = {one.name: one for one in DESCRIPTIONS}
WAN = ENGINES["wan-animate"]
PRO = Cost(
    engine="wan-animate", engine_version=WAN.version, mode="replace", choices={}, height=720, width=1280,
    device="NVIDIA H200", jobs=6, newest_at="2026-11-27T10:00:00.000Z", start_seconds=24, frame_seconds=1.75,
    finish_seconds=0.25, gpu_bytes=22 * 1024**3, host_bytes=3 * 1024**3,
)  # fmt: skip


def test_when_jobs_were_measured_then_time_frames_jobs_and_memory_are_said() -> None:
    said = cost_in_words(PRO, WAN, 108)
    assert said == "about 4 min for 108 frames (median of 6 jobs here), 22.0 GiB of GPU memory"


def test_when_nothing_was_measured_then_that_is_said_with_what_the_engine_states() -> None:
    said = cost_in_words(None, WAN, 108)
    assert said == "not measured here yet; the engine states 24.0 GiB of GPU memory"


def test_when_the_frames_are_not_known_then_a_frame_and_the_start_are_said() -> None:
    one = msgspec.structs.replace(PRO, jobs=1, gpu_bytes=0)
    assert cost_in_words(one, WAN, None) == (
        "about 2 s a frame, and 24 s to begin with (one job here), 24.0 GiB of GPU memory"
    )


def test_when_one_frame_is_made_then_it_is_not_frames() -> None:
    assert "for 1 frame (" in cost_in_words(PRO, WAN, 1)


def test_when_engines_are_compared_then_each_preset_has_a_line_and_only_the_measured_has_a_time() -> None:
    rows = comparison(ENGINES, (PRO,), "replace", "wan-animate", {"preset": "draft"}, 108)
    assert [row.cells[0] for row in rows if row.engine == "wan-animate"] == [
        "wan-animate pro", "wan-animate std", "wan-animate draft"
    ]  # fmt: skip
    assert [row.cells[0] for row in rows if row.cells[1]] == ["wan-animate pro"]
    assert [row.cells[0] for row in rows if row.is_chosen] == ["wan-animate draft"]
    assert "wan-animate-2" not in {row.engine for row in rows}


def test_when_the_chosen_engine_has_fewer_steps_then_what_was_measured_with_more_is_not_its_cost() -> None:
    rows = comparison(ENGINES, (PRO,), "replace", "wan-animate", {"steps": "4"}, 108)
    assert [row for row in rows if row.cells[1]] == []


@pytest.mark.parametrize(
    ("segment", "alone", "made"), [(1, True, 77), (2, True, 31), (1, False, 108), (2, False, 31), (3, False, 0)]
)
def test_when_a_segment_is_redone_then_only_its_frames_and_those_after_it_cost(
    segment: int, alone: bool, made: int
) -> None:
    assert redo_frames(108, WAN, {}, segment, alone) == made


@pytest.mark.parametrize(
    ("seconds", "said"), [(0.0, "0.01 s"), (0.25, "0.25 s"), (40, "40 s"), (240, "4 min"), (9000, "2.5 h")]
)
def test_when_a_duration_is_guessed_then_it_is_as_coarse_as_the_guess(seconds: float, said: str) -> None:
    assert about(seconds) == said
