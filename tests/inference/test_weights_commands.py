"""`understudy weights`: what it prints, what a script reads, and its exit codes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from terminal_rig import Terminal

pytest.importorskip("huggingface_hub", reason="the hub's client: pip install 'understudy[weights]'")
pytest.importorskip("diffusers", reason="the model's libraries: pip install 'understudy[wan]'")

from hub_server import Hub, folder_files, serving
from tiny_wan import make_tiny_checkpoint

LARGE = "transformer/diffusion_pytorch_model.safetensors"
MODEL, ORIGINAL = "Wan-AI/Wan2.2-Animate-14B-Diffusers", "Wan-AI/Wan2.2-Animate-14B"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_tiny_checkpoint(tmp_path / "checkpoint", seed=1)


@pytest.fixture(autouse=True)
def alone(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the machine's own cache and settings out."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    for variable in ("UNDERSTUDY_WEIGHTS", "UNDERSTUDY_WEIGHTS_FOLDERS"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def hub(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with serving({MODEL: folder_files(folder), ORIGINAL: {}}) as serves:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", serves.url)
        template = serves.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr("huggingface_hub.hf_api.constants.ENDPOINT", serves.url)
        yield serves


def spoil(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_when_no_model_is_here_then_list_says_how_to_get_it(terminal: Terminal) -> None:
    ended = terminal("weights", "list")
    assert ended.code == 0
    assert "absent" in ended.out
    assert "understudy weights pull" in ended.out


def test_when_a_model_is_here_then_list_says_where_and_whether_it_is_pinned(terminal: Terminal, folder: Path) -> None:
    found, *_ = terminal("weights", "list", "--weights", folder, "--json").json
    assert (found["state"], found["folder"], found["pinned_by"]) == ("whole", str(folder), "")
    assert "not pinned" in terminal("weights", "list", "--weights", folder).out


def test_when_loras_lie_beside_a_model_then_list_names_them(terminal: Terminal, folder: Path) -> None:
    (folder / "loras").mkdir()
    (folder / "loras/night.safetensors").write_bytes(b"lora")
    (folder / "relighting_lora.ckpt").write_bytes(b"lora")
    assert "LoRAs: night, relighting" in terminal("weights", "list", "--weights", folder).out


def test_when_a_model_is_half_here_then_the_doctor_warns_and_says_which_file(
    terminal: Terminal, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from understudy.bridge.settings import load_settings
    from understudy.inference.doctor import check_weights

    monkeypatch.setenv("UNDERSTUDY_WEIGHTS", str(folder))
    assert check_weights(load_settings()).outcome == "pass"
    (folder / LARGE).unlink()
    found = check_weights(load_settings())
    assert found.outcome == "warn"
    assert f"{folder / LARGE} is missing" in found.message


def test_when_a_model_is_half_here_then_list_says_which_file(terminal: Terminal, folder: Path) -> None:
    (folder / LARGE).rename(folder / f"{LARGE}.incomplete")
    found, *_ = terminal("weights", "list", "--weights", folder, "--json").json
    assert found["state"] == "not whole"
    assert "only half here" in found["problem"]


def test_when_a_folder_is_pinned_and_verified_then_all_is_well(terminal: Terminal, folder: Path) -> None:
    ended = terminal("weights", "pin", folder, "--licence", "as agreed")
    assert ended.code == 0
    assert "licence as agreed" in ended.out
    ended = terminal("weights", "verify", "--weights", folder)
    assert ended.code == 0
    assert "all are as they should be" in ended.out


def test_when_a_pinned_file_changed_then_verify_names_it_and_exits_with_three(terminal: Terminal, folder: Path) -> None:
    terminal("weights", "pin", folder)
    spoil(folder / LARGE)
    ended = terminal("weights", "verify", "--weights", folder, "--json")
    assert ended.code == 3
    assert [difference["path"] for difference in ended.json["differences"]] == [LARGE]


def test_when_a_stranger_lies_in_a_pinned_folder_then_verify_lists_it(terminal: Terminal, folder: Path) -> None:
    terminal("weights", "pin", folder)
    (folder / "notes.txt").write_text("mine")
    ended = terminal("weights", "verify", "--weights", folder)
    assert ended.code == 0
    assert "1 files are not listed: notes.txt" in ended.out


def test_when_there_is_nothing_to_compare_with_then_verify_refuses(terminal: Terminal, folder: Path) -> None:
    ended = terminal("weights", "verify", "--weights", folder)
    assert ended.code == 3
    assert "nothing to compare it with" in ended.err
    assert "weights verify --hub" in ended.err


def test_when_a_folder_is_not_whole_then_it_is_not_pinned(terminal: Terminal, folder: Path) -> None:
    (folder / LARGE).unlink()
    ended = terminal("weights", "pin", folder)
    assert ended.code == 3
    assert "is missing" in ended.err
    assert not (folder / "understudy-weights.json").exists()


def test_when_a_model_is_pulled_then_it_is_found_pinned_by_the_hub(terminal: Terminal, hub: Hub, home: Path) -> None:
    ended = terminal("weights", "pull", "--json")
    assert ended.code == 0, ended.err
    assert ended.json["folder"] == str(home / "weights/wan2.2-animate-14b")
    found, *_ = terminal("weights", "list", "--json").json
    assert (found["state"], found["pinned_by"], found["licence"]) == ("whole", "hub", "apache-2.0")


def test_when_a_folder_is_held_to_the_hub_then_a_changed_file_is_named(
    terminal: Terminal, hub: Hub, folder: Path
) -> None:
    assert terminal("weights", "verify", "--hub", "--weights", folder).code == 0
    spoil(folder / LARGE)
    ended = terminal("weights", "verify", "--hub", "--weights", folder, "--json")
    assert ended.code == 3
    assert [(one["path"], one["what"]) for one in ended.json["differences"]] == [(LARGE, "digest")]


def test_when_a_pickled_file_is_named_then_its_tensors_are_written_as_safetensors(
    terminal: Terminal, tmp_path: Path
) -> None:
    import torch
    from safetensors.torch import load_file

    path = tmp_path / "relighting_lora.ckpt"
    torch.save({"state_dict": {"blocks.0.self_attn.q.lora_A.weight": torch.ones(2, 3)}, "step": 7}, path)
    assert terminal("weights", "unpickle", path).code == 0
    tensors = load_file(tmp_path / "relighting_lora.safetensors")
    assert torch.equal(tensors["blocks.0.self_attn.q.lora_A.weight"], torch.ones(2, 3))
    assert list(tensors) == ["blocks.0.self_attn.q.lora_A.weight"]
    again = terminal("weights", "unpickle", path)
    assert again.code == 2
    assert "is there already" in again.err


@pytest.mark.parametrize("content", [b"", b"cos\nsystem\n(S'true'\ntR.", b"PK\x03\x04 no archive"])
def test_when_a_pickled_file_holds_more_than_tensors_then_nothing_is_written(
    terminal: Terminal, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "bad.ckpt").write_bytes(content)
    ended = terminal("weights", "unpickle", tmp_path / "bad.ckpt")
    assert ended.code == 3
    assert "holds more than tensors, or is damaged" in ended.err
    assert not (tmp_path / "bad.safetensors").exists()


def test_when_a_model_is_not_known_then_those_that_are_known_are_offered(terminal: Terminal) -> None:
    ended = terminal("weights", "pull", "wan-9")
    assert ended.code == 2
    assert "wan2.2-animate-14b" in ended.err


def test_when_the_commands_are_listed_then_neither_torch_nor_the_hubs_client_is_loaded() -> None:
    import subprocess
    import sys

    program = (
        "import sys, typer; from understudy.inference.weights_commands import register; register(typer.Typer()); "
        "print(json.dumps([name for name in ('torch', 'huggingface_hub', 'safetensors') if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", f"import json; {program}"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
