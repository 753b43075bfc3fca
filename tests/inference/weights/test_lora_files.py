"""Whatever tool wrote a LoRA, its pairs are the same; what is no LoRA for Wan is told by its first strange key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the model's libraries: pip install 'understudy[wan]'")
pytest.importorskip("diffusers", reason="the model's libraries: pip install 'understudy[wan]'")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as some  # noqa: E402
from safetensors.torch import load_file, save_file  # noqa: E402
from tiny_lora import (  # noqa: E402
    ORIGINAL,
    original_name,
    random_pairs,
    save_comfy,
    save_diffusers,
    save_musubi,
    save_peft_folder,
    save_relighting,
)
from tiny_wan import tiny_transformer  # noqa: E402

from understudy.bridge.errors import WeightsError  # noqa: E402
from understudy.inference.weights.lora_files import Pair, read_lora  # noqa: E402
from understudy.inference.weights.lora_names import module_name, understand  # noqa: E402

PAIRS = random_pairs(tiny_transformer(), seed=5)


def same(found: dict[str, Pair], wanted: dict[str, Pair] = PAIRS) -> bool:
    return found.keys() == wanted.keys() and all(
        torch.allclose(found[name].up @ found[name].down, wanted[name].up @ wanted[name].down, atol=1e-6)
        for name in wanted
    )


FORMS = {
    "diffusers": lambda folder: save_diffusers(folder / "a.safetensors", PAIRS),
    "diffusers without its prefix": lambda folder: save_diffusers(folder / "a.safetensors", PAIRS, prefix=""),
    "peft": lambda folder: save_peft_folder(folder / "peft", PAIRS, alpha=4),
    "official relighting": lambda folder: save_relighting(folder / "a.safetensors", PAIRS),
    "comfy": lambda folder: save_comfy(folder / "a.safetensors", PAIRS),
    "comfy with alpha": lambda folder: save_comfy(folder / "a.safetensors", PAIRS, alpha=1.0),
    "musubi": lambda folder: save_musubi(folder / "a.safetensors", PAIRS, alpha=2.0),
}


@pytest.mark.parametrize("form", FORMS)
def test_when_a_lora_is_read_then_its_pairs_are_those_that_were_written(form: str, tmp_path: Path) -> None:
    read = read_lora(FORMS[form](tmp_path))
    assert same(read.pairs)
    assert not read.ignored


@pytest.mark.parametrize("form", ["diffusers", "comfy", "comfy with alpha", "musubi"])
def test_when_diffusers_reads_the_same_file_then_it_finds_the_same(form: str, tmp_path: Path) -> None:
    from diffusers.loaders import WanLoraLoaderMixin

    theirs = WanLoraLoaderMixin.lora_state_dict(load_file(FORMS[form](tmp_path)))
    found = {
        name: Pair(theirs[f"transformer.{name}.lora_A.weight"], theirs[f"transformer.{name}.lora_B.weight"])
        for name in PAIRS
    }
    assert same(found, read_lora(FORMS[form](tmp_path)).pairs)
    assert len(theirs) == 2 * len(found)


def test_when_pefts_config_says_an_alpha_then_the_pairs_are_scaled_by_it(tmp_path: Path) -> None:
    ends = {"alpha_pattern": {r"blocks.0.attn1.to_q": 16}}
    pairs = read_lora(save_peft_folder(tmp_path / "peft", PAIRS, alpha=2, **ends)).pairs
    assert torch.allclose(pairs["blocks.1.attn1.to_q"].up, PAIRS["blocks.1.attn1.to_q"].up * 2 / 4)
    assert torch.allclose(pairs["blocks.0.attn1.to_q"].up, PAIRS["blocks.0.attn1.to_q"].up * 16 / 4)


def test_when_pefts_config_says_rslora_then_the_scale_is_by_the_ranks_root(tmp_path: Path) -> None:
    pairs = read_lora(save_peft_folder(tmp_path / "peft", PAIRS, alpha=2, use_rslora=True)).pairs
    assert torch.allclose(pairs["blocks.1.ffn.net.2"].up, PAIRS["blocks.1.ffn.net.2"].up * 2 / 2)


def test_when_diffusers_wrote_the_config_into_the_file_then_it_counts(tmp_path: Path) -> None:
    path = save_diffusers(tmp_path / "a.safetensors", PAIRS)
    said = {"lora_adapter_metadata": json.dumps({"transformer.r": 4, "transformer.lora_alpha": 8})}
    save_file(load_file(path), path, metadata=said)
    assert torch.allclose(read_lora(path).pairs["blocks.0.ffn.net.2"].up, PAIRS["blocks.0.ffn.net.2"].up * 2)


@pytest.mark.parametrize(
    "config", ["{", "[]", '{"lora_alpha": "much"}', '{"alpha_pattern": {"(": 1}}', '{"use_rslora": 3}']
)
def test_when_a_loras_config_makes_no_sense_then_it_is_named(tmp_path: Path, config: str) -> None:
    path = save_peft_folder(tmp_path / "peft", PAIRS, alpha=4)
    path.with_name("adapter_config.json").write_text(config)
    assert refused(path).startswith(f"{path.with_name('adapter_config.json')} cannot be read")
    own = save_diffusers(tmp_path / "a.safetensors", PAIRS)
    save_file(load_file(own), own, metadata={"lora_adapter_metadata": config})
    assert refused(own).startswith(f"the config in {own} cannot be read")


def test_when_a_distilled_lora_changes_norms_and_biases_then_norms_are_told_and_biases_kept(tmp_path: Path) -> None:
    further: dict[str, Any] = {
        "diffusion_model.blocks.0.norm3.diff": torch.zeros(24),
        "diffusion_model.blocks.0.self_attn.norm_q.diff_b": torch.zeros(24),
        "diffusion_model.blocks.0.self_attn.q.diff_b": torch.ones(24),
        "diffusion_model.head.head.diff": torch.ones(64, 24),
    }
    read = read_lora(save_comfy(tmp_path / "a.safetensors", PAIRS, **further))
    assert read.ignored == (
        "diffusion_model.blocks.0.norm3.diff",
        "diffusion_model.blocks.0.self_attn.norm_q.diff_b",
    )
    bias = read.pairs["blocks.0.attn1.to_q"].bias
    assert bias is not None
    assert bias.tolist() == [1.0] * 24
    assert torch.equal(read.pairs["proj_out"].up @ read.pairs["proj_out"].down, torch.ones(64, 24))


def refused(path: Path, **allowed: Any) -> str:
    with pytest.raises(WeightsError) as raised:
        read_lora(path, **allowed)
    assert raised.value.remedy
    return raised.value.message


def spoil(path: Path, removed: str = "", **added: torch.Tensor) -> Path:
    tensors = load_file(path)
    save_file({**{key: tensor for key, tensor in tensors.items() if key != removed}, **added}, path)
    return path


def test_when_there_is_no_file_then_it_is_named(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.safetensors") == f"there is no LoRA {tmp_path / 'none.safetensors'}"


@pytest.mark.parametrize("kept", [0, 7, 1000])
def test_when_a_lora_is_cut_short_then_it_is_named(tmp_path: Path, kept: int) -> None:
    path = save_diffusers(tmp_path / "a.safetensors", PAIRS)
    path.write_bytes(path.read_bytes()[:kept])
    assert f"{path} is cut short" in refused(path)


def test_when_a_matrix_lacks_its_counterpart_then_it_is_named(tmp_path: Path) -> None:
    path = save_diffusers(tmp_path / "a.safetensors", PAIRS)
    spoil(path, removed="transformer.blocks.0.attn1.to_q.lora_B.weight")
    assert "transformer.blocks.0.attn1.to_q.lora_A.weight has no counterpart" in refused(path)


def test_when_ranks_disagree_then_both_shapes_are_told(tmp_path: Path) -> None:
    path = save_diffusers(tmp_path / "a.safetensors", PAIRS)
    spoil(path, **{"transformer.blocks.0.attn1.to_q.lora_B.weight": torch.zeros(24, 5)})
    assert "(4, 24) and its counterpart (24, 5)" in refused(path)


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("blocks.0.attn1.to_q.dora_scale", "a DoRA"),
        ("blocks.0.attn1.to_q.lokr_w1", "a LoKr"),
        ("blocks.0.attn1.to_q.hada_w1_a", "a LoHa"),
        ("single_transformer_blocks.0.norm.linear.weight", "no key of a LoRA for Wan"),
    ],
)
def test_when_it_is_another_kind_of_file_then_the_key_is_named(tmp_path: Path, key: str, kind: str) -> None:
    message = refused(spoil(save_diffusers(tmp_path / "a.safetensors", PAIRS), **{key: torch.zeros(2, 2)}))
    assert key in message
    assert kind in message


def test_when_a_file_holds_nothing_then_it_is_no_lora(tmp_path: Path) -> None:
    save_file({}, tmp_path / "a.safetensors")
    assert refused(tmp_path / "a.safetensors") == f"{tmp_path / 'a.safetensors'} holds no LoRA"


def pickle_relighting(path: Path) -> Path:
    """Write the file as the official one is: pickled, under `state_dict`."""
    tensors = load_file(save_relighting(path.with_suffix(".safetensors"), PAIRS))
    torch.save({"state_dict": tensors}, path)
    return path


def test_when_the_official_file_is_pickled_then_it_is_refused_until_allowed_by_name(tmp_path: Path) -> None:
    path = pickle_relighting(tmp_path / "relighting_lora.ckpt")
    assert f"{path} is a pickled file" in refused(path)
    assert f"{path} is a pickled file" in refused(path, allowed_pickled=(tmp_path / "other.ckpt",))
    assert same(read_lora(path, allowed_pickled=(path,)).pairs)


class Hostile:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.path), "w")


def test_when_an_allowed_file_would_run_code_then_it_is_refused_and_nothing_ran(tmp_path: Path) -> None:
    path, trace = tmp_path / "relighting_lora.ckpt", tmp_path / "ran"
    torch.save({"state_dict": {"blocks.0.self_attn.q.lora_A.weight": Hostile(trace)}}, path)
    assert "holds more than tensors" in refused(path, allowed_pickled=(path,))
    assert not trace.exists()


@given(
    block=some.integers(0, 39), layer=some.sampled_from(sorted(ORIGINAL)), adapter=some.sampled_from(["", "relight"])
)
def test_every_linear_layer_of_a_block_is_found_by_all_of_its_names(block: int, layer: str, adapter: str) -> None:
    module = f"blocks.{block}.{layer}"
    dot = f".{adapter}" if adapter else ""
    said = original_name(module)
    keys = (
        f"transformer.{module}.lora_A{dot}.weight",
        f"base_model.model.{said}.lora_A{dot}.weight",
        f"diffusion_model.{said}.lora_down.weight",
        f"lora_unet_{said.replace('.', '_')}.lora_down.weight",
    )
    assert module_name(said) == module
    assert {(key.module, key.kind) for key in map(understand, keys) if key} == {(module, "down")}
    assert all(understand(key) for key in keys)
