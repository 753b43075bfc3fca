"""A model is looked for in one order, and the message names every place."""

from __future__ import annotations

from pathlib import Path

import pytest

from understudy.bridge.errors import WeightsError
from understudy.bridge.settings import UserSettings, load_settings
from understudy.inference.weights.catalogue import WAN_ANIMATE, find_model
from understudy.inference.weights.finding import CACHE, find_file, find_weights, pull_folder

NAME = WAN_ANIMATE.name
REPOSITORY = "Wan-AI/Wan2.2-Animate-14B-Diffusers"


def model_in(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "model_index.json").write_text("{}")
    return folder


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Point the Hugging Face cache at an empty folder: the machine's own must not be found."""
    pytest.importorskip("huggingface_hub", reason="the hub's client: pip install 'understudy[weights]'")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def settings(tmp_path: Path, **said: object) -> UserSettings:
    return UserSettings(home=tmp_path / "home", **said)  # type: ignore[arg-type]


def test_when_a_folder_is_named_then_it_is_the_one(tmp_path: Path) -> None:
    named = model_in(tmp_path / "named")
    model_in(tmp_path / "home/weights" / NAME)
    found = find_weights(WAN_ANIMATE, settings(tmp_path, weights=str(named)))
    assert found.folder == named
    assert "UNDERSTUDY_WEIGHTS" in found.where


def test_when_the_named_folder_is_empty_then_no_other_is_taken_in_its_place(tmp_path: Path) -> None:
    model_in(tmp_path / "home/weights" / NAME)
    with pytest.raises(WeightsError, match=f"looked in {tmp_path / 'empty'} "):
        find_weights(WAN_ANIMATE, settings(tmp_path, weights=str(tmp_path / "empty")))


def test_when_a_variable_of_the_environment_names_it_then_it_is_found(tmp_path: Path) -> None:
    named = model_in(tmp_path / "named")
    environment = {"UNDERSTUDY_WEIGHTS": str(named), "UNDERSTUDY_HOME": str(tmp_path / "home")}
    assert find_weights(WAN_ANIMATE, load_settings(environment=environment)).folder == named
    argument = model_in(tmp_path / "argument")
    assert (
        find_weights(WAN_ANIMATE, load_settings({"weights": str(argument)}, environment=environment)).folder == argument
    )


def test_when_a_studio_shares_folders_then_the_first_that_holds_the_model_is_taken(tmp_path: Path) -> None:
    shared = (tmp_path / "a", tmp_path / "b", tmp_path / "c")
    model_in(shared[1] / "Wan2.2-Animate-14B-Diffusers")
    model_in(shared[2] / NAME)
    model_in(tmp_path / "home/weights" / NAME)
    found = find_weights(WAN_ANIMATE, settings(tmp_path, weights_folders=tuple(map(str, shared))))
    assert found.folder == shared[1] / "Wan2.2-Animate-14B-Diffusers"


def test_when_a_studio_names_its_folders_in_the_environment_then_they_are_a_json_list(tmp_path: Path) -> None:
    environment = {"UNDERSTUDY_WEIGHTS_FOLDERS": '["/a", "/b"]', "UNDERSTUDY_HOME": str(tmp_path)}
    assert load_settings(environment=environment).weights_folders == ("/a", "/b")


def test_when_it_was_pulled_then_it_is_found_at_home(tmp_path: Path) -> None:
    pulled = model_in(tmp_path / "home/weights" / NAME)
    found = find_weights(WAN_ANIMATE, settings(tmp_path))
    assert (found.folder, found.where) == (pulled, "pulled here")


def test_when_it_lies_in_the_hugging_face_cache_alone_then_its_snapshot_is_found(
    tmp_path: Path, empty_cache: Path
) -> None:
    repository = empty_cache / f"models--{REPOSITORY.replace('/', '--')}"
    snapshot = model_in(repository / "snapshots" / ("a" * 40))
    (repository / "refs").mkdir()
    (repository / "refs/main").write_text("a" * 40)
    found = find_weights(WAN_ANIMATE, settings(tmp_path))
    assert (found.folder, found.where) == (snapshot, CACHE)


DETECTOR = "process_checkpoint/det/yolov10m.onnx"


def test_when_a_detector_is_asked_for_then_it_is_found_without_the_model(tmp_path: Path, empty_cache: Path) -> None:
    assert find_file(DETECTOR, WAN_ANIMATE, settings(tmp_path)) is None
    snapshot = empty_cache / "models--Wan-AI--Wan2.2-Animate-14B/snapshots" / ("b" * 40)
    put(snapshot / DETECTOR)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs/main").write_text("b" * 40)
    assert find_file(DETECTOR, WAN_ANIMATE, settings(tmp_path)) == snapshot / DETECTOR
    near = put(tmp_path / "studio" / NAME / DETECTOR)
    assert find_file(DETECTOR, WAN_ANIMATE, settings(tmp_path, weights_folders=(str(tmp_path / "studio"),))) == near
    assert find_file(DETECTOR, WAN_ANIMATE, settings(tmp_path, weights=str(tmp_path / "empty"))) is None


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    path.write_bytes(b"onnx")
    return path


def test_when_it_is_nowhere_then_every_place_is_named_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as raised:
        find_weights(WAN_ANIMATE, settings(tmp_path, weights_folders=(str(tmp_path / "studio"),)))
    assert str(tmp_path / "studio") in raised.value.message
    assert str(tmp_path / "home/weights") in raised.value.message
    assert f"understudy weights pull {NAME}" in raised.value.remedy


def test_a_pull_goes_where_the_next_look_finds_it(tmp_path: Path) -> None:
    places = [
        settings(tmp_path),
        settings(tmp_path, weights_folders=(str(tmp_path / "studio"),)),
        settings(tmp_path, weights=str(tmp_path / "named")),
    ]
    for place in places:
        folder = model_in(pull_folder(WAN_ANIMATE, place))
        assert find_weights(WAN_ANIMATE, place).folder == folder


def test_a_model_is_known_by_its_name_and_by_its_repository() -> None:
    assert find_model(NAME) is find_model(REPOSITORY) is WAN_ANIMATE
