from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.bridge.cost_messages import Cost
from understudy.bridge.costs import choose_cost, costly_choices, seconds_of, size_class
from understudy.bridge.engine_description import EngineDescription, SegmentRule

WAN = EngineDescription(
    name="wan", version="1", label="", modes=("replace",), required_inputs={}, optional_inputs={}, layers={},
    size_multiple=16, area_pixels=1280 * 720, segment=SegmentRule(length=77),
    options={"preset": "", "steps": "", "match": ""}, choices={"preset": ("pro", "draft"), "match": ("on", "off")},
    costly=("preset", "steps"),
)  # fmt: skip
PRO = Cost(
    engine="wan", engine_version="1", mode="replace", choices={}, height=720, width=1280, device="CPU", jobs=3,
    newest_at="2026-11-27T10:00:00.000Z", start_seconds=60, frame_seconds=2, finish_seconds=0.5,
)  # fmt: skip


def test_when_what_holds_anyway_is_said_then_it_is_the_same_job() -> None:
    assert costly_choices(WAN, {"preset": "pro", "match": "off"}) == costly_choices(WAN, {}) == {}


def test_when_an_option_decides_the_cost_then_it_tells_jobs_apart_and_no_other_does() -> None:
    assert costly_choices(WAN, {"steps": "12", "preset": "draft", "match": "off"}) == {"preset": "draft", "steps": "12"}


@pytest.mark.parametrize(
    ("mode", "said", "size"),
    [("animate", {}, None), ("replace", {"preset": "draft"}, None), ("replace", {}, size_class(480, 832))],
)
def test_when_nothing_alike_was_measured_then_there_is_no_cost(mode: str, said: dict[str, str], size: int) -> None:
    assert choose_cost((PRO,), WAN, mode, said, size) is None


def test_when_the_engine_is_of_another_version_then_old_figures_are_not_its_own() -> None:
    assert choose_cost((PRO,), msgspec.structs.replace(WAN, version="2"), "replace", {}) is None


def test_when_two_sizes_were_measured_and_the_size_is_not_known_then_the_newest_speaks() -> None:
    small = msgspec.structs.replace(PRO, height=480, width=832, newest_at="2026-11-28T10:00:00.000Z")
    assert choose_cost((PRO, small), WAN, "replace", {}) == small
    assert choose_cost((PRO, small), WAN, "replace", {}, size_class(720, 1280)) == PRO


def test_when_a_version_keeps_frames_then_only_what_is_made_costs_making() -> None:
    assert seconds_of(PRO, 108) == 60 + 108 * 2.5
    assert seconds_of(PRO, 77, 108) == 60 + 77 * 2 + 108 * 0.5


@given(st.integers(1, 10_000), st.integers(1, 10_000))
def test_when_a_picture_is_turned_then_its_size_class_is_the_same(height: int, width: int) -> None:
    assert size_class(height, width) == size_class(width, height)
    assert size_class(height * 2, width * 2) == size_class(height, width) + 4
