"""From settings to a loaded model in one call: verified, with its LoRAs on, and with what an artist should know."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the model's libraries: pip install 'understudy[wan]'")
pytest.importorskip("diffusers", reason="the model's libraries: pip install 'understudy[wan]'")

from tiny_lora import random_pairs, save_comfy, save_relighting  # noqa: E402
from tiny_wan import FACE_SIZE, IMAGE_WIDTH, TEXT_WIDTH, tiny_transformer  # noqa: E402

from understudy.bridge.errors import WeightsError  # noqa: E402
from understudy.bridge.settings import UserSettings  # noqa: E402
from understudy.inference.weights.catalogue import WAN_ANIMATE  # noqa: E402
from understudy.inference.weights.lora_shelf import parse_loras  # noqa: E402
from understudy.inference.weights.manifest import pin, write_manifest  # noqa: E402
from understudy.inference.weights.opening import Opened, bytes_of_loras, open_model  # noqa: E402
from understudy.inference.weights.placement import ON_CPU, Placement  # noqa: E402


def opened(folder: Path, home: Path, loras: str = "", allow: tuple[str, ...] = ()) -> Opened:
    settings = UserSettings(home=home, weights=str(folder), allow_pickled_weights=allow)
    return open_model(WAN_ANIMATE, settings, ON_CPU, loras=parse_loras(loras))


def test_when_a_pinned_folder_is_opened_then_there_is_nothing_to_tell(folder: Path, tmp_path: Path) -> None:
    write_manifest(folder, pin(folder, WAN_ANIMATE.name, by="ana"))
    found = opened(folder, tmp_path)
    assert found.findings == ()
    assert found.used.held_to == "pinned"
    assert found.parts.transformer.config.num_layers == 2


def test_when_a_folder_is_not_pinned_then_it_is_told_how_to_pin_it(folder: Path, tmp_path: Path) -> None:
    [finding] = opened(folder, tmp_path).findings
    assert finding.outcome == "note"
    assert f"understudy weights pin {folder}" in finding.remedy


def test_when_loras_are_named_then_they_are_on_and_stated(folder: Path, tmp_path: Path) -> None:
    save_relighting(folder / "relighting_lora.safetensors", random_pairs(tiny_transformer(), seed=3))
    (folder / "loras").mkdir()
    norms = {"diffusion_model.blocks.0.norm3.diff": torch.zeros(24)}
    save_comfy(folder / "loras/step4.safetensors", random_pairs(tiny_transformer(), seed=4), **norms)
    found = opened(folder, tmp_path, loras="relighting:0.7,step4")
    assert found.parts.transformer.active_adapters() == ["lora_0", "lora_1"]
    assert list(found.used.digests())[1:] == ["relighting_lora.safetensors x 0.7", "step4.safetensors x 1"]
    assert any("step4.safetensors changes 1 norms" in finding.message for finding in found.findings)


def test_what_named_loras_will_take_is_known_before_anything_is_loaded(folder: Path, tmp_path: Path) -> None:
    pairs = random_pairs(tiny_transformer(), seed=3)
    save_relighting(folder / "relighting_lora.safetensors", pairs)
    numbers = sum(pair.up.numel() + pair.down.numel() for pair in pairs.values())
    settings = UserSettings(home=tmp_path, weights=str(folder))
    assert bytes_of_loras(WAN_ANIMATE, settings, parse_loras("relighting:0.7")) == 2 * numbers
    assert bytes_of_loras(WAN_ANIMATE, settings, parse_loras("relighting:0")) == 0
    with pytest.raises(WeightsError, match="there is no LoRA 'day'"):
        bytes_of_loras(WAN_ANIMATE, settings, parse_loras("day"))


def test_when_a_model_is_opened_in_bfloat16_then_its_loras_are_too_and_it_answers(folder: Path, tmp_path: Path) -> None:
    save_relighting(folder / "relighting_lora.safetensors", random_pairs(tiny_transformer(), seed=3))
    settings = UserSettings(home=tmp_path, weights=str(folder))
    placement = Placement(transformer="bfloat16", vae="bfloat16", encoders="bfloat16")
    transformer = open_model(WAN_ANIMATE, settings, placement, loras=parse_loras("relighting")).parts.transformer
    numbers = {name: parameter.dtype for name, parameter in transformer.named_parameters()}
    assert {number for name, number in numbers.items() if "lora_" in name} == {torch.bfloat16}
    assert numbers["blocks.0.scale_shift_table"] is torch.float32
    answer = transformer(
        hidden_states=torch.zeros(1, 36, 3, 4, 4, dtype=torch.bfloat16),
        timestep=torch.tensor([500.0]),
        encoder_hidden_states=torch.zeros(1, 12, TEXT_WIDTH, dtype=torch.bfloat16),
        encoder_hidden_states_image=torch.zeros(1, 17, IMAGE_WIDTH, dtype=torch.bfloat16),
        pose_hidden_states=torch.zeros(1, 16, 2, 4, 4, dtype=torch.bfloat16),
        face_pixel_values=torch.zeros(1, 3, 5, FACE_SIZE, FACE_SIZE, dtype=torch.bfloat16),
        return_dict=False,
    )[0]
    assert answer.dtype is torch.bfloat16
    assert bool(torch.isfinite(answer).all())


def test_when_pickled_weights_are_allowed_then_they_are_loaded_and_listed(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    safe = folder / "transformer/diffusion_pytorch_model.safetensors"
    torch.save(load_file(safe), safe.with_suffix(".bin"))
    safe.unlink()
    found = opened(folder, tmp_path, allow=(str(safe.with_suffix(".bin")),))
    [warning] = [finding for finding in found.findings if finding.outcome == "warn"]
    assert "the transformer was read from transformer/diffusion_pytorch_model.bin" in warning.message
    assert "transformer/diffusion_pytorch_model.bin" in found.used.files


def test_when_a_file_is_not_what_was_pinned_then_nothing_is_loaded(folder: Path, tmp_path: Path) -> None:
    write_manifest(folder, pin(folder, WAN_ANIMATE.name, by="ana"))
    (folder / "scheduler/scheduler_config.json").write_text("{}")
    with pytest.raises(WeightsError, match=r"scheduler_config\.json is not what was pinned"):
        opened(folder, tmp_path)


def test_when_a_lora_is_lacking_then_it_is_told_before_gigabytes_are_read(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="there is no LoRA 'relighting'"):
        opened(folder, tmp_path, loras="relighting")
    assert not (tmp_path / "weights-digests").exists()


def test_when_the_pickled_relighting_lora_is_allowed_by_name_then_it_is_on(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    safe = save_relighting(tmp_path / "a.safetensors", random_pairs(tiny_transformer(), seed=3))
    path = folder / "relighting_lora.ckpt"
    torch.save({"state_dict": load_file(safe)}, path)
    with pytest.raises(WeightsError, match="is a pickled file"):
        opened(folder, tmp_path, loras="relighting")
    assert opened(folder, tmp_path, loras="relighting", allow=(str(path),)).parts.transformer.active_adapters() == [
        "lora_0"
    ]
