"""A LoRA of any published form over Wan-Animate-2, whose layers diffusers names otherwise than those of Wan-Animate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the model's libraries: pip install 'understudy[wan]'")
pytest.importorskip("peft", reason="the model's libraries: pip install 'understudy[wan]'")

from tiny_lora import (  # noqa: E402
    named_as_in_the_first,
    random_pairs,
    save_comfy,
    save_diffusers,
    save_musubi,
    save_peft_folder,
    save_relighting,
)
from tiny_wan2 import tiny_transformer_2  # noqa: E402

from understudy.bridge.errors import WeightsError  # noqa: E402
from understudy.inference.engines.wan.float8 import quantise_blocks  # noqa: E402
from understudy.inference.weights.lora_files import Pair, bytes_laid_on, read_lora  # noqa: E402
from understudy.inference.weights.lora_names import in_wan_animate_2, module_name  # noqa: E402
from understudy.inference.weights.loras import WeightedLora, lay_on  # noqa: E402

WEIGHT = 0.7


@pytest.fixture
def transformer() -> Any:
    torch.manual_seed(1)
    return tiny_transformer_2().requires_grad_(False)


FORMS: list[Callable[[Path, dict[str, Pair]], Path]] = [
    lambda folder, pairs: save_diffusers(folder / "a.safetensors", pairs),
    lambda folder, pairs: save_relighting(folder / "a.safetensors", named_as_in_the_first(pairs)),
    lambda folder, pairs: save_comfy(folder / "a.safetensors", named_as_in_the_first(pairs), alpha=2.0),
    lambda folder, pairs: save_musubi(folder / "a.safetensors", named_as_in_the_first(pairs), alpha=2.0),
    lambda folder, pairs: save_peft_folder(folder / "a", pairs, alpha=4.0),
]


@pytest.mark.parametrize("save", FORMS, ids=["diffusers", "original", "comfy", "musubi", "peft"])
def test_every_layer_answers_as_if_the_lora_were_added_to_its_weights(
    transformer: Any, tmp_path: Path, save: Callable[[Path, dict[str, Pair]], Path]
) -> None:
    pairs = random_pairs(transformer, seed=3)
    before = {name: transformer.get_submodule(name) for name in pairs}
    given = {name: torch.randn(2, layer.in_features) for name, layer in before.items()}
    plain = {name: layer(given[name]) for name, layer in before.items()}
    lay_on(transformer, [WeightedLora(read_lora(save(tmp_path, pairs)), WEIGHT)])
    for name, pair in pairs.items():
        added = given[name] @ (WEIGHT * pair.up @ pair.down).T
        torch.testing.assert_close(transformer.get_submodule(name)(given[name]), plain[name] + added)
        assert added.abs().max() > 0.01


@pytest.mark.parametrize(
    "said", ["time_projection.1", "time_embedding.0", "text_embedding.2", "img_emb.proj.1", "head.head"]
)
def test_a_layer_outside_the_blocks_comes_back_to_its_original_name(transformer: Any, said: str) -> None:
    assert in_wan_animate_2(module_name(said)) == said
    assert isinstance(transformer.get_submodule(said), torch.nn.Linear)


def test_when_a_lora_is_for_the_face_adapters_that_this_model_lacks_then_the_layer_is_named(
    transformer: Any, tmp_path: Path
) -> None:
    faces = {"face_adapter.0.to_q": Pair(torch.zeros(4, 24), torch.zeros(24, 4))}
    file = read_lora(save_diffusers(tmp_path / "a.safetensors", faces))
    with pytest.raises(WeightsError, match=r"face_adapter\.0\.to_q, which is no linear layer"):
        lay_on(transformer, [WeightedLora(file, 1.0)])


def test_when_the_blocks_are_in_float8_already_then_it_is_said_that_loras_come_first(
    transformer: Any, tmp_path: Path
) -> None:
    file = read_lora(save_diffusers(tmp_path / "a.safetensors", random_pairs(transformer, seed=3)))
    quantise_blocks(transformer)
    with pytest.raises(ValueError, match="before the blocks become Float8Linear"):
        lay_on(transformer, [WeightedLora(file, 1.0)])


def test_what_a_lora_takes_beside_the_weights_is_known_from_its_header(transformer: Any, tmp_path: Path) -> None:
    pairs = random_pairs(transformer, seed=3)
    path = save_diffusers(tmp_path / "a.safetensors", pairs)
    assert bytes_laid_on(path) == 2 * sum(pair.up.numel() + pair.down.numel() for pair in pairs.values())
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(WeightsError, match="cut short"):
        bytes_laid_on(path)
    with pytest.raises(WeightsError, match="there is no LoRA"):
        bytes_laid_on(tmp_path / "b.safetensors")
