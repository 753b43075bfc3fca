"""The relighting LoRA as a switch of its own; the files are found, never opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from understudy.bridge.errors import RequestError, WeightsError
from understudy.bridge.settings import UserSettings
from understudy.bridge.shot import Settings
from understudy.inference.engines.wan.options import WanOptions
from understudy.inference.engines.wan.relighting import loras_of, relighting_finding
from understudy.inference.weights.catalogue import WAN_ANIMATE
from understudy.inference.weights.lora_shelf import Named, find_lora

SAFE, PICKLED = "relighting_lora.safetensors", "relighting_lora.ckpt"


def options(mode: str = "replace", **said: str) -> WanOptions:
    return WanOptions.of(Settings(engine="wan-animate", mode=mode, engine_options=said))  # type: ignore[arg-type]


def shelf(folder: Path, *files: str, allow: tuple[str, ...] = ()) -> UserSettings:
    """Return the settings of a machine whose model has these LoRAs beside it."""
    for file in (WAN_ANIMATE.index, *files):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(b"{}")
    allowed = tuple(str(folder / file) for file in allow)
    return UserSettings(home=folder / "home", weights=str(folder), allow_pickled_weights=allowed)


def test_when_nothing_is_said_in_mode_replace_then_it_is_on_at_full_weight_as_its_makers_use_it(tmp_path: Path) -> None:
    settings = shelf(tmp_path, SAFE)
    assert loras_of(options(), settings) == (Named("relighting", 1.0),)
    found = relighting_finding(options(), settings)
    assert found is not None
    assert (found.rule, found.outcome) == ("relighting", "note")


@pytest.mark.parametrize(
    ("files", "word"), [((), "understudy weights pull wan2.2-animate-14b"), ((PICKLED,), "understudy weights unpickle")]
)
def test_when_nothing_is_said_and_it_cannot_be_read_then_the_job_goes_on_without_and_says_so(
    tmp_path: Path, files: tuple[str, ...], word: str
) -> None:
    settings = shelf(tmp_path, *files)
    assert loras_of(options(), settings) == ()
    found = relighting_finding(options(), settings)
    assert found is not None
    assert found.outcome == "warn"
    assert "lit as in its image" in found.message
    assert word in found.remedy


def test_when_the_pickled_file_was_allowed_by_name_then_it_counts_as_here(tmp_path: Path) -> None:
    assert loras_of(options(), shelf(tmp_path, PICKLED, allow=(PICKLED,))) == (Named("relighting", 1.0),)


@pytest.mark.parametrize(("said", "weight"), [("on", 1.0), ("0.6", 0.6), ("2", 2.0), ("off", None), ("0", None)])
def test_what_is_said_holds_and_is_told_by_nobody(tmp_path: Path, said: str, weight: float | None) -> None:
    settings = shelf(tmp_path, SAFE)
    wanted = () if weight is None else (Named("relighting", weight),)
    assert loras_of(options(relighting=said, loras="step4"), settings) == (Named("step4", 1.0), *wanted)
    assert relighting_finding(options(relighting=said), settings) is None


def test_when_it_is_asked_for_and_not_here_then_what_brings_it_and_what_does_without_are_named(tmp_path: Path) -> None:
    settings = shelf(tmp_path)
    (asked,) = loras_of(options(relighting="on"), settings)
    with pytest.raises(WeightsError, match="there is no LoRA 'relighting' on this machine; here are: none") as refused:
        find_lora(asked.name, tmp_path, settings)
    assert "relighting=off" in refused.value.remedy
    assert "understudy weights pull" in refused.value.remedy


def test_when_it_is_named_among_the_loras_then_that_holds_alone(tmp_path: Path) -> None:
    settings = shelf(tmp_path, SAFE)
    named = options(loras="relighting:0.4")
    assert loras_of(named, settings) == (Named("relighting", 0.4),)
    assert relighting_finding(named, settings) is None
    with pytest.raises(RequestError, match="named twice: by the option relighting and among loras"):
        loras_of(options(loras="relighting:0.4", relighting="on"), settings)


def test_mode_animate_has_no_scene_whose_light_it_could_take(tmp_path: Path) -> None:
    settings = shelf(tmp_path, SAFE)
    assert loras_of(options("animate"), settings) == ()
    assert relighting_finding(options("animate"), settings) is None
    assert loras_of(options("animate", relighting="off"), settings) == ()
    with pytest.raises(RequestError, match="relighting is for the mode replace"):
        loras_of(options("animate", relighting="on"), settings)
