"""What an artist says of Wan-Animate-2 becomes what the engine does."""

from __future__ import annotations

import pytest

from understudy.bridge.shot import Settings
from understudy.inference.engines.descriptions import DRAFT_AREA_PIXELS, PRO_AREA_PIXELS, WAN_ANIMATE, WAN_ANIMATE_2
from understudy.inference.engines.roster import describe_for
from understudy.inference.engines.wan.computing import approximations_of, foretold_passes
from understudy.inference.engines.wan2.options import Wan2Options


def settings(**options: str) -> Settings:
    return Settings(engine="wan-animate-2", mode="animate", engine_options=options)


@pytest.mark.parametrize(
    ("said", "steps", "guidance"),
    [
        ({}, 40, 3.0),
        ({"preset": "draft"}, 20, 3.0),
        ({"model": "distilled"}, 10, 1.0),
        ({"model": "distilled", "preset": "draft", "steps": "6", "guidance": "2"}, 6, 2.0),
    ],
)
def test_nothing_said_is_the_sampling_that_each_model_came_with(
    said: dict[str, str], steps: int, guidance: float
) -> None:
    options = Wan2Options.of(settings(**said))
    assert (options.steps, options.guidance, options.shift) == (steps, guidance, None)


def test_a_draft_is_smaller_and_each_model_names_its_own_weights() -> None:
    assert describe_for(settings()).area_pixels == PRO_AREA_PIXELS
    assert describe_for(settings(preset="draft")).area_pixels == DRAFT_AREA_PIXELS
    assert describe_for(settings(model="distilled")).weights == ("wan2.2-animate-2-14b-distilled",)


@pytest.mark.parametrize(
    ("float8", "on", "allowed"), [("off", False, False), ("allowed", False, True), ("on", True, True)]
)
def test_float8_is_asked_for_or_allowed(float8: str, on: bool, allowed: bool) -> None:
    options = Wan2Options.of(settings(float8=float8))
    assert (options.float8, options.allow_float8) == (on, allowed)
    assert len(approximations_of(options)) == int(on)


@pytest.mark.parametrize(
    ("said", "passes"),
    [({}, 0), ({"step_cache": "0.1"}, 2), ({"step_cache": "0.1", "model": "distilled"}, 1)],
)
def test_every_pass_of_a_step_is_foretold_or_none(said: dict[str, str], passes: int) -> None:
    assert foretold_passes(Wan2Options.of(settings(**said))) == passes


def test_how_it_computes_is_said_in_the_same_words_as_of_the_other_wan_engine() -> None:
    options = Wan2Options.of(settings(attention="plain", loras="style:0.8", step_cache="0.05"))
    assert (options.plain, options.loras, options.step_cache) == (True, "style:0.8", 0.05)
    for name in ("attention", "step_cache", "float8"):
        assert WAN_ANIMATE_2.options[name] == WAN_ANIMATE.options[name]


def test_every_option_that_has_a_range_or_choices_has_a_line_of_help() -> None:
    assert {*WAN_ANIMATE_2.ranges, *WAN_ANIMATE_2.choices, *WAN_ANIMATE_2.whole} <= set(WAN_ANIMATE_2.options)
