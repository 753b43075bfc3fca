"""A job names LoRAs, never paths; the nearest file of that name is taken, and those that are here are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from understudy.bridge.errors import RequestError, WeightsError
from understudy.bridge.settings import UserSettings
from understudy.inference.weights.lora_shelf import Named, find_lora, parse_loras, shelf_of


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"lora")
    return path


@pytest.fixture
def settings(tmp_path: Path) -> UserSettings:
    return UserSettings(home=tmp_path / "home", weights_folders=(str(tmp_path / "studio"),))


def test_when_loras_are_said_then_each_has_its_weight() -> None:
    assert parse_loras("relighting:0.8, step4 ,own.v2:-0.5") == (
        Named("relighting", 0.8),
        Named("step4", 1.0),
        Named("own.v2", -0.5),
    )
    assert parse_loras("") == ()


@pytest.mark.parametrize(
    "said", ["../../etc/passwd:1", "/etc/passwd", "a b:1", "c:\\lora", ".hidden:1", "a:", "a:much"]
)
def test_when_what_is_said_is_no_name_or_no_number_then_it_is_refused_as_said(said: str) -> None:
    with pytest.raises(RequestError):
        parse_loras(said)


def test_when_a_lora_is_named_twice_then_it_is_refused() -> None:
    with pytest.raises(RequestError, match="a is named twice"):
        parse_loras("a:1,b:1,a:0.5")


@given(said=some.text(max_size=30))
def test_no_name_that_is_taken_could_leave_its_folder(said: str) -> None:
    try:
        names = [one.name for one in parse_loras(said)]
    except RequestError:
        return
    assert all((Path("/shelf") / name).resolve().parent == Path("/shelf") for name in names)


def test_when_two_folders_hold_a_name_then_the_one_nearer_to_the_model_wins(
    tmp_path: Path, settings: UserSettings
) -> None:
    model = tmp_path / "model"
    put(tmp_path / "home/weights/loras/step4.safetensors")
    shared = put(tmp_path / "studio/loras/step4.safetensors")
    assert find_lora("step4", model, settings) == shared
    own = put(model / "loras/step4.safetensors")
    assert find_lora("step4", model, settings) == own


def test_when_a_lora_is_a_folder_of_peft_then_it_goes_by_the_folders_name(
    tmp_path: Path, settings: UserSettings
) -> None:
    file = put(tmp_path / "studio/loras/night.v2/adapter_model.safetensors")
    assert find_lora("night.v2", tmp_path / "model", settings) == file


def test_when_the_models_own_relighting_lora_lies_in_its_folder_then_safetensors_come_first(
    tmp_path: Path, settings: UserSettings
) -> None:
    pickled = put(tmp_path / "model/relighting_lora.ckpt")
    assert find_lora("relighting", tmp_path / "model", settings) == pickled
    safe = put(tmp_path / "model/relighting_lora.safetensors")
    assert find_lora("relighting", tmp_path / "model", settings) == safe


def test_when_a_pickled_file_lies_on_the_shelf_then_it_is_not_offered(tmp_path: Path, settings: UserSettings) -> None:
    put(tmp_path / "studio/loras/old.ckpt")
    assert shelf_of(tmp_path / "model", settings) == {}


def test_when_a_lora_is_not_here_then_those_that_are_here_are_named(tmp_path: Path, settings: UserSettings) -> None:
    put(tmp_path / "studio/loras/night.safetensors")
    with pytest.raises(WeightsError, match="there is no LoRA 'day' on this machine; here are: night"):
        find_lora("day", tmp_path / "model", settings)
