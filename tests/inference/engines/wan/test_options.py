"""What an artist says becomes what the engine does, and every default lies in its own range."""

from __future__ import annotations

import pytest

from understudy.bridge.shot import Settings
from understudy.inference.engines.descriptions import DRAFT_AREA_PIXELS, PRO_AREA_PIXELS, WAN_ANIMATE
from understudy.inference.engines.roster import describe_for
from understudy.inference.engines.wan.options import WanOptions


def settings(mode: str = "replace", **options: str) -> Settings:
    return Settings(engine="wan-animate", mode=mode, engine_options=options)  # type: ignore[arg-type]


def test_nothing_said_is_the_official_sampling() -> None:
    options = WanOptions.of(settings())
    assert (options.steps, options.guidance, options.shift, options.segment_frames) == (20, 1.0, 5.0, 77)
    assert options.prompt
    assert options.approximations == ()


def test_a_draft_is_smaller_and_shorter_unless_steps_are_said() -> None:
    assert describe_for(settings(preset="draft")).area_pixels == DRAFT_AREA_PIXELS
    assert describe_for(settings()).area_pixels == PRO_AREA_PIXELS
    assert WanOptions.of(settings(preset="draft")).steps == 8
    assert WanOptions.of(settings(preset="draft", steps="30")).steps == 30


def test_std_is_as_large_and_as_long_as_pro_at_fifteen_pictures_a_second_and_never_a_final() -> None:
    pro, std = describe_for(settings()), describe_for(settings(preset="std"))
    assert (std.area_pixels, std.segment, WanOptions.of(settings(preset="std")).steps) == (
        pro.area_pixels, pro.segment, 20,
    )  # fmt: skip
    assert (pro.rate, pro.not_final) == (None, "")
    assert (std.rate, std.between) == ("15", "held")
    assert std.not_final == "made with the preset std: 15 pictures a second at most, the frames between them held"
    assert describe_for(settings(preset="std", between="interpolated")).between == "interpolated"


@pytest.mark.parametrize(("said", "length"), [("77", 77), ("80", 77), ("81", 81), ("9", 9), ("12", 9)])
def test_a_segment_s_length_is_the_longest_that_fits_the_model(said: str, length: int) -> None:
    assert describe_for(settings(segment_frames=said)).segment.length == length


def test_the_motion_is_put_on_the_character_in_mode_animate_alone() -> None:
    assert WanOptions.of(settings("animate")).retarget
    assert not WanOptions.of(settings("animate", retarget="off")).retarget
    assert not WanOptions.of(settings("replace", retarget="on")).retarget


def test_what_changes_the_picture_is_said() -> None:
    assert len(WanOptions.of(settings(step_cache="0.05", float8="on")).approximations) == 2


def test_every_option_that_has_a_range_or_choices_has_a_line_of_help() -> None:
    assert {*WAN_ANIMATE.ranges, *WAN_ANIMATE.choices, *WAN_ANIMATE.whole} <= set(WAN_ANIMATE.options)
